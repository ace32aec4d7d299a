"""The middleware and people who are not signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.conftest import FETCH, NAVIGATION, Browser, Clock
from tests.middleware_site import DOCUMENTS, FORMS, PASSIVE, SCRIPTS, ask, goes_silently_to_op

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.urls("tests.middleware_site")


@pytest.fixture
def redirected(browser: Browser, settings: Settings) -> Browser:
    settings.SILENT_SSO_VISITORS = "redirect"
    return browser


@pytest.mark.parametrize("visitors", ["off", "frame"])
def test_d75_n02_a_public_page_costs_no_query_no_cookie_no_session_and_varies_by_nothing(
    browser: Browser, settings: Settings, visitors: str
) -> None:
    settings.SILENT_SSO_VISITORS = visitors
    with CaptureQueriesContext(connection) as queries:
        response = browser.get("/public/")
    assert (response.status_code, len(queries), dict(response.cookies)) == (200, 0, {})
    assert "Vary" not in response
    assert not Session.objects.exists()
    assert browser.provider.calls == []


def test_d75_nor_where_visitors_are_redirected_and_this_one_was(redirected: Browser) -> None:
    page, visits = redirected.surf("/public/")
    assert (page.status_code, visits) == (200, 1)
    with CaptureQueriesContext(connection) as queries:
        response = redirected.get("/public/")
    assert (response.status_code, len(queries), dict(response.cookies)) == (200, 0, {})
    assert "Vary" not in response
    assert not Session.objects.exists()


# -- VISITORS = "redirect" -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_document_goes_round_once_without_any_hint(redirected: Browser, headers: dict[str, str]) -> None:
    response = ask(redirected, headers)
    assert goes_silently_to_op(redirected, response)
    assert {"id_token_hint", "login_hint"} & set(parse_qs(urlsplit(response["Location"]).query)) == set()
    assert redirected.follow(response)["Location"] == "/decided/"
    assert ask(redirected, headers).json()["reason"] == "backed_off"
    assert not Session.objects.exists()


def test_a_visitor_who_is_signed_in_at_the_op_is_signed_in_here(redirected: Browser) -> None:
    redirected.provider.sign_in("alice")
    page, visits = redirected.surf("/decided/7?x=1")
    assert (visits, page.json()["signed_in"], page.json()["reason"]) == (1, True, "fresh")
    assert page.request["PATH_INFO"] == "/decided/7"


@pytest.mark.parametrize("headers", SCRIPTS.values(), ids=SCRIPTS)
def test_c79_a_script_is_served(redirected: Browser, headers: dict[str, str]) -> None:
    assert ask(redirected, headers).json()["reason"] == "not_a_document"
    assert not redirected.client.cookies


@pytest.mark.parametrize("method", FORMS.values(), ids=FORMS)
def test_what_changes_something_is_served(redirected: Browser, method: str) -> None:
    assert ask(redirected, NAVIGATION, method).json()["reason"] == "not_a_document"


@pytest.mark.parametrize(("method", "headers"), PASSIVE.values(), ids=PASSIVE)
def test_ds03_what_nobody_looks_at_is_served(redirected: Browser, method: str, headers: dict[str, str]) -> None:
    assert ask(redirected, headers, method).status_code == 200
    assert not redirected.client.cookies
    assert redirected.provider.calls == []


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "facebookexternalhit/1.1",
        "Slackbot-LinkExpanding 1.0",
        "Mozilla/5.0 (compatible; UptimeRobot/2.0)",
    ],
)
def test_ds03_a_robot_is_served(redirected: Browser, agent: str) -> None:
    assert ask(redirected, {**NAVIGATION, "User-Agent": agent}).json()["reason"] == "robot"


def test_f24_a_privacy_signal_is_heeded_until_the_visitor_is_known(redirected: Browser) -> None:
    headers = {**NAVIGATION, "Sec-GPC": "1"}
    assert ask(redirected, headers).json()["reason"] == "privacy_signal"
    redirected.sign_in("alice")
    del redirected.client.cookies["sessionid"]
    assert goes_silently_to_op(redirected, ask(redirected, headers))


def test_ds01_the_waits_grow_and_only_a_sign_in_ends_them(redirected: Browser, clock: Clock) -> None:
    clock.stop(1_800_000_000)
    for seconds in (60, 600, 3600, 3600):
        assert redirected.surf("/decided/")[1] == 1
        clock.advance(seconds - 1)
        assert redirected.get("/decided/").json()["reason"] == "backed_off"
        clock.advance(1)
    redirected.provider.sign_in("alice")
    assert redirected.surf("/decided/")[0].json()["signed_in"] is True
    redirected.post("/oidc/logout/")
    redirected.provider.sign_out()
    redirected.sign_in("bob")
    redirected.provider.sign_out()
    del redirected.client.cookies["sessionid"]
    assert redirected.surf("/decided/")[1] == 1
    clock.advance(60)
    assert redirected.surf("/decided/")[1] == 1, "the first wait again"


def test_c9_a_round_trip_that_never_comes_back_counts_as_refused(redirected: Browser, clock: Clock) -> None:
    clock.stop(1_800_000_000)
    assert goes_silently_to_op(redirected, redirected.get("/decided/"))
    assert redirected.get("/decided/").json()["reason"] == "backed_off"
    clock.advance(60)
    assert goes_silently_to_op(redirected, redirected.get("/decided/"))
    clock.advance(599)
    assert redirected.get("/decided/").json()["reason"] == "backed_off"


def test_the_op_s_retry_after_lengthens_the_wait(redirected: Browser, clock: Clock) -> None:
    clock.stop(1_800_000_000)
    redirected.provider.sign_in("alice")
    redirected.provider.fail("token", status=503, headers={"Retry-After": "500"}, times=1)
    redirected.surf("/decided/")
    clock.advance(499)
    assert redirected.get("/decided/").json()["reason"] == "backed_off"
    clock.advance(1)
    assert redirected.surf("/decided/")[0].json()["signed_in"] is True


def test_p03_c115_after_a_sign_out_nothing_silent_until_the_user_signs_in(redirected: Browser, clock: Clock) -> None:
    redirected.sign_in("alice")
    redirected.post("/oidc/logout/")
    for seconds in (0, 60, 3600, 20 * 24 * 3600):
        clock.advance(seconds)
        assert redirected.get("/decided/").json()["reason"] == "signed_out_by_user"
    redirected.sign_in("alice")
    del redirected.client.cookies["sessionid"]
    assert goes_silently_to_op(redirected, redirected.get("/decided/"))


# -- no loops --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_op", ["signed_in", "signed_out", "failing"])
def test_ds02_c92_without_cookies_the_page_comes_after_one_round_trip(redirected: Browser, at_op: str) -> None:
    if at_op != "signed_out":
        redirected.provider.sign_in("alice")
    if at_op == "failing":
        redirected.provider.answer_with_error("server_error")
    page, visits = redirected.surf("/decided/7?x=1", cookies=False)
    assert (page.status_code, visits) == (200, 1)
    assert page.json()["reason"] == "cookies_blocked"
    assert page.request["QUERY_STRING"].startswith("x=1&")


def test_c92_a_long_address_without_cookies_ends_in_a_page_too(redirected: Browser) -> None:
    page, visits = redirected.surf("/decided/?" + "x" * 7000, cookies=False)
    assert (page.status_code, visits) == (200, 1)


def test_a_session_that_does_not_stick_is_not_tried_for_ever(redirected: Browser, clock: Clock) -> None:
    """The session's cookie is lost (a wrong domain), ours come back."""
    clock.stop()
    redirected.provider.sign_in("alice")
    visits = 0
    for _ in range(10):
        page, more = redirected.surf("/decided/")
        visits += more
        redirected.client.cookies.pop("sessionid", None)
    assert (visits, page.json()["reason"]) == (3, "loop_stopped")
    clock.advance(31)
    assert goes_silently_to_op(redirected, redirected.get("/decided/"))


