"""`silent/`: where the page's own script begins a silent attempt, or hears why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.contrib.auth import get_user_model

from django_silent_sso.testing import make_overdue, make_stale
from tests.conftest import FETCH, Browser, told
from tests.views.answers import SESSION, assert_private, begun, cookies_of, nothing_changes, refused, was_here_before

if TYPE_CHECKING:
    from pytest_django import Settings

START = "/oidc/silent/"
ORIGIN = {"Origin": "http://testserver"}
SAME = {"Sec-Fetch-Site": "same-origin"}


def post(browser: Browser, **headers: str) -> Any:
    """By a client that sends these headers only."""
    return browser.client.post(
        START, "transport=frame", content_type="application/x-www-form-urlencoded", headers=headers
    )


# -- by whom -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {**SAME, **ORIGIN},
        SAME,
        ORIGIN,
        {**SAME, "Origin": "null"},  # a page with Referrer-Policy: no-referrer
        {"Origin": "http://testserver:80"},
        {"Origin": "HTTP://TESTSERVER"},
    ],
)
def test_a_page_of_this_origin_may_begin(browser: Browser, headers: dict[str, str]) -> None:
    assert "authorization_url" in post(browser, **headers).json()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://["},
        {"Origin": "http://testserver:port"},
        {"Origin": "https://testserver"},
        {"Origin": "http://testserver:8000"},
        {"Origin": "http://testserver.evil.example"},
        {"Origin": "https://evil.example", **SAME},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site", **ORIGIN},
        {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
        {"Sec-Fetch-Site": "same-site", **ORIGIN},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_s20_f01_nobody_else_may(browser: Browser, headers: dict[str, str]) -> None:
    with nothing_changes(browser):
        answer = post(browser, **headers)
    assert told(answer) == (403, "cross_site_request")
    assert_private(answer)
    assert not answer.cookies


def test_i15_the_configured_origin_is_this_origin_too(browser: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_ORIGIN = "https://site.example"
    assert "authorization_url" in post(browser, Origin="https://site.example").json()
    assert told(post(browser, Origin="https://other.example")) == (403, "cross_site_request")


def test_f03_the_answer_to_other_sites_does_not_tell_who_is_signed_in(browser: Browser) -> None:
    visitor = post(browser, **{"Sec-Fetch-Site": "cross-site"}).content
    browser.sign_in("alice")
    assert post(browser, **{"Sec-Fetch-Site": "cross-site"}).content == visitor


# -- for whom ------------------------------------------------------------------------------------------------------


def test_a_visitor_s_attempt_hints_at_nobody(browser: Browser) -> None:
    assert not {"id_token_hint", "login_hint"} & set(begun(browser))
    assert SESSION not in cookies_of(browser)


def test_a_signed_in_user_s_attempt_hints_at_the_user(browser: Browser) -> None:
    browser.sign_in("alice")
    assert "id_token_hint" in begun(browser)
    make_overdue(browser.session)
    assert "id_token_hint" in begun(browser, trigger="call")


def test_visitors_off(browser: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_VISITORS = "off"
    for trigger in ("load", "return", "call"):
        assert refused(browser, trigger=trigger) == ("visitors_off", None)
    browser.sign_in("alice")
    make_stale(browser.session)
    begun(browser)


@pytest.mark.parametrize("transport", ["frame", "popup", "top"])
def test_bc33_a_session_opened_by_a_password_is_left_alone(browser: Browser, transport: str) -> None:
    browser.client.force_login(
        get_user_model().objects.create_user("carol"), "django.contrib.auth.backends.ModelBackend"
    )
    assert refused(browser, transport=transport) == ("not_our_session", None)
    assert browser.user() == "carol"


def test_f24_a_privacy_signal_is_heeded_until_the_visitor_has_signed_in(browser: Browser) -> None:
    def start() -> Any:
        return browser.relay(START, "trigger=call", **{"Sec-GPC": "1"}).json()

    with nothing_changes(browser):
        assert start()["reason"] == "privacy_signal"
    browser.sign_in("alice")
    assert "attempt" in start()
    browser.client.session.delete()
    assert "attempt" in start(), "this browser was signed in here before"


def test_p03_after_a_sign_out_nothing_is_tried(browser: Browser) -> None:
    browser.sign_in("alice")
    browser.post("/oidc/logout/")
    browser.provider.forget_calls()
    for fields in ({}, {"trigger": "return"}, {"trigger": "call"}, {"transport": "top"}, {"transport": "popup"}):
        assert refused(browser, **fields) == ("signed_out_by_user", None)


def test_u08_a_silence_is_for_visitors_only(browser: Browser) -> None:
    """Who signed in again by hand is renewed, whatever an older mark says."""
    browser.sign_in("alice")
    marks = {name: value for name, value in cookies_of(browser).items() if "marks" in name}
    browser.post("/oidc/logout/")
    silenced = {name: value for name, value in cookies_of(browser).items() if "marks" in name}
    assert marks != silenced
    browser.sign_in("alice")
    browser.client.cookies.load(silenced)
    begun(browser)


@pytest.mark.parametrize("save_every_request", [False, True])
@pytest.mark.parametrize("visitors", ["off", "frame"])
def test_c77_an_old_session_cookie_is_left_alone(
    browser: Browser, settings: Settings, visitors: str, save_every_request: bool
) -> None:
    settings.SILENT_SSO_VISITORS = visitors
    settings.SESSION_SAVE_EVERY_REQUEST = save_every_request
    browser.client.cookies[SESSION] = "an-old-key-that-is-gone-by-now-abc"
    answer = browser.start()
    assert ("attempt" in answer.json()) is (visitors == "frame")
    assert SESSION not in answer.cookies


# -- how ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["frame", "popup"])
def test_how_the_answer_will_come_is_in_the_state(browser: Browser, transport: str) -> None:
    assert begun(browser, transport=transport)["state"].startswith(f"{transport[0]}.")


def test_a_frame_is_meant_where_nothing_is_said(browser: Browser) -> None:
    assert begun(browser)["state"].startswith("f.")


@pytest.mark.parametrize("transport", ["", "Frame", "web_message", "interactive"])
def test_another_transport_is_400(browser: Browser, transport: str) -> None:
    with nothing_changes(browser):
        assert told(browser.start(transport=transport)) == (400, "wrong_transport")


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x"])
def test_another_content_type_says_nothing(browser: Browser, content_type: str) -> None:
    """What is not a form has no fields: a frame's attempt, which harms nobody, and never a 500."""
    answer = browser.client.post(START, b"transport=nonsense", content_type=content_type, headers={**FETCH, **ORIGIN})
    assert answer.status_code in (200, 400)


