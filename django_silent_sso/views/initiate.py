"""Login begun by a third party (Core 4): a link to `initiate/?iss=...` starts an ordinary sign-in."""

from __future__ import annotations

import re
from typing import Final

from django.http import HttpRequest, HttpResponse

from django_silent_sso.browser import may_start
from django_silent_sso.conf import conf
from django_silent_sso.flows.begin import begin, destination
from django_silent_sso.protocol.errors import Reason, ResponseError, SilentSSOError
from django_silent_sso.responses import Redirect
from django_silent_sso.storage.marks import read_marks
from django_silent_sso.storage.pending import TOP
from django_silent_sso.views.endpoint import endpoint, error_page, leave_session_alone
from django_silent_sso.views.sign_in import ask_first, forbidden

__all__ = ["initiate"]

LONGEST_HINT: Final = 255  # characters
PLAIN: Final = re.compile(r"[^\x00-\x1f\x7f]+")


@endpoint("GET", "POST")
def initiate(request: HttpRequest) -> HttpResponse:
    """`iss` must be our OP; `login_hint` and `target_link_uri` are the only others read (Core 4)."""
    if not may_start(request):
        return forbidden(request)
    given = request.POST if request.method == "POST" else request.GET
    if given.getlist("iss") != [conf.issuer]:
        return error_page(request, ResponseError(Reason.ISSUER_MISMATCH, "a login begun for another OP"))
    return_to = destination(request, given.get("target_link_uri"))
    marks = read_marks(request)
    question = ask_first(request, marks, return_to)
    if question is not None:
        return question
    hint = given.get("login_hint", "")
    extra = {"login_hint": hint} if len(hint) <= LONGEST_HINT and PLAIN.fullmatch(hint) else {}
    try:
        begun = begin(request, silent=False, transport=TOP, return_to=return_to, marks=marks, extra=extra)
    except SilentSSOError as error:
        return error_page(request, error, return_to)
    leave_session_alone(request)
    response = Redirect(begun.url)
    begun.remember(request, response)
    return response