# -- the OP is not there ---------------------------------------------------------------------------------------------


def test_c6_nobody_is_sent_to_an_op_that_is_down(redirected: Browser, clock: Clock) -> None:
    clock.stop(1_800_000_000)
    redirected.get("/decided/")
    redirected.client.cookies.clear()
    redirected.provider.stop()
    clock.advance(10)
    for _ in range(2):
        response = redirected.get("/decided/")
        assert (response.status_code, response.json()["reason"]) == (200, "op_unreachable")
    assert not response.cookies
    redirected.provider.start()
    clock.advance(15)
    assert goes_silently_to_op(redirected, redirected.get("/decided/"))


@pytest.mark.parametrize("answer", [{"status": 500}, {"status": 200, "body": []}], ids=["500", "list"])
def test_c2_metadata_that_cannot_be_used_cost_nobody_a_page(redirected: Browser, answer: dict[str, Any]) -> None:
    redirected.provider.fail("discovery", **answer)
    for _ in range(3):
        assert redirected.get("/decided/").status_code == 200
    assert len(redirected.provider.calls) == 1


def test_an_endpoint_spoilt_by_the_settings_is_no_500(redirected: Browser, settings: Settings) -> None:
    settings.OIDC_OP_AUTHORIZATION_ENDPOINT = "http://op.example.org/authorize"
    assert redirected.get("/decided/").json()["reason"] == "endpoint_insecure"


def test_i15_any_host_that_the_site_allows_gets_its_own_callback(redirected: Browser, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    here = redirected.client.get("/decided/", headers={**NAVIGATION, "Host": "www.example.org"})
    assert parse_qs(urlsplit(here["Location"]).query)["redirect_uri"] == ["http://www.example.org/oidc/callback/"]
    redirected.client.cookies.clear()
    settings.SILENT_SSO_ORIGIN = "https://site.example"
    here = redirected.client.get("/decided/", headers={**NAVIGATION, "Host": "evil.example"})
    assert parse_qs(urlsplit(here["Location"]).query)["redirect_uri"] == ["https://site.example/oidc/callback/"]


def test_a_fetch_of_a_visitor_is_not_answered_with_401(redirected: Browser) -> None:
    assert ask(redirected, FETCH).status_code == 200
