"""The other side of the wire, as small as can be: what a relying party sends."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import jwt

from django_silent_sso.testing.messages import Headers
from django_silent_sso.testing.provider import OpenIDProvider

CALLBACK = "http://site.example/callback"
VERIFIER = "v" * 43
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True)
class Response:
    status: int
    headers: Headers
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def send(
    url: str,
    *,
    method: str = "GET",
    form: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    connection: HTTPConnection | None = None,
) -> Response:
    """One request, on a connection of its own unless one is given."""
    parts = urlsplit(url)
    used = connection or HTTPConnection(parts.hostname, parts.port, timeout=10)
    headers = dict(headers or {})
    body = None
    if form is not None:
        method, body = "POST", urlencode(form)
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    try:
        used.request(method, f"{parts.path}?{parts.query}" if parts.query else parts.path, body, headers)
        answer = used.getresponse()
        return Response(answer.status, Headers(answer.headers.items()), answer.read())
    finally:
        if connection is None:
            used.close()


class Site:
    """A client of the provider."""

    def __init__(self, provider: OpenIDProvider, client_id: str = "site", client_secret: str | None = None) -> None:
        self.provider = provider
        self.client_id = client_id
        self.client_secret = client_secret or provider.client_secret

    def url(self, **changes: str | list[str] | None) -> str:
        """An authorization URL for prompt=none; `None` leaves a parameter out, a list sends it several times."""
        parameters: dict[str, str | list[str] | None] = {
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": "openid profile email",
            "state": "the-state",
            "nonce": "the-nonce",
            "prompt": "none",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changes,
        }
        given = {name: value for name, value in parameters.items() if value is not None}
        return f"{self.provider.url_of('authorize')}?{urlencode(given, doseq=True, quote_via=quote)}"

    def authorize(self, **changes: str | list[str] | None) -> dict[str, str]:
        """The parameters of the Authentication Response."""
        return self.provider.answer(self.url(**changes)).parameters

    def token_request(self, *, basic: bool = False, **form: str) -> Response:
        headers = {}
        if basic:
            pair = f"{quote(self.client_id, safe='')}:{quote(self.client_secret, safe='')}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            form = {"client_id": self.client_id, "client_secret": self.client_secret, **form}
        return send(self.provider.url_of("token"), form=form, headers=headers)

    def redeem(self, code: str, *, basic: bool = False, **changes: str) -> Response:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return self.token_request(basic=basic, **{**form, **changes})

    def tokens(self, **changes: str | list[str] | None) -> dict[str, Any]:
        """The whole of a silent sign-in: what the token endpoint answers."""
        answer = self.redeem(self.authorize(**changes)["code"])
        assert answer.status == 200, answer.body
        tokens: dict[str, Any] = answer.json()
        return tokens

    def refresh(self, refresh_token: str) -> Response:
        return self.token_request(grant_type="refresh_token", refresh_token=refresh_token)

    def userinfo(self, access_token: str) -> Response:
        return send(self.provider.url_of("userinfo"), headers={"Authorization": f"Bearer {access_token}"})

    def verified(self, token: str) -> dict[str, Any]:
        """The claims of a token whose signature fits a published key."""
        jwk_set = jwt.PyJWKSet.from_dict(send(self.provider.url_of("jwks")).json())
        header = jwt.get_unverified_header(token)
        key = jwt.PyJWK.from_dict(jwk_set[header["kid"]]._jwk_data, header["alg"])
        claims: dict[str, Any] = jwt.decode(
            token, key.key, algorithms=[header["alg"]], audience=self.client_id, issuer=self.provider.issuer
        )
        return claims


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a token, unverified."""
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims
