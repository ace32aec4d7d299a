"""The end of a sign-in in a window of its own: it says what is so, tells the page that waits, and closes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.sessions.models import Session

from tests.broken_cache import BROKEN
from tests.conftest import NAVIGATION, Browser
from tests.views.answers import assert_private, nothing_changes

PATH = "/oidc/signed-in/"


def page(browser: Browser) -> str:
    response = browser.get(PATH)
    assert response.status_code == 200
    assert_private(response)
    assert response["X-Frame-Options"] == "DENY"
    return str(response.content.decode())


def test_an_interactive_sign_in_may_end_there(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    answer = browser.follow(browser.get(f"/oidc/authenticate/?next={PATH}"))
    assert answer["Location"] == PATH
    assert "You are signed in" in page(browser)


def test_it_tells_the_page_that_waits_by_our_own_channel(browser: Browser) -> None:
    browser.sign_in("alice")
    text = page(browser)
    told = text.split('<script id="silent-sso-relay" type="application/json">')[1].split("</script>")[0]
    assert json.loads(told) == {"parameters": "state=%2Foidc%2Fsilent%2F"}
    assert '<script src="/static/django_silent_sso/relay.js" defer></script>' in text


def test_it_tells_nobody_of_a_sign_in_that_was_none(browser: Browser) -> None:
    text = page(browser)
    assert "You are not signed in" in text
    assert "<script" not in text
    assert 'href="/oidc/authenticate/?next=%2Foidc%2Fsigned-in%2F"' in text
    assert not browser.client.cookies
    assert not Session.objects.exists()


def test_a_session_that_cannot_be_read_is_nobody(browser: Browser, settings: Any) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    browser.sign_in("alice")
    settings.CACHES = BROKEN
    assert "You are not signed in" in page(browser)


def test_reading_it_changes_nothing(browser: Browser) -> None:
    browser.sign_in("alice")
    with nothing_changes(browser):
        page(browser)


@pytest.mark.parametrize("method", ["post", "head", "options"])
def test_it_is_for_reading_alone(browser: Browser, method: str) -> None:
    assert getattr(browser.client, method)(PATH, headers=NAVIGATION).status_code == 405
