"""What follows an attempt that brought no sign-in: the tables of the reference, row by row."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.http import HttpRequest
from django.test import RequestFactory

from django_silent_sso.flows.refusal import fail
from django_silent_sso.op import provider
from django_silent_sso.protocol.errors import OPErrorCode, OPRefused, Reason
from django_silent_sso.storage.pending import TOP, PendingAuthentication
from django_silent_sso.testing import make_overdue, make_stale
from tests.conftest import Browser, Clock, told
from tests.flows.conftest import subject

if TYPE_CHECKING:
    from pytest_django import Settings

INTERACTIVE = ("login_required", "consent_required", "interaction_required", "account_selection_required")
ERRORS = [*(str(code) for code in OPErrorCode), "something_new", "<script>alert(1)</script>"]
REACTIONS = ("anonymous", "interactive", "keep")


def refused(browser: Browser, error: str) -> Any:
    """One silent round trip at top level that the OP refuses; the callback's answer."""
    with browser.provider.answer_with_error(error, description="Alice <alice@example.org>"):
        return browser.follow(browser.get("/page/?x=1"))


def goes_to_op(browser: Browser, response: Any) -> bool:
    """302 to the OP, there without `prompt=none`."""
    going = response["Location"].startswith(browser.provider.url_of("authorize"))
    assert "prompt=none" not in response["Location"]
    return bool(going)


@pytest.mark.parametrize("error", ERRORS)
def test_anonymous_for_a_visitor_after(redirected: Browser, heard: list[str], error: str) -> None:
    answer = refused(redirected, error)
    assert (answer.status_code, answer["Location"]) == (302, "/page/?x=1")
    assert redirected.get("/page/?x=1").status_code == 200, "asked once"
    assert "sessionid" not in redirected.client.cookies
    assert heard == [error if error in set(OPErrorCode) else "op_error"]


@pytest.mark.parametrize("error", ERRORS)
def test_s09_c11_c12_of_a_signed_in_user_after(browser: Browser, heard: list[str], error: str) -> None:
    browser.sign_in("alice")
    make_stale(browser.session)
    with browser.provider.switch_on("response_without_issuer"):
        answer = refused(browser, error)
    if error == "invalid_request":  # once more without the hint; here the OP has calmed down
        answer = browser.follow(answer)
        assert (answer["Location"], subject(browser), heard) == ("/page/?x=1", "alice", [])
        return
    reason = error if error in set(OPErrorCode) else "op_error"
    assert subject(browser) == (None if error == "login_required" else "alice")
    assert heard == [reason, reason] if error == "login_required" else [reason]
    if error in INTERACTIVE:
        assert goes_to_op(browser, answer)
        assert browser.follow(answer)["Location"] == "/page/?x=1"
        assert subject(browser) == "alice"
    else:
        assert answer["Location"] == "/page/?x=1"
        assert browser.user() != "nobody"
        make_overdue(browser.session)
        assert browser.fetch("/page/").status_code == 401, "kept until its grace time ends"


@pytest.mark.parametrize("reaction", REACTIONS)
@pytest.mark.parametrize("error", ["login_required", "consent_required", "server_error", "something_new"])
def test_setting_after_error_for_a_visitor(redirected: Browser, settings: Settings, error: str, reaction: str) -> None:
    settings.SILENT_SSO_AFTER_ERROR = {error: (reaction, "keep")}
    answer = refused(redirected, error)
    assert "sessionid" not in redirected.client.cookies
    if reaction == "interactive":
        assert goes_to_op(redirected, answer)
    else:
        assert answer["Location"] == "/page/?x=1"


