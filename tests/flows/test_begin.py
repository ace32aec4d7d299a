"""Beginning an attempt: the Authentication Request that leaves, and what is remembered for its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from django.contrib.sessions.models import Session

from django_silent_sso.flows import begin as begin_module
from django_silent_sso.op import health, provider
from django_silent_sso.protocol.errors import Reason
from django_silent_sso.testing import make_stale
from tests.conftest import Browser, Clock

if TYPE_CHECKING:
    from pytest_django import Settings


def asked(url: str) -> dict[str, str]:
    """The parameters of an Authentication Request; none comes twice."""
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def interactive(browser: Browser, path: str = "/oidc/authenticate/?next=/page/") -> dict[str, str]:
    response = browser.get(path)
    assert response.status_code == 302, response.content
    return asked(response["Location"])


def test_an_interactive_request_has_everything_and_no_prompt(browser: Browser) -> None:
    wish = interactive(browser)
    assert wish.pop("state").startswith("i.")
    assert len(wish.pop("nonce")) >= 43
    assert len(wish.pop("code_challenge")) == 43
    assert wish == {
        "client_id": "site",
        "redirect_uri": "http://testserver/oidc/callback/",
        "response_type": "code",
        "scope": "openid email",
        "code_challenge_method": "S256",
    }


@pytest.mark.parametrize(("transport", "kind"), [("frame", "f."), ("popup", "p."), ("top", "t.")])
def test_a_silent_request_asks_for_no_prompt_and_its_state_tells_its_transport(
    browser: Browser, settings: Settings, transport: str, kind: str
) -> None:
    settings.SILENT_SSO_TOP_LEVEL_HOP = "always"
    begun = browser.start(transport=transport).json()
    wish = asked(begun["authorization_url"])
    assert (wish["prompt"], wish["state"]) == ("none", begun["attempt"])
    assert wish["state"].startswith(kind)


def test_state_nonce_and_challenge_are_new_each_time(browser: Browser) -> None:
    wishes = [interactive(browser) for _ in range(5)]
    for name in ("state", "nonce", "code_challenge"):
        assert len({wish[name] for wish in wishes}) == 5


def test_only_the_cookie_of_the_attempt_is_set_and_no_session_is_opened(browser: Browser) -> None:
    wish = interactive(browser)
    (name,) = browser.client.cookies
    morsel = browser.client.cookies[name]
    assert name.startswith("silent_sso_")
    assert (morsel["httponly"], morsel["samesite"], morsel["path"], morsel["max-age"]) == (True, "Lax", "/", 600)
    for secret in (wish["state"], wish["nonce"]):
        assert secret not in morsel.value + name
    assert not Session.objects.exists()


def test_an_attempt_lives_two_minutes_if_it_is_silent(browser: Browser) -> None:
    browser.start()
    ages = {n: m["max-age"] for n, m in browser.client.cookies.items() if not n.startswith("silent_sso_marks")}
    assert list(ages.values()) == [120]


def test_c18_a_known_user_is_hinted_at_by_token_and_name(browser: Browser) -> None:
    browser.provider.claims_in_id_token = True
    browser.sign_in("alice", email="alice@example.org")
    make_stale(browser.session)
    wish = asked(browser.get("/page/")["Location"])
    assert wish["login_hint"] == "alice@example.org"
    assert wish["id_token_hint"].count(".") == 2


def test_no_token_is_hinted_with_while_the_op_refuses_hints(browser: Browser, clock: Clock) -> None:
    browser.sign_in("alice")
    make_stale(browser.session)
    with browser.provider.answer_with_error("invalid_request", times=1):
        leaving = browser.get(browser.at_op(browser.get("/page/")["Location"]))
    assert "id_token_hint" not in asked(leaving["Location"])
    assert browser.follow(leaving).status_code == 302
    clock.advance(20 * 3600)
    assert "id_token_hint" not in asked(browser.get("/page/")["Location"])
    clock.advance(5 * 3600)
    assert "id_token_hint" in asked(browser.get("/page/")["Location"])


def test_u18_nobody_s_hint_is_sent_for_a_visitor(browser: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    wish = asked(browser.get("/page/?id_token_hint=a.b.c&login_hint=mallory")["Location"])
    assert {"id_token_hint", "login_hint"} & set(wish) == set()


def test_c18_a_hint_that_is_too_long_is_left_out(browser: Browser) -> None:
    browser.provider.id_token.replace(padding="x" * 5000)
    browser.sign_in("alice")
    make_stale(browser.session)
    wish = asked(browser.get("/page/")["Location"])
    assert "id_token_hint" not in wish
    assert wish["login_hint"] == "alice@example.org"


@pytest.mark.parametrize(
    ("claims", "hint"),
    [
        ({"email": "a@example.org", "preferred_username": "alice"}, "a@example.org"),
        ({"email": 5, "preferred_username": "alice"}, "alice"),
        ({"email": "a" * 255, "preferred_username": ""}, None),
        ({}, None),
    ],
)
def test_the_login_hint_is_a_name_the_op_gave(browser: Browser, claims: dict[str, object], hint: str | None) -> None:
    browser.provider.claims_in_id_token = True
    browser.provider.id_token.change(
        lambda token: {k: v for k, v in token.items() if k not in ("email", "preferred_username")} | claims
    )
    browser.provider.userinfo.drop("email", "preferred_username")
    browser.sign_in("alice")
    make_stale(browser.session)
    assert asked(browser.get("/page/")["Location"]).get("login_hint") == hint


def test_i13_d56_extra_parameters_add_and_never_replace(browser: Browser, settings: Settings) -> None:
    reserved = ("state", "nonce", "redirect_uri", "response_type", "prompt", "code_challenge", "client_id")
    settings.OIDC_AUTH_REQUEST_EXTRA_PARAMS = {"audience": "api", **dict.fromkeys(reserved, "evil")}
    wish = interactive(browser, "/oidc/authenticate/?prompt=create&state=mine&redirect_uri=https://evil.example/")
    assert wish["audience"] == "api"
    assert "evil" not in wish.values()
    assert "prompt" not in wish


def test_i12_the_endpoint_s_own_query_is_kept(browser: Browser) -> None:
    browser.provider.metadata.replace(authorization_endpoint=lambda url: f"{url}?tenant=a&state=theirs")
    assert interactive(browser)["tenant"] == "a"


def test_i15_the_redirect_uri_comes_from_the_setting_if_there_is_one(browser: Browser, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    settings.SILENT_SSO_ORIGIN = "https://site.example"
    response = browser.get("/oidc/authenticate/", Host="evil.example")
    assert asked(response["Location"])["redirect_uri"] == "https://site.example/oidc/callback/"


def test_the_response_mode_is_for_top_level_only(browser: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_RESPONSE_MODE = "form_post"
    assert interactive(browser)["response_mode"] == "form_post"
    assert "response_mode" not in asked(browser.start().json()["authorization_url"])


def test_a_web_message_is_asked_for_where_somebody_can_take_it(browser: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_RESPONSE_MODE = "web_message"
    assert asked(browser.start().json()["authorization_url"])["response_mode"] == "web_message"
    assert "response_mode" not in interactive(browser)


@pytest.mark.parametrize(
    ("response_type", "mode", "used"),
    [
        ("code", None, False),
        ("code", "query", False),
        ("code", "fragment", True),
        ("code id_token", None, True),
        ("code id_token", "web_message", True),
        ("code id_token", "form_post", False),
    ],
)
def test_a_fragment_is_looked_for_where_one_was_asked_for(
    settings: Settings, response_type: str, mode: str | None, used: bool
) -> None:
    settings.SILENT_SSO_RESPONSE_TYPE, settings.SILENT_SSO_RESPONSE_MODE = response_type, mode
    assert begin_module.fragment_is_used() is used


def test_a_pushed_request_leaves_a_reference_with_the_browser(browser: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_PUSHED_REQUESTS = True
    wish = interactive(browser)
    assert set(wish) == {"client_id", "request_uri"}
    browser.provider.sign_in("alice")
    assert browser.follow(browser.get("/oidc/authenticate/?next=/page/7"))["Location"] == "/page/7"


# -- before a person is sent there ---------------------------------------------------------------------------------


def test_preparing_needs_metadata_and_somebody_at_home(browser: Browser, clock: Clock) -> None:
    clock.stop()
    assert not begin_module.preparation_is_cheap()
    assert begin_module.prepare() is None
    assert begin_module.preparation_is_cheap()
    browser.provider.stop()
    clock.advance(5)
    assert not begin_module.preparation_is_cheap()
    assert begin_module.prepare() is Reason.OP_UNREACHABLE
    assert begin_module.preparation_is_cheap(), "a bad answer is remembered too"


def test_an_op_without_usable_metadata_is_an_obstacle(browser: Browser) -> None:
    browser.provider.fail("discovery")
    assert begin_module.prepare() is Reason.OP_STATUS
    browser.provider.behave()
    provider.forget()
    browser.provider.metadata.replace(issuer="https://elsewhere.example")
    assert begin_module.prepare() is Reason.METADATA_ISSUER_MISMATCH


def test_an_endpoint_that_settings_spoil_is_an_obstacle_without_any_call(browser: Browser, settings: Settings) -> None:
    for name, url in browser.provider.endpoint_settings().items():
        setattr(settings, name, url)
    settings.OIDC_OP_AUTHORIZATION_ENDPOINT = "http://op.example.org/authorize"
    health.forget()
    assert begin_module.beginning_is_cheap("/page/")
    assert begin_module.preparation_is_cheap()
    assert begin_module.prepare() is Reason.ENDPOINT_INSECURE
    assert browser.provider.connections == 0


def test_beginning_waits_for_nobody_unless_something_must_be_fetched_pushed_or_put_aside(
    browser: Browser, settings: Settings
) -> None:
    assert not begin_module.beginning_is_cheap("/page/")
    provider.metadata()
    assert begin_module.beginning_is_cheap("/page/")
    assert not begin_module.beginning_is_cheap("/page/" + "x" * 1000)
    settings.SILENT_SSO_PUSHED_REQUESTS = True
    assert not begin_module.beginning_is_cheap("/page/")


def test_kinds_of_state_are_told_apart() -> None:
    assert [begin_module.transport_of(s) for s in ("f.x", "t.x", "p.x", "i.x", "", None, "frame")] == [
        "frame",
        "top",
        "popup",
        None,
        None,
        None,
        None,
    ]


def test_the_query_is_made_of_percent_encodings(browser: Browser) -> None:
    """A plus is a space only for some servers."""
    query = urlsplit(browser.get("/oidc/authenticate/")["Location"]).query
    assert "scope=openid%20email" in query
    assert parse_qs(query)["scope"] == ["openid email"]
