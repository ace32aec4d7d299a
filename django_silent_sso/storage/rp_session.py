"""`RPSession`: the typed view of what this app keeps in Django's session, under one key of its own.

Tokens are sealed before they are stored: session tables, caches and signed cookies are read by more people than tokens
should be (H09). What cannot be read (another version, another OP, garbage) counts as absent and is never an error
(C72).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase

from django_silent_sso.conf import conf
from django_silent_sso.storage.sealing import seal, unseal
from django_silent_sso.storage.session_store import SIGNED_COOKIES

__all__ = ["KEY", "TOKENS_LIFETIME", "VERSION", "RPSession", "Tokens", "log_unreadable", "noting_every"]

logger = logging.getLogger("django_silent_sso.storage")

KEY: Final = "silent_sso"
VERSION: Final = 1
PURPOSE: Final = "tokens"
TOKENS_LIFETIME: Final = 366 * 24 * 3600  # seconds; the session ends long before
LARGEST_IN_COOKIE: Final = 1400  # characters of sealed tokens that a session inside a cookie can bear
LATER: Final = ("confirmed_at", "noted_at", "seen_at")  # times that older versions did not write down
_TIMES: Final = (("verified_at", None), ("signed_in_at", None), *((name, 0) for name in LATER))
_TEXT_OR_NONE: Final = (str, type(None))
_KINDS: Final[tuple[tuple[str, Any, object], ...]] = (
    ("issuer", str, None),
    ("subject", str, None),
    ("op_sid", _TEXT_OR_NONE, None),
    ("acr", _TEXT_OR_NONE, None),
    ("session_state", _TEXT_OR_NONE, None),
    ("auth_time", (int, type(None)), None),
    ("select_by", str, ""),
    ("sealed_tokens", str, ""),
    ("handle", str, ""),
    ("generation", int, 0),
    ("claims", dict, {}),
)
FAR_AWAY: Final = 10**11  # seconds since the epoch that are no time any more; neither is what is not a number


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What the token endpoint gave. `expires_at`: the access token's end in seconds since the epoch, if told."""

    id_token: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    expires_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RPSession:
    """A sign-in by the OP. Times are seconds since the epoch."""

    issuer: str
    subject: str
    verified_at: float  # when the OP last vouched for the user
    signed_in_at: float
    op_sid: str | None = None
    auth_time: int | None = None
    acr: str | None = None
    session_state: str | None = None  # what the OP's frame is asked about in the page (Session Management 3)
    select_by: str = "user"  # "auto": silently; "user": the user signed in
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False)
    sealed_tokens: str = field(default="", repr=False)
    handle: str = field(default="", repr=False)  # names this session in our table; "" where it has no row
    generation: int = 0  # renewals by refresh token that this copy of the session knows of
    confirmed_at: float = 0.0  # when the OP last vouched for the user's own session there, not only for a token
    noted_at: float = 0.0  # when its row was told last how long it lives
    seen_at: float = 0.0  # the last request, where the site limits how long a session may lie idle

    @classmethod
    def read(cls, session: SessionBase) -> RPSession | None:
        """The sign-in this session holds; None for a visitor, a password session, or another OP's."""
        data = session.get(KEY)
        if not isinstance(data, dict) or data.get("v") != VERSION or SESSION_KEY not in session:
            return None
        values = {key: value for key, value in data.items() if key in _FIELDS}
        if not _sound(values) or values["issuer"] != conf.issuer:
            return None
        return cls(**values)

    @staticmethod
    def is_readable(session: SessionBase) -> bool:
        """Whether the session's store answers. It is loaded then; nothing that follows raises (C62, C65)."""
        try:
            session.get(KEY)
        except Exception as error:  # any engine's own
            return log_unreadable(error)
        return True

    @staticmethod
    async def ais_readable(session: SessionBase) -> bool:
        try:
            await session.aget(KEY)
        except Exception as error:  # any engine's own
            return log_unreadable(error)
        return True

    @staticmethod
    def is_fresh(
        session: SessionBase, now: float, renew_after: int, longest: int | None, idle: int | None = None
    ) -> bool:
        """Whether the OP vouched for this session a short while ago: the one question every request asks, at no cost.

        `longest` and `idle`: the session's limits in seconds, if it has any. In doubt the answer is no, and where it is
        time to write down that the session is in use.
        """
        found = RPSession.read(session)
        if found is None:
            return False
        if idle is not None and not 0 <= now - found.seen_at < noting_every(idle):
            return False
        return 0 <= now - found.verified_at < renew_after and (longest is None or now - found.signed_in_at < longest)

    def for_watching(self) -> dict[str, Any]:
        """What a page that watches the OP's session has to know of the sign-in."""
        wanted = self.session_state and "check_session" in conf.monitor
        return {"session_state": self.session_state} if wanted else {}

    def is_to_be_noted(self, now: float, idle: int | None) -> bool:
        """Whether to write down that the session is in use."""
        return idle is not None and not 0 <= now - self.seen_at < noting_every(idle)

    @staticmethod
    def is_foreign(session: SessionBase) -> bool:
        """A user is signed in, but not by this app (a password, another backend)."""
        return SESSION_KEY in session and KEY not in session

    @staticmethod
    def is_outdated(session: SessionBase) -> bool:
        """Opened by this app, and not readable any more: another version, another OP, garbage. It has to be renewed."""
        return SESSION_KEY in session and KEY in session and RPSession.read(session) is None

    def write(self, session: SessionBase) -> None:
        """One top-level assignment, so that Django sees the change and saves once."""
        session[KEY] = {"v": VERSION, **asdict(self)}

    def tokens(self, now: float) -> Tokens:
        data = unseal(self.sealed_tokens, PURPOSE, now, TOKENS_LIFETIME) if self.sealed_tokens else None
        if data is None:
            return Tokens()
        return Tokens(**{key: value for key, value in data.items() if key in _TOKEN_FIELDS})

    def with_tokens(self, tokens: Tokens, now: float) -> RPSession:
        return replace(self, sealed_tokens=_sealed(tokens, now))

    @staticmethod
    def backdate(session: SessionBase, seconds: float) -> None:
        """Move the OP's last word `seconds` into the past, for tests. Raises LookupError where nobody is signed in."""
        found = RPSession.read(session)
        if found is None:
            raise LookupError("nobody is signed in by the OP in this session")
        verified_at = found.verified_at - seconds
        replace(
            found,
            verified_at=verified_at,
            signed_in_at=min(found.signed_in_at, verified_at),
            confirmed_at=min(found.confirmed_at, verified_at),
        ).write(session)


