"""What the provider has given out: codes, access tokens and refresh tokens, and which of them still hold.

After npm oidc-provider 9: a code or refresh token used twice takes everything of its grant with it, and
tokens die with the session they came from, except with `offline_access`.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from secrets import token_urlsafe
from threading import RLock

from django_silent_sso.testing.sessions import Session

PKCE_VALUE = re.compile(r"[A-Za-z0-9._~-]{43,128}")
"""what RFC 7636 (4.1, 4.2) allows as code_verifier and code_challenge"""


class GrantError(Exception):
    """`invalid_grant` and its like (RFC 6749 5.2); `error` is the code, `str()` the description."""

    def __init__(self, description: str, error: str = "invalid_grant") -> None:
        super().__init__(description)
        self.error = error


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a user allowed a client in one authorization."""

    client_id: str
    session: Session
    scope: tuple[str, ...]
    nonce: str | None
    wants_auth_time: bool
    key: str = field(default_factory=lambda: token_urlsafe(8))

    @property
    def subject(self) -> str:
        return self.session.subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """An authorization code with what the token request has to match."""

    grant: Grant
    redirect_uri: str
    code_challenge: str | None
    expires_at: float
    used: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An access token, or (without expiry) a refresh token."""

    grant: Grant
    expires_at: float | None = None
    used: bool = False


class GrantStore:
    """`is_alive` tells whether a session with this `sid` still exists; `clock` gives seconds since the
    epoch."""

    def __init__(self, is_alive: Callable[[str], bool], clock: Callable[[], float]) -> None:
        self.outlive_session = False
        self._is_alive = is_alive
        self._clock = clock
        self._lock = RLock()
        self._codes: dict[str, Code] = {}
        self._access: dict[str, Token] = {}
        self._refresh: dict[str, Token] = {}
        self._revoked: set[str] = set()

    def new_code(self, grant: Grant, *, redirect_uri: str, code_challenge: str | None, seconds: int) -> str:
        code = Code(
            grant=grant,
            redirect_uri=redirect_uri,
            code_challenge=code_challenge,
            expires_at=self._clock() + seconds,
        )
        self._codes[value := token_urlsafe(32)] = code
        return value

    def new_access_token(self, grant: Grant, *, seconds: int) -> str:
        self._access[value := token_urlsafe(32)] = Token(grant=grant, expires_at=self._clock() + seconds)
        return value

    def new_refresh_token(self, grant: Grant) -> str:
        self._refresh[value := token_urlsafe(32)] = Token(grant=grant)
        return value

    def redeem_code(self, value: str, *, client_id: str, redirect_uri: str, code_verifier: str | None) -> Grant:
        """The grant of a code that is used now for the first and only time (RFC 6749 4.1.3, RFC 7636 4.6)."""
        with self._lock:
            code = self._codes.get(value)
            if code is None or code.grant.client_id != client_id:
                raise GrantError("authorization code not found")
            if code.expires_at <= self._clock():
                raise GrantError("authorization code is expired")
            self._check_alive(code.grant)
            _check_verifier(code_verifier, code.code_challenge)
            if code.redirect_uri != redirect_uri:
                raise GrantError("authorization code redirect_uri mismatch")
            if code.used:
                self._revoked.add(code.grant.key)
                raise GrantError("authorization code already consumed")
            self._codes[value] = replace(code, used=True)
            return code.grant

    def redeem_refresh_token(self, value: str, *, client_id: str, rotate: bool) -> tuple[Grant, str]:
        """The grant of a refresh token, and the refresh token to be used from now on."""
        with self._lock:
            token = self._refresh.get(value)
            if token is None or token.grant.client_id != client_id:
                raise GrantError("refresh token not found")
            self._check_alive(token.grant)
            if token.used:
                # Somebody has a copy: thief and owner cannot be told apart, so the whole family dies (RFC
                # 9700 4.14.2).
                self._revoked.add(token.grant.key)
                raise GrantError("refresh token already used")
            if not rotate:
                return token.grant, value
            self._refresh[value] = replace(token, used=True)
            return token.grant, self.new_refresh_token(token.grant)

    def find_access_token(self, value: str) -> Grant | None:
        """The grant of an access token that holds now."""
        with self._lock:
            token = self._access.get(value)
            if token is None or (token.expires_at or 0) <= self._clock() or not self._alive(token.grant):
                return None
            return token.grant

    def revoke(self, value: str, *, client_id: str) -> None:
        """Withdraw a token and all that belongs to its grant (RFC 7009 2.1). One that nobody knows is no
        error."""
        with self._lock:
            token = self._refresh.get(value) or self._access.get(value)
            if token is not None and token.grant.client_id == client_id:
                self._revoked.add(token.grant.key)

    def revoke_all(self) -> None:
        """Withdraw everything; the sessions live on."""
        with self._lock:
            self._revoked |= {code.grant.key for code in self._codes.values()}
            tokens = [*self._access.values(), *self._refresh.values()]
            self._revoked |= {token.grant.key for token in tokens}

    def _check_alive(self, grant: Grant) -> None:
        if not self._alive(grant):
            raise GrantError("grant not found")

    def _alive(self, grant: Grant) -> bool:
        if grant.key in self._revoked:
            return False
        return self.outlive_session or "offline_access" in grant.scope or self._is_alive(grant.session.sid)


def _check_verifier(verifier: str | None, challenge: str | None) -> None:
    if challenge is None:
        if verifier is not None:
            raise GrantError("PKCE verification failed: no code_challenge in the Authentication Request")
        return
    if verifier is None:
        raise GrantError("PKCE verification failed: code_verifier is missing")
    if not PKCE_VALUE.fullmatch(verifier):
        raise GrantError("code_verifier must be 43 to 128 unreserved characters", "invalid_request")
    digest = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    if digest != challenge:
        raise GrantError("PKCE verification failed")
