"""Same-site hops: a response that came without its cookies gets another chance, once."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from django.test import RequestFactory

from django_silent_sso.views import hops
from tests.conftest import Browser, told

if TYPE_CHECKING:
    from pytest_django import Settings


def refreshed(response: Any) -> str:
    """Where the page loads itself again, from this site."""
    assert response.status_code == 200
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', response.content.decode())
    assert found
    return unescape(found[1])


class StrictCookies:
    """A browser whose session cookie is Strict: it does not come with what began at another site."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    def get_from_op(self, path: str) -> Any:
        held = self.browser.client.cookies.pop("sessionid", None)
        response = self.browser.get(path, **{"Sec-Fetch-Site": "cross-site"})
        if held is not None and "sessionid" not in self.browser.client.cookies:
            self.browser.client.cookies["sessionid"] = held.value
        return response


@pytest.fixture
def strict(browser: Browser, settings: Settings) -> StrictCookies:
    settings.SESSION_COOKIE_SAMESITE = "Strict"
    return StrictCookies(browser)


def test_g08_a_strict_session_cookie_gets_one_hop_and_nothing_is_used_up(strict: StrictCookies) -> None:
    browser = strict.browser
    browser.provider.sign_in("alice")
    callback = browser.at_op(browser.get("/oidc/authenticate/?next=/page/")["Location"])
    browser.provider.forget_calls()
    page = strict.get_from_op(callback)
    assert browser.provider.calls == []
    again = refreshed(page)
    assert again == f"{callback}&silent_sso_hop=1"
    back = browser.get(again, **{"Sec-Fetch-Site": "same-origin"})
    assert back["Location"] == "/page/"
    assert browser.user() != "nobody"


def test_g08_the_session_of_a_strict_site_is_renewed_and_not_replaced(strict: StrictCookies) -> None:
    from django_silent_sso.testing import make_stale

    browser = strict.browser
    browser.provider.sign_in("alice")
    browser.get(refreshed(browser.follow(browser.get("/oidc/authenticate/"))), **{"Sec-Fetch-Site": "same-origin"})
    key = browser.session.session_key
    make_stale(browser.session)
    callback = browser.at_op(browser.get("/page/")["Location"])
    assert browser.get(refreshed(strict.get_from_op(callback)))["Location"] == "/page/"
    assert browser.session.session_key == key


@pytest.mark.parametrize("site", ["same-origin", "same-site"])
def test_no_hop_where_a_strict_cookie_would_have_come(strict: StrictCookies, site: str) -> None:
    browser = strict.browser
    browser.provider.sign_in("alice")
    callback = browser.at_op(browser.get("/oidc/authenticate/?next=/page/")["Location"])
    assert browser.get(callback, **{"Sec-Fetch-Site": site})["Location"] == "/page/"


def test_a_forged_response_costs_one_hop_and_no_more(strict: StrictCookies) -> None:
    again = refreshed(strict.get_from_op("/oidc/callback/?state=i.forged&code=1"))
    assert told(strict.get_from_op(again)) == (400, "state_unknown")


def test_a_response_without_state_gets_no_hop(strict: StrictCookies) -> None:
    assert told(strict.get_from_op("/oidc/callback/?code=1")) == (400, "state_missing")


def test_a_form_that_brought_its_attempt_needs_no_hop(strict: StrictCookies, settings: Settings) -> None:
    """A POST with Lax cookies began on this very site; an old browser does not say so."""
    settings.SILENT_SSO_RESPONSE_MODE = "form_post"
    browser = strict.browser
    browser.provider.sign_in("alice")
    form = browser.provider.answer(browser.get("/oidc/authenticate/?next=/page/")["Location"])
    response = browser.client.post("/oidc/callback/", form.fields, headers={"Accept": "text/html"})
    assert (response.status_code, response.get("Location")) == (415, None), "multipart is no response mode"
    response = browser.client.post(
        "/oidc/callback/",
        "&".join(f"{k}={v}" for k, v in form.fields.items()),
        content_type="application/x-www-form-urlencoded",
        headers={"Accept": "text/html"},
    )
    assert response["Location"] == "/page/"


def test_a_form_that_is_too_large_for_a_url_is_refused(browser: Browser) -> None:
    request = RequestFactory().post("/oidc/callback/")
    assert told(hops.hop_form_post(request, "/oidc/callback/?" + "x" * 7500)) == (400, "malformed_response")
    response = hops.hop_form_post(request, "/oidc/callback/?" + "x" * 7000)
    assert (response.status_code, response["Cache-Control"]) == (303, "no-store, private")


@pytest.mark.parametrize(
    ("return_to", "location"),
    [
        ("/page/", "/page/?silent_sso=cookies_blocked"),
        ("/page/?a=1&b=%20", "/page/?a=1&b=%20&silent_sso=cookies_blocked"),
        ("/page/?a=1#part", "/page/?a=1&silent_sso=cookies_blocked#part"),
    ],
)
def test_ds02_the_way_back_carries_the_mark(return_to: str, location: str) -> None:
    response = hops.without_cookies(return_to)
    assert (response.status_code, response["Location"]) == (302, location)
