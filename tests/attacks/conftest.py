"""Two people who are signed in here."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conftest import Browser


@pytest.fixture
def alice(browser: Browser) -> Browser:
    browser.sign_in("alice")
    return browser


@pytest.fixture
def bob(make_browser: Callable[..., Browser]) -> Browser:
    browser = make_browser()
    browser.sign_in("bob")
    return browser
