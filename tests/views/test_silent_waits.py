"""`silent/`: how often an attempt may begin, and what is said where the OP fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import Browser, Clock
from tests.views.answers import assert_private, begun, refused, was_here_before

if TYPE_CHECKING:
    from pytest_django import Settings


def test_ds01_page_loads_wait_longer_each_time(browser: Browser, clock: Clock) -> None:
    clock.stop(int(clock()))
    for wait in (60, 600, 3600, 3600):
        browser.relay("/oidc/callback/", browser.answered())
        assert refused(browser)[0] == "backed_off"
        clock.advance(wait - 1)
        assert refused(browser) == ("backed_off", 1)
        clock.advance(1)
    begun(browser)


def test_an_attempt_that_never_comes_back_counts_too(browser: Browser, clock: Clock) -> None:
    clock.stop(int(clock()))
    begun(browser)
    clock.advance(59)
    assert refused(browser)[0] == "backed_off"
    clock.advance(1)
    begun(browser)
    clock.advance(60)
    assert refused(browser)[0] == "backed_off"


def test_retry_after_lengthens_the_wait(browser: Browser, clock: Clock) -> None:
    clock.stop(int(clock()))
    browser.provider.sign_in("alice")
    query = browser.answered()
    browser.provider.fail("token", status=503, headers={"Retry-After": "200"})
    browser.relay("/oidc/callback/", query)
    clock.advance(199)
    assert refused(browser)[0] == "backed_off"
    clock.advance(1)
    begun(browser)


def test_a_tab_s_return_asks_again_within_the_wait_but_not_all_the_time(browser: Browser, clock: Clock) -> None:
    clock.stop(int(clock()))
    browser.relay("/oidc/callback/", browser.answered())
    begun(browser, trigger="return")  # the page load a moment ago is no reason to wait
    assert refused(browser, trigger="return") == ("backed_off", 15)
    clock.advance(14)
    assert refused(browser, trigger="return") == ("backed_off", 1)
    clock.advance(1)
    begun(browser, trigger="return")
    assert refused(browser, trigger="return")[0] == "backed_off"


def test_a_clock_that_was_set_back_blocks_no_tab_s_return(browser: Browser, clock: Clock) -> None:
    begun(browser)
    clock.advance(-3000)
    begun(browser, trigger="return")


def test_a_call_by_the_site_s_own_code_never_waits(browser: Browser) -> None:
    for _ in range(4):
        begun(browser, trigger="call")
    assert refused(browser)[0] == "backed_off"


def test_a_frame_s_waits_are_not_those_of_hops(browser: Browser, clock: Clock) -> None:
    was_here_before(browser)
    clock.stop(int(clock()))
    begun(browser)
    begun(browser, transport="top")
    assert refused(browser, transport="top") == ("backed_off", 60)
    clock.advance(60)
    begun(browser, transport="top")


def test_ds02_hops_that_go_round_are_stopped(browser: Browser, settings: Settings, clock: Clock) -> None:
    was_here_before(browser)
    settings.SILENT_SSO_BACK_OFF_SECONDS = (0,)
    clock.stop()
    for _ in range(3):
        begun(browser, transport="top")
    assert refused(browser, transport="top") == ("loop_stopped", None)
    clock.advance(31)
    begun(browser, transport="top")


# -- the OP fails --------------------------------------------------------------------------------------------------


def test_c2_without_metadata_nothing_leaves(browser: Browser) -> None:
    browser.provider.fail("discovery")
    before = browser.snapshot()[:2]
    answer = browser.start()
    assert browser.snapshot()[:2] == before
    assert answer.status_code == 200
    assert answer.json() == {"status": "failed", "reason": "op_status", "retry_after": 60}
    assert_private(answer)


def trip(browser: Browser) -> None:
    """The page's own, to the OP and back."""
    url = browser.start(transport="top").json()["authorization_url"]
    browser.get(browser.at_op(url), **{"Sec-Fetch-Site": "cross-site"})


@pytest.mark.parametrize("error", ["consent_required", "interaction_required", "account_selection_required"])
def test_a_refusal_says_what_the_op_asked_of_the_person(browser: Browser, clock: Clock, error: str) -> None:
    """A page that comes back from its trip to the OP has not heard it."""
    was_here_before(browser)
    clock.stop(int(clock()))
    with browser.provider.answer_with_error(error):
        trip(browser)
    expected = {"status": "failed", "reason": "backed_off", "retry_after": 60, "error": error}
    assert browser.start(transport="top").json() == expected
    clock.advance(1)
    with browser.provider.answer_with_error("login_required"):
        browser.relay("/oidc/callback/", browser.answered())  # a frame without the OP's cookie cannot know better
    assert browser.start().json() == expected
    clock.advance(60)
    with browser.provider.answer_with_error("login_required"):
        trip(browser)
    assert browser.start(transport="top").json() == {"status": "failed", "reason": "backed_off", "retry_after": 600}
