"""`silent/` for FedCM: the browser itself asks the OP, and brings an ID Token that the attempt's nonce binds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.conftest import Browser

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(browser: Browser, settings: Settings) -> dict[str, Any]:
    settings.SILENT_SSO_FEDCM_CONFIG_URL = "https://id.example.org/fedcm.json"
    browser.provider.sign_in("alice")
    answer: dict[str, Any] = browser.start(transport="fedcm", trigger="call").json()
    return answer


def id_token(browser: Browser, nonce: str) -> str:
    """As the OP's assertion endpoint makes one."""
    query = {
        "client_id": browser.provider.client_id,
        "redirect_uri": "http://testserver/oidc/callback/",
        "scope": "openid email",
        "response_type": "id_token",
        "nonce": nonce,
    }
    location = browser.provider.answer(f"{browser.provider.url_of('authorize')}?{urlencode(query)}").location or ""
    return parse_qs(urlsplit(location).fragment)["id_token"][0]


def bring(browser: Browser, state: str, token: str) -> dict[str, Any]:
    answer: dict[str, Any] = browser.relay("/oidc/callback/", urlencode({"state": state, "id_token": token})).json()
    return answer


def test_browser_hears_whom_to_ask_and_with_which_nonce(asked: dict[str, Any]) -> None:
    assert set(asked) == {"provider", "attempt"}
    assert asked["provider"]["configURL"] == "https://id.example.org/fedcm.json"
    assert asked["provider"]["clientId"] == "site"
    assert len(asked["provider"]["nonce"]) >= 32


def test_id_token_that_the_browser_brings_signs_in(browser: Browser, asked: dict[str, Any]) -> None:
    token = id_token(browser, asked["provider"]["nonce"])
    assert bring(browser, asked["attempt"], token)["status"] == "signed_in"
    assert browser.fetch("/oidc/session/").json()["signed_in"] is True


def test_it_serves_once(browser: Browser, asked: dict[str, Any]) -> None:
    token = id_token(browser, asked["provider"]["nonce"])
    bring(browser, asked["attempt"], token)
    assert bring(browser, asked["attempt"], token)["reason"] in ("state_used", "state_unknown")


def test_token_for_another_nonce_does_not(browser: Browser, asked: dict[str, Any]) -> None:
    answer = bring(browser, asked["attempt"], id_token(browser, "of-another-browser"))
    assert (answer["status"], answer["reason"]) == ("failed", "id_token_nonce")


def test_another_browser_cannot_bring_it(browser: Browser, asked: dict[str, Any]) -> None:
    token = id_token(browser, asked["provider"]["nonce"])
    assert bring(Browser(browser.provider), asked["attempt"], token)["reason"] == "state_unknown"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "{}"])
def test_what_is_no_token_is_refused(browser: Browser, asked: dict[str, Any], token: str) -> None:
    assert bring(browser, asked["attempt"], token)["status"] == "failed"
    assert browser.fetch("/oidc/session/").json() == {"signed_in": False}


def test_requests_are_not_pushed_for_it(browser: Browser, settings: Settings) -> None:
    """The browser makes the request; there is nothing to push."""
    settings.SILENT_SSO_FEDCM_CONFIG_URL = "https://id.example.org/fedcm.json"
    settings.SILENT_SSO_PUSHED_REQUESTS = True
    browser.start(transport="fedcm", trigger="call")
    assert browser.provider.calls_to("pushed_request") == []


def test_site_that_names_no_configuration_refuses(browser: Browser) -> None:
    assert browser.start(transport="fedcm").status_code == 400
