"""The attempt that a page brings along: made with the page, remembered in its cookies, kept by no cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.test import RequestFactory
from django.urls import include, path

from django_silent_sso.flows.ready_attempt import ready_attempt
from django_silent_sso.op.provider import forget, metadata
from django_silent_sso.testing import make_overdue, make_stale
from tests.conftest import Browser
from tests.templatetags.conftest import config
from tests.views.answers import cookies_of

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
TAG = "{% load silent_sso %}{% silent_sso attempt=True %}"


def page(request: HttpRequest) -> HttpResponse:
    tag = TAG.replace(" attempt", " auto=False attempt") if "quiet" in request.GET else TAG
    return HttpResponse(engines["django"].from_string(tag * (2 if "twice" in request.GET else 1)).render({}, request))


urlpatterns = [path("page/", page), path("oidc/", include("django_silent_sso.urls"))]


@pytest.fixture(autouse=True)
def _op_is_known(browser: Browser) -> None:
    metadata()
    browser.provider.forget_calls()


def attempt_in(response: Any) -> Any:
    return config(response.content.decode()).get("attempt")


def test_page_of_a_visitor_has_what_the_start_would_answer(browser: Browser) -> None:
    response = browser.get("/page/")
    attempt = attempt_in(response)
    query = parse_qs(urlsplit(attempt["authorization_url"]).query)
    assert query["state"] == [attempt["attempt"]]
    assert query["prompt"] == ["none"]
    assert "no-store" in response["Cache-Control"]
    assert "private" in response["Cache-Control"]


def test_its_answer_signs_in(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    attempt = attempt_in(browser.get("/page/"))
    answer = browser.at_op(attempt["authorization_url"]).partition("?")[2]
    assert browser.relay("/oidc/callback/", answer).json()["status"] == "signed_in"
    assert browser.relay("/oidc/callback/", answer).json()["status"] == "failed", "it serves once"


def test_another_browser_cannot_use_it(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    attempt = attempt_in(browser.get("/page/"))
    answer = browser.at_op(attempt["authorization_url"]).partition("?")[2]
    other = Browser(browser.provider)
    assert other.relay("/oidc/callback/", answer).json()["reason"] == "state_unknown"


def test_page_never_waits_for_the_op(browser: Browser) -> None:
    """Nothing is known of the OP yet: the script asks for an attempt, as ever."""
    forget()
    response = browser.get("/page/")
    assert attempt_in(response) == {}
    assert browser.provider.calls == []
    assert "Cache-Control" not in response


def test_tag_that_stands_twice_begins_once(browser: Browser) -> None:
    response = browser.get("/page/?twice")
    assert response.content.decode().count(f'"attempt": "{attempt_in(response)["attempt"]}"') == 2
    assert len([name for name in cookies_of(browser) if not name.startswith("silent_sso_marks")]) == 1


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Purpose": "prefetch"}, {"Sec-Fetch-Dest": "iframe"}, {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}],
    ids=["prefetch", "frame", "fetch"],
)
def test_only_a_page_load_brings_one(browser: Browser, headers: dict[str, str]) -> None:
    assert not attempt_in(browser.get("/page/", **headers))


def test_answer_to_a_form_brings_none(browser: Browser) -> None:
    assert not attempt_in(browser.post("/page/"))


def test_page_that_asks_by_itself_brings_none(browser: Browser) -> None:
    assert attempt_in(browser.get("/page/?quiet")) is None


@pytest.mark.parametrize("visitors", ["off", "redirect"])
def test_setting_decides_as_ever(browser: Browser, settings: Settings, visitors: str) -> None:
    settings.SILENT_SSO_VISITORS = visitors
    found = attempt_in(browser.fetch("/page/") if visitors == "redirect" else browser.get("/page/"))
    assert not found


def test_who_was_refused_just_now_is_not_asked_again(browser: Browser) -> None:
    browser.relay("/oidc/callback/", browser.answered())
    assert attempt_in(browser.get("/page/")) == {}


def test_user_who_is_signed_in_needs_none(browser: Browser) -> None:
    browser.sign_in()
    assert attempt_in(browser.get("/page/")) is None
    make_stale(browser.client.session)
    assert "attempt" not in config(browser.fetch("/page/").content.decode())


def test_session_that_ended_a_moment_ago_is_no_hindrance(browser: Browser) -> None:
    browser.sign_in()
    make_overdue(browser.client.session)
    browser.fetch("/page/")
    browser.client.session.flush()
    assert attempt_in(browser.get("/page/"))


def test_settings_that_cannot_be_used_make_no_page_fail(browser: Browser, settings: Settings) -> None:
    settings.OIDC_OP_AUTHORIZATION_ENDPOINT = "http://id.example.org/authorize"  # not https
    response = browser.get("/page/")
    assert response.status_code == 200
    assert not attempt_in(response)


def test_pages_that_the_middleware_never_sees_bring_none() -> None:
    """Nobody would set its cookies."""
    request = RequestFactory().get("/page/", headers={"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"})
    assert ready_attempt(request) is None
