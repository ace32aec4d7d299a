"""Where every Authentication Response arrives (Core 3.1.2.5 to 3.1.2.7).

Identify before acting: nothing changes until the response has been matched to an attempt of this very browser.
"""

from __future__ import annotations

import logging
import time
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from django_silent_sso.browser import is_framed, is_same_origin, kind_of
from django_silent_sso.conf import conf
from django_silent_sso.details import display_name
from django_silent_sso.flows.begin import DOCTOR, fragment_is_used, return_to_without_cookies, transport_of, way_back
from django_silent_sso.flows.refusal import Failed, fail
from django_silent_sso.flows.sign_in import Completed, SubjectChanged, complete
from django_silent_sso.policy import Kind
from django_silent_sso.protocol.authentication_response import ResponseParameters, read_parameters
from django_silent_sso.protocol.errors import Reason, ResponseError, SilentSSOError
from django_silent_sso.responses import FragmentPage, FrameResult, Redirect, RelayPage, private
from django_silent_sso.storage import pending as pending_store
from django_silent_sso.storage.marks import read_marks, write_marks
from django_silent_sso.storage.pending import FRAME, POPUP, TOP, PendingAuthentication
from django_silent_sso.storage.rp_session import RPSession
from django_silent_sso.storage.sealing import seal, unseal
from django_silent_sso.views.doctor import doctor_answered
from django_silent_sso.views.endpoint import endpoint, error_page, keep_session_cookie, leave_session_alone
from django_silent_sso.views.hops import FORM_POST, hop_for_strict_cookies, hop_form_post, without_cookies
from django_silent_sso.views.sign_in import refused

__all__ = ["callback"]

logger = logging.getLogger("django_silent_sso.sign_in")

FORM = "application/x-www-form-urlencoded"
HOP_LIFETIME = 60  # seconds
FRAGMENT = "silent_sso_fragment"  # in a form that our own page made of a fragment


