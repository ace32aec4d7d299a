"""The half of the provider a test uses to say who is there: users, sessions, consent."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django_silent_sso.testing.grants import GrantStore
from django_silent_sso.testing.messages import Request
from django_silent_sso.testing.sessions import Session, SessionCookie, SessionStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A registered site. `None` among its redirect URIs' lists, or as `auth_method`, takes anything.

    `jwks`: its public keys as a JWK Set, for `private_key_jwt`.
    """

    client_id: str
    client_secret: str
    redirect_uris: tuple[str, ...] | None = None
    post_logout_redirect_uris: tuple[str, ...] | None = None
    auth_method: str | None = None
    jwks: Mapping[str, Any] | None = field(default=None, repr=False)
    backchannel_logout_uri: str | None = None
    frontchannel_logout_uri: str | None = None
    logout_session_required: bool = True
    """name the session (`sid`) when it is told that one has ended"""


class People:
    """Users, clients, sessions and consent."""

    def __init__(self) -> None:
        self.clock: Callable[[], float] = time.time
        """seconds since the epoch; put another function here for a provider whose clock is wrong"""
        self.users: dict[str, dict[str, Any]] = {}
        """claims by subject; whoever signs in without an entry gets one made up"""
        self.clients: dict[str, Client] = {}
        self.cookie = SessionCookie()
        """how the session cookie of real browsers is set"""
        self.ask_for_consent = False
        """ask for consent once for each user and client; otherwise it counts as given"""
        self._sessions = SessionStore()
        self.grants = GrantStore(self._sessions.is_alive, lambda: self.clock())
        self._consents: set[tuple[str, str]] = set()
        self.on_sign_out: list[Callable[[Session], None]] = []
        """called for each session that has been ended"""

    def now(self) -> int:
        """The provider's time, whole seconds since the epoch."""
        return int(self.clock())

    # Who is signed in

    @property
    def sessions(self) -> tuple[Session, ...]:
        """Every session that lives now, the one that holds for every browser first."""
        return self._sessions.all

    def sign_in(
        self,
        subject: str,
        *,
        email: str | None = None,
        acr: str | None = None,
        amr: tuple[str, ...] = (),
        auth_time: int | None = None,
        **claims: Any,
    ) -> Session:
        """Sign `subject` in, in every browser and for every test client; sessions of single browsers end.

        `email` (verified) and other `claims` are remembered for the user. `auth_time`: seconds since the
        epoch, now if left out. Signing the same user in again keeps the session.
        """
        known = {**self.claims_of(subject), **({} if email is None else {"email": email}), **claims}
        self.users[subject] = known
        auth_time = self.now() if auth_time is None else auth_time
        return self._sessions.open_everywhere(subject, auth_time=auth_time, acr=acr, amr=amr)

    def sign_out(self) -> None:
        """Nobody is signed in any more, in no browser. Tokens die too, unless `tokens_outlive_session`. Sites that
        are registered for it (`logouts.register`) are told."""
        self._ended(self._sessions.end_all())

    def end_session(self, subject: str) -> int:
        """End every session of one user, in no browser's sight; how many there were."""
        return self._ended(self._sessions.end_all(subject))

    def end_one_session(self, session: Session) -> None:
        self._ended(self._sessions.end(session.sid))

    def _ended(self, sessions: list[Session]) -> int:
        for session in sessions:
            for listen in self.on_sign_out:
                listen(session)
        return len(sessions)

    def switch_user(self, subject: str, *, was: str | None = None) -> int:
        """Another person has signed in at the same browsers: every session, or every one of `was`, changes
        hands under a new `sid`; how many did."""
        return self._sessions.hand_over(subject, auth_time=self.now(), was=was)

    def age_sign_in(self, seconds: int) -> None:
        """Every sign-in happened so much earlier, for `max_age` and `auth_time`."""
        self._sessions.age(seconds)

    def session_of(self, request: Request) -> Session | None:
        """The session of the browser a request came from."""
        return self._sessions.find(request.cookie(self.cookie.name))

    def open_browser_session(self, subject: str, request: Request) -> tuple[str, str]:
        """Sign one browser in; the `Set-Cookie` header for it."""
        cookie = request.cookie(self.cookie.name)
        session = self._sessions.open_in_browser(subject, auth_time=self.now(), cookie=cookie)
        return self.cookie.header(session.cookie or "")

    def claims_of(self, subject: str) -> dict[str, Any]:
        """What is known of a user."""
        known = self.users.get(subject)
        if known is not None:
            return known
        return {
            "name": subject.title(),
            "preferred_username": subject,
            "email": f"{subject}@example.org",
            "email_verified": True,
        }

    # What the tokens are worth

    @property
    def tokens_outlive_session(self) -> bool:
        """Do tokens live on after the session has ended, as with half of the real providers?"""
        return self.grants.outlive_session

    @tokens_outlive_session.setter
    def tokens_outlive_session(self, value: bool) -> None:
        self.grants.outlive_session = value

    # Consent and clients

    def add_client(self, client_id: str, client_secret: str, **registration: Any) -> Client:
        """Register another site; `registration` as the fields of `Client`."""
        client = Client(client_id=client_id, client_secret=client_secret, **registration)
        self.clients[client_id] = client
        return client

    def has_consent(self, subject: str, client_id: str) -> bool:
        return not self.ask_for_consent or (subject, client_id) in self._consents

    def give_consent(self, subject: str, client_id: str) -> None:
        self._consents.add((subject, client_id))

    def withdraw_consent(self) -> None:
        """Nobody has allowed anything any more, and from now on it is asked for. Tokens given out are
        withdrawn."""
        self.ask_for_consent = True
        self._consents.clear()
        self.grants.revoke_all()
