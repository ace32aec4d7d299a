"""Every row of the table "what the middleware answers", for stale and overdue sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from django_silent_sso.testing import make_overdue, make_stale
from tests.conftest import FETCH, NAVIGATION, Browser, Clock, told
from tests.middleware_site import DOCUMENTS, FORMS, PASSIVE, SCRIPTS, ask, goes_silently_to_op

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.urls("tests.middleware_site")


@pytest.fixture(params=["stale", "overdue"])
def aged(request: pytest.FixtureRequest, browser: Browser) -> Browser:
    browser.sign_in("alice")
    (make_stale if request.param == "stale" else make_overdue)(browser.session)
    return browser


@pytest.fixture
def stale(browser: Browser) -> Browser:
    browser.sign_in("alice")
    make_stale(browser.session)
    return browser


@pytest.fixture
def overdue(browser: Browser) -> Browser:
    browser.sign_in("alice")
    make_overdue(browser.session)
    return browser


# -- documents -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_document_of_an_aged_session_goes_round_with_a_hint(aged: Browser, headers: dict[str, str]) -> None:
    response = ask(aged, headers)
    assert goes_silently_to_op(aged, response)
    assert "id_token_hint=" in response["Location"]
    assert aged.follow(response)["Location"] == "/decided/"
    assert ask(aged, headers).json()["reason"] == "fresh"


def test_c102_the_page_comes_back_to_itself_byte_for_byte(stale: Browser) -> None:
    leaving = stale.get("/decided/a%20b%2Fc?x=1&y=%C3%A9&z=a+b&q=" + "7" * 3000)
    key = stale.session.session_key
    back = stale.follow(leaving)
    assert back["Location"] == "/decided/a%20b/c?x=1&y=%C3%A9&z=a+b&q=" + "7" * 3000
    assert stale.session.session_key == key
    assert len(stale.provider.calls_to("token")) == 1


def test_o02_a_path_that_looks_like_a_host_does_not_become_one(stale: Browser) -> None:
    response = stale.client.get("//evil.example/page/", headers=NAVIGATION)
    assert urlsplit(stale.follow(response)["Location"]).netloc == ""


def in_parallel(browser: Browser, number: int) -> list[Any]:
    """Page loads of restored tabs, all sent before the first answer has come."""
    cookies = browser.client.cookies.output(header="", sep="")
    answers = []
    for tab in range(number):
        browser.client.cookies.clear()
        browser.client.cookies.load(cookies)
        answers.append(ask(browser, NAVIGATION, url=f"/decided/{tab}"))
    return answers


def test_c78_of_thirty_restored_tabs_one_goes_and_the_others_are_served(stale: Browser, clock: Clock) -> None:
    clock.stop()
    answers = in_parallel(stale, 30)
    assert [answer.status_code for answer in answers] == [302] + [200] * 29
    assert {answer.json()["reason"] for answer in answers[1:]} == {"attempt_under_way"}
    clock.advance(3)
    assert in_parallel(stale, 1)[0].status_code == 302, "an attempt that died holds nobody up"


def test_c78_overdue_every_tab_goes_for_itself(overdue: Browser) -> None:
    assert [answer.status_code for answer in in_parallel(overdue, 3)] == [302] * 3


def test_a_person_who_reloads_an_overdue_page_is_sent_round_again_and_then_shown_it(
    overdue: Browser, clock: Clock
) -> None:
    assert goes_silently_to_op(overdue, overdue.get("/decided/"))
    assert goes_silently_to_op(overdue, overdue.get("/decided/"))
    clock.advance(11)
    assert overdue.get("/decided/").json() == {
        "action": "serve_anonymously",
        "reason": "grace_ended",
        "signed_in": False,
        "user": "",
        "claims": [],
    }


@pytest.mark.parametrize("ways", [(), ("refresh_token",)])
def test_without_the_redirect_among_the_ways_nobody_is_sent_round(
    stale: Browser, settings: Settings, ways: tuple[str, ...]
) -> None:
    settings.SILENT_SSO_RENEW_WITH = ways
    assert stale.get("/decided/").status_code == 200
    make_overdue(stale.session)
    assert stale.get("/decided/").json()["user"] == ""


# -- everything else -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", SCRIPTS.values(), ids=SCRIPTS)
def test_c99_a_script_is_served_during_the_grace_time_then_refused(browser: Browser, headers: dict[str, str]) -> None:
    browser.sign_in("alice")
    make_stale(browser.session)
    assert ask(browser, headers).json()["signed_in"] is True
    make_overdue(browser.session)
    before = browser.snapshot()
    answer = ask(browser, headers)
    assert told(answer) == (401, "grace_ended")
    assert answer.json() == {
        "error": "login_required",
        "reason": "grace_ended",
        "silent_url": "/oidc/silent/",
        "sign_in_url": "/oidc/authenticate/",
    }
    assert answer["Content-Type"] == "application/json"
    assert answer["WWW-Authenticate"] == 'SilentSSO reason="grace_ended"'
    assert answer.get("HX-Trigger") == ("silent-sso:sign-in-required" if "HX-Request" in headers else None)
    assert "no-store" in answer["Cache-Control"]
    assert browser.snapshot() == before


@pytest.mark.parametrize(("method", "headers"), PASSIVE.values(), ids=PASSIVE)
def test_what_nobody_looks_at_is_served_during_the_grace_time(
    stale: Browser, method: str, headers: dict[str, str]
) -> None:
    before = stale.snapshot()
    assert ask(stale, headers, method).status_code == 200
    assert stale.snapshot() == before


@pytest.mark.parametrize("method", FORMS.values(), ids=FORMS)
def test_d64_what_a_script_changes_is_served_during_the_grace_time_then_refused(browser: Browser, method: str) -> None:
    browser.sign_in("alice")
    make_stale(browser.session)
    assert ask(browser, FETCH, method).json()["signed_in"] is True
    make_overdue(browser.session)
    assert told(ask(browser, FETCH, method)) == (401, "grace_ended")


def test_c100_a_form_is_served_during_the_grace_time(stale: Browser) -> None:
    assert stale.post("/decided/", {"text": "half written"}).json()["signed_in"] is True


def test_a_form_that_is_overdue_does_not_reach_the_view_and_gets_a_page(overdue: Browser) -> None:
    answer = overdue.post("/decided/", {"text": "half written"})
    assert answer.status_code in (200, 401)
    assert answer["Content-Type"].startswith("text/html")
    assert "no-store" in answer["Cache-Control"]


def outdated(browser: Browser, **changes: Any) -> None:
    """What an older version, or one with another issuer, has left in the session."""
    session = browser.session
    session["silent_sso"] = {**session["silent_sso"], **changes}
    session.save()


@pytest.mark.parametrize("changes", [{"v": 0}, {"issuer": "https://former.example.org"}, {"subject": 7}])
def test_c72_c120_a_session_of_ours_that_cannot_be_read_is_renewed_by_the_op(browser: Browser, changes: Any) -> None:
    browser.sign_in("alice")
    name = browser.user()
    outdated(browser, **changes)

    back = browser.follow(browser.get("/page/"))

    assert back["Location"] == "/page/"
    assert browser.user() == name
    assert browser.session["silent_sso"]["subject"] == "alice"
    assert browser.get("/page/").status_code == 200, "it is fresh now"


def test_c72_nobody_else_gets_a_session_of_ours_that_cannot_be_read(browser: Browser) -> None:
    browser.sign_in("alice")
    outdated(browser, v=0)
    browser.provider.switch_user("bob")

    back = browser.follow(browser.get("/page/"))

    assert back["Location"] == "/page/"
    assert "bob" not in browser.get("/page/").content.decode()
    assert browser.fetch("/page/").status_code == 401, "nobody vouches for it"


def test_u08_after_the_op_s_no_nobody_else_is_signed_in_silently(browser: Browser, settings: Any) -> None:
    """`login_required` to a hint may mean that another person is signed in there."""
    settings.SILENT_SSO_VISITORS = "redirect"
    settings.SILENT_SSO_BACK_OFF_SECONDS = (0,)
    settings.SILENT_SSO_AFTER_ERROR = {"login_required": ("anonymous", "anonymous")}
    browser.sign_in("alice")
    browser.provider.switch_user("bob")
    make_stale(browser.session)

    ended = browser.follow(browser.get("/page/"))
    asked_as_a_visitor = browser.get(ended["Location"])
    answer = browser.follow(asked_as_a_visitor)

    assert answer["Location"] == "/page/"
    assert browser.user() == "nobody"
    assert browser.get("/page/").status_code == 200
    question = browser.get("/oidc/authenticate/?next=/page/")
    assert question.status_code == 200
    assert "Another account" in question.content.decode()
