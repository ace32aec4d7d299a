"""The hidden frame meets an OP that does not answer, or somebody who answers in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from django_silent_sso.testing.messages import Reply
from tests.browser.site import Site

if TYPE_CHECKING:
    from pytest_django import Settings

SIGN_IN = "import('/static/django_silent_sso/silent-sso.js').then((sso) => sso.signInSilently())"
FRAME = "document.querySelector('iframe')"
# A page's script that answers before the OP can, from this and that window.
FORGE = """
new MutationObserver((_, observer) => {
  const frame = document.querySelector("iframe")
  if (!frame) return
  observer.disconnect()
  const state = new URL(frame.src).searchParams.get("state")
  const send = (state, window, type = "silent-sso:response") => window.eval(
    `parent.postMessage({ type: "${type}", parameters: "error=login_required&state=${state}" }, "*")`)
  %s
}).observe(document, { childList: true, subtree: true })
"""
# An answer in the very moment in which the frame comes into the page, sooner than any browser could bring it.
ANSWERED_AT_ONCE = """
const append = Element.prototype.append
Element.prototype.append = function (...nodes) {
  append.apply(this, nodes)
  for (const frame of nodes) {
    if (!(frame instanceof HTMLIFrameElement)) continue
    const parameters = `error=login_required&state=${new URL(frame.src).searchParams.get("state")}`
    const data = { type: "silent-sso:response", parameters, site: "same-site" }
    dispatchEvent(new MessageEvent("message", { data, origin: location.origin, source: frame.contentWindow }))
  }
}
"""
# A page of the OP that says what only our callback may say.
ANSWERS_ITSELF = """<script>
const state = new URLSearchParams(location.search).get("state")
parent.postMessage({ type: "silent-sso:response", parameters: `error=login_required&state=${state}` }, "*")
</script>"""


def test_f14_c7_c97_op_that_shows_its_login_page_in_the_frame_is_given_up_early(site: Site) -> None:
    site.provider.show_page()
    error = site.open("/page/").event("error")
    assert error["reason"] == "op_timeout"
    assert 1000 <= error["duration"] < 5000
    assert site.tab.run(FRAME) is None


def test_c8_op_that_forbids_framing_is_given_up_early_and_left_alone_by_the_next_page(site: Site) -> None:
    site.provider.show_page()
    site.provider.framing = "DENY"
    error = site.open("/page/").event("error")
    assert (error["reason"], error["duration"] < 5000) == ("op_timeout", True)
    assert (site.tab.run(FRAME), site.user()) == (None, "nobody")
    site.forget()
    site.open("/with-callback/").until("window.told.length")
    assert site.tab.run("window.told[0].reason") == "backed_off"
    assert site.attempts() == 0


@pytest.mark.parametrize("status", [200, 404, 500])
def test_c7_c97_load_event_of_an_error_page_is_no_answer(site: Site, status: int) -> None:
    """The browser tells of a page, whichever it is: only a message says how the attempt ended."""
    site.sign_in_at_op()
    site.provider.fail("authorize", status=status, body=b"<h1>Something went wrong</h1>")
    site.tab.before_each_page(
        "window.loaded = 0;"
        "document.addEventListener('load', ({ target }) => { loaded += target.matches('iframe') ? 1 : 0 }, true)"
    )
    error = site.open("/page/").event("error")
    assert (error["reason"], error["duration"] < 5000) == ("op_timeout", True)
    assert site.tab.run("window.loaded") == 1
    assert (site.tab.run(FRAME), site.user()) == (None, "nobody")
    assert site.asked("/oidc/callback/") == []


def test_f13_op_cannot_take_the_whole_page_away(site: Site) -> None:
    """Chromium lets a frame of the same site navigate the top window without a gesture."""
    site.provider.answer_instead("authorize", Reply.html("<script>top.location = '/elsewhere'</script>"))
    assert site.open("/page/").event("error")["reason"] == "op_timeout"
    assert site.tab.url == site("/page/")


def test_op_that_is_down_is_given_up_early(site: Site) -> None:
    site.provider.stop()
    error = site.open("/page/").event("error")
    assert (error["reason"], error["duration"] < 5000) == ("op_timeout", True)
    assert site.user() == "nobody"


def test_op_that_hangs_is_given_up_in_time(site: Site, settings: Settings) -> None:
    settings.SILENT_SSO_FRAME_TIMEOUT_SECONDS = 2
    with site.provider.hang("authorize"):
        error = site.open("/page/").event("error")
        assert error["reason"] == "op_timeout"
        assert 2000 <= error["duration"] < 4000
        assert site.tab.run(FRAME) is None


def test_op_that_did_not_answer_is_not_asked_by_the_next_page(site: Site) -> None:
    site.provider.show_page()
    site.open("/with-callback/").event("error")
    site.forget()
    site.open("/with-callback/").until("window.told.length")
    assert site.tab.run("window.told[0]") == {"error": "op_timeout", "reason": "backed_off"}
    assert site.attempts() == 0


def test_token_endpoint_that_fails_leaves_the_visitor_a_visitor(site: Site) -> None:
    site.provider.fail("token")
    site.sign_in_at_op()
    error = site.open("/page/").event("error")
    assert error["reason"] == "op_status"
    assert site.user() == "nobody"


def test_focus_stays_where_the_user_has_put_it(site: Site) -> None:
    """The OP's login page takes the focus by script, in a frame that nobody sees; the user types on."""
    site.open("/form/").event("sign-in-required")
    site.provider.answer_instead(
        "authorize", Reply.html("<input><script>document.querySelector('input').focus()</script>")
    )
    site.tab.click("#text")
    taken = "addEventListener('blur', () => requestAnimationFrame(() => requestAnimationFrame(() => { taken = true })))"
    site.tab.run(f"{taken}; var taken; void (window.call = {SIGN_IN})")
    site.tab.until("window.taken")
    site.tab.type_on("typed while the frame is there")
    assert site.tab.run("window.call")["reason"] == "op_timeout"
    assert site.tab.run("document.activeElement.id") == "text"
    assert site.tab.run("document.getElementById('text').value") == "typed while the frame is there"


