"""The provider takes an assertion only from its client, about itself, for this provider, in time, and once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import jwt
import pytest

from django_silent_sso.testing.client_authentication import ASSERTION_TYPE
from django_silent_sso.testing.provider import OpenIDProvider
from tests.protocol.tokens import private_key
from tests.testing.site import Response, send

NUMBERS: Iterator[int] = count()
REFRESH = {"grant_type": "refresh_token", "refresh_token": "of nobody"}


def public_jwk(kind: str, algorithm: str, number: int = 0, **members: str) -> dict[str, Any]:
    key = private_key(kind, number).public_key()
    return {**jwt.get_algorithm_by_name(algorithm).to_jwk(key, as_dict=True), **members}


def claims(provider: OpenIDProvider, **changes: Any) -> dict[str, Any]:
    good = {
        "iss": "site",
        "sub": "site",
        "aud": provider.url_of("token"),
        "jti": f"number {next(NUMBERS)}",
        "exp": provider.now() + 60,
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def ask(provider: OpenIDProvider, token: str, **changes: str) -> Response:
    """A refresh that is refused as such once the client is known."""
    form = {**REFRESH, "client_assertion_type": ASSERTION_TYPE, "client_assertion": token, **changes}
    return send(provider.url_of("token"), form=form)


def is_known(answer: Response) -> bool:
    error = answer.json()["error"]
    assert error in ("invalid_grant", "invalid_client")
    return bool(error == "invalid_grant")


def by_secret(provider: OpenIDProvider, **changes: Any) -> str:
    return jwt.encode(claims(provider, **changes), provider.client_secret, algorithm="HS256")


def test_by_the_secret(provider: OpenIDProvider) -> None:
    assert is_known(ask(provider, by_secret(provider)))
    assert is_known(ask(provider, by_secret(provider), client_id="site"))
    assert is_known(ask(provider, by_secret(provider, aud=[provider.issuer, "others"])))
    another = "another-secret-of-the-site-and-the-provider"
    assert not is_known(ask(provider, jwt.encode(claims(provider), another, algorithm="HS256")))


@pytest.mark.parametrize(("kind", "algorithm"), [("RSA", "RS256"), ("RSA", "PS256"), ("P-256", "ES256")])
def test_by_a_private_key(provider: OpenIDProvider, kind: str, algorithm: str) -> None:
    provider.add_client("site", provider.client_secret, jwks={"keys": [public_jwk(kind, algorithm)]})
    assert is_known(ask(provider, jwt.encode(claims(provider), private_key(kind), algorithm=algorithm)))
    stranger = private_key(kind, 1)
    assert not is_known(ask(provider, jwt.encode(claims(provider), stranger, algorithm=algorithm)))


def test_the_kid_chooses_among_several(provider: OpenIDProvider) -> None:
    keys = [public_jwk("RSA", "RS256", number, kid=str(number)) for number in range(2)]
    provider.add_client("site", provider.client_secret, jwks={"keys": keys})
    for kid, known in (({"kid": "1"}, True), ({"kid": "0"}, False), ({"kid": "2"}, False), ({}, False)):
        token = jwt.encode(claims(provider), private_key("RSA", 1), algorithm="RS256", headers=kid)
        assert is_known(ask(provider, token)) is known


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "other"},
        {"sub": "other"},
        {"aud": "https://elsewhere.example/token"},
        {"exp": 1},
        {"exp": "soon"},
        {"iss": None},
        {"sub": None},
        {"aud": None},
        {"exp": None},
        {"jti": None},
    ],
)
def test_claims_that_do_not_hold(provider: OpenIDProvider, changes: dict[str, Any]) -> None:
    provider.add_client("other", provider.client_secret)
    assert not is_known(ask(provider, by_secret(provider, **changes)))


def test_by_the_provider_s_own_clock(provider: OpenIDProvider) -> None:
    token = by_secret(provider)
    real = provider.clock
    provider.clock = lambda: real() + 61
    assert not is_known(ask(provider, token))


def test_once(provider: OpenIDProvider) -> None:
    token = by_secret(provider)
    assert is_known(ask(provider, token))
    assert not is_known(ask(provider, token))


@pytest.mark.parametrize("method", ["client_secret_post", "client_secret_basic", "private_key_jwt"])
def test_a_client_that_is_registered_otherwise(provider: OpenIDProvider, method: str) -> None:
    provider.add_client("site", provider.client_secret, auth_method=method)
    assert not is_known(ask(provider, by_secret(provider)))


def test_what_is_no_assertion(provider: OpenIDProvider) -> None:
    assert not is_known(ask(provider, "a.b.c"))
    assert not is_known(ask(provider, by_secret(provider), client_assertion_type="of another kind"))
    assert not is_known(ask(provider, by_secret(provider), client_id="other"))
    assert not is_known(ask(provider, jwt.encode(claims(provider), "", algorithm="none")))


def test_the_document_says_how_clients_may_authenticate(provider: OpenIDProvider) -> None:
    metadata = send(provider.url_of("discovery")).json()
    assert {"client_secret_jwt", "private_key_jwt"} < set(metadata["token_endpoint_auth_methods_supported"])
    assert "none" not in metadata["token_endpoint_auth_signing_alg_values_supported"]
