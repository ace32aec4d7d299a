"""C.1: the provider's answer by way of the browser is an error, comes late, comes elsewhere, or never comes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.conftest import Browser, Clock, told
from tests.faults.conftest import AGES, Log, Member, Visitor
from tests.faults.proxy import FaultProxy

if TYPE_CHECKING:
    from pytest_django import Settings

CONFIGURATION = (
    "invalid_scope",
    "unauthorized_client",
    "unsupported_response_type",
    "request_not_supported",
    "no_such_error",
)
FAILURES = ("temporarily_unavailable", "server_error")


def test_c06_nobody_is_sent_to_a_provider_that_is_down(trial: Visitor | Member, proxy: FaultProxy, log: Log) -> None:
    with proxy.refusing():
        for _ in range(3):
            assert trial.browser.get("/page/").status_code == 200
            trial.clock.advance(20)
        trial.is_unharmed()
    assert "op_unreachable" in log.reasons
    trial.clock.advance(20)
    trial.page()
    assert trial.user != "nobody"


@pytest.mark.parametrize("status", [500, 404, 200], ids=["c06_500", "c06_404", "c09_a_page"])
def test_c06_c09_who_comes_back_by_hand_from_a_page_of_the_provider_gets_the_page(
    trial: Visitor | Member, status: int
) -> None:
    """The provider shows something of its own: an error, or its login page in spite of `prompt=none`."""
    browser = trial.browser
    with browser.provider.fail("authorize", status=status, body="<html>login</html>"):
        assert browser.provider.answer(browser.get("/page/")["Location"]).status == status
        for _ in range(3):
            assert browser.get("/page/").status_code == 200, "not sent there again"
        trial.is_unharmed()
    trial.clock.advance(AGES)
    trial.page()
    assert trial.user != "nobody"


@pytest.mark.parametrize("error", [*CONFIGURATION, *FAILURES], ids=lambda e: f"{'c12' if e in FAILURES else 'c11'}_{e}")
def test_c11_c12_an_error_that_says_nothing_about_the_user_changes_nothing(
    trial: Visitor | Member, log: Log, error: str
) -> None:
    browser = trial.browser
    browser.provider.forget_calls()
    with browser.provider.answer_with_error(error):
        trial.page()
        trial.is_unharmed()
        asked = len(browser.provider.calls_to("authorize"))
        trial.page()
        assert isinstance(trial, Visitor) or len(browser.provider.calls_to("authorize")) == asked, "not asked again"
    assert ("op_error" if error == "no_such_error" else error) in log.reasons
    assert browser.provider.calls_to("token") == []
    trial.clock.advance(AGES)
    trial.page()
    assert trial.user != "nobody"


def test_c11_a_refused_request_is_repeated_once_without_the_hint(browser: Browser, clock: Clock, log: Log) -> None:
    member = Member(browser, clock)
    with browser.provider.answer_with_error("invalid_request"):
        member.page()
        member.is_unharmed()
    assert len(browser.provider.calls_to("authorize")) == 2
    assert "invalid_request" in log.reasons


@pytest.mark.parametrize("error", FAILURES)
def test_c12_interactive_sign_in_says_that_the_provider_failed(browser: Browser, log: Log, error: str) -> None:
    with browser.provider.answer_with_error(error):
        response = browser.surf("/oidc/authenticate/?next=/page/")[0]
    assert told(response) == (503, error)
    assert response["Retry-After"]
    assert error in log.reasons


@pytest.mark.parametrize("path", ["/oidc/callback/", "/oidc/callback/?"], ids=["c13", "c14_all_in_the_fragment"])
def test_c13_c14_a_return_without_parameters_is_a_400_that_changes_nothing(
    trial: Visitor | Member, log: Log, path: str
) -> None:
    browser = trial.browser
    begun = browser.get("/page/")
    before = browser.snapshot()
    assert told(browser.get(path)) == (400, "state_missing")
    assert browser.snapshot() == before
    assert "state_missing" in log.reasons
    browser.follow(begun)
    assert trial.user != "nobody", "the attempt that is under way still counts"


def test_c14_a_provider_that_answers_by_fragment_leaves_the_query_empty(trial: Visitor | Member) -> None:
    browser = trial.browser
    with browser.provider.answer_by("fragment"):
        location = browser.provider.answer(browser.get("/page/")["Location"]).location
        assert urlsplit(location).query == ""
        assert told(browser.get(urlsplit(location).path)) == (400, "state_missing")
        assert browser.get("/page/").status_code == 200
        trial.is_unharmed()
    trial.clock.advance(AGES)
    trial.page()
    assert trial.user != "nobody"


@pytest.mark.parametrize("kind", ["silent", "interactive"])
def test_c15_a_return_after_the_attempt_has_ended_is_refused(trial: Visitor | Member, log: Log, kind: str) -> None:
    browser = trial.browser
    path = "/page/" if kind == "silent" else "/oidc/authenticate/?next=/page/"
    callback = browser.at_op(browser.get(path)["Location"])
    browser.provider.forget_calls()
    trial.clock.advance(601)

    response = browser.get(callback)
    assert told(response) == (400, "state_unknown")
    assert "<a " in response.content.decode(), "a way to start again"
    assert "state_unknown" in log.reasons
    assert browser.provider.calls == []
    trial.clock.advance(AGES)
    trial.page()
    assert trial.user != "nobody"


def test_c17_the_redirect_uri_is_ours_whatever_the_request_says(browser: Browser, settings: Settings) -> None:
    for headers in ({"Host": "evil.example"}, {"X-Forwarded-Host": "evil.example"}, {"Forwarded": "host=evil.example"}):
        response = browser.get("/oidc/authenticate/?next=/page/", **headers)
        assert response.status_code == 400 or _redirect_uri(response).startswith("http://testserver/")
    settings.SILENT_SSO_ORIGIN = "https://site.example"
    assert _redirect_uri(browser.get("/oidc/authenticate/")).startswith("https://site.example/oidc/callback/")


def test_c17_over_http_an_attempt_begun_over_https_is_unknown(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    begun = browser.client.get("/oidc/authenticate/", secure=True)
    path = browser.at_op(begun["Location"])
    assert told(browser.get(path)) == (400, "state_unknown")


def test_c18_a_url_is_kept_short_by_leaving_out_the_hint(browser: Browser, clock: Clock) -> None:
    browser.provider.id_token.replace(roles=["a role with a long name"] * 400)
    member = Member(browser, clock)
    url = browser.get("/page/")["Location"]
    assert len(url) < 8000
    assert "id_token_hint" not in parse_qs(urlsplit(url).query)
    member.page()
    assert member.user == member.name


def _redirect_uri(response: object) -> str:
    return parse_qs(urlsplit(response["Location"]).query)["redirect_uri"][0]  # type: ignore[index]
