"""How a client proves who it is: by secret, or by an assertion that it signed (Core 9, RFC 7523)."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import jwt

from django_silent_sso.testing.messages import NO_STORE, Reply, Request
from django_silent_sso.testing.people import Client

if TYPE_CHECKING:
    from django_silent_sso.testing.provider import OpenIDProvider

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
AUTH_METHODS = ("client_secret_post", "client_secret_basic", "client_secret_jwt", "private_key_jwt")
SYMMETRIC = ("HS256", "HS384", "HS512")
ASYMMETRIC = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


def authenticated_client(provider: OpenIDProvider, request: Request) -> str | None:
    """The id of the client that sent `request`; `None`: it has not proved who it is, or in a way not its own."""
    given = dict(request.form)
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        return _by_secret(provider, _basic(value), "client_secret_basic")
    if "client_assertion" in given or "client_assertion_type" in given:
        return _by_assertion(provider, request, given)
    return _by_secret(provider, (given.get("client_id", ""), given.get("client_secret", "")), "client_secret_post")


def invalid_client(request: Request) -> Reply:
    """The answer to a client that has not proved who it is (RFC 6749 5.2)."""
    headers = NO_STORE
    if "authorization" not in request.headers and not {"client_id", "client_assertion"} & set(dict(request.form)):
        return oauth_error("invalid_request", "no client authentication mechanism provided")
    if "authorization" in request.headers:
        headers = (*headers, ("WWW-Authenticate", 'Basic realm="clients"'))
    return oauth_error("invalid_client", "client authentication failed", 401, headers)


def oauth_error(
    error: str, description: str, status: int = 400, headers: tuple[tuple[str, str], ...] = NO_STORE
) -> Reply:
    return Reply.json({"error": error, "error_description": description}, status, headers)


def _basic(value: str) -> tuple[str, str]:
    """The two parts of Basic credentials, which are form-encoded first (RFC 6749 2.3.1)."""
    try:
        name, _, secret = b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return unquote_plus(name), unquote_plus(secret)


def _by_secret(provider: OpenIDProvider, presented: tuple[str, str], method: str) -> str | None:
    client = provider.clients.get(presented[0])
    if client is None or client.client_secret != presented[1]:
        return None
    return client.client_id if client.auth_method in (None, method) else None


def _by_assertion(provider: OpenIDProvider, request: Request, given: dict[str, str]) -> str | None:
    if given.get("client_assertion_type") != ASSERTION_TYPE:
        return None
    token = given.get("client_assertion", "")
    try:
        header = jwt.get_unverified_header(token)
        client_id = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except jwt.InvalidTokenError:
        return None
    client = provider.clients.get(client_id) if isinstance(client_id, str) else None
    if client is None or given.get("client_id", client.client_id) != client.client_id:
        return None
    symmetric = header.get("alg") in SYMMETRIC
    if client.auth_method not in (None, "client_secret_jwt" if symmetric else "private_key_jwt"):
        return None
    claims = _checked(provider, client, token, header, request)
    return client.client_id if claims is not None and _is_first(provider, claims) else None


def _checked(
    provider: OpenIDProvider, client: Client, token: str, header: dict[str, Any], request: Request
) -> dict[str, Any] | None:
    """The assertion's claims, if it is signed by this client, about itself, for us, and has not run out (RFC 7523 3).

    For us: the endpoint that was called, the token endpoint or the issuer, as oidc-provider takes them.
    """
    symmetric = header.get("alg") in SYMMETRIC
    key = client.client_secret if symmetric else _public_key(client, header)
    if key is None:
        return None
    audience = [provider.issuer, provider.url_of("token")]
    audience += [provider.url_of(name) for name in provider.endpoints if provider.path_of(name) == request.path]
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=SYMMETRIC if symmetric else ASYMMETRIC,
            audience=audience,
            issuer=client.client_id,
            # By the provider's own clock, below.
            options={"require": ["iss", "sub", "aud", "exp", "jti"], "verify_exp": False, "verify_iat": False},
        )
    except (jwt.InvalidTokenError, TypeError):
        return None
    alive = isinstance(claims["exp"], int | float) and claims["exp"] > provider.now()
    return claims if alive and claims["sub"] == client.client_id else None


def _public_key(client: Client, header: dict[str, Any]) -> Any:
    """The key of the client's JWK Set that the header names, or its only one."""
    keys = list((client.jwks or {}).get("keys", []))
    if "kid" in header:
        keys = [key for key in keys if key.get("kid") == header["kid"]]
    if len(keys) != 1 or header.get("alg") not in ASYMMETRIC:
        return None
    return jwt.PyJWK(keys[0], algorithm=header["alg"]).key


def _is_first(provider: OpenIDProvider, claims: dict[str, Any]) -> bool:
    """An assertion is good for one call: its `jti` is remembered."""
    name = (str(claims["iss"]), str(claims["jti"]))
    if name in provider.used_assertions:
        return False
    provider.used_assertions.add(name)
    return True