@pytest.mark.parametrize("reaction", REACTIONS)
@pytest.mark.parametrize("error", ["login_required", "consent_required", "server_error", "something_new"])
def test_setting_after_error_for_a_signed_in_user(
    browser: Browser, settings: Settings, error: str, reaction: str
) -> None:
    settings.SILENT_SSO_AFTER_ERROR = {error: ("anonymous", reaction)}
    browser.sign_in("alice")
    make_stale(browser.session)
    answer = refused(browser, error)
    if reaction == "interactive":
        assert goes_to_op(browser, answer)
    else:
        assert answer["Location"] == "/page/?x=1"
    ends = reaction == "anonymous" or (reaction == "interactive" and error == "login_required")
    assert subject(browser) == (None if ends else "alice")


# -- the id_token_hint -----------------------------------------------------------------------------------------------


def test_a_hint_the_op_cannot_read_is_left_out_and_the_round_trip_made_again(browser: Browser, clock: Clock) -> None:
    browser.sign_in("alice")
    make_stale(browser.session)
    browser.provider.rotate_keys()  # the hint's key is published no more
    page, visits = browser.surf("/page/")
    assert (page.status_code, visits, subject(browser)) == (200, 2, "alice")
    clock.advance(5)
    make_stale(browser.session)
    assert "id_token_hint" not in browser.get("/page/")["Location"]


def test_the_second_refusal_is_final(browser: Browser) -> None:
    browser.sign_in("alice")
    make_stale(browser.session)
    browser.provider.answer_with_error("invalid_request")
    page, visits = browser.surf("/page/")
    assert (page.status_code, visits, subject(browser)) == (200, 2, "alice")


def test_a_frame_leaves_the_hint_out_the_next_time(browser: Browser, heard: list[str]) -> None:
    browser.sign_in("alice")
    with browser.provider.answer_with_error("invalid_request"):
        refused_frame = browser.relay("/oidc/callback/", browser.answered(trigger="call"))
    assert told(refused_frame) == (200, "invalid_request")
    assert heard == ["invalid_request"], "and that was that"
    assert "id_token_hint" not in browser.start(trigger="call").json()["authorization_url"]


@pytest.mark.parametrize("reaction", ["sign_out", "switch", "refuse"])
def test_u08_after_an_interactive_request_without_hint_another_person_is_still_another(
    browser: Browser, settings: Settings, reaction: str
) -> None:
    """Alice's session has ended; who answers in her place is not taken for a sign-in that she asked for."""
    settings.SILENT_SSO_SUBJECT_CHANGED = reaction
    browser.sign_in("alice")
    make_stale(browser.session)
    browser.provider.answer_with_error("login_required", times=1)
    interactive = browser.follow(browser.get("/page/"))
    assert "id_token_hint" in interactive["Location"]
    browser.provider.rotate_keys()
    browser.provider.switch_user("bob")
    hintless = browser.follow(interactive)
    assert re.search("id_token_hint|prompt", hintless["Location"]) is None
    assert browser.follow(hintless)["Location"] == "/page/"
    assert browser.user() == "nobody"


# -- what else ends an attempt ---------------------------------------------------------------------------------------


def test_s07_an_interactive_attempt_that_is_refused_changes_no_session_and_sends_no_signal(
    browser: Browser, heard: list[str]
) -> None:
    browser.sign_in("alice")
    leaving = browser.get("/oidc/authenticate/?next=/page/")
    before = browser.snapshot()[0]
    with browser.provider.answer_with_error("access_denied"):
        answer = browser.follow(leaving)
    assert told(answer) == (400, "access_denied")
    assert "?next=/page/" in answer.content.decode().replace("%2F", "/"), "the way to try again"
    assert (browser.snapshot()[0], heard) == (before, [])


def test_u09_a_user_the_site_does_not_admit_any_more_is_signed_out(
    browser: Browser, settings: Settings, heard: list[str]
) -> None:
    browser.sign_in("alice")
    make_stale(browser.session)
    callback = browser.at_op(browser.get("/page/")["Location"])
    get_user_model().objects.update(is_active=False)
    assert browser.get(callback)["Location"] == "/page/"
    assert (subject(browser), heard) == (None, ["user_inactive", "user_inactive"])


