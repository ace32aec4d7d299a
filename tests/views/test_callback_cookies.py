"""The callback and the session's cookie: prolonged by a renewal, and never taken from a tab that is signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.sessions.models import Session

from django_silent_sso.testing import make_stale
from tests.conftest import Browser
from tests.views.answers import SESSION, answer_to, cookies_of, with_cookies

if TYPE_CHECKING:
    from pytest_django import Settings

OURS = "django_silent_sso.middleware.SilentSSOMiddleware"


@pytest.mark.parametrize("transport", ["top", "frame"])
def test_a_renewal_prolongs_the_session_s_cookie(browser: Browser, settings: Settings, transport: str) -> None:
    settings.SESSION_COOKIE_AGE = 7 * 24 * 3600
    browser.sign_in("alice")
    key = browser.session.session_key
    make_stale(browser.session)
    if transport == "top":
        answer = browser.get(answer_to(browser, "/page/"))
    else:
        answer = browser.relay("/oidc/callback/", browser.answered())
    cookie = answer.cookies[SESSION]
    assert cookie.value == key
    assert abs(int(cookie["max-age"]) - settings.SESSION_COOKIE_AGE) <= 5


@pytest.mark.parametrize(
    "fault", [{"status": 503}, {"status": 400, "body": {"error": "invalid_grant"}}], ids=["unavailable", "refused"]
)
@pytest.mark.parametrize("transport", ["top", "frame"])
def test_c77_nor_where_a_site_has_no_middleware_of_ours(
    browser: Browser, settings: Settings, fault: dict[str, Any], transport: str
) -> None:
    """A site that asks by its pages' script alone: no other part of us looks after an old cookie there."""
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != OURS]
    settings.SILENT_SSO_TOP_LEVEL_HOP = "always"
    session = browser.client.session
    session["basket"] = "full"
    session.save()
    browser.provider.sign_in("alice")
    first = answer_to(browser)
    second = browser.answered(transport=transport, itp_support="1", return_to="/page/")
    old = cookies_of(browser)
    browser.get(first)
    browser.provider.fail("token", **fault)
    with with_cookies(browser, old):
        deliver = browser.relay if transport == "frame" else lambda path, query: browser.get(f"{path}?{query}")
        answer = deliver("/oidc/callback/", second)
    assert SESSION not in answer.cookies
    assert Session.objects.count() == 1
    assert browser.user() != "nobody"


def test_c77_nor_by_an_answer_that_comes_again_there(browser: Browser, settings: Settings) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != OURS]
    session = browser.client.session
    session["basket"] = "full"
    session.save()
    browser.provider.sign_in("alice")
    back = answer_to(browser)
    old = cookies_of(browser)
    browser.get(back)
    with with_cookies(browser, old):
        answer = browser.get(back)
    assert answer["Location"] == "/page/"
    assert SESSION not in answer.cookies
    assert browser.user() != "nobody"
