"""What is said to the OP's frame, and whose words are believed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.browser.site import Site
from tests.browser.watching import FRAME, asked_again, questions, serve

if TYPE_CHECKING:
    from pytest_django import Settings


@pytest.mark.parametrize(
    "whose", ["the page's own", "another site's, as if from the frame", "the OP's, of another frame"]
)
def test_m02_words_of_others_are_ignored(watched: Site, whose: str) -> None:
    watched.sign_in("alice")
    watched.tab.until(FRAME)
    op = f"new URL({FRAME}.src).origin"
    watched.tab.run(
        {
            "the page's own": "postMessage('changed', '*')",
            "another site's, as if from the frame": "dispatchEvent(new MessageEvent('message', "
            f"{{ data: 'changed', origin: {op} + '.evil.example', source: {FRAME}.contentWindow }}))",
            "the OP's, of another frame": "dispatchEvent(new MessageEvent('message', "
            f"{{ data: 'changed', origin: {op}, source: window }}))",
        }[whose]
    )
    asked_again(watched)
    assert watched.tab.names() == []
    assert watched.attempts() == 0


def test_m02_nonsense_is_ignored_and_what_makes_sense_is_heard(watched: Site) -> None:
    watched.provider.check_session_frame = "rubbish"
    watched.sign_in("alice", "/without-tag/")
    watched.open("/page/")
    asked_again(watched, 60)
    assert watched.attempts() == 0
    watched.sign_out_at_op()
    watched.tab.event("signed-out")


def test_m08_nothing_in_the_page_s_address_changes_what_is_watched(watched: Site) -> None:
    evil = "?poll=1&client_id=evil&session_state=x&login_uri=https://evil.example&check_session=https://evil.example"
    watched.sign_in("alice")
    watched.open(f"/page/{evil}#{evil}")
    frame = watched.tab.until(f"{FRAME}?.src")
    assert frame == f"{watched.provider.url_of('check_session')}?client_id=site"
    asked_again(watched)
    sent = watched.provider.calls_to("check_session")[-1].parameters
    assert (sent["client_id"], sent["origin"]) == ("site", watched.origin)
    assert watched.attempts() == 0


# M10, and several OPs: the module alone, with frames of hosts that only the browser's driver knows.

WATCHED = """<script>addEventListener("message", ({ data, origin, source }) => {
  window.parent.postMessage({ heard: data, from: location.origin }, origin)
  source.postMessage(%s, origin)
})</script>"""
BY_HAND = """
window.heard = []
window.asked = []
addEventListener("message", ({ data }) => { if (data.heard) heard.push(data) })
import("/static/django_silent_sso/session-watch.js").then(({ watch }) => {
  for (const [key, url, client_id] of %s)
    watch({ key, url, client_id, state: () => `${key}.salt`, signedIn: () => true }, async () => {
      asked.push(key)
      return { status: "signed_in", reason: "renewed" }
    })
})
"""


def watch_by_hand(site: Site, frames: dict[str, str], *watches: tuple[str, str, str]) -> None:
    for url, answer in frames.items():
        serve(site.tab, url, WATCHED % answer)
    site.open("/without-tag/")
    site.tab.run(BY_HAND % json.dumps(watches))


def test_m10_client_id_with_a_space_and_origin_with_a_default_port(watched: Site) -> None:
    watch_by_hand(
        watched, {"https://id.example.org/**": "'unchanged'"}, ("a", "https://id.example.org:443/x", "my site")
    )
    watched.tab.until("window.heard.length > 2")
    assert watched.tab.run("heard[0]") == {"heard": "my site a.salt", "from": "https://id.example.org"}
    assert watched.tab.run("asked.length") == 0


def test_m10_programmable_op_understands_a_client_id_with_a_space(watched: Site, settings: Settings) -> None:
    watched.provider.add_client("my site", watched.provider.client_secret)
    settings.OIDC_RP_CLIENT_ID = "my site"
    watched.sign_in("alice")
    asked_again(watched)
    assert (questions(watched) > 1, watched.attempts(), watched.tab.names()) == (True, 0, [])
    watched.sign_out_at_op()
    watched.tab.event("signed-out")


def test_m10_question_is_for_the_op_s_origin_alone(watched: Site) -> None:
    """The frame has gone elsewhere."""
    serve(watched.tab, "https://id.example.org/**", "<script>location.replace('https://evil.example/')</script>")
    frames = {"https://evil.example/**": "'changed'"}
    watch_by_hand(watched, frames, ("a", "https://id.example.org/x", "c"))
    watched.tab.until("localStorage.getItem('a:watch:user')")
    assert watched.tab.run("[heard.length, asked.length]") == [0, 0]


def test_several_ops_in_one_page_do_not_disturb_each_other(watched: Site) -> None:
    frames = {"https://one.example.org/**": "'unchanged'", "https://two.example.org/**": "'changed'"}
    watch_by_hand(watched, frames, ("a", "https://one.example.org/x", "c"), ("b", "https://two.example.org/x", "c"))
    watched.tab.until("localStorage.getItem('b:watch:user')")
    watched.tab.run("heard.length = 0")
    watched.tab.until("heard.length > 2")
    assert watched.tab.run("asked") == ["b"]
    assert watched.tab.run("localStorage.getItem('a:watch:user')") is None


def test_frame_does_not_take_the_focus(watched: Site) -> None:
    body = "<input autofocus><script>setTimeout(() => document.querySelector('input').focus())</script>"
    watched.sign_in("alice", "/without-tag/")
    watched.provider.fail("check_session", status=200, body=body, headers={"Content-Type": "text/html"})
    watched.tab.before_each_page(
        "document.addEventListener('DOMContentLoaded', () => document.getElementById('text')?.focus())"
    )
    watched.open("/form/").until(FRAME)
    watched.tab.event("error")
    watched.tab.type_on("hello")
    assert watched.tab.run("document.getElementById('text').value") == "hello"


def test_strict_policy_needs_the_op_in_frame_src_only(watched: Site) -> None:
    watched.sign_in("alice")
    watched.open("/strict/")
    asked_again(watched)
    assert [line for line in watched.tab.console if "Content Security" in line or "TrustedHTML" in line] == []
