"""C.5: clocks that are wrong, or jump."""

from __future__ import annotations

import pytest

from tests.conftest import Browser, Clock, told
from tests.faults.conftest import AGES, STALE, Log, Member, Visitor

DAY = 24 * 3600


@pytest.mark.parametrize("seconds", [-59, -30, -3, -1, 1, 3, 30, 59])
def test_c52_a_provider_whose_clock_is_a_minute_off_is_believed(trial: Visitor | Member, seconds: int) -> None:
    trial.browser.provider.clock = lambda: trial.clock() + seconds
    trial.page()
    assert trial.user != "nobody"


@pytest.mark.parametrize(
    ("seconds", "reason"), [(-2 * 3600, "id_token_expired"), (3600, "id_token_issued_at")], ids=["behind", "ahead"]
)
def test_c52_a_provider_whose_clock_is_an_hour_off_is_not(
    trial: Visitor | Member, log: Log, seconds: int, reason: str
) -> None:
    provider = trial.browser.provider
    provider.clock = lambda: trial.clock() + seconds
    trial.page()
    trial.is_unharmed()
    assert reason in log.reasons
    provider.clock = trial.clock
    trial.clock.advance(AGES)
    trial.page()
    assert trial.user != "nobody"


@pytest.mark.parametrize("seconds", [60, 3600])
def test_c54_attempts_under_way_outlive_a_clock_that_is_set_back(trial: Visitor | Member, seconds: int) -> None:
    browser = trial.browser
    callback = browser.at_op(browser.get("/page/")["Location"])
    browser.provider.clock = lambda: trial.clock() + seconds  # only ours was wrong
    trial.clock.advance(-seconds)
    assert browser.get(callback)["Location"] == "/page/"
    assert browser.get("/page/").status_code == 200, "no loop"


def test_c54_attempts_are_not_immortal_after_a_clock_is_set_back(browser: Browser, clock: Clock) -> None:
    browser.provider.sign_in("alice")
    callback = browser.at_op(browser.get("/oidc/authenticate/")["Location"])
    clock.advance(-1800)
    clock.advance(1800 + 601)
    assert told(browser.get(callback)) == (400, "state_unknown")


def test_c54_a_session_is_kept_and_renewed_after_a_clock_is_set_back(browser: Browser, clock: Clock) -> None:
    member = Member(browser, clock)
    clock.advance(-3600)
    member.page()
    assert member.user == member.name
    clock.advance(3600 + AGES)
    member.page()
    assert member.user == member.name


def test_c54_old_attempts_still_make_room_for_new_ones(browser: Browser, clock: Clock) -> None:
    for _ in range(12):
        browser.get("/oidc/authenticate/")
        clock.advance(-300)
    pending = [name for name in browser.client.cookies if name.startswith("silent_sso_") and "marks" not in name]
    assert 1 <= len(pending) <= 7


def test_c55_a_clock_that_jumps_a_day_ahead_costs_one_renewal(browser: Browser, clock: Clock) -> None:
    member = Member(browser, clock)
    clock.advance(DAY)
    browser.provider.forget_calls()
    for _ in range(5):
        member.page()
    assert member.user == member.name
    assert len(browser.provider.calls_to("authorize")) == 1


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(1_774_746_000.0, id="summer_time_begins"),
        pytest.param(1_483_228_799.5, id="leap_second"),
        pytest.param(2_147_483_640.0, id="the_year_2038"),
        pytest.param(4_294_967_290.0, id="the_year_2106"),
        pytest.param(86_400.0, id="1970"),
    ],
)
def test_c56_no_moment_is_special(browser: Browser, clock: Clock, moment: float) -> None:
    clock.stop(moment)
    browser.sign_in("alice")
    for _ in range(20):
        clock.advance(1)
        assert browser.get("/page/").status_code == 200
    clock.advance(STALE)
    page, visits = browser.surf("/page/")
    assert (page.status_code, visits, browser.user() == "nobody") == (200, 1, False)


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf", "auth_time"])
@pytest.mark.parametrize("value", [-1, 0, -(2**63), 2**63, 10**30, 1e308], ids=str)
def test_c56_times_that_are_none_are_no_error(browser: Browser, claim: str, value: float) -> None:
    browser.provider.sign_in("alice")
    browser.provider.id_token.update({claim: value})
    response = browser.surf("/oidc/authenticate/?next=/page/")[0]
    assert response.status_code in (200, 400)


@pytest.mark.parametrize("date", ["Fri, 31 Dec 1999 23:59:59 GMT", "Tue, 19 Jan 2038 03:14:08 GMT", "nonsense"])
def test_c57_the_clock_of_the_browser_is_never_asked(trial: Visitor | Member, date: str) -> None:
    headers = {"Date": date, "If-Modified-Since": date}
    callback = trial.browser.at_op(trial.browser.get("/page/", **headers)["Location"])
    assert trial.browser.get(callback, **headers)["Location"] == "/page/"
    assert trial.user != "nobody"
