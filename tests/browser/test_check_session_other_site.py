"""OP and site are different sites: what the OP's frame says, and what a hidden frame answers, may both be untrue."""

from __future__ import annotations

from dataclasses import replace

import pytest

from django_silent_sso.testing import OpenIDProvider
from tests.browser.site import OTHER_SITE, Site
from tests.browser.watching import FRAME, MEMO, asked_again, memo, skip

blocked = pytest.mark.parametrize("third_party", [False], ids=["third-party cookies blocked"])
# How long the page has been open: never so long that it could not leave for the OP and come back, or always.
YOUNG = "{ const now = performance.now.bind(performance); performance.now = () => Math.min(now(), 4000) }"
OLD = "{ const now = performance.now.bind(performance); performance.now = () => now() + 60_000 * (now() > 400) }"


@pytest.fixture
def home() -> str:
    return OTHER_SITE


@pytest.fixture
def provider(provider: OpenIDProvider) -> OpenIDProvider:
    """A frame on another site needs a `SameSite=None` cookie."""
    provider.cookie = replace(provider.cookie, samesite="None")
    return provider


def test_frame_whose_cookie_arrives_says_unchanged(watched: Site) -> None:
    watched.sign_in("alice")
    asked_again(watched, 3)
    assert (watched.attempts(), watched.tab.names(), memo(watched)) == (0, [], {})


def test_sign_out_is_confirmed_by_one_trip_to_the_op_while_the_page_may_leave(watched: Site) -> None:
    watched.tab.before_each_page(YOUNG)
    watched.sign_in("alice")
    asked_again(watched)
    watched.sign_out_at_op()
    watched.tab.until("document.querySelector('#login')")  # the OP's, for the user is to sign in again
    assert [event["detail"]["transport"] for event in watched.tab.events] == ["frame", "top"]
    assert watched.open("/without-tag/").text("#user") == "nobody"


@blocked
def test_m04_m06_frame_without_cookies_signs_nobody_out_and_is_given_up(watched: Site) -> None:
    watched.tab.before_each_page(OLD)
    watched.sign_in("alice", "/without-tag/")
    watched.open("/page/")
    assert watched.tab.event("error")["reason"] == "inconclusive_frame"  # of the hidden frame
    watched.tab.until(MEMO % "user")
    assert memo(watched)["doubts"] == 1
    skip(watched, 31)
    watched.tab.until(f"JSON.parse({MEMO % 'user'}).over")
    assert watched.tab.run(FRAME) is None
    assert watched.attempts() == 2
    assert [event["detail"]["transport"] for event in watched.tab.events if event["name"] == "error"] == [
        "frame",
        "frame",
        "check_session",
    ]
    watched.forget()
    watched.open("/page/").run("fetch('/page/')")
    assert (watched.user(), watched.attempts(), watched.tab.run(FRAME)) == ("alice", 0, None)


@blocked
def test_m04_page_that_may_leave_does_so_once(watched: Site) -> None:
    watched.tab.before_each_page(YOUNG)
    watched.sign_in("alice", "/without-tag/")
    watched.open("/page/")
    watched.tab.until(f"{MEMO % 'user'} && document.readyState === 'complete'")
    assert watched.user() == "alice"
    skip(watched, 31)
    watched.tab.until(f"JSON.parse({MEMO % 'user'}).over")
    assert watched.user() == "alice"
    trips = [event for event in watched.tab.events if event["detail"].get("transport") == "top"]
    assert len(trips) <= 1
    assert len(watched.provider.calls_to("authorize")) <= 3
