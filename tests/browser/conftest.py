"""A browser, the site and the OP, each fresh for every test (the browser as good as that).

The OP is id.corp.localhost; the site is app.corp.localhost (the same site as the OP) or, where a test asks for `home =
OTHER_SITE`, app.rp-site.localhost.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from django_silent_sso.testing import OpenIDProvider
from tests.browser.chromium import EXECUTABLE, Browsers, Chromium, chromium, start_playwright
from tests.browser.site import SAME_SITE, Recorder, Site
from tests.browser.tab import EventLoop
from tests.browser.watching import QUICK
from tests.interop.site_server import serving

if TYPE_CHECKING:
    from playwright.async_api import Playwright
    from pytest_django import Settings

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


def _missing(reason: str) -> None:
    """Where a browser cannot be had the tests are skipped; in CI they fail."""
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def event_loop_thread() -> Iterator[EventLoop]:
    loop = EventLoop()
    yield loop
    loop.close()


@pytest.fixture(scope="session")
def playwright(event_loop_thread: EventLoop) -> Iterator[Playwright]:
    if EXECUTABLE is None:
        _missing("no chromium on this machine")
    try:
        playwright, stop = start_playwright(event_loop_thread)
    except ImportError:
        _missing("Playwright is not installed")
    yield playwright
    stop()


@pytest.fixture
def third_party() -> bool:
    """Are third-party cookies allowed? Chrome's default; a test says otherwise with `parametrize`."""
    return True


@pytest.fixture(scope="session")
def browsers(event_loop_thread: EventLoop, playwright: Playwright) -> Iterator[Browsers]:
    browsers = Browsers(event_loop_thread, playwright)
    yield browsers
    browsers.end()


@pytest.fixture
def browser(
    event_loop_thread: EventLoop, playwright: Playwright, browsers: Browsers, third_party: bool
) -> Iterator[Chromium]:
    # A browser that blocks cookies remembers, whatever the port, whom its user has dealt with.
    lent = browsers.lend() if third_party else chromium(event_loop_thread, playwright, third_party=False)
    with lent as browser:
        yield browser


@pytest.fixture
def provider() -> Iterator[OpenIDProvider]:
    with OpenIDProvider(public_host="id.corp.localhost") as provider:
        yield provider


@pytest.fixture
def home() -> str:
    """The site's host name."""
    return SAME_SITE


@pytest.fixture
def make_site(
    database: None, provider: OpenIDProvider, browser: Chromium, settings: Settings
) -> Iterator[Callable[[str], Site]]:
    configured: dict[str, Any] = {
        **provider.settings(),
        # Python does not resolve the OP's public name; with all of its endpoints named, discovery is not needed.
        **provider.endpoint_settings(),
        "OIDC_OP_LOGOUT_ENDPOINT": provider.url_of("end_session"),
        "ROOT_URLCONF": "tests.browser.urls",
        "LOGIN_URL": "oidc_authentication_init",
        "LOGOUT_REDIRECT_URL": "/page/",
        # Renewed by the browser, or not at all: this is about browsers.
        "SILENT_SSO_RENEW_WITH": ("redirect",),
    }
    for name, value in configured.items():
        setattr(settings, name, value)
    recorder = Recorder()
    with serving(recorder) as origin:
        yield lambda home: Site(f"http://{home}:{urlsplit(origin).port}", recorder, provider, browser)
        browser.leave()


@pytest.fixture
def site(make_site: Callable[[str], Site], home: str) -> Site:
    return make_site(home)


@pytest.fixture
def watching(provider: OpenIDProvider, settings: Settings) -> None:
    settings.SILENT_SSO_MONITOR = ("check_session",)
    provider.session_management = True


@pytest.fixture
def watched(watching: None, site: Site) -> Site:
    """A site whose pages watch the OP's session, with a quick clock."""
    site.tab.before_each_page(QUICK)
    return site
