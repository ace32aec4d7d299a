"""The callback: how an answer arrives, by query and by form, at top level and in frames."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from django_silent_sso.storage.rp_session import RPSession
from tests.conftest import NAVIGATION, Browser, Clock, told
from tests.views.answers import answer_to, assert_private, cookies_of, nothing_changes

if TYPE_CHECKING:
    from pytest_django import Settings

CALLBACK = "/oidc/callback/"
FORM = "application/x-www-form-urlencoded"


def select_by(browser: Browser) -> str:
    found = RPSession.read(browser.session)
    assert found is not None
    return found.select_by


# -- by query ------------------------------------------------------------------------------------------------------


def test_a1_an_answer_signs_in_and_leads_to_the_page_first_asked_for(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    back = answer_to(browser, "/oidc/authenticate/?next=/page/7%3Fx=1")
    (pending,) = cookies_of(browser)
    done = browser.get(back, **{"Sec-Fetch-Site": "cross-site"})
    assert (done.status_code, done["Location"]) == (302, "/page/7?x=1")
    assert_private(done)
    assert browser.user() != "nobody"
    assert select_by(browser) == "user"
    assert pending not in cookies_of(browser)
    assert len(browser.provider.calls_to("token")) == 1


def test_a_visitor_is_signed_in_silently_by_one_round_trip(browser: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    browser.provider.sign_in("alice")
    page, visits = browser.surf("/page/")
    assert (page.status_code, visits) == (200, 1)
    assert "nobody" not in page.content.decode()
    assert select_by(browser) == "auto"


def test_an_answer_needs_no_fetch_metadata(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    back = answer_to(browser)
    assert browser.client.get(back)["Location"] == "/page/"


def test_c66_a_session_that_is_gone_meanwhile_is_no_obstacle(browser: Browser) -> None:
    browser.client.session.save()
    browser.provider.sign_in("alice")
    back = answer_to(browser)
    browser.client.session.delete()
    assert browser.get(back)["Location"] == "/page/"
    assert browser.user() != "nobody"


# -- by form_post --------------------------------------------------------------------------------------------------


@pytest.fixture
def by_form(browser: Browser, settings: Settings) -> Callable[..., dict[str, str]]:
    """Begin an interactive sign-in; the fields that the OP's page will post."""
    settings.SILENT_SSO_RESPONSE_MODE = "form_post"

    def begin(path: str = "/oidc/authenticate/?next=/page/") -> dict[str, str]:
        browser.provider.sign_in("alice")
        answer = browser.provider.answer(browser.get(path)["Location"])
        assert answer.action == f"http://testserver{CALLBACK}"
        browser.provider.forget_calls()
        return answer.fields

    return begin


def test_a_form_of_the_same_site_comes_with_its_cookie(browser: Browser, by_form: Any) -> None:
    done = browser.client.post(
        CALLBACK,
        urlencode(by_form()),
        content_type=f"{FORM}; charset=UTF-8",
        headers={**NAVIGATION, "Sec-Fetch-Site": "same-site", "Origin": browser.provider.issuer},
    )
    assert (done.status_code, done["Location"]) == (302, "/page/")
    assert browser.user() != "nobody"


def test_r07_a_form_of_another_site_makes_one_hop_and_works(browser: Browser, by_form: Any) -> None:
    fields = by_form()
    before = browser.snapshot()
    hop = browser.from_op(CALLBACK, fields)
    assert hop.status_code == 303
    assert_private(hop)
    assert not hop.cookies
    assert fields["code"] not in hop["Location"]
    assert browser.snapshot() == before
    done = browser.get(hop["Location"], **{"Sec-Fetch-Site": "cross-site"})
    assert (done.status_code, done["Location"]) == (302, "/page/")
    assert len(browser.provider.calls_to("token")) == 1


def test_r06_the_hop_is_worthless_in_another_browser(browser: Browser, by_form: Any, make_browser: Any) -> None:
    hop = browser.from_op(CALLBACK, by_form())
    victim = make_browser()
    with nothing_changes(victim):
        assert told(victim.get(hop["Location"])) == (400, "state_unknown")


def test_the_hop_must_be_made_at_once_and_as_it_was_sealed(browser: Browser, by_form: Any, clock: Clock) -> None:
    location = browser.from_op(CALLBACK, by_form())["Location"]
    with nothing_changes(browser):
        assert told(browser.get(location[:-9])) == (400, "state_missing")
        assert told(browser.get(f"{CALLBACK}?form_post=é")) == (400, "state_missing")
    clock.advance(61)
    with nothing_changes(browser):
        assert told(browser.get(location)) == (400, "state_missing")


