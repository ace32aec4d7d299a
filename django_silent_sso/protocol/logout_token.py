"""The logout token and its validation (Back-Channel Logout 1.0, 2.4 and 2.6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from . import claims as rules
from .claims import Claims
from .errors import Reason, TokenError
from .signed_token import TokenHeader, read_header, verified_claims

__all__ = ["LONGEST_AGE", "LogoutToken", "validate_logout_token"]

EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
#: Older OPs sign logout tokens as they sign everything else: `typ` is `JWT`, or absent.
TYPES: Final = frozenset({"logout+jwt", "jwt"})
#: Seconds. Older OPs send no `exp`: the age alone keeps a token that leaked from being a weapon for ever.
LONGEST_AGE: Final = 600

#: A rule that is the same for every token has its name from the ID Token: here it gets the name of this one.
_OUR_NAMES: Final[Mapping[Reason, Reason]] = {
    Reason.ID_TOKEN_MALFORMED: Reason.LOGOUT_TOKEN_MALFORMED,
    Reason.ID_TOKEN_ALGORITHM: Reason.LOGOUT_TOKEN_ALGORITHM,
    Reason.ID_TOKEN_CRITICAL_HEADER: Reason.LOGOUT_TOKEN_CRITICAL_HEADER,
    Reason.ID_TOKEN_TYPE: Reason.LOGOUT_TOKEN_TYPE,
    Reason.ID_TOKEN_KEY_UNKNOWN: Reason.LOGOUT_TOKEN_KEY_UNKNOWN,
    Reason.ID_TOKEN_KEY_AMBIGUOUS: Reason.LOGOUT_TOKEN_KEY_AMBIGUOUS,
    Reason.ID_TOKEN_SIGNATURE: Reason.LOGOUT_TOKEN_SIGNATURE,
    Reason.ID_TOKEN_ISSUER: Reason.LOGOUT_TOKEN_ISSUER,
    Reason.ID_TOKEN_AUTHORIZED_PARTY: Reason.LOGOUT_TOKEN_AUTHORIZED_PARTY,
    Reason.ID_TOKEN_AUDIENCE: Reason.LOGOUT_TOKEN_AUDIENCE,
    Reason.ID_TOKEN_ISSUED_AT: Reason.LOGOUT_TOKEN_ISSUED_AT,
    Reason.ID_TOKEN_EXPIRED: Reason.LOGOUT_TOKEN_EXPIRED,
    Reason.ID_TOKEN_NOT_BEFORE: Reason.LOGOUT_TOKEN_NOT_BEFORE,
    Reason.ID_TOKEN_SUBJECT: Reason.LOGOUT_TOKEN_SUBJECT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutToken:
    """A validated logout token: which sessions the OP has ended. `subject`, `sid` or both are there.

    `expires`: from then on, in seconds since the epoch, the token is refused for its age; until then its `jti` has to
    be remembered.
    """

    issuer: str
    subject: str | None = field(repr=False)
    sid: str | None = field(repr=False)
    jti: str = field(repr=False)
    expires: float


def validate_logout_token(
    token: str,
    *,
    keys: Callable[[TokenHeader], Any],
    issuer: str,
    client_id: str,
    algorithm: str,
    leeway: int,
    now: float,
) -> LogoutToken:
    """Check everything about a logout token but what needs a memory: whether its `jti` is new, and whether its `sid`
    and `sub` belong together.

    `keys` gives the key for a header, as for an ID Token; `algorithm` is the one agreed for ID Tokens (BCL 2.6).
    `leeway` is in seconds, `now` in seconds since the epoch.

    Raises `TokenError` with the reason of the first rule that is broken, and what `keys` raises.
    """
    try:
        header = read_header(token, algorithm=algorithm, types=TYPES)
        claims = verified_claims(token, key=keys(header), algorithm=header.alg)
        rules.check_issuer(claims, issuer)
        check_audience(claims, client_id)
        rules.check_authorized_party(claims, client_id)
        rules.check_issued_at(claims, now, leeway, LONGEST_AGE)
        check_expiry(claims, now, leeway)
        rules.check_not_before(claims, now, leeway)
        check_subject_or_sid(claims)
        check_events(claims)
        check_no_nonce(claims)
        check_id(claims)
    except TokenError as error:
        raise TokenError(_OUR_NAMES.get(error.reason, error.reason), error.detail) from None
    return LogoutToken(
        issuer=issuer,
        subject=claims.get("sub"),
        sid=claims.get("sid"),
        jti=claims["jti"],
        expires=float(claims["iat"]) + LONGEST_AGE + leeway,
    )


def check_audience(claims: Claims, client_id: str) -> None:
    """Rule 4: we are in `aud`. Others may be too: unlike an ID Token it signs nobody in, wherever it is used."""
    aud = claims.get("aud")
    listed = aud if isinstance(aud, list) else [aud]
    if client_id not in listed or not all(isinstance(entry, str) and entry for entry in listed):
        raise TokenError(Reason.LOGOUT_TOKEN_AUDIENCE)


def check_expiry(claims: Claims, now: float, leeway: int) -> None:
    """Rule 4: `exp` has not passed. The first edition of the specification had none: it may be absent (BC08)."""
    if "exp" in claims:
        rules.check_expiry(claims, now, leeway)


def check_subject_or_sid(claims: Claims) -> None:
    """Rule 5: `sub`, `sid` or both, and what is there is a name."""
    if "sub" in claims:
        rules.check_subject(claims)
    sid = claims.get("sid")
    if "sid" in claims and not (isinstance(sid, str) and sid):
        raise TokenError(Reason.LOGOUT_TOKEN_SUBJECT, "sid is no name")
    if "sub" not in claims and "sid" not in claims:
        raise TokenError(Reason.LOGOUT_TOKEN_SUBJECT, "neither sub nor sid")


def check_events(claims: Claims) -> None:
    """Rule 6: `events` has the member of a logout, and its value is a JSON object; other members are not ours to
    judge (RFC 8417 2.2)."""
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise TokenError(Reason.LOGOUT_TOKEN_EVENTS)


def check_no_nonce(claims: Claims) -> None:
    """Rule 7: no `nonce`, not even an empty one: with a nonce it could be taken for an ID Token (2.4)."""
    if "nonce" in claims:
        raise TokenError(Reason.LOGOUT_TOKEN_NONCE)


def check_id(claims: Claims) -> None:
    """2.4: a `jti`, by which a token that comes again is known."""
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti:
        raise TokenError(Reason.LOGOUT_TOKEN_ID)
