"""What the tests of the flows share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from django_silent_sso.signals import session_terminated, silent_sign_in_failed
from django_silent_sso.storage.rp_session import RPSession, Tokens
from tests.conftest import Browser

if TYPE_CHECKING:
    from pytest_django import Settings


@pytest.fixture
def redirected(browser: Browser, settings: Settings) -> Browser:
    settings.SILENT_SSO_VISITORS = "redirect"
    return browser


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """The reasons of the signals, in order."""
    reasons: list[str] = []

    def listen(reason: Any, **_: Any) -> None:
        reasons.append(str(reason))

    for signal in (silent_sign_in_failed, session_terminated):
        signal.connect(listen)
    yield reasons
    for signal in (silent_sign_in_failed, session_terminated):
        signal.disconnect(listen)


@pytest.fixture
def alice(browser: Browser) -> Browser:
    """Signed in, with a refresh token."""
    browser.provider.refresh_tokens = "always"
    browser.sign_in("alice")
    browser.provider.forget_calls()
    return browser


def tokens(browser: Browser) -> Tokens:
    found = here(browser)
    assert found is not None
    return found.tokens(browser.provider.now())


def refreshes(browser: Browser) -> int:
    return sum(call.parameters.get("grant_type") == "refresh_token" for call in browser.provider.calls)


def here(browser: Browser) -> RPSession | None:
    return RPSession.read(browser.session) if "sessionid" in browser.client.cookies else None


def subject(browser: Browser) -> str | None:
    """Whose session this browser has; also one that is overdue."""
    found = here(browser)
    return None if found is None else found.subject
