from __future__ import annotations

from django_silent_sso.testing import make_overdue, make_stale
from tests.conftest import Browser


def test_a_stale_page_is_renewed_by_one_round_trip_and_comes_back_to_itself(browser: Browser) -> None:
    browser.sign_in("alice")
    name, key = browser.user(), browser.session.session_key
    make_stale(browser.session)

    leaving = browser.get("/page/a%20b?x=1&y=%C3%A9")
    back = browser.follow(leaving)

    assert back["Location"] == "/page/a%20b?x=1&y=%C3%A9"
    assert browser.get("/page/").status_code == 200
    assert browser.user() == name
    assert browser.session.session_key == key
    assert len(browser.provider.calls_to("token")) == 1


def test_a_stale_fetch_is_served_during_the_grace_time_then_refused(browser: Browser) -> None:
    browser.sign_in("alice")
    make_stale(browser.session)
    assert browser.fetch("/page/").status_code == 200
    make_overdue(browser.session)
    answer = browser.fetch("/page/")
    assert answer.status_code == 401
    assert answer.json()["error"] == "login_required"
    assert answer["WWW-Authenticate"] == 'SilentSSO reason="grace_ended"'
