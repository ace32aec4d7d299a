"""Reading a signed token strictly (RFC 7515, 7519, 8725), be it an ID Token, a logout token or UserInfo.

Everything here happens before a single claim is believed.
"""

from __future__ import annotations

import json
import math
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any, Final

import jwt

from .errors import Reason, TokenError

#: ``none`` is not among them and cannot be asked for (RFC 8725 3.2).
SUPPORTED_ALGORITHMS: Final = frozenset(
    {"EdDSA"} | {family + bits for family in ("RS", "PS", "ES", "HS") for bits in ("256", "384", "512")}
)
ID_TOKEN_TYPES: Final = frozenset({"jwt"})

_LONGEST_TOKEN = 64 * 1024
_LONGEST_KID = 1024
_DEEPEST = 32
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class TokenHeader:
    """The part of a JOSE header that we listen to. ``jwk``, ``jku``, ``x5u``, ``x5c`` are not in it: a token
    does not get to say which key it is checked with (RFC 8725 3.10)."""

    alg: str
    kid: str | None
    typ: str | None


def read_header(token: str, *, algorithm: str, types: frozenset[str] = ID_TOKEN_TYPES) -> TokenHeader:
    """Read the header of a signed token in compact form; nothing is verified yet.

    ``algorithm`` is the one agreed with the OP; ``types`` are the accepted values of ``typ``, in lower case
    and without ``application/`` (an absent ``typ`` is accepted).

    Raises ``TokenError``: ``ID_TOKEN_MALFORMED``, ``ID_TOKEN_ALGORITHM`` (RFC 8725 3.1),
    ``ID_TOKEN_CRITICAL_HEADER`` (RFC 7515 4.1.11), ``ID_TOKEN_TYPE`` (RFC 8725 3.11).
    """
    header = _object(_parts(token)[0], "header")
    # Exactly the agreed one: not what the token prefers, not what the key would also allow.
    if algorithm not in SUPPORTED_ALGORITHMS or header.get("alg") != algorithm:
        raise TokenError(Reason.ID_TOKEN_ALGORITHM, f"{algorithm} is agreed")
    if "crit" in header or "b64" in header:
        # We implement no extension, so there is none that we could honour.
        raise TokenError(Reason.ID_TOKEN_CRITICAL_HEADER)
    typ = header.get("typ")
    if "typ" in header and not (isinstance(typ, str) and typ.lower().removeprefix("application/") in types):
        raise TokenError(Reason.ID_TOKEN_TYPE, "typ")
    kid = header.get("kid")
    if "kid" in header and not (isinstance(kid, str) and len(kid) <= _LONGEST_KID):
        raise TokenError(Reason.ID_TOKEN_MALFORMED, "kid")
    return TokenHeader(alg=algorithm, kid=kid, typ=typ)


def verified_claims(token: str, *, key: Any, algorithm: str) -> dict[str, Any]:
    """Verify the signature of a token that ``read_header`` accepted, and decode its claims.

    ``key``: the client secret as bytes for ``HS*``, a public key of ``cryptography`` otherwise.

    Raises ``TokenError``: ``ID_TOKEN_SIGNATURE``, ``ID_TOKEN_MALFORMED``.
    """
    # A public key as bytes is the HMAC key of whoever read the JWK Set (RFC 8725 2.1); never mix the two.
    if isinstance(key, bytes) is not algorithm.startswith("HS"):
        raise TokenError(Reason.ID_TOKEN_SIGNATURE, "the key does not fit the algorithm")
    try:
        jwt.PyJWS().decode_complete(token, key=key, algorithms=[algorithm])
    except Exception as error:
        # Any exception: a library that stumbles over hostile input has not verified it either.
        raise TokenError(Reason.ID_TOKEN_SIGNATURE, type(error).__name__) from None
    return _object(_parts(token)[1], "payload")


def _parts(token: object) -> list[bytes]:
    if not isinstance(token, str) or len(token) > _LONGEST_TOKEN or not _COMPACT.fullmatch(token):
        raise TokenError(Reason.ID_TOKEN_MALFORMED, "not three parts of base64url, or too long")
    return [_decoded(part) for part in token.split(".")]


def _decoded(part: str) -> bytes:
    try:
        octets = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise TokenError(Reason.ID_TOKEN_MALFORMED, "not base64url") from None
    if urlsafe_b64encode(octets).rstrip(b"=") != part.encode("ascii"):
        # The unused last bits must be zero (RFC 4648 3.5), or one token has several spellings.
        raise TokenError(Reason.ID_TOKEN_MALFORMED, "not canonical base64url")
    return octets


def _object(octets: bytes, name: str) -> dict[str, Any]:
    try:
        # Decoded here: json.loads would guess UTF-16 and UTF-32, JWTs are UTF-8 (RFC 7519 7.2).
        value = json.loads(octets.decode("utf-8"), object_pairs_hook=_without_repetition)
        _refuse_odd(value)
    except (ValueError, RecursionError) as error:
        raise TokenError(Reason.ID_TOKEN_MALFORMED, f"{name}: {type(error).__name__}") from None
    if not isinstance(value, dict):
        raise TokenError(Reason.ID_TOKEN_MALFORMED, f"{name}: not a JSON object")
    return value


def _without_repetition(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("a member comes twice")  # RFC 7515 4, RFC 7519 4: which one would count?
    return found


def _refuse_odd(value: object, depth: int = 0) -> None:
    """What JSON parsers let through and what then breaks elsewhere: NaN, 1e999, lone surrogates, nesting."""
    if depth > _DEEPEST:
        raise ValueError("nested too deep")
    if isinstance(value, str):
        value.encode("utf-8")  # UnicodeEncodeError, a ValueError, for a lone surrogate
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not a finite number")
    elif isinstance(value, dict):
        for name, member in value.items():
            _refuse_odd(name, depth + 1)
            _refuse_odd(member, depth + 1)
    elif isinstance(value, list):
        for member in value:
            _refuse_odd(member, depth + 1)
