"""The callback: what follows an answer that brought no sign-in, as the browser sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from django_silent_sso.storage.rp_session import RPSession
from django_silent_sso.testing import make_stale
from tests.conftest import Browser, told
from tests.views.answers import SESSION, answer_to, assert_private, cookies_of

if TYPE_CHECKING:
    from pytest_django import Settings

ASKING = ["consent_required", "interaction_required", "account_selection_required"]
FAULTS = [
    "access_denied",
    "invalid_request",
    "invalid_scope",
    "unauthorized_client",
    "unsupported_response_type",
    "server_error",
    "temporarily_unavailable",
    "request_not_supported",
    "a_new_error",
]
EVERY = ["login_required", *ASKING, *FAULTS]


def subject(browser: Browser) -> str | None:
    found = RPSession.read(browser.session) if SESSION in cookies_of(browser) else None
    return None if found is None else found.subject


def silent_answer(browser: Browser, error: str) -> Any:
    """The callback's answer to a silent attempt that the OP refuses. The hint is left out only once."""
    with browser.provider.answer_with_error(error):
        response = browser.follow(browser.get("/page/7"))
        if error == "invalid_request" and response["Location"] != "/page/7":
            response = browser.follow(response)
    assert response.status_code == 302
    assert_private(response)
    return response


def interactive(response: Any) -> bool:
    """To the OP, this time without prompt=none; or else back to the page."""
    target = urlsplit(response["Location"])
    if not target.netloc:
        assert response["Location"] == "/page/7"
        return False
    wish = dict(parse_qsl(target.query))
    assert "prompt" not in wish
    assert wish["state"].startswith("i.")
    return True


# -- defaults --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", EVERY)
def test_s05_c11_a_visitor_gets_the_page_and_is_not_sent_again(
    browser: Browser, settings: Settings, error: str
) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    browser.provider.sign_in("alice")
    with browser.provider.answer_with_error(error):
        page, visits = browser.surf("/page/7")
        assert (page.status_code, visits) == (200, 1)
        page, visits = browser.surf("/page/8")
    assert (page.status_code, visits) == (200, 0)
    assert "nobody" in page.content.decode()
    assert SESSION not in cookies_of(browser)
    assert not browser.provider.calls_to("token")


@pytest.mark.parametrize("error", EVERY)
def test_s09_c12_of_a_signed_in_user(browser: Browser, error: str) -> None:
    browser.sign_in("alice")
    make_stale(browser.session)
    rows = browser.snapshot()[0]
    response = silent_answer(browser, error)
    assert interactive(response) is (error not in FAULTS)
    if error == "login_required":
        assert subject(browser) is None
        assert SESSION not in cookies_of(browser)
    else:
        assert browser.snapshot()[0] == rows
        assert subject(browser) == "alice"
    page, visits = browser.surf("/page/8")
    assert (page.status_code, visits) == (200, 0)


@pytest.mark.parametrize("error", ["login_required", *ASKING])
def test_the_interactive_login_ends_on_the_page_first_asked_for(browser: Browser, error: str) -> None:
    browser.sign_in("alice")
    make_stale(browser.session)
    back = browser.follow(silent_answer(browser, error))
    assert (back.status_code, back["Location"]) == (302, "/page/7")
    assert subject(browser) == "alice"


def test_c69_the_next_attempt_works_once_the_fault_is_gone(browser: Browser, clock: Any) -> None:
    browser.sign_in("alice")
    make_stale(browser.session)
    silent_answer(browser, "server_error")
    clock.advance(61)
    page, visits = browser.surf("/page/7")
    assert (page.status_code, visits) == (200, 1)
    assert browser.fetch("/oidc/session/").json()["stale"] is False


# -- SILENT_SSO_AFTER_ERROR --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", ["login_required", "consent_required", "server_error", "a_new_error"])
@pytest.mark.parametrize("reaction", ["anonymous", "interactive", "keep"])
def test_another_reaction_for_a_signed_in_user(browser: Browser, settings: Settings, error: str, reaction: str) -> None:
    settings.SILENT_SSO_AFTER_ERROR = {error: ("anonymous", reaction)}
    browser.sign_in("alice")
    make_stale(browser.session)
    response = silent_answer(browser, error)
    assert interactive(response) is (reaction == "interactive")
    ended = reaction == "anonymous" or (reaction == "interactive" and error == "login_required")
    assert subject(browser) == (None if ended else "alice")


@pytest.mark.parametrize("error", ["login_required", "consent_required", "server_error", "a_new_error"])
@pytest.mark.parametrize("reaction", ["anonymous", "interactive", "keep"])
def test_another_reaction_for_a_visitor(browser: Browser, settings: Settings, error: str, reaction: str) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    settings.SILENT_SSO_AFTER_ERROR = {error: (reaction, "keep")}
    assert interactive(silent_answer(browser, error)) is (reaction == "interactive")
    assert SESSION not in cookies_of(browser)


# -- another person ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("reaction", "left"), [("sign_out", None), ("switch", "bob"), ("refuse", "alice")])
def test_u08_pr1_the_op_vouches_for_somebody_else(
    browser: Browser, settings: Settings, reaction: str, left: str | None
) -> None:
    settings.SILENT_SSO_SUBJECT_CHANGED = reaction
    browser.sign_in("alice")
    key = browser.session.session_key
    make_stale(browser.session)
    with browser.provider.id_token.replace(sub="bob"), browser.provider.userinfo.replace(sub="bob", email="b@x.org"):
        back = browser.follow(browser.get("/page/7"))
    assert (back.status_code, back["Location"]) == (302, "/page/7")
    assert subject(browser) == left
    if reaction != "refuse":
        assert browser.session.session_key != key
    page, visits = browser.surf("/page/7")
    assert (page.status_code, visits) == (200, 0)


