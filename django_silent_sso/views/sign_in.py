"""Interactive sign-in."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from django_silent_sso.browser import is_same_origin, may_start
from django_silent_sso.conf import conf
from django_silent_sso.flows.begin import begin, destination
from django_silent_sso.protocol.errors import Reason, ResponseError, SilentSSOError
from django_silent_sso.responses import Page, Redirect
from django_silent_sso.storage.marks import Marks, read_marks
from django_silent_sso.storage.pending import TOP
from django_silent_sso.upstream import AUTHENTICATE_URL_NAME
from django_silent_sso.views.endpoint import endpoint, error_page, leave_session_alone

__all__ = ["ask_first", "authenticate", "forbidden"]


@endpoint("GET", "POST")
def authenticate(request: HttpRequest) -> HttpResponse:
    """To the OP, and back to `?next=`.

    After the OP has vouched for somebody else than the user who was here, the next sign-in begins with a question of
    ours: an OP that has a session asks nothing, and the other person must not be signed in without a visible step.
    """
    if not may_start(request) or (request.method == "POST" and not is_same_origin(request)):
        return forbidden(request)
    return_to = destination(request, request.GET.get(conf.redirect_field_name))
    marks = read_marks(request)
    question = ask_first(request, marks, return_to) if request.method == "GET" else None
    if question is not None:
        return question
    try:
        begun = begin(request, silent=False, transport=TOP, return_to=return_to, marks=marks)
    except SilentSSOError as error:
        return error_page(request, error, return_to)
    leave_session_alone(request)
    response = Redirect(begun.url)
    begun.remember(request, response)
    return response


def forbidden(request: HttpRequest) -> HttpResponse:
    """403: an image, a frame, a script or another site's form signs nobody in (S20)."""
    response = error_page(request, ResponseError(Reason.CROSS_SITE_REQUEST))
    response.status_code = 403
    return response


def ask_first(request: HttpRequest, marks: Marks, return_to: str) -> HttpResponse | None:
    """The page that asks before another person is signed in; None where there is no reason to."""
    if marks.silence is not Reason.SUBJECT_CHANGED:
        return None
    again = f"{reverse(AUTHENTICATE_URL_NAME)}?{urlencode({conf.redirect_field_name: return_to})}"
    return Page(request, "another_account.html", status=200, reason=Reason.SUBJECT_CHANGED, again=again)
