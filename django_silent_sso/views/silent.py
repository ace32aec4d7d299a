"""Where the page's own script begins a silent attempt."""

from __future__ import annotations

import time
from dataclasses import replace
from math import ceil

from django.http import HttpRequest, HttpResponse, JsonResponse

from django_silent_sso.browser import has_session_cookie, is_same_origin
from django_silent_sso.conf import conf
from django_silent_sso.flows.begin import begin, destination
from django_silent_sso.flows.obstacles import LOAD, RETURN, obstacle
from django_silent_sso.protocol.errors import Reason, SilentSSOError
from django_silent_sso.responses import FrameResult, private
from django_silent_sso.storage.marks import read_marks
from django_silent_sso.storage.pending import FRAME, POPUP, TOP
from django_silent_sso.storage.rp_session import RPSession
from django_silent_sso.views.endpoint import endpoint, leave_session_alone

__all__ = ["start"]


@endpoint("POST")
def start(request: HttpRequest) -> HttpResponse:
    """Begin a silent attempt for a hidden frame, a popup or a top-level hop; or say why not."""
    if not is_same_origin(request):
        return FrameResult("failed", Reason.CROSS_SITE_REQUEST, code=403)
    now = time.time()
    marks = read_marks(request)
    transport = request.POST.get("transport", FRAME)
    if transport not in (FRAME, TOP, POPUP):
        return FrameResult("failed", Reason.WRONG_TRANSPORT, code=400)
    if has_session_cookie(request) and not RPSession.is_readable(request.session):
        return _not_now(Reason.STORAGE_UNAVAILABLE, 0, now)
    trigger = request.POST.get("trigger", LOAD)
    always = request.POST.get("itp_support") == "1"
    reason, until = obstacle(request, marks, now, transport=transport, trigger=trigger, always=always)
    if reason is not None:
        leave_session_alone(request)
        return _not_now(reason, until, now)
    if trigger == RETURN:  # a page load a moment ago is no reason to make the user wait
        marks = replace(marks, frame_asked_at=int(now))
    return_to = destination(request, request.POST.get("return_to")) if transport == TOP else "/"
    try:
        begun = begin(request, silent=True, transport=transport, return_to=return_to, marks=marks)
    except SilentSSOError as error:
        leave_session_alone(request)
        return FrameResult("failed", error.reason, retry_after=conf.back_off[0])
    leave_session_alone(request)
    response = private(JsonResponse({"authorization_url": begun.url, "attempt": begun.pending.state}))
    begun.remember(request, response)
    return response


def _not_now(reason: Reason, until: float, now: float) -> HttpResponse:
    facts = {"retry_after": ceil(until - now)} if until > now else {}
    return FrameResult("failed", reason, **facts)
