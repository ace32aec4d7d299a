"""The OP, our site, and a browser, each fresh for every test."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache
from django.core.handlers.wsgi import WSGIHandler

from django_silent_sso.op import health, provider
from tests.interop.oidc_provider.install import NotAvailable
from tests.interop.oidc_provider.process import CLIENT_SECRET, OIDCProvider, running
from tests.interop.scripted_browser import ScriptedBrowser
from tests.interop.site_server import serving
from tests.interop.site_under_test import Site

if TYPE_CHECKING:
    from pytest_django import Settings

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.interop)


@pytest.fixture(scope="session")
def oidc_provider_process() -> Iterator[OIDCProvider]:
    """npm's oidc-provider. Where it cannot run the tests are skipped; in CI they fail."""
    with ExitStack() as stack:
        try:
            provider = stack.enter_context(running())
        except NotAvailable as reason:
            if os.environ.get("CI"):
                pytest.fail(str(reason), pytrace=False)
            pytest.skip(str(reason))
        yield provider


@pytest.fixture
def site(database: None, oidc_provider_process: OIDCProvider, settings: Settings) -> Iterator[Site]:
    """Our site, served over loopback HTTP; the OP knows it and remembers nothing else."""
    settings.ROOT_URLCONF = "tests.interop.site_urls"
    settings.LOGIN_URL = "oidc_authentication_init"
    settings.LOGOUT_REDIRECT_URL = "/"
    settings.SILENT_SSO_ISSUER = oidc_provider_process.issuer
    settings.OIDC_RP_CLIENT_ID = "site"
    settings.OIDC_RP_CLIENT_SECRET = CLIENT_SECRET
    _forget_everything()
    with serving(WSGIHandler()) as origin:
        oidc_provider_process.reset(origin)
        with Site(origin).counting_session_writes() as site:
            yield site
    _forget_everything()


def _forget_everything() -> None:
    """As a process of the site that has just started, with an empty cache."""
    cache.clear()
    provider.forget()
    health.forget()


@pytest.fixture
def oidc_provider(oidc_provider_process: OIDCProvider, site: Site) -> OIDCProvider:
    """The OP after a reset, with `site` as its client."""
    return oidc_provider_process


@pytest.fixture
def alice(browser: ScriptedBrowser, site: Site, oidc_provider: OIDCProvider) -> ScriptedBrowser:
    """The browser of somebody who is signed in, at the OP and on our site."""
    site.sign_in(browser)
    oidc_provider.forget_calls()
    return browser


@pytest.fixture(params=[("refresh_token", "redirect"), ("redirect",)], ids=["as it comes", "by redirect"])
def either_way(request: pytest.FixtureRequest, settings: Settings) -> None:
    """The test runs twice: with refresh tokens, as a site has it by default, and without."""
    settings.SILENT_SSO_RENEW_WITH = request.param


@pytest.fixture
def by_redirect(settings: Settings) -> None:
    """No refresh tokens: a stale session can only be renewed by going to the OP and back."""
    settings.SILENT_SSO_RENEW_WITH = ("redirect",)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Puts the site's clock forward by so many seconds; the OP's stays."""
    real = time.time
    ahead = 0.0

    def put_forward(seconds: float) -> None:
        nonlocal ahead
        ahead += seconds

    monkeypatch.setattr(time, "time", lambda: real() + ahead)
    return put_forward


@pytest.fixture
def browser() -> Iterator[ScriptedBrowser]:
    browser = ScriptedBrowser()
    yield browser
    browser.close()
