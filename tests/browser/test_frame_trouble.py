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
# A page of the OP that says what only our callback may say.
ANSWERS_ITSELF = """<script>
const state = new URLSearchParams(location.search).get("state")
parent.postMessage({ type: "silent-sso:response", parameters: `error=login_required&state=${state}` }, "*")
</script>"""


def test_f14_op_that_shows_its_login_page_in_the_frame_is_given_up_early(site: Site) -> None:
    site.provider.show_page()
    error = site.open("/page/").event("error")
    assert error["reason"] == "op_timeout"
    assert 1000 <= error["duration"] < 5000
    assert site.tab.run(FRAME) is None


def test_op_that_forbids_framing_is_given_up_early(site: Site) -> None:
    site.provider.show_page()
    site.provider.framing = "DENY"
    error = site.open("/page/").event("error")
    assert (error["reason"], error["duration"] < 5000) == ("op_timeout", True)


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
