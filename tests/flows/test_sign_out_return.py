"""Coming back from the OP after a sign-out: the `state` is compared, and nothing else happens."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from django_silent_sso.flows.sign_out_return import NAME, expect, note
from tests.conftest import Browser

if TYPE_CHECKING:
    from pytest_django import Settings

STATE = "a-state-of-twenty-two-x"


@pytest.fixture(autouse=True)
def _heard(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "django_silent_sso.sign_out")


def remembered(state: str = STATE) -> str | None:
    """The cookie that goes with the redirect to the OP, if any does."""
    response = HttpResponse()
    expect(RequestFactory().post("/oidc/logout/"), response, state)
    return response.cookies[NAME].value if NAME in response.cookies else None


def back(path: str, cookie: str | None, method: str = "GET") -> tuple[HttpRequest, HttpResponse]:
    request = RequestFactory().generic(method, path)
    if cookie is not None:
        request.COOKIES[NAME] = cookie
    response = HttpResponse()
    note(request, response)
    return request, response


@pytest.mark.parametrize(
    ("query", "line"),
    [
        (f"?state={STATE}", "signed_out_by_user: the OP has sent the browser back"),
        ("?state=another", "state_unknown: back after a sign-out, with another state"),
        ("?state=", "state_missing: back after a sign-out, but not by the OP"),
        ("", "state_missing: back after a sign-out, but not by the OP"),
        ("?state=%C3%A4", "state_unknown: back after a sign-out, with another state"),
    ],
    ids=["a43", "a44_p02", "empty", "a45_p02", "not_ascii"],
)
def test_the_state_is_looked_at_once(caplog: pytest.LogCaptureFixture, query: str, line: str) -> None:
    _, response = back(f"/{query}", remembered())
    assert caplog.messages == [line]
    assert response.cookies[NAME]["max-age"] == 0
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize(
    ("path", "method", "cookie"),
    [(f"/?state={STATE}", "GET", None), (f"/page/?state={STATE}", "GET", "x"), ("/", "HEAD", "x"), ("/", "POST", "x")],
    ids=["no_cookie", "another_page", "head", "post"],
)
def test_elsewhere_nothing_is_looked_at(
    caplog: pytest.LogCaptureFixture, path: str, method: str, cookie: str | None
) -> None:
    _, response = back(path, cookie, method)
    assert caplog.messages == []
    assert not response.cookies


def test_the_cookie_holds_no_state_and_lives_for_minutes() -> None:
    response = HttpResponse()
    expect(RequestFactory().post("/oidc/logout/", secure=True), response, STATE)
    morsel = response.cookies[f"__Host-{NAME}"]
    assert STATE not in morsel.OutputString()
    assert (morsel["max-age"], morsel["samesite"], morsel["secure"], morsel["httponly"]) == (600, "Lax", True, True)


def test_no_state_no_cookie() -> None:
    assert remembered("") is None


def test_nothing_is_expected_on_another_host(settings: Settings) -> None:
    settings.LOGOUT_REDIRECT_URL = "https://www.example.org/bye"
    assert remembered() is None


def test_the_whole_way(browser: Browser, caplog: pytest.LogCaptureFixture, settings: Settings) -> None:
    settings.LOGOUT_REDIRECT_URL = "/page/"
    browser.sign_in("alice")
    there = browser.post("/oidc/logout/")["Location"]
    assert NAME in browser.client.cookies
    home = urlsplit(browser.provider.answer(there).location or "")
    assert dict(parse_qsl(home.query)).keys() == {"state"}
    caplog.clear()
    back(f"{home.path}?{home.query}", browser.client.cookies[NAME].value)
    assert caplog.messages == ["signed_out_by_user: the OP has sent the browser back"]


def test_the_middleware_looks(browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
    browser.sign_in("alice")
    there = browser.post("/oidc/logout/")["Location"]
    home = urlsplit(browser.provider.answer(there).location or "")
    for _ in range(2):
        assert browser.get(f"{home.path}?{home.query}").status_code == 200
    assert caplog.messages.count("signed_out_by_user: the OP has sent the browser back") == 1
    assert NAME not in browser.client.cookies
