"""Fixtures for every test: a clean cache, and a site whose users are signed in by the OP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from django_silent_sso.testing import OpenIDProvider

NAVIGATION = {
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "none",
    "Accept": "text/html,application/xhtml+xml",
}
FETCH = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "same-origin", "Accept": "*/*"}


@pytest.fixture(autouse=True)
def _clean_cache() -> Iterator[None]:
    from django.core.cache import cache

    from django_silent_sso.op import health, provider

    cache.clear()
    provider.forget()
    health.forget()
    yield


class Browser:
    """Django's test client with a browser's headers, and an OP to go to."""

    def __init__(self, provider: OpenIDProvider, **defaults: Any) -> None:
        self.client = Client(**defaults)
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

    @property
    def session(self) -> Any:
        return self.client.session

    def user(self) -> str:
        """Who the site takes this browser for."""
        return str(self.fetch("/page/").content.decode().split("<p id=user>")[1].split("<")[0])


@pytest.fixture
def browser(db: None, openid_provider: OpenIDProvider) -> Browser:
    return Browser(openid_provider)


@pytest.fixture
def make_browser(db: None, openid_provider: OpenIDProvider) -> Callable[..., Browser]:
    return lambda **defaults: Browser(openid_provider, **defaults)
