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

import time
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import NoReverseMatch

from django_silent_sso.browser import has_session_cookie, kind_of
from django_silent_sso.details import SilentSSO
from django_silent_sso.flows import sign_out_return
from django_silent_sso.flows.begin import begin, beginning_is_cheap, preparation_is_cheap, prepare
from django_silent_sso.flows.kept_form import is_wrapper, refuse, resend_page, restore
from django_silent_sso.flows.renewal import arenew, renew
from django_silent_sso.flows.sign_out import end_session
from django_silent_sso.flows.written_down import stay_ended
from django_silent_sso.fresh_requests import asettled, is_settled, is_stale, is_untouched, settled, withhold
from django_silent_sso.policy import Action, Decision, Kind, RequestFacts, blocked, decide, not_refreshed
from django_silent_sso.protocol.errors import Reason, SilentSSOError
from django_silent_sso.request_facts import concerns_us, facts_of, is_exempt, rules
from django_silent_sso.responses import Redirect
from django_silent_sso.session_upkeep import ais_open, akeep_found, is_open, keep_found, note_use, revocable, revoke
from django_silent_sso.storage import single_flight
from django_silent_sso.storage.marks import read_marks, write_marks
from django_silent_sso.storage.pending import TOP
from django_silent_sso.storage.rp_session import RPSession
from django_silent_sso.views.endpoint import keep_session_cookie, leave_session_alone

__all__ = ["SilentSSOMiddleware"]

GetResponse = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]


