"""`SilentSSOMiddleware`: collects the facts of a request, lets `policy.decide()` decide, and answers.

    MIDDLEWARE = [
        ...
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django_silent_sso.middleware.SilentSSOMiddleware",
    ]

Sync and async: both colours share every decision; only the lines that load the session, ask the database or wait for
the OP differ. On a fresh request nothing is done beyond one look into the session, and not even that where no session
cookie came.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from inspect import isawaitable
from typing import cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import NoReverseMatch, Resolver404, get_script_prefix, get_urlconf, resolve, reverse
from django.utils.translation import get_language

from django_silent_sso.browser import has_session_cookie, is_robot, kind_of
from django_silent_sso.conf import conf
from django_silent_sso.decorators import EXEMPT_MARK
from django_silent_sso.details import SilentSSO
from django_silent_sso.flows.begin import begin, beginning_is_cheap, own_paths, preparation_is_cheap, prepare
from django_silent_sso.flows.sign_out import end_session
from django_silent_sso.policy import Action, Decision, Kind, RequestFacts, Rules, blocked, decide
from django_silent_sso.protocol.errors import Reason, SilentSSOError
from django_silent_sso.responses import Page, Redirect, SignInRequired, challenge
from django_silent_sso.storage import single_flight
from django_silent_sso.storage.marks import read_marks, write_marks
from django_silent_sso.storage.pending import TOP
from django_silent_sso.storage.rp_session import RPSession
from django_silent_sso.views.endpoint import leave_session_alone
from django_silent_sso.views.hops import COOKIES_BLOCKED

__all__ = ["SilentSSOMiddleware"]

logger = logging.getLogger("django_silent_sso.middleware")

GetResponse = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]


class SilentSSOMiddleware:
    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._async = iscoroutinefunction(get_response)
        if self._async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self._async:
            return self.__acall__(request)
        details = _attach(request)
        response: HttpResponseBase | None = None
        if _concerns_us(request) and not _is_settled(request, details):
            facts = _facts(request)
            details.decision = decide(facts, _rules(), time.time())
            if details.decision.action is Action.REDIRECT:
                obstacle = self._obstacle(request, facts, details.decision)
                response = _leave(request, facts, details, obstacle)
            response = response or self._carry_out(request, details)
        return _on_the_way_out(request, response or cast("HttpResponseBase", self.get_response(request)))

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        details = _attach(request)
        response: HttpResponseBase | None = None
        if _concerns_us(request):
            if has_session_cookie(request) and not await RPSession.ais_readable(request.session):
                _withhold(details)
                return _on_the_way_out(request, await self._answer(request))
            if _is_settled(request, details):  # it is loaded; what follows only looks
                return _on_the_way_out(request, await self._answer(request))
            facts = _facts(request)
            details.decision = decide(facts, _rules(), time.time())
            if details.decision.action is Action.REDIRECT:
                obstacle = await self._aobstacle(request, facts, details.decision)
                cheap = beginning_is_cheap(request.get_full_path())
                leave = _leave if cheap else sync_to_async(_leave, thread_sensitive=False)
                left = leave(request, facts, details, obstacle)
                response = await left if isawaitable(left) else left
            if response is None and details.decision.action in (Action.END_SESSION, Action.REFUSE):
                # The session's table, or a template with a site's context processors.
                response = await sync_to_async(self._carry_out)(request, details)
            else:
                response = response or self._carry_out(request, details)
        return _on_the_way_out(request, response or await self._answer(request))

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        answer = self.get_response(request)
        return answer if isinstance(answer, HttpResponseBase) else await answer

    # -- what a round trip needs before it begins -----------------------------------------------------------------
    def _obstacle(self, request: HttpRequest, facts: RequestFacts, decision: Decision) -> Reason | None:
        if _is_exempt(request):
            return Reason.EXEMPT
        try:
            if facts.signed_in and not request.user.is_authenticated:
                return Reason.USER_INACTIVE
        except DatabaseError:
            return Reason.STORAGE_UNAVAILABLE
        if _must_be_alone(facts, decision) and not single_flight.claim(request.session.session_key or ""):
            return Reason.ATTEMPT_UNDER_WAY
        return prepare()

    async def _aobstacle(self, request: HttpRequest, facts: RequestFacts, decision: Decision) -> Reason | None:
        if _is_exempt(request):
            return Reason.EXEMPT
        try:
            if facts.signed_in and not (await request.auser()).is_authenticated:
                return Reason.USER_INACTIVE
        except DatabaseError:
            return Reason.STORAGE_UNAVAILABLE
        if _must_be_alone(facts, decision) and not await single_flight.aclaim(request.session.session_key or ""):
            return Reason.ATTEMPT_UNDER_WAY
        return prepare() if preparation_is_cheap() else await sync_to_async(prepare, thread_sensitive=False)()

    def _carry_out(self, request: HttpRequest, details: SilentSSO) -> HttpResponseBase | None:
        if details.decision.action is not Action.SERVE and _is_exempt(request):
            details.decision = Decision(Action.SERVE, Reason.EXEMPT)
        action, reason = details.decision.action, details.decision.reason
        if action is Action.REFUSE:
            return _refuse(request, reason)
        if action is Action.END_SESSION:
            end_session(request, reason)
        elif action is Action.SERVE_ANONYMOUSLY:
            details.hide_user()
        return None


def _attach(request: HttpRequest) -> SilentSSO:
    details = SilentSSO(request)
    request.silent_sso = details  # type: ignore[attr-defined]
    return details


def _concerns_us(request: HttpRequest) -> bool:
    """Quick no's: nothing configured, no session where none could be, one of our own endpoints."""
    if not conf.configured or not hasattr(request, "session"):
        return False
    if not has_session_cookie(request) and conf.visitors != "redirect":
        return False
    urlconf = get_urlconf() or conf.root_urlconf
    return request.path not in _own_paths(get_script_prefix(), urlconf, get_language(), conf.callback_url_name)