@endpoint("GET", "POST")
@sensitive_post_parameters()  # tokens, in reports of a fault in a site's hook (L03)
def callback(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _posted(request)
    transport = transport_of(request.GET.get("state"))
    if is_framed(request) or transport == POPUP:
        return RelayPage(request)
    if transport == FRAME:
        if "Sec-Fetch-Dest" not in request.headers:
            return RelayPage(request)
        return error_page(request, ResponseError(Reason.WRONG_TRANSPORT, "made for a hidden frame"))
    if FORM_POST in request.GET:
        data = unseal(request.GET[FORM_POST], FORM_POST, time.time(), HOP_LIFETIME)
        pairs = [(str(k), str(v)) for k, v in (data or {}).items()]
        return _top_level(request, pairs, mode="form_post")
    if not request.GET and fragment_is_used():  # only the browser can see it
        return FragmentPage(request)
    return _top_level(request, _pairs(request.GET), mode="query")


def _pairs(query: object) -> list[tuple[str, str]]:
    lists: list[tuple[str, list[str]]] = list(query.lists())  # type: ignore[attr-defined]
    return [(name, value) for name, values in lists for value in values]


def _posted(request: HttpRequest) -> HttpResponse:
    if request.content_type != FORM or (request.encoding or "utf-8").lower() not in ("utf-8", "utf8"):
        return private(HttpResponse(status=415))
    if kind_of(request) is Kind.FORM or not _from_a_page(request):
        if request.GET:  # parameters in two places (S15)
            return error_page(request, ResponseError(Reason.MALFORMED_RESPONSE, "a query beside a form"))
        if is_same_origin(request) and FRAGMENT in request.POST:
            return _top_level(request, _pairs(request.POST), mode="fragment")
        return _form_post(request)
    if not is_same_origin(request):
        return FrameResult("failed", Reason.CROSS_SITE_REQUEST, code=403)
    return _relayed(request)


def _from_a_page(request: HttpRequest) -> bool:
    return any(name in request.headers for name in ("Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode"))


@sensitive_variables("pairs")
def _form_post(request: HttpRequest) -> HttpResponse:
    """The OP's own form (Form Post Response Mode). From another site it brings no Lax cookie: one hop, and it does."""
    pairs = _pairs(request.POST)
    try:
        parameters = read_parameters(pairs)
    except ResponseError as error:
        return error_page(request, error)
    now = time.time()
    if parameters.state is not None and pending_store.find(request, parameters.state, now) is None:
        sealed = seal(dict(parameters.values), FORM_POST, now)
        return hop_form_post(request, f"{reverse(conf.callback_url_name)}?{urlencode({FORM_POST: sealed})}")
    return _top_level(request, pairs, mode="form_post")


@sensitive_variables("pairs")
def _top_level(request: HttpRequest, pairs: list[tuple[str, str]], *, mode: str) -> HttpResponse:
    try:
        parameters = read_parameters(pairs)
        strict = hop_for_strict_cookies(request, parameters.state)
        if strict is not None:
            return strict
        if transport_of(parameters.state) == DOCTOR:
            return doctor_answered(request, parameters)
        pending = _take(request, parameters, transport=TOP, mode=mode)
    except ResponseError as refused:
        return _not_ours(request, pairs, refused)
    except SilentSSOError as failed:
        return _not_now(request, pairs, failed)
    error: SilentSSOError | None = None
    try:
        done: Completed | Failed = complete(request, pending, parameters)
    except SilentSSOError as raised:
        error = raised
        done = fail(request, pending, raised, proven=True)
    response = _top_level_answer(request, pending, done, error)
    pending_store.forget(request, response, pending.state)
    return response


def _top_level_answer(
    request: HttpRequest,
    pending: PendingAuthentication,
    done: Completed | Failed,
    error: SilentSSOError | None,
) -> HttpResponse:
    response: HttpResponse
    if isinstance(done, Completed):
        response = Redirect(pending.return_to)
        keep_session_cookie(request, response)
        write_marks(request, response, read_marks(request).signed_in(time.time(), silent=pending.silent))
        return response
    if not done.session_ended:
        leave_session_alone(request)
    if done.begun is not None:
        response = Redirect(done.begun.url)
        done.begun.remember(request, response)
        return response
    if error is not None and not pending.silent and not isinstance(error, SubjectChanged):
        return refused(request, pending, error)
    response = Redirect(pending.return_to)
    write_marks(request, response, done.marks)
    return response


def _relayed(request: HttpRequest) -> HttpResponse:
    """The parameters a hidden frame or popup ended with, sent on by the page's own script."""
    try:
        parameters = read_parameters(_pairs(request.POST))
        transport = POPUP if transport_of(parameters.state) == POPUP else FRAME
        pending = _take(request, parameters, transport=transport, mode="query")
    except SilentSSOError as error:
        logger.info("%s: relayed response", error.reason)
        return FrameResult("failed", error.reason)
    proven = request.headers.get("Silent-SSO-Site") in ("same-origin", "same-site")
    response: HttpResponse
    try:
        done: Completed | Failed = complete(request, pending, parameters)
    except SilentSSOError as error:
        done = fail(request, pending, error, proven=proven)
    if isinstance(done, Completed):
        response = FrameResult(
            "signed_in",
            done.reason,
            user={"name": display_name(done.rp_session.claims) or done.user.get_username()},
            select_by=done.rp_session.select_by,
            expires_in=conf.renew_after,
            changed=done.changed,
            **done.rp_session.for_watching(),
        )
        keep_session_cookie(request, response)
        marks = read_marks(request).signed_in(time.time(), silent=pending.silent)
    else:
        if not done.session_ended:
            leave_session_alone(request)
        response = FrameResult(
            "failed",
            done.reason,
            signed_in=done.signed_in,
            confirm=_worth_a_hop(done, proven),
            retry_after=done.retry_after,
        )
        marks = done.marks
    write_marks(request, response, marks)
    pending_store.forget(request, response, pending.state)
    return response


def _worth_a_hop(done: Failed, proven: bool) -> bool:
    """Whether a top-level attempt may tell what the frame could not (`SILENT_SSO_TOP_LEVEL_HOP`)."""
    doubtful = done.reason in (Reason.INCONCLUSIVE_FRAME, Reason.LOGIN_REQUIRED, Reason.INTERACTION_REQUIRED)
    if proven or not doubtful:
        return False
    return conf.top_level_hop == "always" or (conf.top_level_hop == "known" and done.marks.known)


def _take(request: HttpRequest, parameters: ResponseParameters, *, transport: str, mode: str) -> PendingAuthentication:
    """This browser's attempt for the response, used up; refused untouched where the response came another way."""
    state = parameters.state
    if state is None:
        raise ResponseError(Reason.STATE_MISSING, "a response without state")
    now = time.time()
    pending = pending_store.find(request, state, now)
    if pending is not None:
        if pending.transport != transport:
            raise ResponseError(Reason.WRONG_TRANSPORT, "the response came another way than asked for")
        if transport == TOP and way_back(pending) != mode:
            raise ResponseError(Reason.UNEXPECTED_RESPONSE_MODE, "the response came another way than asked for")
    return pending_store.take(request, state, now)


def _not_now(request: HttpRequest, pairs: list[tuple[str, str]], error: SilentSSOError) -> HttpResponse:
    """The memory of used states is down. A silent attempt costs nobody a page; an interactive one can be repeated."""
    pending = pending_store.find(request, dict(pairs)["state"], time.time())
    if pending is not None and pending.silent:
        logger.warning("%s: %s", error.reason, pending)
        return Redirect(pending.return_to)
    return error_page(request, error, None if pending is None else pending.return_to)


def _not_ours(request: HttpRequest, pairs: list[tuple[str, str]], error: ResponseError) -> HttpResponse:
    """A repeated, late, foreign or forged response: nothing changes, and the person reads why."""
    logger.info("%s: response refused", error.reason)
    state = dict(pairs).get("state")
    if state is not None and error.reason in (Reason.STATE_UNKNOWN, Reason.STATE_USED):
        found = RPSession.read(request.session)
        used = pending_store.destination_of_used(state, None if found is None else found.subject)
        leave_session_alone(request)
        if used is not None:
            return Redirect(used)
        pending = pending_store.find(request, state, time.time())
        if pending is not None:  # used by this very browser, perhaps a moment ago (C85)
            return Redirect(pending.return_to)
        back = return_to_without_cookies(request, state, time.time())
        if back is not None:
            return without_cookies(back)
    return error_page(request, error)