@pytest.mark.parametrize(
    "forgery",
    [
        "send('somebody-elses', frame.contentWindow)",
        "send(state, frame.contentWindow, 'something-else')",
        "window.postMessage({ type: 'silent-sso:response', parameters: `error=login_required&state=${state}` }, '*')",
        "frame.before(other = document.createElement('iframe')); send(state, other.contentWindow)",
        "for (const data of [null, 1, 'x', [], {}, { type: 'silent-sso:response' }, { __proto__: null }])"
        " window.postMessage(data, '*')",
    ],
    ids=["another state", "another type", "the page itself", "another frame", "nonsense"],
)
def test_f07_f09_forged_answer_is_ignored(site: Site, forgery: str) -> None:
    site.sign_in_at_op()
    site.tab.before_each_page("let other\n" + FORGE % forgery)
    site.open("/page/").event("signed-in")
    assert "error" not in site.tab.names()
    assert "sign-in-required" not in site.tab.names()


def test_f10_answer_from_another_origin_is_ignored(site: Site) -> None:
    """The OP's own page knows the state, and still may not speak for our callback."""
    site.provider.answer_instead("authorize", Reply.html(ANSWERS_ITSELF))
    error = site.open("/page/").event("error")
    assert error["reason"] == "op_timeout"
    assert site.asked("/oidc/callback/") == []


def test_c98_answer_that_is_as_quick_as_can_be_is_heard(site: Site) -> None:
    """The listener is there before the frame."""
    site.sign_in_at_op()
    site.tab.before_each_page(ANSWERED_AT_ONCE)
    required = site.open("/page/").event("sign-in-required")
    assert required["reason"] == "login_required"
    # By then the frame may have been at the OP and back, unheard.
    assert [asked.method for asked in site.asked("/oidc/callback/") if asked.method == "POST"] == ["POST"]


def test_c95_visitor_whose_blocker_removes_the_frame_stays_a_visitor(site: Site, settings: Settings) -> None:
    settings.SILENT_SSO_FRAME_TIMEOUT_SECONDS = 2
    site.sign_in_at_op()
    site.tab.before_each_page(
        "new MutationObserver(() => document.querySelector('iframe')?.remove())"
        ".observe(document, { childList: true, subtree: true })"
    )
    error = site.open("/page/").event("error")
    assert (error["reason"], error["duration"] < 4000) == ("op_timeout", True)
    assert site.user() == "nobody"
    assert site.asked("/oidc/callback/") == []


def test_c95_visitor_whose_blocker_removes_the_script_signs_in_by_the_link(site: Site) -> None:
    site.break_down("/static/django_silent_sso/silent-sso.js")
    site.open("/page/?a=1")
    assert site.user() == "nobody"
    assert site.attempts() == 0
    site.sign_in_at_op("alice", other := site.browser.new_tab())
    other.close()
    site.tab.click(".silent-sso-sign-in")
    site.settled("alice")
    assert site.tab.url == site("/page/?a=1")


def test_c106_attempt_is_dropped_when_the_user_goes_to_another_page(site: Site) -> None:
    site.sign_in_at_op()
    with site.provider.hang("authorize") as hang:
        site.open("/page/").until("document.querySelector('iframe')")
        hang.wait_until_reached()
        site.open("/by-hand/")
    site.tab.run("fetch('/api/')")
    assert site.tab.url == site("/by-hand/")
    assert site.user() == "nobody"
    assert site.asked("/oidc/callback/") == []
    assert set(site.tab.names()) == {"before-sign-in"}
