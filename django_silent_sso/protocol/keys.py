"""Choosing the one key of a JWK Set (RFC 7517) that may have signed a token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .errors import Reason, TokenError
from .signed_token import TokenHeader

#: alg -> (kty, crv) (RFC 7518 3.1, RFC 8037 3.1). Symmetric algorithms have no key here: a secret that is
#: published is none. EdDSA is Ed25519; for Ed448 nothing says which hash goes into at_hash.
_FITTING: Final[Mapping[str, tuple[str, str | None]]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
#: RFC 7518 6.2.2, 6.3.2, 6.4; RFC 8037 2. Who finds a private key in a public place must not trust it.
_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_MOST_KEYS = 100
_SMALLEST_RSA_BITS = 2048  # RFC 7518 3.3


def choose_key(jwk_set: Mapping[str, Any], header: TokenHeader) -> Any:
    """The public key (of ``cryptography``) that fits the header. At most 100 entries are looked at.

    A key has to fit in ``kty`` and ``crv`` (by ``alg``), ``kid`` (if the token names one), ``alg``, ``use``
    and ``key_ops`` (if the key names them). Broken, weak, private and symmetric keys are passed over: one bad
    entry must not stop sign-in with the good ones.

    Raises ``TokenError``: ``ID_TOKEN_KEY_UNKNOWN`` if none fits, ``ID_TOKEN_KEY_AMBIGUOUS`` if several
    different keys do (Core 10.1: with several keys the token has to name one).
    """
    entries = jwk_set.get("keys")
    found: dict[bytes, Any] = {}
    for entry in entries[:_MOST_KEYS] if isinstance(entries, list) else ():
        if isinstance(entry, dict) and _fits(entry, header):
            key = _build(entry, header.alg)
            if key is not None:
                # The same key published twice is one key.
                found[key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)] = key
    if not found:
        raise TokenError(Reason.ID_TOKEN_KEY_UNKNOWN)
    if len(found) > 1:
        raise TokenError(Reason.ID_TOKEN_KEY_AMBIGUOUS, f"{len(found)} keys fit")
    return next(iter(found.values()))


def _fits(entry: Mapping[str, Any], header: TokenHeader) -> bool:
    kty, crv = _FITTING.get(header.alg, (None, None))
    operations = entry.get("key_ops")
    return (
        kty is not None
        and entry.get("kty") == kty
        and entry.get("crv") == crv
        and (header.kid is None or entry.get("kid") == header.kid)
        and entry.get("alg") in (None, header.alg)
        and entry.get("use") in (None, "sig")
        and (operations is None or (isinstance(operations, list) and "verify" in operations))
        and not _PRIVATE_MEMBERS & entry.keys()
    )


def _build(entry: dict[str, Any], alg: str) -> Any:
    try:
        # Refuses points off the curve and RSA exponents below 3 as well.
        key: Any = jwt.PyJWK(entry, algorithm=alg).key
    except Exception:
        # Any exception: whatever is wrong with this entry, the others may be right.
        return None
    if isinstance(key, RSAPublicKey) and key.key_size < _SMALLEST_RSA_BITS:
        return None
    return key
