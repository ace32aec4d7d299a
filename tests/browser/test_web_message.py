"""`response_mode=web_message`: the OP's page in the frame says the answer itself; no callback page is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from django_silent_sso.testing import OpenIDProvider
from django_silent_sso.testing.messages import Reply
from tests.browser.site import OTHER_SITE, Site

if TYPE_CHECKING:
    from pytest_django import Settings

# The message, as another page of the OP sends it; `state` is there to be used.
SPEAKS = """<script>
const state = new URLSearchParams(location.search).get("state")
for (const message of [%s]) parent.postMessage(message, "*")
</script>"""
# Another window on this very page answers before the OP can.
FORGED = """
new MutationObserver((_, observer) => {
  const frame = document.querySelector("iframe")
  if (!frame) return
  observer.disconnect()
  const state = new URL(frame.src).searchParams.get("state")
  for (const origin of [%s]) dispatchEvent(new MessageEvent("message", { origin, source: %s,
    data: { type: "authorization_response", response: { error: "access_denied", state } } }))
}).observe(document, { childList: true, subtree: true })
"""


@pytest.fixture(autouse=True)
def asked_for(settings: Settings) -> None:
    settings.SILENT_SSO_RESPONSE_MODE = "web_message"


@pytest.fixture(params=["standard", "credential"])
def dialect(request: pytest.FixtureRequest, settings: Settings, provider: OpenIDProvider) -> str:
    if request.param == "credential":
        settings.SILENT_SSO_RESPONSE_TYPE = "id_token"
        provider.credential_messages = True
    return str(request.param)


def test_r13_visitor_is_signed_in_by_a_message(site: Site, dialect: str) -> None:
    site.sign_in_at_op()
    assert site.open("/page/").event("signed-in")["transport"] == "frame"
    site.settled("alice")
    assert [one.method for one in site.asked("/oidc/callback/")] == ["POST"], f"no page of ours ({dialect})"
    assert len(site.provider.calls_to("authorize")) == 1


def test_page_that_brings_its_attempt_along_needs_one_request_more(site: Site) -> None:
    """The fewest requests in a row: the page, the OP, and the answer's way to the site."""
    site.sign_in_at_op()
    assert site.open("/ready/").event("signed-in")["transport"] == "frame"
    site.settled("alice")
    assert site.attempts() == 0
    assert [one.method for one in site.asked("/oidc/callback/")] == ["POST"]
    assert len(site.provider.calls_to("authorize")) == 1


def test_attempt_that_came_with_the_page_is_used_once(site: Site) -> None:
    site.open("/ready/").event("sign-in-required")
    site.come_back()
    assert site.tab.event("sign-in-required")["reason"] == "login_required"
    assert site.attempts() == 1
    states = [call.parameters["state"] for call in site.provider.calls_to("authorize")]
    assert len(set(states)) == 2


@pytest.mark.usefixtures("dialect")
def test_visitor_whom_the_op_does_not_know_stays_one(site: Site) -> None:
    assert site.open("/page/").event("sign-in-required")["error"] == "login_required"
    assert site.user() == "nobody"
    assert len(site.asked("/page/")) == 1


@pytest.mark.usefixtures("dialect")
@pytest.mark.parametrize("home", [OTHER_SITE])
def test_no_of_a_message_proves_nothing_about_another_site(site: Site) -> None:
    """Nobody knows from which site the OP's page saw itself framed."""
    site.sign_in("alice")
    site.sign_out_at_op()
    site.come_back()
    site.tab.event("before-sign-in")
    assert site.tab.event("before-sign-in")["transport"] == "top", "the page asks again, before a session ends"


def test_r13_op_that_answers_by_redirect_after_all_is_heard(site: Site) -> None:
    site.sign_in_at_op()
    url = f"{site('/oidc/callback/')}?error=temporarily_unavailable&state="
    page = f"<script>location = '{url}' + new URLSearchParams(location.search).get('state')</script>"
    site.provider.answer_instead("authorize", Reply.html(page))
    assert site.open("/page/").event("error")["reason"] == "temporarily_unavailable"


@pytest.mark.parametrize(
    "messages",
    [
        "null, undefined, 0, '', 'authorization_response', [], {}, [[]], true, 1n",
        "{type: 'authorization_response'}, {type: 'authorization_response', response: null}",
        "{type: 'authorization_response', response: {state: 'another', error: 'access_denied'}}",
        "{type: 'authorization_response', response: [1, {}, null]}, {type: 'authorization_response', response: 'x'}",
        "{type: ['authorization_response'], response: {state, error: 'access_denied'}}",
        "{type: 'Authorization_Response', response: {state, error: 'access_denied'}}",
        "{type: 'silent-sso:response', parameters: `error=access_denied&state=${state}`}",
        "{type: 'authorization_response', response: new Map([['state', state]])}",
        'JSON.parse(\'{"__proto__": {"error": "access_denied"}}\')',
        "{credential: '', error: ''}, {status: 'unchanged'}",
        "'x'.repeat(1e6), {type: 'x'.repeat(1e6)}",
    ],
)
def test_f09_other_words_of_the_op_are_no_answer(site: Site, messages: str) -> None:
    site.provider.answer_instead("authorize", Reply.html(SPEAKS % messages))
    site.tab.before_each_page("window.failed = []; addEventListener('error', (e) => failed.push(e.message))")
    assert site.open("/page/").event("error")["reason"] == "op_timeout"
    assert site.tab.run("window.failed") == []
    assert site.asked("/oidc/callback/") == []


def test_f08_only_the_first_answer_counts(site: Site) -> None:
    one, other = (
        f"{{type: 'authorization_response', response: {{state, error: '{error}'}}}}"
        for error in ("temporarily_unavailable", "access_denied")
    )
    site.provider.answer_instead("authorize", Reply.html(SPEAKS % f"{one}, {other}"))
    assert site.open("/page/").event("error")["reason"] == "temporarily_unavailable"
    assert len(site.asked("/oidc/callback/")) == 1


@pytest.mark.parametrize(
    ("origins", "source"),
    [
        ("`${new URL(frame.src).origin}.evil.example`, location.origin, 'null', ''", "frame.contentWindow"),
        ("new URL(frame.src).origin", "window"),
        ("new URL(frame.src).origin", "null"),
    ],
    ids=["another origin", "another window", "no window"],
)
def test_f07_f10_nobody_else_may_speak_for_the_op(site: Site, origins: str, source: str) -> None:
    site.sign_in_at_op()
    site.tab.before_each_page(FORGED % (origins, source))
    assert site.open("/page/").event("signed-in")["transport"] == "frame"
    site.settled("alice")


def test_credential_with_another_nonce_signs_nobody_in(site: Site, settings: Settings) -> None:
    """The dialect names no state; the nonce binds it (Core 3.1.3.7)."""
    settings.SILENT_SSO_RESPONSE_TYPE = "id_token"
    site.provider.credential_messages = True
    site.sign_in_at_op()
    site.provider.id_token.replace(nonce="another")
    site.open("/page/")
    assert site.tab.event("error")["reason"] == "id_token_nonce"
    assert site.user() == "nobody"
