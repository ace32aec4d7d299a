from __future__ import annotations

import gc

import jwt
import pytest

from django_silent_sso.testing.keys import KeyRing, compact_jws, half_hash, sign_with
from django_silent_sso.testing.provider import OpenIDProvider
from tests.testing.site import Site

ASYMMETRIC = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_every_algorithm_signs_what_pyjwt_verifies(algorithm: str) -> None:
    with OpenIDProvider(algorithm=algorithm) as provider:
        provider.sign_in("alice")
        site = Site(provider)
        tokens = site.tokens()
        claims = site.verified(tokens["id_token"])
        assert claims["at_hash"] == half_hash(tokens["access_token"], algorithm)
        assert "code" in site.authorize(id_token_hint=tokens["id_token"])


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_symmetric_algorithms_sign_with_the_client_secret(algorithm: str) -> None:
    secret = "s" * 64
    with OpenIDProvider(algorithm=algorithm, client_secret=secret) as provider:
        provider.sign_in("alice")
        site = Site(provider)
        token = site.tokens()["id_token"]
        assert jwt.decode(token, secret, algorithms=[algorithm], audience="site")["sub"] == "alice"
        assert "code" in site.authorize(id_token_hint=token)
        assert site.authorize(id_token_hint=f"{token[:-4]}AAAA")["error"] == "invalid_request"
        assert provider.keys.jwk_set()["keys"][0]["kty"] == "RSA"


def test_rotation_without_overlap(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    before = provider.keys.current
    after = provider.rotate_keys()
    assert [key["kid"] for key in provider.keys.jwk_set()["keys"]] == [after.kid]
    assert provider.keys.withdrawn == [before]
    assert jwt.get_unverified_header(site.tokens()["id_token"])["kid"] == after.kid


def test_rotation_with_overlap(provider: OpenIDProvider) -> None:
    before = provider.keys.current
    after = provider.rotate_keys(keep=True)
    assert provider.keys.published == [after, before]
    assert provider.keys.withdrawn == []


def test_no_two_providers_share_a_key() -> None:
    one, other = KeyRing("ES256", ""), KeyRing("ES256", "")
    data = b"data"
    assert one.verify(data, one.sign(data))
    assert not other.verify(data, one.sign(data))
    assert one.current.kid != other.current.kid


def test_keys_of_a_provider_that_is_gone_serve_the_next_one() -> None:
    ring = KeyRing("ES384", "")
    private = ring.current.private
    del ring
    gc.collect()
    later = KeyRing("ES384", "")
    assert private in {later.current.private, *(later.rotate().private for _ in range(20))}


def test_a_token_may_be_wrong_in_any_way() -> None:
    token = compact_jws({"alg": "x"}, b"no JSON", lambda data: b"")
    assert token == "eyJhbGciOiJ4In0.bm8gSlNPTg."


def test_a_public_key_as_hmac_secret() -> None:
    pem = b"-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----\n"
    assert len(sign_with("HS256", pem, b"data")) == 32
