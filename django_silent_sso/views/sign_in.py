"""Interactive sign-in, and its stricter sister: the step-up, which confirms who is here."""

from __future__ import annotations

import logging
import time
from typing import Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from django_silent_sso.browser import is_same_origin, may_start
from django_silent_sso.conf import conf
from django_silent_sso.flows.begin import begin, destination
from django_silent_sso.protocol.authentication_request import Prompt
from django_silent_sso.protocol.errors import Reason, ResponseError, SilentSSOError
from django_silent_sso.protocol.step_up import Demand
from django_silent_sso.responses import Page, Redirect
from django_silent_sso.storage.marks import Marks, read_marks
from django_silent_sso.storage.pending import TOP, PendingAuthentication
from django_silent_sso.upstream import AUTHENTICATE_URL_NAME
from django_silent_sso.views.endpoint import endpoint, error_page, leave_session_alone

__all__ = ["ask_first", "authenticate", "forbidden", "leave_for_op", "not_confirmed", "refused", "start_url"]

logger = logging.getLogger("django_silent_sso.views")

MAX_SIGN_INS: Final = 5  # of one browser within half a minute, before they are taken for a loop
AGAIN: Final = "again"  # in a link to our start: a person has clicked
ANEW: Final = "anew"  # in a link to our start: the OP shall ask, whatever it knows
UNCONFIRMED: Final = frozenset({Reason.ID_TOKEN_AUTH_TIME, Reason.ID_TOKEN_ACR, Reason.SUBJECT_CHANGED})


@endpoint("GET", "POST")
def authenticate(request: HttpRequest) -> HttpResponse:
    """To the OP, and back to `?next=`.

    After the OP has vouched for somebody else than the user who was here, the next sign-in begins with a question of
    ours: an OP that has a session asks nothing, and the other person must not be signed in without a visible step.
    """
    if not may_start(request) or (request.method == "POST" and not is_same_origin(request)):
        return forbidden(request)
    return_to = destination(request, request.GET.get(conf.redirect_field_name))
    if AGAIN not in request.GET and read_marks(request).recent_sign_ins(time.time()) >= MAX_SIGN_INS:
        return _going_round(request, return_to)
    return leave_for_op(request, return_to, Demand.from_query(request.GET), anew=ANEW in request.GET)


def _going_round(request: HttpRequest, return_to: str) -> HttpResponse:
    """A browser that signs in again and again without a click: its session cookie does not stay, or the page sends
    everybody who may not see it to sign in. One of the rounds ends here, on a page that says so."""
    logger.warning("loop_stopped: signed in %d times within half a minute", MAX_SIGN_INS)
    again = f"{start_url(return_to)}&{AGAIN}=1"
    return Page(request, "error.html", status=400, reason=Reason.LOOP_STOPPED, again=again)


def leave_for_op(
    request: HttpRequest, return_to: str, demand: Demand | None = None, *, anew: bool = False
) -> HttpResponse:
    """302 to the OP, or the page that says why not. A `demand` makes it a step-up; `anew`: with `prompt=login`."""
    marks = read_marks(request)
    question = ask_first(request, marks, return_to, demand) if request.method == "GET" else None
    if question is not None:
        return question
    try:
        begun = begin(
            request,
            silent=False,
            transport=TOP,
            return_to=return_to,
            marks=marks,
            max_age=None if demand is None else demand.max_age,
            acr_values=None if demand is None else demand.classes,
            prompt=Prompt.LOGIN if demand is not None and anew else None,
        )
    except SilentSSOError as error:
        return error_page(request, error, return_to)
    leave_session_alone(request)
    response = Redirect(begun.url)
    begun.remember(request, response)
    return response


def start_url(return_to: str | None, demand: Demand | None = None, *, anew: bool = False) -> str:
    """A link to `authenticate`."""
    query = {} if return_to is None else {conf.redirect_field_name: return_to}
    query |= {} if demand is None else demand.to_query()
    query |= {ANEW: "1"} if anew else {}
    url = reverse(AUTHENTICATE_URL_NAME)
    return f"{url}?{urlencode(query)}" if query else url


def forbidden(request: HttpRequest) -> HttpResponse:
    """403: an image, a frame, a script or another site's form signs nobody in (S20)."""
    response = error_page(request, ResponseError(Reason.CROSS_SITE_REQUEST))
    response.status_code = 403
    return response


def ask_first(request: HttpRequest, marks: Marks, return_to: str, demand: Demand | None = None) -> HttpResponse | None:
    """The page that asks before another person is signed in; None where there is no reason to."""
    if marks.silence is not Reason.SUBJECT_CHANGED:
        return None
    again = start_url(return_to, demand)
    return Page(request, "another_account.html", status=200, reason=Reason.SUBJECT_CHANGED, again=again)


def refused(request: HttpRequest, pending: PendingAuthentication, error: SilentSSOError) -> HttpResponse:
    """The page after a refused interactive sign-in; after a step-up it offers another try, with `prompt=login`.

    Never a redirect: an OP that has just answered like this would answer like this again, without end.
    """
    if not pending.is_step_up or error.reason not in UNCONFIRMED:
        return error_page(request, error, pending.return_to)
    demand = Demand(pending.max_age or 0, tuple((pending.acr_values or "").split()))
    return not_confirmed(request, error.reason, demand, pending.return_to, status=400)


def not_confirmed(request: HttpRequest, reason: Reason, demand: Demand, return_to: str, *, status: int) -> HttpResponse:
    """Nobody was signed in or out: the page asked for stays shut, and this one says why."""
    again = start_url(return_to, demand, anew=True)
    return Page(request, "not_confirmed.html", status=status, reason=reason, again=again)
