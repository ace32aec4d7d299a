"""The middleware and sessions that are not ours, that end, or that nobody can renew."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from django_silent_sso.middleware import SilentSSOMiddleware
from django_silent_sso.testing import make_overdue, make_stale
from tests.conftest import FETCH, NAVIGATION, Browser, Clock
from tests.middleware_site import ask, decided, goes_silently_to_op

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.urls("tests.middleware_site")


@pytest.fixture
def overdue(browser: Browser) -> Browser:
    browser.sign_in("alice")
    make_overdue(browser.session)
    return browser


def test_u12_a_session_opened_by_other_means_is_none_of_our_business(browser: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    user = get_user_model().objects.create_user("mallory")
    browser.client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    seen = browser.get("/decided/").json()
    assert (seen["user"], seen["reason"]) == ("mallory", "exempt")


@pytest.mark.parametrize("age", [make_stale, make_overdue], ids=["stale", "overdue"])
@pytest.mark.parametrize("gone", ["inactive", "deleted"])
def test_u10_a_user_who_may_not_be_here_any_more_is_nobody_and_not_sent_round(
    browser: Browser, age: Any, gone: str
) -> None:
    browser.sign_in("alice")
    age(browser.session)
    if gone == "inactive":
        get_user_model().objects.update(is_active=False)
    else:
        get_user_model().objects.all().delete()
    answer = browser.get("/decided/")
    assert (answer.status_code, answer.json()["user"]) == (200, "")


def test_n09_past_its_absolute_length_a_session_ends_and_no_silent_one_follows(
    browser: Browser, settings: Settings, clock: Clock
) -> None:
    settings.SILENT_SSO_SESSION_MAX_SECONDS = 100
    settings.SILENT_SSO_VISITORS = "redirect"
    browser.sign_in("alice")
    clock.advance(99)
    assert browser.get("/decided/").json()["signed_in"] is True
    clock.advance(1)
    seen = browser.get("/decided/").json()
    assert (seen["action"], seen["reason"], seen["user"]) == ("end_session", "session_max", "")
    assert "sessionid" not in browser.client.cookies
    for _ in range(2):
        assert browser.get("/decided/").json()["reason"] == "session_max"
    browser.sign_in("alice")
    assert browser.get("/decided/").json()["reason"] == "fresh"


def test_n09_also_where_the_answer_is_streamed(browser: Browser, settings: Settings, clock: Clock) -> None:
    settings.SILENT_SSO_SESSION_MAX_SECONDS = 100
    settings.SILENT_SSO_VISITORS = "redirect"
    browser.sign_in("alice")
    clock.advance(100)
    assert browser.get("/stream/").getvalue() == b"ab"
    assert browser.get("/decided/").json()["reason"] == "session_max"


# -- exempt ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["/exempt/", "/by-name/", "/decided/path", "/decided/pattern/7"])
@pytest.mark.parametrize("headers", [NAVIGATION, FETCH], ids=["document", "fetch"])
def test_exempt_urls_are_left_alone(
    browser: Browser, settings: Settings, clock: Clock, url: str, headers: dict[str, str]
) -> None:
    settings.OIDC_EXEMPT_URLS = ["no_such_name", "by_name", "/decided/path", re.compile(r"/decided/pattern/\d+")]
    browser.sign_in("alice")
    for age in (make_stale, make_overdue):
        age(browser.session)
        seen = ask(browser, headers, url=url).json()
        assert (seen["action"], seen["signed_in"]) == ("serve", True)
    settings.SILENT_SSO_SESSION_MAX_SECONDS = 100
    before = browser.snapshot()
    seen = ask(browser, headers, url=url).json()
    assert (seen["action"], seen["reason"], seen["signed_in"]) == ("serve", "exempt", True)
    assert browser.snapshot() == before


def test_d67_our_own_endpoints_and_pages_that_do_not_exist_are_no_trap(overdue: Browser) -> None:
    assert overdue.get("/oidc/session/").status_code == 200
    assert goes_silently_to_op(overdue, overdue.get("/no-such-page/"))


# -- where it cannot work --------------------------------------------------------------------------------------------


def test_g06_without_sessions_it_does_nothing(settings: Settings) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    request = RequestFactory().get("/decided/", headers=NAVIGATION)
    request.user = AnonymousUser()
    assert SilentSSOMiddleware(decided)(request).status_code == 200  # type: ignore[union-attr]


@pytest.mark.parametrize("missing", ["SILENT_SSO_ISSUER", "OIDC_RP_CLIENT_ID"])
def test_without_its_settings_it_does_nothing(overdue: Browser, settings: Settings, missing: str) -> None:
    setattr(settings, missing, None)
    assert overdue.get("/decided/").status_code == 200


@pytest.mark.urls("tests.without_our_urls")
@pytest.mark.parametrize("headers", [NAVIGATION, FETCH], ids=["document", "fetch"])
def test_a_host_without_our_urls_is_no_500(make_browser: Any, settings: Settings, headers: dict[str, str]) -> None:
    browser = make_browser()
    settings.ROOT_URLCONF = "tests.urls"
    browser.sign_in("alice")
    make_stale(browser.session)
    settings.ROOT_URLCONF = "tests.without_our_urls"
    assert ask(browser, headers, url="/page/").status_code == 200
    make_overdue(browser.session)
    answer = ask(browser, headers, url="/page/")
    assert answer.status_code == (200 if headers is NAVIGATION else 401)
    assert ask(browser, NAVIGATION, "POST", url="/page/").status_code in (200, 401)
