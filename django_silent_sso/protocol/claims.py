"""One function per rule for the claims of a token, in the order of Core 3.1.3.7.

Each takes the claims and what it compares them with, and raises ``TokenError`` with the reason of its rule.
Times are seconds since the epoch. A claim of the wrong type is wrong, never absent.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final

from .errors import Reason, TokenError

Claims = Mapping[str, Any]

_END_OF_9999 = 253402300800
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LONGEST_SUBJECT = 255  # Core 2
#: Core 3.1.3.6: the hash is the one in the ID Token's alg. For Ed25519 that is SHA-512 (RFC 8032 5.1).
_HASHES: Final[Mapping[str, str]] = {
    **{family + bits: f"sha{bits}" for family in ("RS", "PS", "ES", "HS") for bits in ("256", "384", "512")},
    "EdDSA": "sha512",
}


def numeric_date(value: object) -> float | None:
    """A NumericDate (RFC 7519 2) between 1970 and 9999, or ``None``. ``True`` is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # The range first: float() of a number with thousands of digits overflows. NaN is in no range.
    return float(value) if 0 <= value <= _END_OF_9999 else None


def check_issuer(claims: Claims, issuer: str) -> None:
    """Rule 2: exactly the issuer. No prefix, no other case, no extra slash."""
    if claims.get("iss") != issuer:
        raise TokenError(Reason.ID_TOKEN_ISSUER)


def check_kind(claims: Claims) -> None:
    """A token with ``events`` is a security event or logout token (RFC 8417 2.2), whatever its ``typ``."""
    if "events" in claims:
        raise TokenError(Reason.ID_TOKEN_TYPE, "events")


def check_audience(claims: Claims, client_id: str, trusted: frozenset[str] = frozenset()) -> None:
    """Rule 3: we are in ``aud``, and nobody else is that the site does not trust."""
    audiences = _audiences(claims)
    if client_id not in audiences:
        raise TokenError(Reason.ID_TOKEN_AUDIENCE)
    if not audiences <= trusted | {client_id}:
        # The others could use the same token as theirs, or have got it first and passed it on to us.
        raise TokenError(Reason.ID_TOKEN_AUDIENCE, "an audience that is not trusted")


def check_authorized_party(claims: Claims, client_id: str) -> None:
    """Rules 4 and 5: ``azp`` is needed with several audiences, and is always us if it is there."""
    fits = claims["azp"] == client_id if "azp" in claims else len(_audiences(claims)) == 1
    if not fits:
        raise TokenError(Reason.ID_TOKEN_AUTHORIZED_PARTY)


def _audiences(claims: Claims) -> frozenset[str]:
    aud = claims.get("aud")
    listed = aud if isinstance(aud, list) else [aud]
    if not all(isinstance(entry, str) and entry for entry in listed):
        raise TokenError(Reason.ID_TOKEN_AUDIENCE, "missing or malformed")
    return frozenset(listed)


def check_expiry(claims: Claims, now: float, leeway: int) -> None:
    """Rule 9: there is an ``exp``, it has not passed, and it does not lie before ``iat``."""
    exp, iat = numeric_date(claims.get("exp")), numeric_date(claims.get("iat"))
    if exp is None or now >= exp + leeway:
        raise TokenError(Reason.ID_TOKEN_EXPIRED)
    if iat is not None and exp < iat:
        raise TokenError(Reason.ID_TOKEN_EXPIRED, "exp is earlier than iat")


def check_issued_at(claims: Claims, now: float, leeway: int, max_age: int) -> None:
    """Rule 10: there is an ``iat``, not in the future and at most ``max_age`` seconds old."""
    iat = numeric_date(claims.get("iat"))
    if iat is None or not now - max_age - leeway <= iat <= now + leeway:
        raise TokenError(Reason.ID_TOKEN_ISSUED_AT)


def check_not_before(claims: Claims, now: float, leeway: int) -> None:
    """RFC 7519 4.1.5: ``nbf`` may be absent, but not in the future."""
    if "nbf" in claims:
        nbf = numeric_date(claims["nbf"])
        if nbf is None or nbf > now + leeway:
            raise TokenError(Reason.ID_TOKEN_NOT_BEFORE)


def check_nonce(claims: Claims, nonce: str, *, optional: bool = False) -> None:
    """Rule 11: the nonce of our request. ``optional`` (refreshed tokens, Core 12.2): it may be absent."""
    if optional and "nonce" not in claims:
        return
    # An empty nonce of ours would be equal to an empty one of theirs, and bind nothing.
    if not nonce or not _equal(claims.get("nonce"), nonce):
        raise TokenError(Reason.ID_TOKEN_NONCE)


def check_acr(claims: Claims, acr_values: tuple[str, ...]) -> None:
    """Rule 12: one of the classes demanded; an empty tuple demands none."""
    if acr_values and claims.get("acr") not in acr_values:
        raise TokenError(Reason.ID_TOKEN_ACR)


def check_auth_time(claims: Claims, max_age: int | None, now: float, leeway: int) -> None:
    """Rule 13: with ``max_age`` there is an ``auth_time``, recent enough and not in the future."""
    if max_age is not None:
        auth_time = numeric_date(claims.get("auth_time"))
        if auth_time is None or not now - max_age - leeway <= auth_time <= now + leeway:
            raise TokenError(Reason.ID_TOKEN_AUTH_TIME)


def check_hash(claims: Claims, name: str, hashed: str | None, alg: str, *, required: bool, reason: Reason) -> None:
    """``at_hash``, ``c_hash``, ``s_hash`` (Core 3.1.3.8, 3.3.2.10; FAPI 1.0): half the hash of ``hashed``.

    Without ``hashed`` there is nothing to compare, which is wrong only if the hash is ``required``.
    """
    if name not in claims and not required:
        return
    if hashed is None:
        if required:
            raise TokenError(reason, "nothing to compare it with")
        return
    # An alg whose hash is not known is refused, not skipped: skipped, a hash would guard nothing.
    if alg not in _HASHES or not _equal(claims.get(name), half_hash(hashed, alg)):
        raise TokenError(reason)


def half_hash(value: str, alg: str) -> str:
    """base64url of the left half of the hash of ``value`` (Core 3.1.3.6). ``KeyError``: ``alg`` unknown."""
    digest = hashlib.new(_HASHES[alg], value.encode("utf-8")).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode("ascii")


def check_subject(claims: Claims, subject: str | None = None) -> None:
    """Core 2: a ``sub`` that can be stored and shown; and, if ``subject`` is given, the very same one."""
    sub = claims.get("sub")
    if not isinstance(sub, str) or not sub.strip() or len(sub) > _LONGEST_SUBJECT or _CONTROL.search(sub):
        raise TokenError(Reason.ID_TOKEN_SUBJECT)
    if subject is not None and sub != subject:
        # Core 12.2, 3.1.2.1: somebody else is signed in at the OP now.
        raise TokenError(Reason.SUBJECT_CHANGED)


def _equal(claim: object, expected: str) -> bool:
    """Constant-time comparison of a claim with a string; a claim of another type is never equal."""
    return isinstance(claim, str) and hmac.compare_digest(claim.encode("utf-8"), expected.encode("utf-8"))
