"""The ID Token (Core 2) and its validation (Core 3.1.3.7, 3.2.2.11, 3.3.2.12, 12.2; RFC 8725)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import claims as rules
from .errors import Reason
from .signed_token import SUPPORTED_ALGORITHMS, TokenHeader, read_header, verified_claims

__all__ = ["SUPPORTED_ALGORITHMS", "Expected", "IDToken", "TokenHeader", "read_header", "validate_id_token"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What an ID Token has to fit. ``leeway``, ``max_issued_age`` and ``max_age`` are in seconds.

    ``nonce`` has to be there and equal; with ``nonce_optional`` (refreshed tokens) it may be absent.
    ``access_token``, ``code`` and ``state`` are what came along with the token: their hashes are compared if
    the token has them, and have to be there if ``..._required``. ``subject``: the only user it may be about.
    """

    issuer: str
    client_id: str
    algorithm: str
    nonce: str = field(repr=False)
    nonce_optional: bool = False
    leeway: int = 60
    trusted_audiences: frozenset[str] = frozenset()
    max_issued_age: int = 3600
    access_token: str | None = field(default=None, repr=False)
    at_hash_required: bool = False
    code: str | None = field(default=None, repr=False)
    c_hash_required: bool = False
    state: str | None = field(default=None, repr=False)
    subject: str | None = None
    max_age: int | None = None
    acr_values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IDToken:
    """A validated ID Token. Neither the token nor its claims are in ``repr``."""

    raw: str = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)

    @property
    def issuer(self) -> str:
        """``iss``: the OP."""
        return str(self.claims["iss"])

    @property
    def subject(self) -> str:
        """``sub``: the user, at this issuer."""
        return str(self.claims["sub"])

    @property
    def sid(self) -> str | None:
        """``sid``: the session at the OP (Front-Channel Logout 3), or ``None``."""
        return self._text("sid")

    @property
    def acr(self) -> str | None:
        """``acr``: how well the user was authenticated, or ``None``."""
        return self._text("acr")

    @property
    def auth_time(self) -> int | None:
        """``auth_time`` in whole seconds; ``None`` if it is absent or odd (only ``max_age`` demands it)."""
        seconds = rules.numeric_date(self.claims.get("auth_time"))
        return None if seconds is None else int(seconds)

    @property
    def expires_at(self) -> float:
        """``exp`` in seconds since the epoch."""
        return float(self.claims["exp"])

    def _text(self, name: str) -> str | None:
        value = self.claims.get(name)
        return value if isinstance(value, str) and value else None


def validate_id_token(token: str, *, keys: Callable[[TokenHeader], Any], expected: Expected, now: float) -> IDToken:
    """Check everything about an ID Token; what comes back can be believed.

    ``keys`` gives the key for a header: a public key of ``cryptography``, or the client secret as bytes for
    ``HS*``. It may raise ``TokenError`` itself. ``now`` is in seconds since the epoch.

    Raises ``TokenError`` with the reason of the first rule that is broken.
    """
    header = read_header(token, algorithm=expected.algorithm)
    claims = verified_claims(token, key=keys(header), algorithm=header.alg)
    rules.check_issuer(claims, expected.issuer)
    rules.check_kind(claims)
    rules.check_audience(claims, expected.client_id, expected.trusted_audiences)
    rules.check_authorized_party(claims, expected.client_id)
    rules.check_expiry(claims, now, expected.leeway)
    rules.check_issued_at(claims, now, expected.leeway, expected.max_issued_age)
    rules.check_not_before(claims, now, expected.leeway)
    rules.check_nonce(claims, expected.nonce, optional=expected.nonce_optional)
    rules.check_acr(claims, expected.acr_values)
    rules.check_auth_time(claims, expected.max_age, now, expected.leeway)
    rules.check_hash(
        claims,
        "at_hash",
        expected.access_token,
        header.alg,
        required=expected.at_hash_required,
        reason=Reason.ID_TOKEN_ACCESS_TOKEN_HASH,
    )
    rules.check_hash(
        claims,
        "c_hash",
        expected.code,
        header.alg,
        required=expected.c_hash_required,
        reason=Reason.ID_TOKEN_CODE_HASH,
    )
    rules.check_hash(
        claims,
        "s_hash",
        expected.state,
        header.alg,
        required=False,
        reason=Reason.ID_TOKEN_STATE_HASH,
    )
    rules.check_subject(claims, expected.subject)
    return IDToken(token, claims)
