"""Where the page's own script begins a silent attempt, and why it sometimes may not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session

from django_silent_sso.testing import make_overdue, make_stale
from tests.conftest import FETCH, NAVIGATION, Browser, Clock, told

if TYPE_CHECKING:
    from pytest_django import Settings

FORM = "application/x-www-form-urlencoded"


def begins(response: Any) -> bool:
    """Whether an attempt was begun."""
    assert response.status_code == 200, response.content
    return set(response.json()) == {"authorization_url", "attempt"}


def wait(response: Any) -> tuple[str, int | None]:
    """Why not, and for how many seconds."""
    return told(response)[1], response.json().get("retry_after")


def test_an_attempt_is_begun_with_an_url_and_its_state(browser: Browser) -> None:
    response = browser.start()
    assert begins(response)
    begun = response.json()
    assert begun["authorization_url"].startswith(browser.provider.url_of("authorize"))
    assert begun["attempt"] in begun["authorization_url"]
    assert response["Cache-Control"] == "no-store, private"
    assert len(browser.client.cookies) == 2, "the attempt, and that it was begun"
    assert not Session.objects.exists()


# -- by whom ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://testserver"},
        {"Origin": "http://testserver:80"},
    ],
)
def test_a_page_of_this_origin_may_begin(browser: Browser, headers: dict[str, str]) -> None:
    assert begins(browser.client.post("/oidc/silent/", "", content_type=FORM, headers=headers))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://testserver"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "https://testserver"},
        {"Origin": "http://testserver:8000"},
        {"Origin": "http://testserver.evil.example"},
        {"Origin": "null"},
        {"Origin": "http://[broken"},
        {"Origin": "http://testserver:port"},
        {**NAVIGATION, "Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"},
        {**FETCH, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image", "Sec-Fetch-Mode": "no-cors"},
        {**FETCH, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "iframe", "Sec-Fetch-Mode": "navigate"},
    ],
)
def test_s20_f03_nobody_else_may_and_the_answer_tells_nothing(browser: Browser, headers: dict[str, str]) -> None:
    answers = []
    for signed_in in (False, True):
        if signed_in:
            browser.sign_in("alice")
        before = browser.snapshot()
        response = browser.client.post("/oidc/silent/", "", content_type=FORM, headers=headers)
        assert told(response) == (403, "cross_site_request")
        assert not response.cookies
        assert browser.snapshot() == before
        answers.append(response.content)
    assert answers[0] == answers[1]


def test_i15_behind_a_proxy_the_origin_of_the_settings_counts_too(browser: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_ORIGIN = "https://site.example"
    headers = {"Origin": "https://site.example"}
    assert begins(browser.client.post("/oidc/silent/", "", content_type=FORM, headers=headers))


def test_another_transport_does_not_exist(browser: Browser) -> None:
    assert told(browser.start(transport="pigeon")) == (400, "wrong_transport")


# -- for whom --------------------------------------------------------------------------------------------------------


def test_nothing_is_tried_for_visitors_where_the_site_says_so(browser: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_VISITORS = "off"
    assert wait(browser.start()) == ("visitors_off", None)
    browser.sign_in("alice")
    assert begins(browser.start())


def test_f24_a_privacy_signal_is_heeded_until_the_visitor_is_known(browser: Browser) -> None:
    headers = {**FETCH, "Sec-GPC": "1"}
    assert wait(browser.client.post("/oidc/silent/", headers=headers)) == ("privacy_signal", None)
    assert not browser.client.cookies
    browser.sign_in("alice")
    assert begins(browser.client.post("/oidc/silent/", headers=headers))
    del browser.client.cookies["sessionid"]
    assert begins(browser.client.post("/oidc/silent/", {"trigger": "call"}, headers=headers))


def test_p03_c115_after_a_sign_out_nothing_is_begun_until_the_user_signs_in(browser: Browser, clock: Clock) -> None:
    browser.sign_in("alice")
    browser.post("/oidc/logout/")
    for transport in ("frame", "popup", "top"):
        for trigger in ("load", "return", "call"):
            answer = browser.start(transport=transport, trigger=trigger, itp_support="1")
            assert wait(answer) == ("signed_out_by_user", None)
    clock.advance(7 * 24 * 3600)
    assert wait(browser.start()) == ("signed_out_by_user", None)
    browser.sign_in("alice")
    assert begins(browser.start())


def test_u12_a_session_opened_by_other_means_is_left_alone(browser: Browser) -> None:
    user = get_user_model().objects.create_user("mallory", password="secret")
    browser.client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    assert wait(browser.start()) == ("not_our_session", None)


@pytest.mark.parametrize("age", [make_stale, make_overdue], ids=["stale", "overdue"])
def test_a_session_can_be_renewed_by_a_frame(browser: Browser, age: Any) -> None:
    browser.sign_in("alice")
    age(browser.session)
    answer = browser.relay("/oidc/callback/", browser.answered())
    assert (answer.json()["reason"], answer.json()["changed"]) == ("renewed", False)
    assert browser.fetch("/oidc/session/").json()["stale"] is False


# -- how often -------------------------------------------------------------------------------------------------------


def test_ds01_page_loads_wait_longer_and_longer(browser: Browser, clock: Clock) -> None:
    clock.stop(1_800_000_000)
    for seconds in (60, 600, 3600, 3600):
        assert begins(browser.start())
        assert wait(browser.start()) == ("backed_off", seconds)
        clock.advance(seconds - 1)
        assert wait(browser.start())[0] == "backed_off"
        clock.advance(1)


def test_a_tab_s_return_asks_again_at_most_every_15_seconds(browser: Browser, clock: Clock) -> None:
    clock.stop(1_800_000_000)
    assert begins(browser.start(trigger="load"))
    assert wait(browser.start(trigger="return")) == ("backed_off", 15)
    clock.advance(14.5)
    assert wait(browser.start(trigger="return")) == ("backed_off", 1)
    clock.advance(0.5)
    assert begins(browser.start(trigger="return"))
    assert begins(browser.start(trigger="call")), "who calls by hand need not wait"


def test_only_a_finished_sign_in_ends_the_wait(browser: Browser, clock: Clock) -> None:
    assert browser.relay("/oidc/callback/", browser.answered()).json()["status"] == "failed"
    assert wait(browser.start())[0] == "backed_off"
    browser.provider.sign_in("alice")
    assert browser.relay("/oidc/callback/", browser.answered(trigger="call")).json()["status"] == "signed_in"
    assert begins(browser.start())


def test_the_op_s_retry_after_lengthens_the_wait(browser: Browser, clock: Clock) -> None:
    clock.stop(1_800_000_000)
    browser.provider.sign_in("alice")
    query = browser.answered()
    browser.provider.fail("token", status=503, headers={"Retry-After": "5000"})
    assert browser.relay("/oidc/callback/", query).json()["retry_after"] == 5000
    assert wait(browser.start()) == ("backed_off", 5000)


@pytest.mark.parametrize(
    ("setting", "known", "itp_support", "allowed"),
    [
        ("never", True, "", False),
        ("never", True, "1", True),
        ("known", False, "", False),
        ("known", True, "", True),
        ("known", False, "1", True),
        ("always", False, "", True),
    ],
)
def test_the_page_may_leave_for_the_op_where_the_site_says_so(
    browser: Browser, settings: Settings, setting: str, known: bool, itp_support: str, allowed: bool
) -> None:
    settings.SILENT_SSO_TOP_LEVEL_HOP = setting
    if known:
        browser.sign_in("alice")
        del browser.client.cookies["sessionid"]
    answer = browser.start(transport="top", itp_support=itp_support, return_to="/page/7?x=1#part")
    if not allowed:
        assert wait(answer) == ("wrong_transport", None)
        return
    assert begins(answer)
    browser.provider.sign_in("alice")
    back = browser.get(browser.at_op(answer.json()["authorization_url"]))
    assert back["Location"] == "/page/7?x=1#part"


def test_a_signed_in_page_may_leave_too(browser: Browser) -> None:
    browser.sign_in("alice")
    assert begins(browser.start(transport="top"))


def test_o05_the_page_cannot_be_sent_elsewhere(browser: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_TOP_LEVEL_HOP = "always"
    browser.provider.sign_in("alice")
    answer = browser.start(transport="top", return_to="https://evil.example/")
    assert browser.get(browser.at_op(answer.json()["authorization_url"]))["Location"] == "/accounts/profile/"


def test_leaving_is_stopped_by_refusals_and_by_loops(browser: Browser, settings: Settings, clock: Clock) -> None:
    settings.SILENT_SSO_TOP_LEVEL_HOP = "always"
    settings.SILENT_SSO_BACK_OFF_SECONDS = (5,)
    clock.stop(1_800_000_000)
    for _ in range(3):
        assert begins(browser.start(transport="top"))
        assert wait(browser.start(transport="top")) in (("backed_off", 5), ("loop_stopped", None))
        clock.advance(5)
    assert wait(browser.start(transport="top")) == ("loop_stopped", None)
    clock.advance(30)
    assert begins(browser.start(transport="top"))


# -- faults and floods -----------------------------------------------------------------------------------------------


def test_c1_an_op_that_is_down_is_told_at_once_and_nothing_is_remembered(browser: Browser) -> None:
    browser.provider.stop()
    response = browser.start()
    assert wait(response) == ("op_unreachable", 60)
    assert not response.cookies


def test_s19_n04_a_flood_of_starts_leaves_the_honest_attempt(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    honest = browser.at_op(browser.get("/oidc/authenticate/?next=/page/")["Location"])
    for _ in range(200):
        assert begins(browser.start(trigger="call"))
    assert len(browser.client.cookies) <= 8
    assert browser.get(honest)["Location"] == "/page/"
    assert Session.objects.count() == 1
