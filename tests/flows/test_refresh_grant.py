"""The refresh request and the checks of its answer (Core 12), at an OP over loopback HTTP."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import jwt
import pytest
from django.core.cache import cache

from django_silent_sso.flows.refresh_grant import Unchecked, refreshed
from django_silent_sso.op import provider as op_provider
from django_silent_sso.protocol.errors import (
    ConfigurationError,
    OPRefused,
    OPUnavailable,
    Reason,
    SilentSSOError,
    TokenError,
)
from django_silent_sso.storage.rp_session import RPSession, Tokens
from django_silent_sso.testing import OpenIDProvider
from tests.conftest import Browser
from tests.flows.conftest import here


@pytest.fixture
def before(browser: Browser) -> RPSession:
    """Signed in, with a refresh token and a known time of authentication."""
    browser.provider.refresh_tokens = "always"
    browser.provider.always_auth_time = True
    browser.sign_in("alice")
    found = here(browser)
    assert found is not None
    assert found.auth_time is not None
    return found


@pytest.fixture
def old(before: RPSession, openid_provider: OpenIDProvider) -> Tokens:
    return before.tokens(openid_provider.now())


def know_nothing() -> None:
    """As a process that has just started, with an empty cache."""
    cache.clear()
    op_provider.forget()


def refused(before: RPSession, old: Tokens) -> SilentSSOError:
    with pytest.raises(SilentSSOError) as caught:
        refreshed(before, old)
    return caught.value


def test_a47_one_call_with_client_authentication_brings_new_tokens(
    before: RPSession, old: Tokens, openid_provider: OpenIDProvider
) -> None:
    tokens, id_token = refreshed(before, old)
    (call,) = openid_provider.calls
    assert call.endpoint == "token"
    assert {name: call.parameters[name] for name in ("grant_type", "refresh_token", "client_id")} == {
        "grant_type": "refresh_token",
        "refresh_token": old.refresh_token,
        "client_id": "site",
    }
    assert "scope" not in call.parameters, "what was granted, and no less (RFC 6749 6)"
    assert id_token is not None
    assert (id_token.subject, id_token.raw) == ("alice", tokens.id_token)
    assert {old.id_token, old.access_token, old.refresh_token}.isdisjoint(
        {tokens.id_token, tokens.access_token, tokens.refresh_token}
    )
    assert tokens.expires_at is not None


@pytest.mark.parametrize("left_out", [("id_token",), ("refresh_token",), ("id_token", "refresh_token")], ids=" ".join)
def test_h02_what_is_not_sent_anew_stays(
    before: RPSession, old: Tokens, openid_provider: OpenIDProvider, left_out: tuple[str, ...]
) -> None:
    openid_provider.token_answer.drop(*left_out)
    tokens, id_token = refreshed(before, old)
    kept = {name for name in ("id_token", "refresh_token") if getattr(tokens, name) == getattr(old, name)}
    assert kept == set(left_out)
    assert (id_token is None) is ("id_token" in left_out)
    assert tokens.access_token not in ("", old.access_token)


def test_h02_a_null_is_nothing_sent(before: RPSession, old: Tokens, openid_provider: OpenIDProvider) -> None:
    openid_provider.token_answer.replace(id_token=None, refresh_token=None, expires_in=None)
    tokens, id_token = refreshed(before, old)
    assert (tokens.id_token, tokens.refresh_token, tokens.expires_at) == (old.id_token, old.refresh_token, None)
    assert id_token is None


# -- the ID Token, if one is sent ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        pytest.param({"iss": "https://id.example.net"}, Reason.ID_TOKEN_ISSUER, id="another issuer"),
        pytest.param({"sub": "alice1"}, Reason.SUBJECT_CHANGED, id="another subject"),
        pytest.param({"aud": "another"}, Reason.ID_TOKEN_AUDIENCE, id="another audience"),
        pytest.param({"aud": ["site", "another"]}, Reason.ID_TOKEN_AUDIENCE, id="one audience more"),
        pytest.param({"nonce": "another"}, Reason.ID_TOKEN_NONCE, id="another nonce"),
        pytest.param({"exp": 1}, Reason.ID_TOKEN_EXPIRED, id="expired"),
        pytest.param({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, Reason.ID_TOKEN_ACCESS_TOKEN_HASH, id="another's hash"),
        pytest.param({"iat": 1_500_000_000}, Reason.ID_TOKEN_ISSUED_AT, id="of long ago"),
    ],
)
def test_a48_a49_one_that_does_not_hold_is_refused(
    before: RPSession, old: Tokens, openid_provider: OpenIDProvider, claims: dict[str, Any], reason: Reason
) -> None:
    openid_provider.id_token.replace(**claims)
    error = refused(before, old)
    assert isinstance(error, TokenError)
    assert error.reason is reason


@pytest.mark.parametrize("nonce", ["as before", "left out"])
def test_the_nonce_is_the_first_one_s_or_none(
    before: RPSession, old: Tokens, openid_provider: OpenIDProvider, nonce: str
) -> None:
    if nonce == "left out":
        openid_provider.id_token.drop("nonce")
    else:
        first = jwt.decode(old.id_token, options={"verify_signature": False})["nonce"]
        openid_provider.id_token.replace(nonce=first)
    _, id_token = refreshed(before, old)
    assert id_token is not None


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "first",
    ["", "one-part", "a.!!!.c", f"a.{part('text')}.c", f"a.{part([])}.c", f"a.{part({'nonce': 7})}.c", "a.gA.c", "é.é"],
)
def test_where_the_first_nonce_is_not_known_none_fits(
    before: RPSession, old: Tokens, openid_provider: OpenIDProvider, first: str
) -> None:
    openid_provider.id_token.replace(nonce="any")
    assert refused(before, replace(old, id_token=first)).reason is Reason.ID_TOKEN_NONCE


def test_there_one_without_a_nonce_holds(before: RPSession, old: Tokens, openid_provider: OpenIDProvider) -> None:
    openid_provider.id_token.drop("nonce")
    tokens, _ = refreshed(before, replace(old, id_token=""))
    assert tokens.id_token


@pytest.mark.parametrize(
    ("known", "told", "holds"),
    [(100, 100, True), (100, 99, True), (100, None, True), (None, 100, True), (100, 101, False)],
    ids=["the same", "an earlier one", "none is told", "none was known", "a later one"],
)
def test_a_refresh_is_no_new_authentication(
    before: RPSession, old: Tokens, openid_provider: OpenIDProvider, known: int | None, told: int | None, holds: bool
) -> None:
    """Core 12.2. An earlier one: the user has signed in again since, and this refresh token is older than that."""
    if told is None:
        openid_provider.id_token.drop("auth_time")
    else:
        openid_provider.id_token.replace(auth_time=told)
    session = replace(before, auth_time=known)
    if holds:
        assert refreshed(session, old)[1] is not None
    else:
        assert refused(session, old).reason is Reason.ID_TOKEN_AUTH_TIME


# -- what goes wrong before there is one ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"access_token": None}, Reason.TOKEN_ANSWER_INVALID),
        ({"token_type": "mac"}, Reason.TOKEN_TYPE_INVALID),
        ({"id_token": 7}, Reason.TOKEN_ANSWER_INVALID),
        ({"id_token": ""}, Reason.ID_TOKEN_MALFORMED),
    ],
    ids=lambda value: str(value),
)
def test_an_answer_that_is_none(
    before: RPSession, old: Tokens, openid_provider: OpenIDProvider, answer: dict[str, Any], reason: Reason
) -> None:
    openid_provider.token_answer.replace(**answer)
    error = refused(before, old)
    assert isinstance(error, TokenError)
    assert error.reason is reason


def test_what_the_op_refuses(before: RPSession, old: Tokens, openid_provider: OpenIDProvider) -> None:
    openid_provider.grants.revoke_all()
    error = refused(before, old)
    assert isinstance(error, OPRefused)
    assert error.reason is Reason.INVALID_GRANT


def test_what_the_op_fails_at(before: RPSession, old: Tokens, openid_provider: OpenIDProvider) -> None:
    openid_provider.fail("token", status=503, headers={"Retry-After": "77"})
    error = refused(before, old)
    assert isinstance(error, OPUnavailable)
    assert not isinstance(error, Unchecked)
    assert (error.reason, error.retry_after) == (Reason.OP_STATUS, 77)


def test_an_op_without_a_token_endpoint(before: RPSession, old: Tokens, openid_provider: OpenIDProvider) -> None:
    openid_provider.metadata.drop("token_endpoint")
    know_nothing()
    assert isinstance(refused(before, old), ConfigurationError)


@pytest.mark.parametrize("rotated", [True, False], ids=["rotated", "not rotated"])
def test_c118_a_new_refresh_token_is_not_lost_with_keys_that_cannot_be_had(
    before: RPSession, old: Tokens, openid_provider: OpenIDProvider, rotated: bool
) -> None:
    """The old one is spent: to show it again would look like theft (RFC 9700 4.14.2)."""
    openid_provider.rotate_refresh_tokens = rotated
    if not rotated:
        openid_provider.token_answer.drop("refresh_token")
    know_nothing()
    openid_provider.fail("jwks", status=503, headers={"Retry-After": "9"})
    error = refused(before, old)
    assert isinstance(error, Unchecked)
    assert (error.reason, error.retry_after) == (Reason.OP_STATUS, 9)
    assert replace(error.tokens, refresh_token="") == replace(old, refresh_token=""), "none that was not checked"
    assert (error.tokens.refresh_token == old.refresh_token) is not rotated
    openid_provider.behave()
    know_nothing()
    tokens, _ = refreshed(before, error.tokens)
    assert tokens.access_token != old.access_token


def test_a_token_by_a_key_that_the_op_does_not_publish_is_refused(
    before: RPSession, old: Tokens, openid_provider: OpenIDProvider
) -> None:
    openid_provider.jwks.replace(keys=[])
    openid_provider.rotate_keys()
    assert refused(before, old).reason is Reason.ID_TOKEN_KEY_UNKNOWN


def test_no_token_is_in_an_error(before: RPSession, old: Tokens, openid_provider: OpenIDProvider) -> None:
    openid_provider.fail("token", status=400, body={"error": "invalid_grant", "error_description": old.refresh_token})
    error = refused(before, old)
    assert old.refresh_token not in f"{error!r} {error} {vars(error)}"
