"""An open page watches the OP's session by the OP's own frame (OpenID Connect Session Management 1.0), without asking
anybody over the network until the frame says that something is new.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from django_silent_sso.testing.authorization import Decision
from django_silent_sso.testing.defects import Change, Defect, Point
from tests.browser.site import Site
from tests.browser.watching import MEMO, asked_again, memo, questions, sign_in_of, skip

if TYPE_CHECKING:
    from pytest_django import Settings


def test_unchanged_asks_nobody(watched: Site) -> None:
    watched.sign_in("alice")
    asked_again(watched, 3)
    assert watched.attempts() == 0
    assert watched.tab.names() == []
    assert memo(watched) == {}


def test_m06_sign_out_at_the_op_is_seen_by_an_open_page(watched: Site) -> None:
    watched.sign_in("alice")
    asked_again(watched)
    watched.sign_out_at_op()
    signed_out = watched.tab.event("signed-out")
    assert (signed_out["error"], signed_out["transport"]) == ("login_required", "frame")
    assert watched.tab.events[0]["detail"]["reason"] == "check_session"
    watched.settled("nobody")


def sign_in_again_at_op(site: Site, name: str = "alice") -> None:
    """Another session there, by the same browser; the page stays where it is, seen."""
    other = site.browser.new_tab()
    site.provider.sign_out()
    site.sign_in_at_op(name, other)
    other.close()
    site.tab.show()


def test_m05_same_user_in_a_new_session_there_stays_with_a_new_session_state(watched: Site) -> None:
    watched.sign_in("alice")
    before, cookies = sign_in_of(watched), watched.browser.cookies()
    sign_in_again_at_op(watched)
    assert watched.tab.event("signed-in")["reason"] == "renewed"
    after = sign_in_of(watched)
    assert after["session_state"] not in (None, before["session_state"])
    assert (after["subject"], after["signed_in_at"]) == (before["subject"], before["signed_in_at"])
    for name in ("sessionid", "csrftoken"):
        assert watched.browser.cookies()[name]["value"] == cookies[name]["value"]
    (asked,) = watched.provider.calls_to("authorize")
    assert asked.parameters["id_token_hint"]
    watched.tab.until(MEMO % "user")
    skip(watched, 31)
    asked_again(watched, 3)
    assert (watched.attempts(), memo(watched)["doubts"]) == (1, 0)
    assert len(watched.asked("/page/")) == 0, "not loaded again"


def test_m06_another_user_at_the_op_ends_the_session(watched: Site) -> None:
    watched.sign_in("alice")
    watched.provider.switch_on(Defect("ignores the hint", (Change(Point.DECISION, lambda *_: Decision()),)))
    watched.provider.switch_user("bob")
    assert watched.tab.event("subject-changed")["reason"] == "subject_changed"
    watched.settled("nobody")


@pytest.mark.parametrize("sent", [None, "a b", 'a"b', "</script><script>alert(1)</script>", "x" * 4000])
def test_m07_session_state_that_is_missing_or_odd_is_not_asked_about(watched: Site, sent: str | None) -> None:
    if sent is None:
        watched.provider.authorization_response.drop("session_state")
    else:
        watched.provider.authorization_response.change(lambda sent_anyway: sent_anyway | {"session_state": sent})
    watched.sign_in("alice")
    found = watched.tab.run("JSON.parse(document.getElementById('silent-sso-config').textContent).check_session")
    assert found["session_state"] is None
    watched.tab.until(MEMO % "user")
    assert memo(watched)["over"]
    assert (questions(watched), watched.tab.names()) == (0, [])


def test_a32_unchanged_then_a_logout_then_changed(watched: Site, settings: Settings) -> None:
    """The logout is this very site's, in a tab whose page tells the others nothing."""
    watched.sign_in("alice")
    asked_again(watched)
    assert watched.provider.calls_to("check_session")
    logout = watched.open("/by-hand/", watched.browser.new_tab())
    logout.run("BroadcastChannel.prototype.postMessage = () => {}")
    logout.click(".silent-sso-sign-out button")
    watched.settled("nobody", logout)
    assert watched.provider.calls_to("end_session")
    logout.close()
    watched.tab.show()
    watched.tab.event("signed-out")
    watched.settled("nobody")
