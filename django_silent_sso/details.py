"""`request.silent_sso`: what was decided about this request, and who the OP says is here."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse

from django_silent_sso.browser import has_session_cookie
from django_silent_sso.conf import conf
from django_silent_sso.policy import Action, Decision, stale_in
from django_silent_sso.protocol.errors import Reason
from django_silent_sso.storage.rp_session import RPSession

__all__ = ["SilentSSO", "display_name"]


class Remembers(Protocol):
    """An attempt that was begun: it sets the cookies that its answer will need."""

    def remember(self, request: HttpRequest, response: HttpResponse) -> None: ...


class SilentSSO:
    """One per request. Reading it never asks the OP and never extends the session.

    The session is looked at only where a session cookie came or the request itself opened one, so that a public page
    stays cacheable.
    """

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self.decision = Decision(Action.SERVE, Reason.NOT_SIGNED_IN)
        self.hidden = False  # overdue, or the session cannot be read: the page sees nobody
        self.begun: list[Remembers] = []  # by shortcuts; their cookies are set on the way out

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
        """The OP's access token for this user, while it lasts; None without one or past its end."""
        found = self.rp_session
        if found is None:
            return None
        now = time.time()
        tokens = found.tokens(now)
        if not tokens.access_token or (tokens.expires_at is not None and tokens.expires_at <= now):
            return None
        return tokens.access_token

    @property
    def user_name(self) -> str | None:
        """The user's name for display."""
        found = self.rp_session
        return None if found is None else display_name(found.claims)


def display_name(claims: Mapping[str, Any]) -> str:
    """The best name the claims have (Core 5.1)."""
    for claim in ("name", "preferred_username", "nickname", "given_name", "email"):
        value = claims.get(claim)
        if isinstance(value, str) and value.strip():
            return value.strip()[:200]
    return ""
