"""The callback in frames and popups: a page without state."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.conftest import NAVIGATION, Browser, told
from tests.views.answers import assert_private, nothing_changes

if TYPE_CHECKING:
    from pytest_django import Settings

CALLBACK = "/oidc/callback/"
FRAMES = ["iframe", "frame", "embed", "object", "fencedframe"]


def assert_relay_page(response: Any, site: str | None) -> None:
    assert response.status_code == 200
    assert_private(response)
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    assert response["Cross-Origin-Opener-Policy"] == "unsafe-none"
    policy = response["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'self'", "base-uri 'none'"} == set(policy)
    page = response.content.decode()
    found = re.search(r'<script id="silent-sso-relay" type="application/json">(.*?)</script>', page)
    assert found is not None
    facts = json.loads(found[1])
    assert (facts["site"], facts.keys()) == (site, {"site", "mode", "dest"})


@pytest.mark.parametrize("dest", FRAMES)
@pytest.mark.parametrize("query", ["code=a-code&state=f.a-state", "error=x&state=<script>", "state=t.x", ""])
def test_f01_f11_f12_a_frame_gets_a_page_that_knows_nothing(browser: Browser, dest: str, query: str) -> None:
    with nothing_changes(browser):
        page = browser.get(f"{CALLBACK}?{query}", **{"Sec-Fetch-Dest": dest, "Sec-Fetch-Site": "cross-site"})
    assert_relay_page(page, "cross-site")
    for word in ("a-code", "a-state", "<script>a"):
        assert word not in page.content.decode()


@pytest.mark.parametrize("site", ["same-origin", "same-site", "cross-site", "none"])
def test_the_page_says_from_which_site_the_answer_came(browser: Browser, site: str) -> None:
    assert_relay_page(browser.get(CALLBACK, **{"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": site}), site)


def test_f11_an_odd_site_is_no_site(browser: Browser) -> None:
    headers = {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "</script>"}
    assert_relay_page(browser.get(CALLBACK, **headers), None)


def test_a_popup_gets_that_page_at_top_level(browser: Browser) -> None:
    query = browser.answered(transport="popup")
    with nothing_changes(browser):
        assert_relay_page(browser.get(f"{CALLBACK}?{query}", **{"Sec-Fetch-Site": "cross-site"}), "cross-site")


def test_a_browser_without_fetch_metadata_gets_it_by_the_state(browser: Browser) -> None:
    query = browser.answered()
    with nothing_changes(browser):
        assert_relay_page(browser.client.get(f"{CALLBACK}?{query}"), None)


def test_s17_an_answer_made_for_a_frame_is_refused_at_top_level_and_not_used_up(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    query = browser.answered()
    with nothing_changes(browser):
        assert told(browser.get(f"{CALLBACK}?{query}")) == (400, "wrong_transport")
    assert told(browser.relay(CALLBACK, query)) == (200, "signed_in")


def test_r07_a_form_in_a_frame_is_refused(browser: Browser) -> None:
    query = browser.answered()
    with nothing_changes(browser):
        answer = browser.relay(CALLBACK, query, **{"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "cross-site"})
        assert told(answer) == (403, "cross_site_request")


@pytest.mark.parametrize("transport", ["frame", "popup"])
def test_s17_nor_as_a_form_that_the_op_s_page_posts(browser: Browser, transport: str) -> None:
    browser.provider.sign_in("alice")
    query = browser.answered(transport=transport)
    with nothing_changes(browser):
        answer = browser.client.post(
            CALLBACK,
            query,
            content_type="application/x-www-form-urlencoded",
            headers={**NAVIGATION, "Sec-Fetch-Site": "same-site", "Origin": browser.provider.issuer},
        )
        assert told(answer) == (400, "wrong_transport")
    assert told(browser.relay(CALLBACK, query)) == (200, "signed_in")


def test_a_frame_may_end_with_a_fragment(browser: Browser, settings: Settings) -> None:
    """The script hands on what came, query or fragment; at top level they are two ways, and one was asked for."""
    settings.SILENT_SSO_RESPONSE_TYPE = "id_token token"
    browser.provider.sign_in("alice")
    location = browser.provider.answer(browser.start().json()["authorization_url"]).location
    assert told(browser.relay(CALLBACK, urlsplit(location).fragment)) == (200, "signed_in")
