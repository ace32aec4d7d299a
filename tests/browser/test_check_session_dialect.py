"""OPs whose frame speaks without being asked, `{status: "logged_in"}` and the like; and visitors."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.site import Site
from tests.browser.watching import FRAME, MEMO, asked_again, memo, questions, skip


def test_dialect_logged_out_is_confirmed_and_ends_the_session(watched: Site) -> None:
    watched.provider.check_session_frame = "speaks"
    watched.sign_in("alice", "/without-tag/")
    watched.open("/page/")
    asked_again(watched, 3)
    assert (watched.attempts(), watched.tab.names()) == (0, [])
    watched.sign_out_at_op()
    assert watched.tab.event("signed-out")["error"] == "login_required"
    watched.settled("nobody")


def test_dialect_logged_in_signs_a_visitor_in(watched: Site) -> None:
    watched.provider.check_session_frame = "speaks"
    watched.open("/page/").event("sign-in-required")
    asked_again(watched)
    attempts = watched.attempts()
    watched.provider.sign_in("alice")
    assert watched.tab.event("signed-in")["user"] == {"name": "alice@example.org"}
    watched.settled("alice")
    assert (attempts, watched.attempts()) == (1, 2)


@pytest.mark.parametrize(("whose", "word"), [("user", "logged_out"), ("visitor", "logged_in")])
def test_m04_dialect_that_is_contradicted_twice_is_given_up(watched: Site, whose: str, word: Any) -> None:
    watched.provider.check_session_frame = word
    if whose == "user":
        watched.sign_in("alice", "/without-tag/")
        watched.open("/page/")
    else:
        watched.open("/page/").event("sign-in-required")
    watched.tab.until(MEMO % whose)
    assert memo(watched, whose)["doubts"] == 1
    skip(watched, 31)
    watched.tab.until(f"JSON.parse({MEMO % whose}).over")
    assert watched.tab.run(FRAME) is None
    assert watched.attempts() == (2 if whose == "user" else 3)
    assert ("error" in watched.tab.names()) is (whose == "user")
    assert watched.user() == ("alice" if whose == "user" else "nobody")


def test_visitor_asks_a_standard_frame_nothing_and_leaves_it_for_a_day(watched: Site) -> None:
    watched.open("/page/").event("sign-in-required")
    watched.tab.until(MEMO % "visitor")
    assert memo(watched, "visitor")["over"]
    assert (questions(watched), watched.tab.names()) == (0, ["before-sign-in", "sign-in-required"])
    watched.sign_in("alice")
    asked_again(watched, 3)
    assert questions(watched) > 1, "a user's page has a memory of its own"


def test_visitor_who_wants_no_traces_has_no_frame(watched: Site) -> None:
    watched.tab.before_each_page("Object.defineProperty(navigator, 'globalPrivacyControl', { value: true })")
    watched.open("/page/").event("sign-in-required")
    watched.tab.run("fetch('/page/')")
    assert watched.provider.calls_to("check_session") == []
    watched.sign_in("alice")
    asked_again(watched)
