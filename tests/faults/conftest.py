"""A site whose calls to the provider go through a proxy that can be told to misbehave."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache import cache

from django_silent_sso.op import health
from django_silent_sso.op import provider as op_provider
from django_silent_sso.testing import OpenIDProvider
from tests.conftest import Browser, Clock
from tests.faults.database import database
from tests.faults.proxy import Fault, FaultProxy

if TYPE_CHECKING:
    from pytest_django import DjangoDbBlocker, Settings

TIMEOUT = 0.2  # seconds: short enough to wait for
PATIENCE = 20  # seconds: elsewhere a busy machine must not make a deadline pass
STALE = 901  # seconds
AGES = 3700  # seconds: longer than every back-off, and than documents are fresh


def forget_the_op() -> None:
    """As a process that has just started, with an empty cache."""
    cache.clear()
    op_provider.forget()
    health.forget()


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    with FaultProxy() as proxy:
        yield proxy


@pytest.fixture
def openid_provider(proxy: FaultProxy, settings: Settings) -> Iterator[OpenIDProvider]:
    """The provider behind the proxy; its name is the proxy's."""
    with behind(proxy, settings) as provider:
        yield provider


def behind(proxy: FaultProxy, settings: Settings) -> OpenIDProvider:
    provider = OpenIDProvider(issuer=proxy.origin).start()
    proxy.upstream = (provider.host, provider.port)
    for name, value in provider.settings().items():
        setattr(settings, name, value)
    settings.OIDC_TIMEOUT = PATIENCE
    forget_the_op()
    return provider


@contextmanager
def failing(proxy: FaultProxy, settings: Settings, path: str, fault: Fault, reason: str) -> Iterator[None]:
    """Requests for `path` meet `fault`. Where a deadline is going to pass, it is a short one."""
    with proxy.at(path, fault):
        settings.OIDC_TIMEOUT = TIMEOUT if reason == "op_timeout" else PATIENCE
        yield
    settings.OIDC_TIMEOUT = PATIENCE


class Log:
    """The lines of this app."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    @property
    def lines(self) -> list[str]:
        return [r.getMessage() for r in self._caplog.records if r.name.startswith("django_silent_sso")]

    @property
    def reasons(self) -> list[str]:
        """The reason code that each begins with."""
        return [line.partition(" ")[0].rstrip(":") for line in self.lines]

    def clear(self) -> None:
        self._caplog.clear()


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Log:
    caplog.set_level(logging.INFO, "django_silent_sso")
    return Log(caplog)


@pytest.fixture
def redirected(settings: Settings) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"


class Trial:
    """Somebody in front of a browser, with something to lose."""

    def __init__(self, browser: Browser, clock: Clock) -> None:
        self.browser = browser
        self.clock = clock

    def page(self, *, cookies: bool = True) -> Any:
        """Open a page and follow at most 20 redirects; it comes with a 200."""
        response, _ = self.browser.surf("/page/", cookies=cookies)
        assert response.status_code == 200, response.content
        return response

    @property
    def user(self) -> str:
        return self.browser.user()


class Visitor(Trial):
    """Signed in at the provider, not yet here; the site sends visitors round."""

    def __init__(self, browser: Browser, clock: Clock) -> None:
        super().__init__(browser, clock)
        browser.provider.sign_in("alice")

    def is_unharmed(self) -> None:
        assert self.user == "nobody"
        assert "sessionid" not in self.browser.client.cookies
        self.page(cookies=False)


class Member(Trial):
    """Signed in here, and the session is stale."""

    def __init__(self, browser: Browser, clock: Clock) -> None:
        super().__init__(browser, clock)
        browser.sign_in("alice")
        clock.advance(STALE)
        self.name = self.user
        self.before = browser.snapshot()[0]

    def is_unharmed(self) -> None:
        assert self.name not in ("", "nobody")
        assert self.user == self.name
        assert self.browser.snapshot()[0] == self.before, "the session is kept byte by byte"


WHO: dict[str, Callable[[Browser, Clock], Visitor | Member]] = {"visitor": Visitor, "member": Member}


@pytest.fixture(params=WHO)
def trial(request: pytest.FixtureRequest, redirected: None, browser: Browser, clock: Clock) -> Visitor | Member:
    """The test runs twice: for a visitor's silent attempt, and for the renewal of a session."""
    return WHO[request.param](browser, clock)


@pytest.fixture
def database_file(migrated_database: Path, tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Path]:
    """A database in a file of its own: threads can share it, and it can be in trouble."""
    path = tmp_path / "site.sqlite3"
    shutil.copy(migrated_database, path)
    with django_db_blocker.unblock(), database(path):
        yield path


def use_engine(settings: Settings, engine: str, folder: Path) -> None:
    """Sessions are kept by this engine."""
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    if engine == "file":
        settings.SESSION_FILE_PATH = str(folder)


ENGINES = ("db", "cached_db", "cache", "file", "signed_cookies")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> str:
    """The test runs once for each of Django's session engines."""
    use_engine(settings, request.param, tmp_path)
    return str(request.param)