def noting_every(idle: int) -> float:
    """How often (seconds) a session's use is written down: not with every request."""
    return min(60.0, idle / 10)


def log_unreadable(error: Exception) -> bool:
    logger.error("storage_unavailable: the session cannot be loaded (%s)", type(error).__name__)
    return False


_FIELDS: Final = {item.name for item in fields(RPSession)}
_TOKEN_FIELDS: Final = {item.name for item in fields(Tokens)}
_PLAIN: Final = (str, int, float, bool, type(None))
_PROTOCOL_CLAIMS: Final = frozenset(
    {"iss", "aud", "azp", "exp", "iat", "nbf", "nonce", "at_hash", "c_hash", "s_hash", "jti", "typ"}
)


def claims_to_keep(claims: Mapping[str, Any]) -> dict[str, Any]:
    """What is worth remembering about the user: no protocol claims, nothing large or deeply nested (T28)."""
    kept: dict[str, Any] = {}
    for name, value in claims.items():
        if name in _PROTOCOL_CLAIMS or len(name) > 100 or len(kept) >= 50:
            continue
        items = value if isinstance(value, list) else [value]
        if len(items) <= 50 and all(isinstance(i, _PLAIN) and len(str(i)) <= 500 for i in items):
            kept[name] = value
    return kept


def _sealed(tokens: Tokens, now: float) -> str:
    wanted = asdict(tokens)
    if not conf.store_refresh_token:
        wanted["refresh_token"] = ""
    sealed = seal(wanted, PURPOSE, now)
    if settings.SESSION_ENGINE == SIGNED_COOKIES and len(sealed) > LARGEST_IN_COOKIE:
        # A cookie bears 4 kB in all: the hint for the next renewal is worth more than the access token.
        sealed = seal({"id_token": tokens.id_token}, PURPOSE, now)
        return sealed if len(sealed) <= LARGEST_IN_COOKIE else ""
    return sealed


def _sound(values: dict[str, Any]) -> bool:
    """Whether every member is of its kind. Each request of a signed-in user asks."""
    for time, missing in _TIMES:
        number = values.get(time, missing)
        if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) < FAR_AWAY:
            return False
    return all(isinstance(values.get(name, absent), kinds) for name, kinds, absent in _KINDS)
