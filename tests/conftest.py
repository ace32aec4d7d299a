"""Fixtures for every test: a clean cache, and a site whose users are signed in by the OP."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client
from pytest_django import DjangoDbBlocker

from django_silent_sso.testing import OpenIDProvider
from tests.interop.database import use_database_file

NAVIGATION = {
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "none",
    "Accept": "text/html,application/xhtml+xml",
}
FETCH = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "same-origin", "Accept": "*/*"}


@pytest.fixture(autouse=True)
def _clean_cache() -> None:
    from django.core.cache import cache

    from django_silent_sso.op import health, provider

    cache.clear()
    provider.forget()
    health.forget()


class Clock:
    """The time of the site and of the OP, as far from the real one as a test wants it."""

    def __init__(self) -> None:
        self._real = time.time
        self._ahead = 0.0
        self._stopped: float | None = None

    def __call__(self) -> float:
        return (self._real() if self._stopped is None else self._stopped) + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += seconds

    def stop(self, at: float | None = None) -> float:
        """From now on only `advance()` moves it."""
        self._stopped = (self() if at is None else at) - self._ahead
        return self()


@pytest.fixture
def clock(openid_provider: OpenIDProvider, monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time", clock)
    openid_provider.clock = clock
    return clock


class CookieJar(Client):
    """Django's client would go on sending the cookies that it was told to delete."""

    def request(self, **request: Any) -> Any:
        response = super().request(**request)
        for name in [name for name, morsel in self.cookies.items() if morsel["max-age"] == 0]:
            del self.cookies[name]
        return response


class Browser:
    """Django's test client with a browser's headers, and an OP to go to."""

    def __init__(self, provider: OpenIDProvider, **defaults: Any) -> None:
        self.client = CookieJar(**defaults)
        self.provider = provider

    def get(self, path: str, **headers: str) -> Any:
        """A page load."""
        return self.client.get(path, headers={**NAVIGATION, **headers})

    def fetch(self, path: str, **headers: str) -> Any:
        """A request by the page's script."""
        return self.client.get(path, headers={**FETCH, **headers})

    def post(self, path: str, data: dict[str, str] | None = None, **headers: str) -> Any:
        """A form sent by a person."""
        return self.client.post(path, data or {}, headers={**NAVIGATION, "Origin": "http://testserver", **headers})

    def relay(self, path: str, query: str, **headers: str) -> Any:
        """A same-origin POST by the page's script."""
        return self.client.post(
            path,
            query,
            content_type="application/x-www-form-urlencoded",
            headers={**FETCH, "Accept": "application/json", "Origin": "http://testserver", **headers},
        )

    def from_op(self, path: str, fields: dict[str, str]) -> Any:
        """A form that the OP's page posts: from another site, so that no Lax cookie comes with it."""
        cookies, self.client.cookies = self.client.cookies, SimpleCookie()
        try:
            return self.client.post(
                path,
                urlencode(fields),
                content_type="application/x-www-form-urlencoded",
                headers={**NAVIGATION, "Sec-Fetch-Site": "cross-site", "Origin": self.provider.issuer},
            )
        finally:
            self.client.cookies = cookies

    def start(self, **fields: str) -> Any:
        """The page's script begins a silent attempt."""
        return self.relay("/oidc/silent/", urlencode(fields))

    def answered(self, **fields: str) -> str:
        """What a hidden frame, popup or hop begun by the script ends with: the query of the callback."""
        begun = self.start(**fields).json()
        return self.at_op(begun["authorization_url"]).partition("?")[2]

    def at_op(self, url: str) -> str:
        """What the OP answers to an authorization URL: path and query of the redirect back."""
        parts = urlsplit(self.provider.answer(url).location or "")
        return f"{parts.path}?{parts.query}"

    def follow(self, response: Any) -> Any:
        """From a redirect to the OP to the callback's answer."""
        assert response.status_code == 302, response.content
        return self.get(self.at_op(response["Location"]), **{"Sec-Fetch-Site": "cross-site"})

    def sign_in(self, subject: str = "alice", **claims: Any) -> None:
        """Sign the user in at the OP and here, interactively."""
        self.provider.sign_in(subject, **claims)
        response = self.follow(self.get("/oidc/authenticate/?next=/page/"))
        assert (response.status_code, response["Location"]) == (302, "/page/"), response.content
        self.provider.forget_calls()

    def surf(self, path: str, *, cookies: bool = True, limit: int = 20) -> tuple[Any, int]:
        """Follow redirects as a browser does, also through the OP; the last answer, and how often the OP was seen."""
        visits = 0
        response = self.get(path)
        for _ in range(limit):
            if not cookies:
                self.client.cookies.clear()
            if response.status_code not in (302, 303):
                return response, visits
            target = response["Location"]
            if urlsplit(target).netloc:
                visits += 1
                target = self.at_op(target)
            response = self.get(target, **{"Sec-Fetch-Site": "cross-site"})
        raise AssertionError(f"more than {limit} redirects")

    def snapshot(self) -> tuple[Any, ...]:
        """What must not change where a response is refused: sessions byte by byte, cookies, calls to the OP."""
        rows = list(Session.objects.order_by("pk").values_list("session_key", "session_data", "expire_date"))
        cookies = {name: morsel.OutputString() for name, morsel in self.client.cookies.items()}
        return rows, cookies, len(self.provider.calls)

    @property
    def session(self) -> Any:
        return self.client.session

    def user(self) -> str:
        """Who the site takes this browser for."""
        return str(self.fetch("/page/").content.decode().split("<p id=user>")[1].split("<")[0])


def told(response: Any) -> tuple[int, str]:
    """Status and reason code of an error page, a 401 or an answer to the page's script."""
    if response["Content-Type"].startswith("application/json"):
        return response.status_code, response.json()["reason"]
    return response.status_code, response.content.decode().split("<code>")[1].split("</code>")[0]


@pytest.fixture
def browser(db: None, openid_provider: OpenIDProvider) -> Browser:
    return Browser(openid_provider)


@pytest.fixture
def make_browser(db: None, openid_provider: OpenIDProvider) -> Callable[..., Browser]:
    return lambda **defaults: Browser(openid_provider, **defaults)


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Path:
    """An SQLite file with every table and no row."""
    path = tmp_path_factory.mktemp("database") / "migrated.sqlite3"
    with django_db_blocker.unblock(), use_database_file(path):
        call_command("migrate", verbosity=0)
    return path


@pytest.fixture
def database(migrated_database: Path, tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A file of its own: the site's threads write at the same time, as on a real site."""
    path = tmp_path / "site.sqlite3"
    shutil.copy(migrated_database, path)
    with django_db_blocker.unblock(), use_database_file(path):
        yield
