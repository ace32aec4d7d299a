"""`request.silent_sso`: what was decided about this request, and who the OP says is here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse

from django_silent_sso.browser import has_session_cookie
from django_silent_sso.conf import conf
from django_silent_sso.policy import Action, Decision, stale_in
from django_silent_sso.protocol.errors import Reason
from django_silent_sso.protocol.step_up import Authentication, Demand
from django_silent_sso.storage.rp_session import RPSession

__all__ = ["SilentSSO", "display_name"]

LEEWAY: Final = 30  # seconds before its end in which an access token is renewed: it has to last for the call
UNDECIDED: Final = Decision(Action.SERVE, Reason.NOT_SIGNED_IN)
SHORTEST_LIFE: Final = 10  # seconds between two renewals for the sake of an access token


class Remembers(Protocol):
    """What a view or tag has done that the response must know of: a begun attempt sets its cookies."""

    def remember(self, request: HttpRequest, response: HttpResponse) -> None: ...


class Renew(Protocol):
    def __call__(self, request: HttpRequest, needed: Callable[[RPSession], bool], *, patient: bool) -> Reason: ...


class ARenew(Protocol):
    async def __call__(self, request: HttpRequest, needed: Callable[[RPSession], bool], *, patient: bool) -> Reason: ...


class SilentSSO:
    """One per request. Reading it asks the OP for nothing, but for an access token that is about to end.

    The session is looked at only where a session cookie came or the request itself opened one, so that a public page
    stays cacheable.
    """

    # Of the class, because every request makes one of these, and most change none of them.
    _renew: Renew | None = None
    _arenew: ARenew | None = None
    _replaced = False
    decision = UNDECIDED
    hidden = False  # overdue, or the session cannot be read: the page sees nobody

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self.begun: list[Remembers] = []  # by shortcuts and tags; heard on the way out

    def __repr__(self) -> str:
        return f"<SilentSSO {self.decision.action}: {self.decision.reason}>"

    def hide_user(self) -> None:
        """The page sees nobody; the session stays as it is, for when the OP or the store can be asked again (C65)."""
        nobody = AnonymousUser()

        async def auser() -> AnonymousUser:
            return nobody

        self._request.user = nobody
        self._request.auser = auser
        self.hidden = True

    @property
    def action(self) -> str:
        """What the middleware did with the request: "serve", "redirect", ..."""
        return str(self.decision.action)

    @property
    def reason(self) -> str:
        """Why: a reason code."""
        return str(self.decision.reason)

    @property
    def rp_session(self) -> RPSession | None:
        session = getattr(self._request, "session", None)
        if session is None or self.hidden:
            return None
        if not has_session_cookie(self._request) and not session.modified:
            return None
        return RPSession.read(session)

    @property
    def signed_in(self) -> bool:
        """Whether the user of this session was signed in by the OP."""
        return self.rp_session is not None

    @property
    def claims(self) -> Mapping[str, Any]:
        """The user's claims from the last sign-in (Core 5.1), without the protocol's own; empty for a visitor."""
        found = self.rp_session
        return {} if found is None else dict(found.claims)

    @property
    def subject(self) -> str | None:
        found = self.rp_session
        return None if found is None else found.subject

    @property
    def select_by(self) -> str | None:
        """ "auto": signed in silently; "user": the user signed in; None: nobody is."""
        found = self.rp_session
        return None if found is None else found.select_by

    @property
    def auth_time(self) -> int | None:
        """When the user signed in at the OP, in seconds since the epoch, as far as it said so (Core 2)."""
        found = self.rp_session
        return None if found is None else found.auth_time

    @property
    def acr(self) -> str | None:
        """The level of that sign-in, as far as the OP said so."""
        found = self.rp_session
        return None if found is None else found.acr

    def is_recent(self, max_age: int, acr: str | Iterable[str] | None = None) -> bool:
        """Whether `recent_sign_in_required(max_age=..., acr=...)` would let this request through."""
        known = Authentication(self.auth_time, self.acr)
        return Demand.of(max_age, acr).is_met_by(known, time.time(), conf.leeway)

    @property
    def expires_at(self) -> float | None:
        """When the session counts as stale, in seconds since the epoch."""
        found = self.rp_session
        return None if found is None else found.verified_at + conf.renew_after

    @property
    def expires_in(self) -> int | None:
        """Seconds until the session counts as stale; 0 if it does."""
        found = self.rp_session
        if found is None:
            return None
        return max(0, int(stale_in(found.verified_at, conf.renew_after, time.time())))

    @property
    def access_token(self) -> str | None:
        """The OP's access token for this user; None without one, or past its end.

        One that is about to end (by `expires_in`: to us it is opaque) is renewed first, where there is a refresh
        token. Not on the event loop, which must not wait: there it is `await request.silent_sso.aaccess_token()`.
        """
        if self._renew is not None and self._is_due() and not _on_the_event_loop():
            self._renew(self._request, self._ends_soon, patient=True)
        return self._held()

    async def aaccess_token(self) -> str | None:
        """`access_token` for async views."""
        if self._arenew is not None and self._is_due():
            await self._arenew(self._request, self._ends_soon, patient=True)
        return self._held()

    def replace_access_token(self, refused: str) -> str | None:
        """Another access token in the place of one that an API has refused; None where there is none to be had.

        Once for each request: the second time, what the session holds by then is all there is.
        """
        if self._renew is not None and self._may_replace():
            self._renew(self._request, lambda session: self._is_same(session, refused), patient=True)
        return self._other_than(refused)

    async def areplace_access_token(self, refused: str) -> str | None:
        """`replace_access_token()` for async views."""
        if self._arenew is not None and self._may_replace():
            await self._arenew(self._request, lambda session: self._is_same(session, refused), patient=True)
        return self._other_than(refused)

    def _may_replace(self) -> bool:
        """Once for each request: an API that refuses every token must not make us ask for one after the other."""
        if self._replaced or self.rp_session is None:
            return False
        self._replaced = True
        return True

    def _is_due(self) -> bool:
        found = self.rp_session
        return found is not None and self._ends_soon(found)

    def _ends_soon(self, session: RPSession) -> bool:
        now = time.time()
        ends = session.tokens(now).expires_at
        return ends is not None and ends - now < LEEWAY and _is_old_enough(session, now)

    def _is_same(self, session: RPSession, refused: str) -> bool:
        now = time.time()
        return session.tokens(now).access_token == refused

    def _held(self) -> str | None:
        found = self.rp_session
        if found is None:
            return None
        now = time.time()
        tokens = found.tokens(now)
        if not tokens.access_token or (tokens.expires_at is not None and tokens.expires_at <= now):
            return None
        return tokens.access_token

    def _other_than(self, refused: str) -> str | None:
        held = self._held()
        return None if held == refused else held

    @property
    def user_name(self) -> str | None:
        """The user's name for display."""
        found = self.rp_session
        return None if found is None else display_name(found.claims)


def _is_old_enough(session: RPSession, now: float) -> bool:
    """Tokens that end as soon as they come must not make every request ask for new ones (C119)."""
    return not 0 <= now - session.verified_at < SHORTEST_LIFE


def _on_the_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def display_name(claims: Mapping[str, Any]) -> str:
    """The best name the claims have (Core 5.1)."""
    for claim in ("name", "preferred_username", "nickname", "given_name", "email"):
        value = claims.get(claim)
        if isinstance(value, str) and value.strip():
            return value.strip()[:200]
    return ""
