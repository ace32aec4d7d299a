"""C.12: where the site is, and what stands in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import clear_script_prefix, set_script_prefix

from tests.conftest import NAVIGATION, Browser, Clock
from tests.faults.conftest import STALE, Member

if TYPE_CHECKING:
    from pytest_django import Settings


def redirect_uri(response: Any) -> str:
    return parse_qs(urlsplit(response["Location"]).query)["redirect_uri"][0]


def round_trip(browser: Browser, begun: Any, **extra: Any) -> Any:
    return browser.client.get(browser.at_op(begun["Location"]), headers=NAVIGATION, **extra)


@pytest.mark.parametrize("host", ["testserver", "127.0.0.1:8000", "a.localhost", "b.localhost:8443"])
def test_c121_each_host_has_its_own_redirect_uri(redirected: None, browser: Browser, host: str) -> None:
    browser.provider.sign_in("alice")
    begun = browser.client.get("/page/", headers=NAVIGATION, HTTP_HOST=host)
    assert redirect_uri(begun) == f"http://{host}/oidc/callback/"
    assert round_trip(browser, begun, HTTP_HOST=host)["Location"] == "/page/"
    assert browser.user() != "nobody"


def test_c121_over_https_cookies_are_bound_to_the_host(redirected: None, browser: Browser) -> None:
    browser.provider.sign_in("alice")
    begun = browser.client.get("/page/", headers=NAVIGATION, secure=True)
    assert redirect_uri(begun) == "https://testserver/oidc/callback/"
    ours = {name: morsel for name, morsel in begun.cookies.items() if "silent_sso" in name}
    assert len(ours) == 2
    assert all(
        name.startswith("__Host-") and morsel["secure"] and not morsel["domain"] for name, morsel in ours.items()
    )
    assert round_trip(browser, begun, secure=True)["Location"] == "/page/"


@pytest.fixture
def below_a_path() -> Iterator[None]:
    """What Django's WSGI handler does, and its test client does not."""
    set_script_prefix("/app/")
    yield
    clear_script_prefix()


def test_c121_below_a_path(redirected: None, below_a_path: None, browser: Browser, clock: Clock) -> None:
    browser.provider.sign_in("alice")
    for _ in range(2):
        begun = browser.client.get("/page/", headers=NAVIGATION, SCRIPT_NAME="/app")
        assert redirect_uri(begun) == "http://testserver/app/oidc/callback/"
        path = browser.at_op(begun["Location"]).removeprefix("/app")
        assert browser.client.get(path, headers=NAVIGATION, SCRIPT_NAME="/app")["Location"] == "/app/page/"
        clock.advance(STALE)


def test_c121_below_a_language(redirected: None, browser: Browser, settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.faults.urls_i18n"
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE[:2],
        "django.middleware.locale.LocaleMiddleware",
        *settings.MIDDLEWARE[2:],
    ]
    for language in ("en", "de"):
        browser.client.cookies.clear()
        browser.provider.sign_in("alice")
        begun = browser.get(f"/{language}/page/")
        assert redirect_uri(begun) == f"http://testserver/{language}/oidc/callback/"
        assert browser.follow(begun)["Location"] == f"/{language}/page/"


def test_c122_a_proxy_that_strips_our_cookies_costs_a_visitor_no_page(redirected: None, browser: Browser) -> None:
    browser.provider.sign_in("alice")
    response = browser.get("/page/")
    for _ in range(20):
        for name in [name for name in browser.client.cookies if "silent_sso" in name]:
            del browser.client.cookies[name]
        if response.status_code != 302:
            break
        target = response["Location"]
        response = browser.get(browser.at_op(target) if urlsplit(target).netloc else target)
    assert response.status_code in (200, 400)


def test_c122_each_cookie_and_each_location_fits_a_small_header(browser: Browser, clock: Clock) -> None:
    browser.provider.id_token.replace(roles=["a role with a long name"] * 40)
    Member(browser, clock)
    for number in range(10):
        response = browser.get(f"/oidc/authenticate/?next=/page/{number}{'x' * 2000}")
        assert len(response["Location"]) < 4096
        assert max(len(morsel.OutputString()) for morsel in response.cookies.values()) < 4096
    sent = "; ".join(f"{name}={morsel.value}" for name, morsel in browser.client.cookies.items())
    assert len(sent) < 8192


@pytest.mark.parametrize("path", ["/OIDC/CALLBACK/", "//oidc//callback/", "/oidc/callback"])
def test_c122_a_callback_that_was_rewritten_on_the_way_harms_nobody(
    redirected: None, browser: Browser, clock: Clock, path: str
) -> None:
    member = Member(browser, clock)
    query = browser.at_op(browser.get("/page/")["Location"]).partition("?")[2]
    response = browser.client.get(f"{path}?{query}", headers=NAVIGATION)
    assert response.status_code in (301, 302, 404)
    member.is_unharmed()