@pytest.mark.parametrize(
    ("setting", "known", "itp_support", "allowed"),
    [
        ("never", True, "", False),
        ("known", False, "", False),
        ("known", True, "", True),
        ("always", False, "", True),
        ("known", False, "1", True),
        ("never", False, "1", True),
        ("known", False, "true", False),
    ],
)
def test_a_hop_at_top_level_where_the_settings_allow(
    browser: Browser, settings: Settings, setting: str, known: bool, itp_support: str, allowed: bool
) -> None:
    settings.SILENT_SSO_TOP_LEVEL_HOP = setting
    if known:
        was_here_before(browser)
    fields = {"transport": "top", "itp_support": itp_support}
    if allowed:
        assert begun(browser, **fields)["state"].startswith("t.")
    else:
        assert refused(browser, **fields) == ("wrong_transport", None)


def test_c91_a_signed_in_user_may_always_hop_where_known(browser: Browser) -> None:
    browser.sign_in("alice")
    for name in [name for name in browser.client.cookies if "marks" in name]:
        del browser.client.cookies[name]
    begun(browser, transport="top")


@pytest.mark.parametrize(
    ("return_to", "ends_at"),
    [
        ("/page/7?x=1#part", "/page/7?x=1#part"),
        ("https://evil.example/", "/accounts/profile/"),
        ("//evil.example/", "/accounts/profile/"),
        ("/oidc/logout/", "/accounts/profile/"),
        ("", "/accounts/profile/"),
    ],
)
def test_o01_o05_c103_a_hop_comes_back_to_the_page(browser: Browser, return_to: str, ends_at: str) -> None:
    was_here_before(browser)
    url = browser.start(transport="top", return_to=return_to).json()["authorization_url"]
    back = browser.get(browser.at_op(url), **{"Sec-Fetch-Site": "cross-site"})
    assert (back.status_code, back["Location"]) == (302, ends_at)
    assert browser.user() != "nobody"


def test_a_visitor_is_not_asked_for_more_than_was_meant(browser: Browser) -> None:
    fields = urlencode({"prompt": "login", "redirect_uri": "https://evil.example/", "state": "mine"})
    wish = dict(parse_qsl(urlsplit(browser.relay(START, fields).json()["authorization_url"]).query))
    assert (wish["prompt"], wish["redirect_uri"]) == ("none", "http://testserver/oidc/callback/")