def _is_settled(request: HttpRequest, details: SilentSSO) -> bool:
    """What `policy.decide()` would say first, without collecting facts for it: most requests end here."""
    if not has_session_cookie(request):
        return False
    if not RPSession.is_readable(request.session):
        _withhold(details)
        return True
    if not RPSession.is_fresh(request.session, time.time(), conf.renew_after, conf.session_max):
        return False
    details.decision = Decision(Action.SERVE, Reason.FRESH)
    return True


@lru_cache(maxsize=256)
def _own_paths(script_prefix: str, urlconf: str, language: str | None, callback: str) -> frozenset[str]:
    """Reversed once per prefix, URLconf and language: each of them may change where our endpoints are."""
    try:
        return own_paths()
    except NoReverseMatch:  # a check says so
        return frozenset()


def _rules() -> Rules:
    return Rules(
        visitors=conf.visitors,
        renew_with=conf.renew_with,
        renew_after=conf.renew_after,
        grace=conf.grace,
        session_max=conf.session_max,
    )


def _facts(request: HttpRequest) -> RequestFacts:
    kind = kind_of(request)
    found, outdated = None, False
    if has_session_cookie(request):
        found = RPSession.read(request.session)
        if found is None and RPSession.is_foreign(request.session):
            return RequestFacts(kind=kind, exempt=True)  # a password session is none of our business
        outdated = found is None and RPSession.is_outdated(request.session)
    if found is None and not outdated and (conf.visitors != "redirect" or kind is not Kind.DOCUMENT):
        return RequestFacts(kind=kind)
    now = time.time()
    marks = read_marks(request)
    return RequestFacts(
        kind=kind,
        signed_in=found is not None or outdated,
        verified_at=0.0 if found is None else found.verified_at,
        signed_in_at=now if found is None else found.signed_in_at,
        robot=is_robot(request),
        privacy_signal=request.headers.get("Sec-GPC") == "1",
        known=marks.known,
        silence=marks.silence,
        refused_until=marks.refused_until,
        unanswered_since=marks.asked_at,
        recent_hops=marks.recent_hops(now),
        cookies_blocked=COOKIES_BLOCKED in request.GET,
    )


def _must_be_alone(facts: RequestFacts, decision: Decision) -> bool:
    """Within the grace time one attempt of a session is enough; overdue, everybody needs an own one."""
    return facts.signed_in and decision.reason is not Reason.OVERDUE


def _leave(
    request: HttpRequest, facts: RequestFacts, details: SilentSSO, obstacle: Reason | None
) -> HttpResponseBase | None:
    """302 to the OP with prompt=none; where that cannot be, decide again without it."""
    if obstacle is None:
        try:
            begun = begin(request, silent=True, transport=TOP, return_to=request.get_full_path())
        except SilentSSOError as error:
            obstacle = error.reason
        except NoReverseMatch:  # a check says so
            obstacle = Reason.NOT_CONFIGURED
        else:
            response = Redirect(begun.url)
            begun.remember(request, response)
            return response
    if obstacle is Reason.EXEMPT:
        details.decision = Decision(Action.SERVE, Reason.EXEMPT)
    else:
        details.decision = decide(blocked(facts, obstacle), _rules(), time.time())
    return None


def _refuse(request: HttpRequest, reason: Reason) -> HttpResponse:
    try:
        if kind_of(request) is not Kind.FORM:
            return SignInRequired(request, reason)
        response: HttpResponse = Page(request, "sign_in_again.html", status=401, reason=reason)
    except NoReverseMatch:  # a check says so
        response = HttpResponse(status=401)
    challenge(response, request, reason)
    return response


def _withhold(details: SilentSSO) -> None:
    """The session cannot be read: the page is served, and sees nobody (C62, C65)."""
    details.decision = Decision(Action.SERVE, Reason.STORAGE_UNAVAILABLE)
    details.hide_user()


def _is_exempt(request: HttpRequest) -> bool:
    """`OIDC_EXEMPT_URLS` (names, paths, patterns) and views marked `silent_sso_exempt`. Asked only where it matters."""
    path = request.path
    for item in conf.exempt_urls:
        if isinstance(item, re.Pattern):
            if item.match(path):
                return True
        elif path == (item if item.startswith("/") else _reversed(item)):
            return True
    try:
        match = resolve(request.path_info, getattr(request, "urlconf", None))
    except Resolver404:
        return False
    return bool(getattr(match.func, EXEMPT_MARK, False))


def _reversed(name: str) -> str | None:
    try:
        return reverse(name)
    except NoReverseMatch:
        return None


def _on_the_way_out(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Cookies of attempts that a view began by hand, and of a session that reached its end."""
    details: SilentSSO = request.silent_sso  # type: ignore[attr-defined]
    any_kind = cast("HttpResponse", response)  # a streamed one takes cookies too
    for begun in details.begun:
        begun.remember(request, any_kind)
    if details.decision.action is Action.END_SESSION:
        marks = read_marks(request).silenced(details.decision.reason, time.time())
        write_marks(request, any_kind, marks)
    leave_session_alone(request)
    return response
