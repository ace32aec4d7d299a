"""The callback: forged, foreign, late and repeated answers change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.sessions.models import Session

from tests.broken_cache import BROKEN
from tests.conftest import Browser, Clock, told
from tests.views.answers import SESSION, answer_to, assert_private, cookies_of, nothing_changes, with_cookies

if TYPE_CHECKING:
    from pytest_django import Settings

CALLBACK = "/oidc/callback/"
REPEATED = ["state", "code", "iss", "error", "id_token", "access_token", "response", "session_state"]


@pytest.fixture(params=["visitor", "signed_in"])
def whoever(request: pytest.FixtureRequest, browser: Browser) -> Browser:
    """A browser with an attempt under way, and somebody or nobody signed in."""
    if request.param == "signed_in":
        browser.sign_in("alice")
    browser.get("/oidc/authenticate/?next=/page/")
    return browser


# -- forged ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        pytest.param("", "state_missing", id="c13"),
        pytest.param("?", "state_missing", id="c14"),
        pytest.param("?code=x", "state_missing", id="s01"),
        pytest.param("?code=x&state=", "state_missing", id="s01-empty"),
        pytest.param("?code=x&state=i.made-up", "state_unknown", id="s02"),
        pytest.param("?code=x&state=t.made-up.sealed", "state_unknown", id="s02-silent"),
        pytest.param("?error=x", "state_missing", id="s05"),
        pytest.param("?error=login_required&state=t.guess", "state_unknown", id="s06"),
        pytest.param("?error=login_required&state=%00", "malformed_response", id="s06-control-character"),
        pytest.param(f"?error=x&state={'s' * 5000}", "malformed_response", id="s06-long"),
        pytest.param("?error=x&state=%C3%A9%F0%9F%98%80", "state_unknown", id="s06-not-ascii"),
        pytest.param("?error=x&state=%FF%FE", "state_unknown", id="s06-no-utf-8"),
        pytest.param("?" + "&".join(f"{n}={n}" for n in range(60)), "malformed_response", id="too-many"),
        pytest.param("?form_post=garbage&code=x&state=i.x", "state_missing", id="s15"),
        pytest.param("?response=a.b.c&state=i.x", "state_unknown", id="r03"),
    ],
)
def test_forged(whoever: Browser, query: str, reason: str) -> None:
    with nothing_changes(whoever):
        page = whoever.get(f"{CALLBACK}{query}", **{"Sec-Fetch-Site": "cross-site"})
    assert told(page) == (400, reason)
    assert_private(page)
    assert not page.cookies
    assert page["X-Frame-Options"] == "DENY"
    assert "script" not in page["Content-Security-Policy"]
    assert "<script" not in page.content.decode()


def test_f11_f16_nothing_of_the_request_is_on_the_page(browser: Browser) -> None:
    query = "?error=<b>bold</b>&error_description=<script>words&state=a-state&code=a-code&iss=an-issuer"
    page = browser.get(f"{CALLBACK}{query}").content.decode()
    for word in ("bold", "words", "a-state", "a-code", "an-issuer"):
        assert word not in page


@pytest.mark.parametrize("name", REPEATED)
def test_s14_a_repeated_parameter_is_refused_and_the_attempt_lives_on(browser: Browser, name: str) -> None:
    browser.provider.sign_in("alice")
    back = answer_to(browser)
    twice = f"{back}&{name}=x&{name}=x"
    with nothing_changes(browser):
        assert told(browser.get(twice)) == (400, "repeated_parameter")
    assert browser.get(back)["Location"] == "/page/"


# -- foreign and late --------------------------------------------------------------------------------------------------


def test_s04_s18_an_answer_meant_for_another_browser(browser: Browser, make_browser: Any) -> None:
    browser.sign_in("alice")
    mallory = make_browser()
    browser.provider.switch_user("mallory")
    hers = answer_to(mallory)
    with nothing_changes(browser):
        assert told(browser.get(hers, **{"Sec-Fetch-Site": "cross-site"})) == (400, "state_unknown")
    assert mallory.get(hers)["Location"] == "/page/"


@pytest.mark.parametrize(("path", "lifetime"), [("/oidc/authenticate/?next=/page/", 600), ("/page/", 120)])
def test_s11_c15_an_answer_that_comes_too_late(
    browser: Browser, settings: Settings, clock: Clock, path: str, lifetime: int
) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    browser.client.cookies["any"] = "cookie"
    browser.provider.sign_in("alice")
    browser.provider.code_seconds = 3600
    clock.stop(int(clock()))
    answer, cookies = answer_to(browser, path), cookies_of(browser)
    clock.advance(lifetime + 1)
    with nothing_changes(browser):
        assert told(browser.get(answer)) == (400, "state_unknown")
    clock.advance(-1)
    assert browser.get(answer)["Location"] == "/page/"
    assert set(cookies) - set(cookies_of(browser)), "the attempt's cookie is gone"


def test_c73_a_key_that_was_replaced_still_opens_what_it_sealed(browser: Browser, settings: Settings) -> None:
    browser.provider.sign_in("alice")
    kept, lost = answer_to(browser), answer_to(browser)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key for tests, long enough too"
    assert browser.get(kept)["Location"] == "/page/"
    settings.SECRET_KEY_FALLBACKS = []
    settings.SECRET_KEY = "a third key for tests, and long enough"
    assert told(browser.get(lost)) == (400, "state_unknown")


# -- repeated ----------------------------------------------------------------------------------------------------------


def test_s10_c88_c89_the_back_button_leads_to_the_page_without_a_call(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    back = answer_to(browser, "/oidc/authenticate/?next=/page/7")
    browser.get(back)
    with nothing_changes(browser):
        again = browser.get(back)
        assert (again.status_code, again["Location"]) == (302, "/page/7")
    assert_private(again)


def test_s10_a_captured_link_is_worthless_to_others(browser: Browser, make_browser: Any) -> None:
    browser.provider.sign_in("alice")
    back = answer_to(browser)
    browser.get(back)
    visitor, bob = make_browser(), make_browser()
    browser.provider.switch_user("bob")
    bob.sign_in("bob")
    for other in (visitor, bob):
        with nothing_changes(other):
            assert told(other.get(back)) == (400, "state_unknown")


def test_c85_a_request_that_comes_twice_makes_one_token_call(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    back = answer_to(browser)
    cookies = cookies_of(browser)
    browser.get(back)
    for jar in (cookies, {**cookies, **cookies_of(browser)}):
        with with_cookies(browser, jar):
            second = browser.get(back)
        assert (second.status_code, second["Location"]) == (302, "/page/")
        assert not second.cookies
    assert len(browser.provider.calls_to("token")) == 1


def test_c85_nor_while_the_first_is_under_way_or_was_refused(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    back = answer_to(browser)
    cookies = cookies_of(browser)
    with browser.provider.fail("token", times=1):
        assert browser.get(back).status_code == 503
    with with_cookies(browser, cookies):
        assert browser.get(back)["Location"] == "/page/"
    assert len(browser.provider.calls_to("token")) == 1
    assert browser.user() == "nobody"


@pytest.mark.parametrize("save_every_request", [False, True])
@pytest.mark.parametrize("which", ["repeated", "unknown", "refused", "unavailable"])
def test_c77_an_old_session_cookie_does_not_delete_the_fresh_one(
    browser: Browser, settings: Settings, which: str, save_every_request: bool
) -> None:
    """Tab 1 has signed in, so that the key was rotated; tab 2's request left before that."""
    settings.SESSION_SAVE_EVERY_REQUEST = save_every_request
    session = browser.client.session
    session["basket"] = "full"
    session.save()
    browser.provider.sign_in("alice")
    first, second = answer_to(browser), answer_to(browser)
    old = cookies_of(browser)
    browser.get(first)
    assert browser.session.session_key != old[SESSION]
    if which == "refused":
        browser.provider.fail("token", status=400, body={"error": "invalid_grant"})
    elif which == "unavailable":
        browser.provider.fail("token", status=503)
    delivered = {"repeated": first, "unknown": f"{CALLBACK}?code=x&state=i.x"}.get(which, second)
    with with_cookies(browser, old):
        answer = browser.get(delivered)
    assert answer.status_code == {"repeated": 302, "unavailable": 503}.get(which, 400)
    assert SESSION not in answer.cookies
    assert Session.objects.count() == 1
    assert browser.user() != "nobody"


