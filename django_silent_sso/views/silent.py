"""Where the page's own script begins a silent attempt."""

from __future__ import annotations

import time
from dataclasses import replace
from math import ceil
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from django_silent_sso.browser import is_same_origin
from django_silent_sso.conf import conf
from django_silent_sso.flows.begin import begin, destination
from django_silent_sso.flows.obstacles import LOAD, RETURN, obstacle
from django_silent_sso.protocol.errors import Reason, SilentSSOError
from django_silent_sso.responses import FrameResult, private
from django_silent_sso.storage.marks import read_marks
from django_silent_sso.storage.pending import FRAME, POPUP, TOP
from django_silent_sso.views.endpoint import endpoint, leave_session_alone

__all__ = ["start"]

FEDCM = "fedcm"  # the browser itself asks the OP, which answers with an ID Token


@endpoint("POST")
def start(request: HttpRequest) -> HttpResponse:
    """Begin a silent attempt for a hidden frame, a popup, a top-level hop or FedCM; or say why not."""
    if not is_same_origin(request):
        return FrameResult("failed", Reason.CROSS_SITE_REQUEST, code=403)
    now = time.time()
    marks = read_marks(request)
    transport = request.POST.get("transport", FRAME)
    by_browser = transport == FEDCM and conf.fedcm is not None
    if by_browser:
        transport = FRAME  # what it brings comes back by the page's script, too
    if transport not in (FRAME, TOP, POPUP):
        return FrameResult("failed", Reason.WRONG_TRANSPORT, code=400)
    trigger = request.POST.get("trigger", LOAD)
    always = request.POST.get("itp_support") == "1"
    reason, until = obstacle(request, marks, now, transport=transport, trigger=trigger, always=always)
    if reason is not None:
        leave_session_alone(request)
        return _not_now(reason, until, now, marks.needed(now))
    if trigger == RETURN:  # a page load a moment ago is no reason to make the user wait
        marks = replace(marks, frame_asked_at=int(now))
    return_to = destination(request, request.POST.get("return_to")) if transport == TOP else "/"
    response_type = "id_token" if by_browser else None
    try:
        begun = begin(
            request, silent=True, transport=transport, return_to=return_to, marks=marks, response_type=response_type
        )
    except SilentSSOError as error:
        leave_session_alone(request)
        return FrameResult("failed", error.reason, retry_after=conf.back_off[0])
    leave_session_alone(request)
    facts: dict[str, object] = {"authorization_url": begun.url}
    if by_browser:
        facts = {"provider": {"configURL": conf.fedcm, "clientId": conf.client_id, "nonce": begun.pending.nonce}}
    response = private(JsonResponse({**facts, "attempt": begun.pending.state}))
    begun.remember(request, response)
    return response


def _not_now(reason: Reason, until: float, now: float, needed: Reason | None) -> HttpResponse:
    """`error` is what the OP has said: there may be pages that have not heard it."""
    facts: dict[str, Any] = {"retry_after": ceil(until - now)} if until > now else {}
    if reason is Reason.BACKED_OFF and needed is not None:
        facts["error"] = needed
    return FrameResult("failed", reason, **facts)