class Details(SilentSSO):
    """`request.silent_sso`, able to renew."""

    _renew = staticmethod(renew)
    _arenew = staticmethod(arenew)


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
        request.silent_sso = details = Details(request)  # type: ignore[attr-defined]
        session = settled(request, details)
        if session is None:
            return self._at_length(request, details)
        response: Any = self.get_response(request) if request.method == "GET" else self._answer_now(request)
        if is_untouched(request, details, session):
            return cast("HttpResponseBase", response)
        keep_found(request)
        return _on_the_way_out(request, response)

    def _at_length(self, request: HttpRequest, details: SilentSSO) -> HttpResponseBase:
        response: HttpResponseBase | None = None
        concerned = concerns_us(request)
        handle = revocable(request)
        if handle and not is_open(handle):
            revoke(request, details)
        elif concerned:
            response = self._intercept(request, details)
        response = response or self._answer_now(request)
        if concerned:
            keep_found(request)
        return _on_the_way_out(request, response)

    def _intercept(self, request: HttpRequest, details: SilentSSO) -> HttpResponseBase | None:
        if details.hidden:  # the session could not be read
            return None
        if has_session_cookie(request) and not RPSession.is_readable(request.session):
            withhold(details)
            return None
        if is_settled(request, details):
            return None
        facts = _decided(request, details)
        if details.decision.action is Action.RENEW:
            facts = _after_renewal(facts, details, self._renew(request, details.decision))
        if details.decision.action is Action.REDIRECT:
            obstacle = self._obstacle(request, facts, details.decision)
            response = _leave(request, facts, details, obstacle)
            if response is not None:
                return response
        return self._carry_out(request, details)

    def _answer_now(self, request: HttpRequest) -> HttpResponseBase:
        refused = restore(request) if is_wrapper(request) else None
        return refused or cast("HttpResponseBase", self.get_response(request))

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        request.silent_sso = details = Details(request)  # type: ignore[attr-defined]
        session = await asettled(request, details)
        if session is None:
            return await self._aat_length(request, details)
        response = await self._answer(request)
        if is_untouched(request, details, session):
            return response
        await akeep_found(request)
        return _on_the_way_out(request, response)

    async def _aat_length(self, request: HttpRequest, details: SilentSSO) -> HttpResponseBase:
        response: HttpResponseBase | None = None
        concerned = concerns_us(request)
        handle = revocable(request)
        if handle and not await ais_open(handle):
            await sync_to_async(revoke)(request, details)
        elif concerned:
            response = await self._aintercept(request, details)
        response = response or await self._answer(request)
        if concerned:
            await akeep_found(request)
        return _on_the_way_out(request, response)

    async def _aintercept(self, request: HttpRequest, details: SilentSSO) -> HttpResponseBase | None:
        if details.hidden:
            return None
        if has_session_cookie(request) and not await RPSession.ais_readable(request.session):
            withhold(details)
            return None
        if is_settled(request, details):  # it is loaded; what follows only looks
            return None
        facts = _decided(request, details)
        if details.decision.action is Action.RENEW:
            facts = _after_renewal(facts, details, await self._arenew(request, details.decision))
        if details.decision.action is Action.REDIRECT:
            obstacle = await self._aobstacle(request, facts, details.decision)
            cheap = beginning_is_cheap(request.get_full_path())
            leave = _leave if cheap else sync_to_async(_leave, thread_sensitive=False)
            left = leave(request, facts, details, obstacle)
            response = await left if isawaitable(left) else left
            if response is not None:
                return response
        if details.decision.action in (Action.END_SESSION, Action.REFUSE):
            # The session's table, or a template with a site's context processors.
            return await sync_to_async(self._carry_out)(request, details)
        return self._carry_out(request, details)

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        refused = await sync_to_async(restore)(request) if is_wrapper(request) else None
        if refused is not None:
            return refused
        answer = self.get_response(request)
        return answer if isinstance(answer, HttpResponseBase) else await answer

    # -- renewal on the server ------------------------------------------------------------------------------------
    def _renew(self, request: HttpRequest, decision: Decision) -> Reason:
        return self._hindrance(request) or renew(request, is_stale, patient=decision.reason is Reason.OVERDUE)

    async def _arenew(self, request: HttpRequest, decision: Decision) -> Reason:
        hindrance = await self._ahindrance(request)
        return hindrance or await arenew(request, is_stale, patient=decision.reason is Reason.OVERDUE)

    def _hindrance(self, request: HttpRequest) -> Reason | None:
        """Why this request is no occasion to renew anything."""
        if is_exempt(request):
            return Reason.EXEMPT
        try:
            return None if request.user.is_authenticated else Reason.USER_INACTIVE
        except DatabaseError:
            return Reason.STORAGE_UNAVAILABLE

    async def _ahindrance(self, request: HttpRequest) -> Reason | None:
        if is_exempt(request):
            return Reason.EXEMPT
        try:
            return None if (await request.auser()).is_authenticated else Reason.USER_INACTIVE
        except DatabaseError:
            return Reason.STORAGE_UNAVAILABLE

    # -- what a round trip needs before it begins -----------------------------------------------------------------
    def _obstacle(self, request: HttpRequest, facts: RequestFacts, decision: Decision) -> Reason | None:
        if facts.signed_in:
            hindrance = self._hindrance(request)
            if hindrance is not None:
                return hindrance
        elif is_exempt(request):
            return Reason.EXEMPT
        if _must_be_alone(facts, decision) and not single_flight.claim(request.session.session_key or ""):
            return Reason.ATTEMPT_UNDER_WAY
        return prepare()

    async def _aobstacle(self, request: HttpRequest, facts: RequestFacts, decision: Decision) -> Reason | None:
        if facts.signed_in:
            hindrance = await self._ahindrance(request)
            if hindrance is not None:
                return hindrance
        elif is_exempt(request):
            return Reason.EXEMPT
        if _must_be_alone(facts, decision) and not await single_flight.aclaim(request.session.session_key or ""):
            return Reason.ATTEMPT_UNDER_WAY
        return prepare() if preparation_is_cheap() else await sync_to_async(prepare, thread_sensitive=False)()

    @staticmethod
    def _carry_out(request: HttpRequest, details: SilentSSO) -> HttpResponseBase | None:
        if details.decision.action is not Action.SERVE and is_exempt(request):
            details.decision = Decision(Action.SERVE, Reason.EXEMPT)
        action, reason = details.decision.action, details.decision.reason
        if action is Action.REFUSE:
            return refuse(request, reason)
        if action is Action.END_SESSION:
            page = resend_page(request, reason) if kind_of(request) is Kind.FORM else None
            end_session(request, reason)
            return page
        if action is Action.SERVE_ANONYMOUSLY:
            details.hide_user()
        elif reason is not Reason.EXEMPT and kind_of(request) is not Kind.PASSIVE:
            note_use(request)
        return None


def _after_renewal(facts: RequestFacts, details: SilentSSO, reason: Reason) -> RequestFacts:
    """What is done once a refresh token has been tried."""
    if reason in (Reason.RENEWED, Reason.EXEMPT):
        details.decision = Decision(Action.SERVE, reason)
    elif reason is Reason.VOIDED_BY_SIGN_OUT:  # in another tab, or by the OP, while this request was under way
        details.decision = Decision(Action.SERVE_ANONYMOUSLY, reason)
    else:
        facts = not_refreshed(facts, reason)
        details.decision = decide(facts, rules(), time.time())
    return facts


def _decided(request: HttpRequest, details: SilentSSO) -> RequestFacts:
    facts = facts_of(request)
    if facts.signed_in:
        stay_ended(request.session)
    details.decision = decide(facts, rules(), time.time())
    return facts


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
        details.decision = decide(blocked(facts, obstacle), rules(), time.time())
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
    sign_out_return.note(request, any_kind)
    if details.decision.reason is Reason.RENEWED:
        keep_session_cookie(request, any_kind)
    leave_session_alone(request)
    return response