@pytest.mark.parametrize("reaction", ["sign_out", "switch", "refuse"])
def test_u08_nor_by_the_login_that_we_began_on_our_own(browser: Browser, settings: Settings, reaction: str) -> None:
    settings.SILENT_SSO_SUBJECT_CHANGED = reaction
    settings.SILENT_SSO_VISITORS = "redirect"
    browser.sign_in("alice")
    make_stale(browser.session)
    leaving = silent_answer(browser, "login_required")
    with browser.provider.id_token.replace(sub="bob"):
        back = browser.follow(leaving)
    assert (back.status_code, back["Location"]) == (302, "/page/7")
    assert subject(browser) is None
    page, visits = browser.surf("/page/7")
    assert (page.status_code, visits) == (200, 0)
    assert "Another account" in browser.get("/oidc/authenticate/?next=/page/7").content.decode()
    again = browser.post("/oidc/authenticate/?next=/page/7", **{"Sec-Fetch-Site": "same-origin"})
    browser.provider.switch_user("bob")
    assert browser.follow(again)["Location"] == "/page/7"
    assert subject(browser) == "bob"


# -- interactive -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signed_in", [False, True])
@pytest.mark.parametrize("error", FAULTS)
def test_s07_an_interactive_answer_that_is_refused_is_a_page(browser: Browser, error: str, signed_in: bool) -> None:
    if signed_in:
        browser.sign_in("alice")
    with browser.provider.answer_with_error(error, description="<script>their words"):
        back = answer_to(browser, "/oidc/authenticate/?next=/page/7")
    before = browser.snapshot()[0]
    page = browser.get(back, **{"Sec-Fetch-Site": "cross-site"})
    failing = error in ("server_error", "temporarily_unavailable")
    reason = "op_error" if error == "a_new_error" else error
    assert told(page) == (503 if failing else 400, reason)
    assert page.get("Retry-After") == ("30" if failing else None)
    assert_private(page)
    text = page.content.decode()
    assert "their words" not in text
    assert 'href="/oidc/authenticate/?next=%2Fpage%2F7"' in text
    assert browser.snapshot()[0] == before
    assert subject(browser) == ("alice" if signed_in else None)
    assert not browser.provider.calls_to("token")
    assert told(browser.get(back)) == (400, "state_unknown"), "the attempt has ended"


@pytest.mark.parametrize(
    ("fault", "status", "reason", "retry_after"),
    [
        pytest.param({"status": 500}, 503, "op_status", "30", id="c23"),
        pytest.param({"status": 503, "headers": {"Retry-After": "7"}}, 503, "op_status", "7", id="c23-retry-after"),
        pytest.param({"status": 429, "headers": {"Retry-After": "x"}}, 503, "op_status", "30", id="c23-429"),
        pytest.param({"status": 400, "body": {"error": "invalid_grant"}}, 400, "invalid_grant", None, id="c24"),
        pytest.param({"status": 200, "body": "<html>"}, 503, "op_answer_invalid", "30", id="c27"),
        pytest.param(
            {"status": 307, "headers": {"Location": "http://127.0.0.1:9/"}}, 503, "op_redirected", "30", id="c30"
        ),
    ],
)
def test_an_op_that_fails_at_the_token_endpoint(
    browser: Browser, fault: dict[str, Any], status: int, reason: str, retry_after: str | None
) -> None:
    browser.sign_in("alice")
    back = answer_to(browser, "/oidc/authenticate/?next=/page/7")
    browser.provider.fail("token", **fault)
    before = browser.snapshot()[0]
    page = browser.get(back)
    assert told(page) == (status, reason)
    assert page.get("Retry-After") == retry_after
    assert browser.snapshot()[0] == before
    assert len(browser.provider.calls_to("token")) == 1


def test_c33_a_connection_that_is_lost_is_a_page_and_the_code_is_not_sent_again(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    back = answer_to(browser)
    browser.provider.disconnect("token", after_work=True)
    assert browser.get(back).status_code == 503
    assert len(browser.provider.calls_to("token")) == 1
    browser.provider.behave()
    assert browser.follow(browser.get("/oidc/authenticate/?next=/page/"))["Location"] == "/page/"


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 400, "body": {"error": "invalid_grant"}}])
def test_c19_c24_a_silent_renewal_that_fails_at_the_token_endpoint_keeps_the_session(
    browser: Browser, fault: dict[str, Any]
) -> None:
    browser.sign_in("alice")
    make_stale(browser.session)
    back = answer_to(browser, "/page/7")
    rows = browser.snapshot()[0]
    browser.provider.fail("token", **fault)
    assert browser.get(back)["Location"] == "/page/7"
    assert browser.snapshot()[0] == rows
    page, visits = browser.surf("/page/7")
    assert (page.status_code, visits) == (200, 0)
    assert "nobody" not in page.content.decode()


def test_s12_s13_code_and_error_together_are_malformed(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    for extra in ("&error=access_denied", "&error="):
        page = browser.get(answer_to(browser) + extra)
        assert told(page) == (400, "malformed_response")
    assert not browser.provider.calls_to("token")
    assert browser.user() == "nobody"
