"""A browser that signs in round and round: it ends on a page that says so, with a way on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Browser, Clock, told

pytestmark = pytest.mark.django_db

START = "/oidc/authenticate/?next=/page/"


def rounds(browser: Browser, times: int) -> Any:
    """A site whose page sends everybody back to sign in, or whose session cookie does not stay."""
    browser.provider.sign_in("alice")
    response = None
    for _ in range(times):
        response = browser.get(START)
        if response.status_code != 302:
            break
        browser.follow(response)
        browser.client.cookies.pop("sessionid", None)
    return response


def test_a_sixth_round_without_a_click_ends_on_a_readable_page(browser: Browser) -> None:
    response = rounds(browser, 9)
    assert told(response) == (400, "loop_stopped")
    assert "again=1" in response.content.decode()
    assert browser.provider.calls_to("authorize").__len__() == 5


def test_a_click_goes_on(browser: Browser) -> None:
    rounds(browser, 9)
    assert browser.get(f"{START}&again=1").status_code == 302


def test_it_ends_with_time(browser: Browser, clock: Clock) -> None:
    clock.stop()
    rounds(browser, 9)
    clock.advance(30)
    assert browser.get(START).status_code == 302


def test_silent_sign_ins_are_no_rounds(browser: Browser, settings: Any) -> None:
    """They have a limit of their own."""
    settings.SILENT_SSO_VISITORS = "redirect"
    browser.provider.sign_in("alice")
    for _ in range(3):
        browser.surf("/page/")
        browser.client.cookies.pop("sessionid", None)
    assert rounds(browser, 5).status_code == 302