def test_a_form_too_large_for_a_hop_is_refused(browser: Browser) -> None:
    code = "".join(sha256(bytes([i])).hexdigest() for i in range(250))
    with nothing_changes(browser):
        assert told(browser.from_op(CALLBACK, {"state": "i.x", "code": code})) == (400, "malformed_response")


def test_s14_a_form_with_a_repeated_parameter_is_refused(browser: Browser, by_form: Any) -> None:
    fields = by_form()
    with nothing_changes(browser):
        answer = browser.client.post(CALLBACK, urlencode([*fields.items(), ("code", "x")]), content_type=FORM)
        assert told(answer) == (400, "repeated_parameter")


def test_c13_a_form_without_anything_is_refused(browser: Browser) -> None:
    with nothing_changes(browser):
        assert told(browser.from_op(CALLBACK, {"theirs": "x"})) == (400, "state_missing")


def test_s15_parameters_in_two_places_are_refused_and_the_attempt_lives_on(browser: Browser, by_form: Any) -> None:
    fields = by_form()
    with nothing_changes(browser):
        assert told(browser.from_op(f"{CALLBACK}?code=x", fields)) == (400, "malformed_response")
    hop = browser.from_op(CALLBACK, fields)
    assert browser.get(hop["Location"])["Location"] == "/page/"


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "multipart/form-data; boundary=x", "text/plain", "", f"{FORM}; charset=latin-1"],
)
def test_r04_other_content_types_are_refused(browser: Browser, by_form: Any, content_type: str) -> None:
    fields = by_form()
    with nothing_changes(browser):
        for headers in (NAVIGATION, {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}):
            answer = browser.client.post(CALLBACK, urlencode(fields), content_type=content_type, headers=headers)
            assert answer.status_code == 415
            assert_private(answer)


def test_r01_an_answer_by_another_mode_than_asked_for_is_refused_and_not_used_up(
    browser: Browser, by_form: Any, settings: Settings
) -> None:
    fields = by_form()
    with nothing_changes(browser):
        answer = browser.get(f"{CALLBACK}?{urlencode(fields)}")
        assert told(answer) == (400, "unexpected_response_mode")
    hop = browser.from_op(CALLBACK, fields)
    assert browser.get(hop["Location"])["Location"] == "/page/"
    settings.SILENT_SSO_RESPONSE_MODE = None
    query = answer_to(browser).partition("?")[2]
    with nothing_changes(browser):
        posted = browser.client.post(CALLBACK, query, content_type=FORM, headers=NAVIGATION)
        assert told(posted) == (400, "unexpected_response_mode")


def test_g08_a_form_of_the_op_works_with_a_strict_session_cookie(
    browser: Browser, by_form: Any, settings: Settings
) -> None:
    settings.SESSION_COOKIE_SAMESITE = "Strict"
    hop = browser.from_op(CALLBACK, by_form())
    page = browser.get(hop["Location"], **{"Sec-Fetch-Site": "cross-site"})
    again = unescape(page.content.decode().split('content="0; url=')[1].split('"')[0])
    assert browser.get(again, **{"Sec-Fetch-Site": "same-origin"})["Location"] == "/page/"


# -- cookies blocked -----------------------------------------------------------------------------------------------


def test_c92_ds02_without_cookies_the_page_is_served_after_one_round_trip(browser: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    browser.provider.sign_in("alice")
    page, visits = browser.surf("/page/7?x=1", cookies=False)
    assert (page.status_code, visits) == (200, 1)
    assert page.request["QUERY_STRING"] == "x=1&silent_sso=cookies_blocked"
    assert "nobody" in page.content.decode()
    assert not browser.provider.calls_to("token")


def test_c92_where_the_op_says_no_too(browser: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    page, visits = browser.surf("/page/", cookies=False)
    assert (page.status_code, visits) == (200, 1)


def test_c92_an_interactive_sign_in_without_cookies_is_an_error_page_and_no_loop(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    page, visits = browser.surf("/oidc/authenticate/?next=/private/", cookies=False)
    assert (told(page), visits) == ((400, "state_unknown"), 1)


def test_an_answer_for_the_doctor_goes_there_and_nowhere_else(browser: Browser) -> None:
    browser.sign_in("alice")
    with nothing_changes(browser):
        response = browser.get("/oidc/callback/?state=d.some-state&code=canary")
    assert response.status_code == 302
    assert response["Location"].startswith("/oidc/doctor/#attempt=d.some-state&error=&")
    assert "canary" not in response["Location"]
