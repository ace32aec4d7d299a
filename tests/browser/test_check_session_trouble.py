"""The OP's frame that says what is not true, cannot tell, or says nothing: no loop, and nobody is signed out."""

from __future__ import annotations

import pytest

from django_silent_sso.testing.authorization import Decision
from django_silent_sso.testing.defects import Change, Defect, Point
from tests.browser.site import Site
from tests.browser.watching import FRAME, MEMO, asked_again, memo, skip


def test_m03_error_stops_the_watching_and_asks_nobody(watched: Site) -> None:
    watched.provider.check_session_frame = "error"
    watched.sign_in("alice", "/without-tag/")
    watched.open("/page/")
    error = watched.tab.event("error")
    assert (error["reason"], error["error"], error["transport"]) == ("op_error", "op_error", "check_session")
    assert watched.tab.run(FRAME) is None
    watched.forget()
    watched.open("/page/").run("fetch('/page/')")
    assert watched.user() == "alice"
    assert watched.tab.run(FRAME) is None
    assert (watched.attempts(), watched.provider.calls) == (0, [])
    skip(watched, 3601)
    watched.open("/page/").event("error")


def test_m04_frame_that_always_says_changed_is_given_up_after_the_second_contradiction(watched: Site) -> None:
    watched.provider.check_session_frame = "changed"
    watched.sign_in("alice", "/without-tag/")
    watched.open("/page/")
    assert watched.tab.event("signed-in")["reason"] == "renewed"
    watched.tab.until(MEMO % "user")
    assert memo(watched)["doubts"] == 1
    watched.open("/page/elsewhere/").run("fetch('/page/')")
    assert watched.attempts() == 1, "not before the pause is over, whatever page it is"
    skip(watched, 31)
    assert watched.tab.event("error")["reason"] == "inconclusive_frame"
    assert (watched.attempts(), watched.tab.run(FRAME)) == (2, None)
    watched.forget()
    watched.open("/page/").run("fetch('/page/')")
    assert watched.tab.run(FRAME) is None
    assert (watched.user(), watched.attempts()) == ("alice", 0)
    skip(watched, 86_401)
    watched.open("/page/").event("signed-in")


def test_m04_pause_grows_while_the_op_does_not_answer_and_nothing_is_given_up(watched: Site) -> None:
    watched.provider.check_session_frame = "changed"
    unavailable = Change(
        Point.DECISION, lambda *_: Decision(error="temporarily_unavailable"), when=lambda situation: situation.silent
    )
    watched.provider.switch_on(Defect("silent requests fail", (unavailable,)))
    watched.sign_in("alice", "/without-tag/")
    watched.open("/page/")
    pauses = []
    for _ in range(7):
        watched.tab.event("error")
        watched.tab.until(f"JSON.parse({MEMO % 'user'} ?? '{{}}').until > Date.now()")
        pauses.append(memo(watched)["pause"])
        skip(watched, pauses[-1] // 1000 + 1)
    assert pauses == [30_000, 60_000, 120_000, 240_000, 480_000, 900_000, 900_000]
    assert watched.user() == "alice"


@pytest.mark.parametrize("how", ["mute", "error page", "no framing", "nothing comes"])
def test_m12_op_whose_frame_says_nothing_is_left_alone_for_an_hour(watched: Site, how: str) -> None:
    headers = {"X-Frame-Options": "DENY", "Content-Security-Policy": "frame-ancestors 'none'"}
    if how == "mute":
        watched.provider.check_session_frame = "mute"
    elif how == "error page":
        watched.provider.fail("check_session", status=500, body="<h1>Down</h1>")
    elif how == "no framing":
        watched.provider.fail("check_session", status=200, headers=headers)
    else:
        watched.provider.hang("check_session")
    watched.sign_in("alice", "/without-tag/")
    watched.open("/page/")
    error = watched.tab.event("error")
    assert (error["reason"], error["transport"]) == ("op_timeout", "check_session")
    assert watched.tab.run(FRAME) is None
    assert len(watched.provider.calls_to("check_session")) <= 1
    watched.forget()
    watched.open("/page/").run("fetch('/page/')")
    assert watched.user() == "alice"
    assert (watched.attempts(), watched.provider.calls) == (0, [])
    watched.provider.behave()
    watched.provider.check_session_frame = "standard"
    skip(watched, 3601)
    watched.open("/page/")
    asked_again(watched)


def test_m04_pause_holds_where_nothing_can_be_stored(watched: Site) -> None:
    watched.tab.before_each_page(
        """
        const interval = window.setInterval
        window.ticks = window.later = 0
        window.setInterval = (work, pause) => interval(() => { window.ticks += 1; work() }, pause)
        const now = Date.now
        Date.now = () => now() + window.later
        Storage.prototype.setItem = () => { throw new Error("full") }
        """
    )
    watched.provider.check_session_frame = "changed"
    watched.sign_in("alice", "/without-tag/")
    watched.open("/page/")
    watched.tab.event("signed-in")
    watched.tab.run("window.ticks = 0")
    watched.tab.until("window.ticks > 4")
    assert (watched.attempts(), watched.tab.names()) == (1, ["before-sign-in", "signed-in"])
    watched.tab.run("window.later = 31_000")
    assert watched.tab.event("error")["reason"] == "inconclusive_frame"
    assert watched.attempts() == 2
