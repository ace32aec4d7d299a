"""The OP's keys: fetched once, again for an unknown `kid`, but not for everybody who makes one up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from django_silent_sso.op import provider
from django_silent_sso.protocol.errors import OPUnavailable, Reason, SilentSSOError, TokenError
from django_silent_sso.protocol.id_token import TokenHeader
from django_silent_sso.testing import OpenIDProvider
from tests.conftest import Clock

if TYPE_CHECKING:
    from pytest_django import Settings

HOUR = 3600


def header(kid: str | None = None, alg: str = "RS256") -> TokenHeader:
    return TokenHeader(alg=alg, kid=kid, typ=None)


def current(op: OpenIDProvider) -> TokenHeader:
    return header(op.keys.current.kid)


def is_key_of(key: Any, op: OpenIDProvider) -> bool:
    return bool(key.public_numbers() == op.keys.current.private.public_key().public_numbers())


def reason_of(wanted: TokenHeader) -> Reason:
    with pytest.raises(SilentSSOError) as caught:
        provider.signing_key(wanted)
    return caught.value.reason


def fetches(op: OpenIDProvider) -> int:
    return len(op.calls_to("jwks"))


def test_the_key_of_this_kid_is_fetched_once(openid_provider: OpenIDProvider) -> None:
    for _ in range(3):
        assert is_key_of(provider.signing_key(current(openid_provider)), openid_provider)
    assert fetches(openid_provider) == 1


def test_c39_a23_keys_rotated_just_before_signing_are_fetched_again(openid_provider: OpenIDProvider) -> None:
    provider.signing_key(current(openid_provider))
    openid_provider.rotate_keys()
    assert is_key_of(provider.signing_key(current(openid_provider)), openid_provider)
    assert fetches(openid_provider) == 2
    assert openid_provider.calls_to("jwks")[1].headers["cache-control"] == "no-cache"


def test_k13_unknown_kids_cost_one_fetch_a_minute(openid_provider: OpenIDProvider, clock: Clock) -> None:
    clock.stop()
    provider.signing_key(current(openid_provider))
    for number in range(20):
        assert reason_of(header(f"made-up-{number}")) is Reason.ID_TOKEN_KEY_UNKNOWN
    assert fetches(openid_provider) == 2
    clock.advance(59)
    assert reason_of(header("made-up")) is Reason.ID_TOKEN_KEY_UNKNOWN
    assert fetches(openid_provider) == 2
    clock.advance(1)
    assert reason_of(header("made-up")) is Reason.ID_TOKEN_KEY_UNKNOWN
    assert fetches(openid_provider) == 3


def test_c37_with_the_keys_at_hand_nobody_needs_the_jwks(openid_provider: OpenIDProvider, clock: Clock) -> None:
    provider.signing_key(current(openid_provider))
    openid_provider.fail("jwks")
    clock.advance(HOUR)
    assert is_key_of(provider.signing_key(current(openid_provider)), openid_provider)


def test_c38_a_kid_unknown_while_the_jwks_is_down_is_refused(openid_provider: OpenIDProvider, clock: Clock) -> None:
    clock.stop()
    provider.signing_key(current(openid_provider))
    openid_provider.rotate_keys()
    with openid_provider.fail("jwks", status=503):
        for _ in range(5):
            assert reason_of(current(openid_provider)) is Reason.ID_TOKEN_KEY_UNKNOWN
        assert fetches(openid_provider) == 2
    clock.advance(60)
    assert is_key_of(provider.signing_key(current(openid_provider)), openid_provider)


def test_c38_without_any_copy_the_op_is_unavailable(openid_provider: OpenIDProvider) -> None:
    openid_provider.fail("jwks", status=503)
    with pytest.raises(OPUnavailable):
        provider.signing_key(current(openid_provider))


@pytest.mark.parametrize(
    "document",
    [{"keys": []}, {}, {"keys": "none"}, [], {"keys": None}],
    ids=["empty", "absent", "text", "list", "null"],
)
def test_c40_keys_that_were_dropped_leave_the_old_ones(
    openid_provider: OpenIDProvider, clock: Clock, document: Any
) -> None:
    with openid_provider.jwks.change(lambda _: document):
        assert reason_of(current(openid_provider)) is Reason.OP_ANSWER_INVALID
    clock.advance(60)
    provider.signing_key(current(openid_provider))
    with openid_provider.jwks.change(lambda _: document):
        clock.advance(HOUR)
        assert is_key_of(provider.signing_key(current(openid_provider)), openid_provider)
        clock.advance(23 * HOUR)
        assert reason_of(current(openid_provider)) is Reason.OP_ANSWER_INVALID


def test_c41_broken_keys_among_good_ones_are_skipped(openid_provider: OpenIDProvider) -> None:
    odd = [None, 5, {}, {"kty": "XYZ"}, {"kty": "RSA", "n": "!", "e": "AQAB", "kid": "x"}, {"kty": "oct", "k": "AAAA"}]
    openid_provider.jwks.change(lambda jwks: {"keys": [*odd, *jwks["keys"], *odd]})
    assert is_key_of(provider.signing_key(current(openid_provider)), openid_provider)


def test_c43_ten_megabytes_of_keys_are_not_read(openid_provider: OpenIDProvider) -> None:
    openid_provider.fail("jwks", status=200, body=b'{"keys": [' + b" " * 10_000_000 + b"]}")
    assert reason_of(current(openid_provider)) is Reason.OP_ANSWER_TOO_LARGE


def test_c46_a_stale_jwks_of_a_cdn_is_refused_once_and_then_forgotten(
    openid_provider: OpenIDProvider, clock: Clock
) -> None:
    old = openid_provider.keys.jwk_set()
    provider.signing_key(current(openid_provider))
    openid_provider.rotate_keys()
    with openid_provider.jwks.change(lambda _: old):
        assert reason_of(current(openid_provider)) is Reason.ID_TOKEN_KEY_UNKNOWN
    clock.advance(60)
    assert is_key_of(provider.signing_key(current(openid_provider)), openid_provider)


def test_a7_several_keys_that_fit_are_refused_without_another_call(openid_provider: OpenIDProvider) -> None:
    openid_provider.rotate_keys(keep=True)
    assert reason_of(header()) is Reason.ID_TOKEN_KEY_AMBIGUOUS
    assert fetches(openid_provider) == 1


def test_a93_the_key_of_hs256_is_the_client_secret(openid_provider: OpenIDProvider) -> None:
    assert provider.signing_key(header(alg="HS256")) == openid_provider.client_secret.encode()
    assert openid_provider.calls == []


# -- OIDC_RP_IDP_SIGN_KEY: only where the OP has no key of that kid --------------------------------------------------


def test_d12_the_key_of_the_settings_beats_no_jwks(openid_provider: OpenIDProvider, settings: Settings) -> None:
    settings.OIDC_RP_IDP_SIGN_KEY = "a key by hand"
    assert is_key_of(provider.signing_key(current(openid_provider)), openid_provider)


def test_the_key_of_the_settings_serves_for_a_kid_the_op_does_not_publish(
    openid_provider: OpenIDProvider, settings: Settings
) -> None:
    public = openid_provider.keys.current.private.public_key()
    settings.OIDC_RP_IDP_SIGN_KEY = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert provider.signing_key(header("unknown")) == settings.OIDC_RP_IDP_SIGN_KEY
    settings.OIDC_RP_IDP_SIGN_KEY = openid_provider.keys.current.public_jwk()
    assert is_key_of(provider.signing_key(header("unknown")), openid_provider)


def test_an_op_without_jwks_leaves_the_key_of_the_settings(openid_provider: OpenIDProvider, settings: Settings) -> None:
    openid_provider.metadata.drop("jwks_uri")
    with pytest.raises(TokenError) as caught:
        provider.signing_key(header("x"))
    assert caught.value.reason is Reason.ID_TOKEN_KEY_UNKNOWN
    settings.OIDC_RP_IDP_SIGN_KEY = openid_provider.keys.current.public_jwk()
    assert is_key_of(provider.signing_key(header("x")), openid_provider)


@pytest.mark.parametrize("key", [{"kty": "RSA"}, {"kty": "XYZ"}, {"n": 1}], ids=["no_numbers", "unknown", "no_kty"])
def test_a_broken_key_in_the_settings_is_as_if_there_were_none(
    openid_provider: OpenIDProvider, settings: Settings, key: dict[str, Any]
) -> None:
    settings.OIDC_RP_IDP_SIGN_KEY = key
    assert reason_of(header("unknown")) is Reason.ID_TOKEN_KEY_UNKNOWN