@pytest.mark.parametrize(
    ("reaction", "left", "silent"), [("sign_out", None, "subject_changed"), ("refuse", "alice", None)]
)
def test_u08_another_subject_by_a_frame(
    browser: Browser, settings: Settings, reaction: str, left: str | None, silent: str | None
) -> None:
    settings.SILENT_SSO_SUBJECT_CHANGED = reaction
    browser.sign_in("alice")
    begun = browser.start(trigger="call").json()
    browser.provider.switch_user("bob")
    url = re.sub("&id_token_hint=[^&]+", "", begun["authorization_url"])
    answer = browser.relay("/oidc/callback/", browser.at_op(url).partition("?")[2]).json()
    assert (answer["reason"], answer["signed_in"], answer["confirm"]) == ("subject_changed", left is not None, False)
    assert subject(browser) == left
    again = browser.start(trigger="call").json()
    assert again.get("reason") == silent


def test_c82_who_signed_in_meanwhile_stays(browser: Browser, heard: list[str]) -> None:
    browser.provider.tokens_outlive_session = True
    browser.sign_in("alice")
    make_stale(browser.session)
    callback = browser.at_op(browser.get("/page/")["Location"])
    browser.sign_in("bob")
    browser.get(callback)
    assert (subject(browser), heard) == ("bob", ["subject_changed"])


def test_p03_c81_an_attempt_voided_by_a_sign_out_elsewhere_stops_the_next_ones(
    browser: Browser, settings: Settings
) -> None:
    browser.sign_in("alice")
    make_stale(browser.session)
    callback = browser.at_op(browser.get("/page/")["Location"])
    another_tab = Browser(browser.provider)
    another_tab.client.cookies.load(browser.client.cookies.output(header="", sep=""))
    another_tab.post("/oidc/logout/")
    settings.SILENT_SSO_VISITORS = "redirect"
    page, visits = browser.surf(callback)
    assert (page.status_code, visits) == (200, 0)
    assert told(browser.start()) == (200, "signed_out_by_user")


# -- where nothing more can begin ------------------------------------------------------------------------------------


def attempt(browser: Browser, **changes: Any) -> tuple[HttpRequest, PendingAuthentication]:
    """A request of this browser, and an attempt it may have made."""
    request = RequestFactory().get("/oidc/callback/")
    request.COOKIES = {name: morsel.value for name, morsel in browser.client.cookies.items()}
    request.session = browser.session
    facts: dict[str, Any] = {
        "state": "t.s",
        "nonce": "n",
        "code_verifier": "v",
        "issuer": browser.provider.issuer,
        "redirect_uri": "http://testserver/oidc/callback/",
        "return_to": "/page/",
        "transport": TOP,
        "silent": True,
        "created": browser.provider.now(),
    }
    return request, PendingAuthentication(**{**facts, **changes})


def without_op(browser: Browser) -> None:
    provider.forget()
    cache.clear()
    browser.provider.stop()


def test_without_the_op_there_is_no_second_try_without_hint(browser: Browser) -> None:
    browser.sign_in("alice")
    request, pending = attempt(browser, hinted=True)
    without_op(browser)
    failed = fail(request, pending, OPRefused.at_authorization("invalid_request"), proven=True)
    assert (failed.reason, failed.begun, failed.signed_in) == (Reason.INVALID_REQUEST, None, True)
    assert failed.marks.no_hint_until > pending.created


def test_without_the_op_there_is_no_interactive_login(browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
    browser.sign_in("alice")
    request, pending = attempt(browser)
    without_op(browser)
    failed = fail(request, pending, OPRefused.at_authorization("consent_required"), proven=True)
    assert (failed.reason, failed.begun, failed.signed_in) == (Reason.CONSENT_REQUIRED, None, True)
    assert "op_unreachable: no interactive login now" in caplog.messages
