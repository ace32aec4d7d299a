"""The Authentication Request: what is in it, and what nobody can put into it."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from django_silent_sso.protocol.authentication_request import (
    RESERVED_PARAMETERS,
    AuthenticationRequest,
    Prompt,
    new_secret,
)

ENDPOINT = "https://id.example.org/authorize"
#: RFC 7636, appendix B
VERIFIER, CHALLENGE = (
    "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
)


def request(**changes: Any) -> AuthenticationRequest:
    good: dict[str, Any] = {
        "client_id": "site",
        "redirect_uri": "https://site.example/oidc/callback/",
        "scope": "openid email",
        "state": "state-canary",
        "nonce": "nonce-canary",
        "code_verifier": VERIFIER,
    }
    return AuthenticationRequest(**(good | changes))


def sent(url: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(url).query, keep_blank_values=True)


def test_a_plain_request_says_this_and_nothing_else() -> None:
    assert request().parameters() == {
        "client_id": "site",
        "redirect_uri": "https://site.example/oidc/callback/",
        "response_type": "code",
        "scope": "openid email",
        "state": "state-canary",
        "nonce": "nonce-canary",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }


@pytest.mark.parametrize(
    ("change", "parameter", "value"),
    [
        pytest.param({"prompt": Prompt.NONE}, "prompt", "none", id="prompt none is silent"),
        pytest.param({"prompt": Prompt.LOGIN}, "prompt", "login", id="prompt login"),
        pytest.param({"prompt": Prompt.CONSENT}, "prompt", "consent", id="prompt consent"),
        pytest.param({"prompt": Prompt.SELECT_ACCOUNT}, "prompt", "select_account", id="prompt select_account"),
        pytest.param({"response_mode": "form_post"}, "response_mode", "form_post", id="response mode"),
        pytest.param({"id_token_hint": "a.b.c"}, "id_token_hint", "a.b.c", id="id_token_hint"),
        pytest.param({"login_hint": "alice"}, "login_hint", "alice", id="login_hint"),
        pytest.param({"max_age": 60}, "max_age", "60", id="max_age in seconds"),
        pytest.param({"max_age": 0}, "max_age", "0", id="max_age 0 is not absent"),
        pytest.param({"acr_values": "gold"}, "acr_values", "gold", id="acr_values"),
        pytest.param({"extra": {"ui_locales": "fr"}}, "ui_locales", "fr", id="a parameter of the site"),
        pytest.param({"extra": {"max_age": 5}}, "max_age", "5", id="a number of the site, as in settings"),
        pytest.param({"extra": {"max_age": "5"}, "max_age": 9}, "max_age", "9", id="I13 ours wins over extra"),
        pytest.param({"extra": {"scope": "admin"}}, "scope", "openid email", id="I13 scope is ours"),
        pytest.param({"scope": "email"}, "scope", "openid email", id="A.0 openid is always in scope"),
        pytest.param({"scope": "openid2"}, "scope", "openid openid2", id="A.0 openid2 is not openid"),
        pytest.param({"scope": ""}, "scope", "openid", id="A.0 also alone"),
        pytest.param({"scope": " email  openid "}, "scope", "email openid", id="one space between scopes"),
    ],
)
def test_each_part_becomes_its_parameter(change: dict[str, Any], parameter: str, value: str) -> None:
    assert request(**change).parameters()[parameter] == value


@pytest.mark.parametrize("name", sorted(RESERVED_PARAMETERS))
def test_i13_extra_never_sets(name: str) -> None:
    assert request(extra={name: "evil"}).parameters() == request().parameters()


def test_reserved_names_are_these() -> None:
    listed = """client_id code_challenge code_challenge_method id_token_hint nonce prompt redirect_uri
        registration request request_uri response_mode response_type state"""
    assert sorted(RESERVED_PARAMETERS) == listed.split()


@pytest.mark.parametrize(
    "response_type",
    ["id_token", "id_token token", "code id_token", "code token", "code id_token token", "code"],
)
def test_a15_every_response_type_has_a_nonce_and_only_codes_have_pkce(response_type: str) -> None:
    parameters = request(response_type=response_type).parameters()
    assert parameters["nonce"] == "nonce-canary"
    assert ("code_challenge" in parameters) is ("code" in response_type)
    assert ("code_challenge_method" in parameters) is ("code" in response_type)


@pytest.mark.parametrize(
    ("change", "left"),
    [
        pytest.param({"prompt": Prompt.NONE, "max_age": 0}, None, id="A.0 never with prompt none"),
        pytest.param({"prompt": Prompt.NONE, "extra": {"max_age": "0"}}, None, id="A.0 not by extra either"),
        pytest.param({"prompt": Prompt.NONE, "max_age": 1}, "1", id="another max_age stays"),
        pytest.param({"prompt": Prompt.LOGIN, "max_age": 0}, "0", id="another prompt does not mind"),
    ],
)
def test_max_age_0_contradicts_prompt_none(change: dict[str, Any], left: str | None) -> None:
    assert request(**change).parameters().get("max_age") == left


@pytest.mark.parametrize(
    ("endpoint", "start"),
    [
        pytest.param(ENDPOINT, ENDPOINT + "?client_id=site&", id="no query"),
        pytest.param(ENDPOINT + "?", ENDPOINT + "?client_id=site&", id="an empty query"),
        pytest.param(ENDPOINT + "?t=a%2Fb&x", ENDPOINT + "?t=a%2Fb&x&client_id=site&", id="I12 its own is kept"),
        pytest.param(ENDPOINT + "?a=1&&b=2", ENDPOINT + "?a=1&b=2&client_id=site&", id="I12 empty pairs are not"),
        pytest.param(ENDPOINT + "?state=x&a=1", ENDPOINT + "?a=1&client_id=site&", id="I12 ours wins"),
        pytest.param(ENDPOINT + "?st%61te=x", ENDPOINT + "?client_id=site&", id="I12 however it is spelt"),
        pytest.param(ENDPOINT + "?a=1#top", ENDPOINT + "?a=1&client_id=site&", id="O13 no fragment"),
    ],
)
def test_i12_url_at_an_endpoint(endpoint: str, start: str) -> None:
    url = request().to_url(endpoint)
    assert url.startswith(start)
    assert [value for name, value in sent(url) if name == "state"] == ["state-canary"]
    assert dict(sent(url)).items() >= request().parameters().items()
    assert "#" not in url


def test_values_are_encoded_so_that_every_parser_reads_the_same() -> None:
    url = request(login_hint="a b+c&d=é/#?").to_url(ENDPOINT)
    assert "login_hint=a%20b%2Bc%26d%3D%C3%A9%2F%23%3F" in url
    assert dict(sent(url))["login_hint"] == "a b+c&d=é/#?"


def test_3p4_a_hint_that_is_no_text_is_no_exception() -> None:
    assert dict(sent(request(login_hint="\ud800\0").to_url(ENDPOINT)))["login_hint"] == "?\0"


@pytest.mark.parametrize(
    ("length", "hint_length", "kept"),
    [
        pytest.param(8000, 100, True, id="a short hint stays"),
        pytest.param(8000, 9000, False, id="a long one goes"),
        pytest.param(0, None, False, id="without a hint there is nothing to drop"),
    ],
)
def test_c18_the_hint_is_dropped_from_a_long_url(length: int, hint_length: int | None, kept: bool) -> None:
    hint = None if hint_length is None else "h" * hint_length
    names = [name for name, _ in sent(request(id_token_hint=hint, login_hint="al").to_url(ENDPOINT, length))]
    assert ("id_token_hint" in names) is kept
    assert "login_hint" in names
    assert "state" in names


def test_c18_the_limit_itself_is_allowed() -> None:
    short = request(id_token_hint="hint")
    url = short.to_url(ENDPOINT)
    assert short.to_url(ENDPOINT, len(url)) == url
    assert "id_token_hint" not in short.to_url(ENDPOINT, len(url) - 1)
    by_default = request(id_token_hint="hint" + "h" * (8000 - len(url)))
    assert len(by_default.to_url(ENDPOINT)) == 8000
    assert "id_token_hint" not in replace(by_default, state="s" + by_default.state).to_url(ENDPOINT)


def test_a_request_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        request().state = "another"  # type: ignore[misc]


def test_l03_secrets_and_hints_are_not_in_repr() -> None:
    shown = repr(request(id_token_hint="hint-canary", login_hint="al@canary", extra={"x": "extra-canary"}))
    assert "site" in shown
    assert "canary" not in shown
    assert VERIFIER not in shown


def test_challenge_is_the_one_of_the_rfc() -> None:
    assert request().code_challenge == CHALLENGE


def test_secrets_are_fresh_and_long_enough_for_a_verifier() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert {len(secret) for secret in secrets} == {43}
    assert len(new_secret(16)) == 22
