"""What comes through the browser is checked before anything follows from it (Core 3.2.2.9, 3.3.2.9, 3.3.3.6)."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from django_silent_sso.storage.rp_session import RPSession
from tests.conftest import NAVIGATION, Browser, told
from tests.views.answers import nothing_changes

START = "/oidc/authenticate/?next=/page/"
CALLBACK = "/oidc/callback/"
FORM = "application/x-www-form-urlencoded"


def fragment_of(browser: Browser) -> str:
    """What the OP's answer holds, where it travels in a fragment."""
    return urlsplit(browser.provider.answer(browser.get(START)["Location"]).location).fragment


def by_page(browser: Browser, fragment: str, **headers: str) -> Any:
    """As our callback's page posts it to itself."""
    return browser.client.post(
        CALLBACK,
        f"{fragment}&silent_sso_fragment=1",
        content_type=FORM,
        headers={**NAVIGATION, "Sec-Fetch-Site": "same-origin", "Origin": "null", **headers},
    )


@pytest.fixture
def hybrid(browser: Browser, settings: Any) -> Browser:
    settings.SILENT_SSO_RESPONSE_TYPE = "code id_token token"
    browser.provider.sign_in("alice")
    return browser


@pytest.mark.parametrize(
    ("fragment", "reason"),
    [
        pytest.param("state=i.made-up&id_token=a.b.c&code=x", "state_unknown", id="R08 a link with a made-up state"),
        pytest.param("id_token=a.b.c&code=x", "state_missing", id="R08 a link without state"),
        pytest.param("state=i.x&state=i.x&id_token=a.b.c", "repeated_parameter", id="R09 twice"),
        pytest.param("state=<script>&id_token=\"'>", "state_unknown", id="R09 markup"),
        pytest.param(f"state={'x' * 5000}", "malformed_response", id="R09 very long"),
    ],
)
def test_r08_a_fragment_of_an_attacker_is_refused(hybrid: Browser, fragment: str, reason: str) -> None:
    """The page posts it same-origin, so that only the state stands between."""
    hybrid.get(START)
    with nothing_changes(hybrid):
        page = by_page(hybrid, quote(fragment, safe="=&"))
    assert told(page) == (400, reason)
    assert "<script" not in page.content.decode()


def test_r08_of_another_browser_too(hybrid: Browser, make_browser: Any) -> None:
    theirs = fragment_of(make_browser())
    with nothing_changes(hybrid):
        assert told(by_page(hybrid, theirs)) == (400, "state_unknown")


def test_r08_a_form_of_another_site_is_no_fragment(hybrid: Browser) -> None:
    """It says it came from our page; the browser says where it really came from."""
    fragment = fragment_of(hybrid)
    calls = len(hybrid.provider.calls)
    page = by_page(hybrid, fragment, **{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"})
    assert told(page) == (400, "unexpected_response_mode")
    assert len(hybrid.provider.calls) == calls


def test_r10_the_token_endpoint_s_access_token_wins(hybrid: Browser, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    front = parse_qs(fragment := fragment_of(hybrid))["access_token"]
    assert by_page(hybrid, fragment)["Location"] == "/page/"
    found = RPSession.read(hybrid.session)
    assert found is not None
    kept = found.tokens(hybrid.provider.now()).access_token
    assert [kept] != front
    assert "another one" in caplog.text
    assert kept not in caplog.text


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        pytest.param({"sub": "mallory"}, "subject_changed", id="R11 another subject"),
        pytest.param({"iss": "https://evil.example"}, "id_token_issuer", id="R11 another issuer"),
    ],
)
def test_r11_two_id_tokens_of_two_people_are_refused(hybrid: Browser, claim: dict[str, str], reason: str) -> None:
    fragment = fragment_of(hybrid)
    with hybrid.provider.id_token.update(claim):
        assert told(by_page(hybrid, fragment)) == (400, reason)
    assert hybrid.user() == "nobody"
    assert hybrid.provider.calls_to("userinfo") == []


@pytest.mark.parametrize(
    ("defect", "reason"),
    [
        pytest.param("id_token_bad_signature", "id_token_signature", id="R12 signature"),
        pytest.param("id_token_code_hash_mismatch", "id_token_code_hash", id="R12 c_hash"),
        pytest.param("id_token_without_code_hash", "id_token_code_hash", id="R12 no c_hash"),
        pytest.param("id_token_access_token_hash_mismatch", "id_token_access_token_hash", id="R12 at_hash"),
        pytest.param("id_token_nonce_mismatch", "id_token_nonce", id="R12 nonce"),
        pytest.param("id_token_audience_mismatch", "id_token_audience", id="R12 audience"),
    ],
)
def test_r12_a_code_is_not_redeemed_before_the_token_beside_it_holds(hybrid: Browser, defect: str, reason: str) -> None:
    with hybrid.provider.switch_on(defect):
        fragment = fragment_of(hybrid)
    assert told(by_page(hybrid, fragment)) == (400, reason)
    assert hybrid.provider.calls_to("token", "userinfo") == []
    assert hybrid.user() == "nobody"


def test_r13_a_redirect_in_the_frame_where_a_message_was_asked_for(browser: Browser, settings: Any) -> None:
    """Some OPs do not know `web_message`: the answer is taken, and judged like any other."""
    settings.SILENT_SSO_RESPONSE_MODE = "web_message"
    browser.provider.sign_in("alice")
    for good in (False, True):
        begun = browser.start(trigger="call").json()
        assert "response_mode=web_message" in begun["authorization_url"]
        with browser.provider.answer_by("query"):
            query = browser.at_op(begun["authorization_url"]).partition("?")[2]
        if not good:
            query = query.replace("iss=", "iss=https%3A%2F%2Fevil.example&x=")
        answer = browser.relay(CALLBACK, query).json()
        assert answer["reason"] == ("signed_in" if good else "issuer_mismatch")
