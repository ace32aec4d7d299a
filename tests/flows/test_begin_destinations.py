"""Where an attempt's answer leads: the page first asked for, byte for byte, and never another site."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache
from django.test import RequestFactory

from django_silent_sso.flows import begin as begin_module
from tests.conftest import Browser
from tests.flows.test_begin import asked, interactive

if TYPE_CHECKING:
    from pytest_django import Settings


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example/",
        "https://evil.example/",
        "/\\evil.example",
        "\\/evil.example",
        "/\t/evil.example",
        "java\nscript:alert(1)",
        "http:///evil.example",
        "page",
        "https://testserver.evil.example/",
        "https://testserver@evil.example/",
        "/oidc/callback/?x=1",
        "/oidc/logout/",
        "/oidc/authenticate/?next=/page/",
        "/oidc/silent/",
        "/page/" + "x" * 9000,
        "",
    ],
)
def test_o01_o06_a_destination_that_is_not_a_page_of_this_site_is_replaced(browser: Browser, wanted: str) -> None:
    browser.provider.sign_in("alice")
    leaving = browser.client.get("/oidc/authenticate/", {"next": wanted})
    assert browser.follow(leaving)["Location"] == "/accounts/profile/"


def test_the_name_of_the_next_parameter_can_be_changed(browser: Browser, settings: Settings) -> None:
    settings.OIDC_REDIRECT_FIELD_NAME = "go"
    browser.provider.sign_in("alice")
    back = browser.follow(browser.get("/oidc/authenticate/?next=/other/&go=/page/7"))
    assert back["Location"] == "/page/7"


def test_s22_c102_each_attempt_has_its_own_destination_byte_for_byte(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    long = "/page/%C3%A9%2F?" + "q=%20+&" * 900
    first, second = browser.get("/oidc/authenticate/?next=/page/1"), None
    second = browser.client.get("/oidc/authenticate/", {"next": long})
    assert browser.follow(second)["Location"] == long
    assert browser.follow(first)["Location"] == "/page/1"


# -- the way back for a browser that keeps no cookies ----------------------------------------------------------------


def way_back(state: str | None, now: float, **cookies: str) -> str | None:
    request = RequestFactory().get("/oidc/callback/")
    request.COOKIES = cookies
    return begin_module.return_to_without_cookies(request, state, now)


def test_c92_a_browser_without_any_cookie_takes_its_way_back_along(browser: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    state = asked(browser.get("/page/7?x=1")["Location"])["state"]
    assert "page" not in state
    now = time.time()
    assert way_back(state, now) == "/page/7?x=1"
    assert way_back(state, now, a="cookie") is None
    assert way_back(state, now + 121) is None
    assert way_back(f"{state}x", now) is None
    assert way_back(f"i{state[1:]}", now) is None
    assert way_back("t.made-up", now) is None
    assert way_back(None, now) is None


def test_c92_the_way_back_is_in_no_other_state(browser: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    browser.client.cookies["any"] = "cookie"
    with_cookie = asked(browser.get("/page/")["Location"])["state"]
    assert [state.count(".") for state in (with_cookie, interactive(browser)["state"])] == [1, 1]


def test_c92_c102_a_long_way_back_waits_in_the_cache(browser: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    long = "/page/?" + "x" * 7000
    state = asked(browser.get(long)["Location"])["state"]
    assert len(state) < 500
    assert way_back(state, time.time()) == long
    cache.clear()
    assert way_back(state, time.time()) is None
