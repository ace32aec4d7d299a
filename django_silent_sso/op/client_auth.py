"""How this client proves who it is at the OP's own endpoints (Core 9, RFC 7523)."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from django_silent_sso.conf import conf
from django_silent_sso.protocol.authentication_request import new_secret
from django_silent_sso.protocol.errors import ConfigurationError, Reason

__all__ = ["authenticated"]

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME: Final = 60  # seconds


def authenticated(data: Mapping[str, str], audience: str) -> tuple[dict[str, str], tuple[str, str] | None]:
    """`data` with the client's authentication added, and the Basic credentials, if that is the way.

    `audience`: the endpoint that is called. Raises `ConfigurationError` (not_configured) where the key cannot be used.
    """
    client_id, secret, method = conf.client_id or "", conf.client_secret, conf.client_auth
    if method == "client_secret_basic":
        # RFC 6749 2.3.1: form-encoded first, then Basic.
        return dict(data), (quote(client_id, safe=""), quote(secret, safe=""))
    proof: dict[str, str] = {"client_id": client_id}
    if method == "client_secret_jwt":
        if not secret:
            raise ConfigurationError(Reason.NOT_CONFIGURED, "client_secret_jwt needs OIDC_RP_CLIENT_SECRET")
        proof |= _assertion(client_id, audience, secret, "HS256", None)
    elif method == "private_key_jwt":
        key, algorithm, kid = _private_key()
        proof |= _assertion(client_id, audience, key, algorithm, kid)
    elif secret:
        proof["client_secret"] = secret
    return {**data, **proof}, None


def _assertion(client_id: str, audience: str, key: Any, algorithm: str, kid: str | None) -> dict[str, str]:
    """A signed statement about ourselves, good for one call (RFC 7523 3)."""
    now = int(time.time())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": new_secret(),
        "iat": now,
        "exp": now + LIFETIME,
    }
    try:
        token = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid} if kid else None)
    except Exception as error:  # PyJWT and cryptography have many names for a key that does not fit
        raise ConfigurationError(
            Reason.NOT_CONFIGURED, f"the client key cannot sign ({type(error).__name__})"
        ) from None
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": token}


def _private_key() -> tuple[Any, str, str | None]:
    """`SILENT_SSO_CLIENT_KEY`, PEM text or a JWK: the key, the algorithm it signs with, and its `kid`."""
    key = conf.client_key
    try:
        if isinstance(key, str) and key.lstrip().startswith("{"):
            key = json.loads(key)
        if isinstance(key, Mapping):
            jwk = jwt.PyJWK(dict(key))
            if jwk.algorithm_name.startswith("HS"):
                raise ConfigurationError(Reason.NOT_CONFIGURED, "the client key is a shared secret")
            return jwk.key, jwk.algorithm_name, jwk.key_id
    except (jwt.PyJWTError, ValueError) as error:
        raise ConfigurationError(Reason.NOT_CONFIGURED, f"the client key: {type(error).__name__}") from None
    if not key:
        raise ConfigurationError(Reason.NOT_CONFIGURED, "private_key_jwt needs SILENT_SSO_CLIENT_KEY")
    try:
        loaded = load_pem_private_key(key.encode() if isinstance(key, str) else bytes(key), password=None)  # type: ignore[call-overload]
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigurationError(Reason.NOT_CONFIGURED, "SILENT_SSO_CLIENT_KEY is not a private key") from None
    if isinstance(loaded, EllipticCurvePrivateKey):
        return loaded, {256: "ES256", 384: "ES384", 521: "ES512"}.get(loaded.key_size, "ES256"), None
    return loaded, "RS256" if isinstance(loaded, RSAPrivateKey) else "EdDSA", None