def test_c77_the_second_tab_s_own_answer_signs_in_at_its_own_page(browser: Browser) -> None:
    """C76: both tabs, any order."""
    browser.client.session.save()
    browser.provider.sign_in("alice")
    first = answer_to(browser, "/oidc/authenticate/?next=/page/1")
    second = answer_to(browser, "/oidc/authenticate/?next=/page/2")
    assert browser.get(second)["Location"] == "/page/2"
    name = browser.user()
    assert browser.get(first)["Location"] == "/page/1"
    assert browser.user() == name != "nobody"


# -- our own storage --------------------------------------------------------------------------------------------------


def test_c69_a_memory_that_is_down_fails_closed_for_the_interactive_answer(
    browser: Browser, settings: Settings
) -> None:
    browser.provider.sign_in("alice")
    back = answer_to(browser, "/oidc/authenticate/?next=/page/7")
    caches, settings.CACHES = settings.CACHES, BROKEN
    with nothing_changes(browser):
        page = browser.get(back)
    assert told(page) == (503, "storage_unavailable")
    assert page["Retry-After"] == "30"
    assert "next=%2Fpage%2F7" in page.content.decode()
    settings.CACHES = caches
    assert browser.get(back)["Location"] == "/page/7"


def test_c69_a_memory_that_is_down_costs_no_page_of_a_silent_attempt(browser: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    settings.CACHES = BROKEN
    browser.provider.sign_in("alice")
    page, visits = browser.surf("/page/7")
    assert (page.status_code, visits) == (200, 1)
    assert "nobody" in page.content.decode()
    assert not browser.provider.calls_to("token")
