"""What every answer of ours must be, and what must not change where a response is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.conftest import Browser

SESSION = "sessionid"


def assert_private(response: Any) -> None:
    """N01, F15: kept by no cache, and told to nobody as a referrer."""
    assert response["Cache-Control"] == "no-store, private"
    assert response["Referrer-Policy"] == "no-referrer"
    assert "Cookie" in response["Vary"]


@contextmanager
def nothing_changes(browser: Browser) -> Iterator[None]:
    """No session, no cookie, no call to the OP."""
    before = browser.snapshot()
    yield
    assert browser.snapshot() == before


def answer_to(browser: Browser, path: str = "/oidc/authenticate/?next=/page/") -> str:
    """Go to a page that leads to the OP: what the OP answers, path and query, not yet delivered."""
    leaving = browser.get(path)
    assert leaving.status_code == 302, leaving.content
    return browser.at_op(leaving["Location"])


def cookies_of(browser: Browser) -> dict[str, str]:
    return {name: morsel.value for name, morsel in browser.client.cookies.items()}


@contextmanager
def with_cookies(browser: Browser, cookies: dict[str, str]) -> Iterator[None]:
    """One request of another tab that left with these; what it brings back is not kept."""
    kept, browser.client.cookies = browser.client.cookies, SimpleCookie(cookies)
    try:
        yield
    finally:
        browser.client.cookies = kept


def begun(browser: Browser, **fields: str) -> dict[str, str]:
    """The parameters of the request that may leave."""
    answer = browser.start(**fields)
    assert answer.status_code == 200, answer.content
    assert_private(answer)
    facts = answer.json()
    assert set(facts) == {"authorization_url", "attempt"}, facts
    wish = dict(parse_qsl(urlsplit(facts["authorization_url"]).query))
    assert wish["state"] == facts["attempt"]
    assert wish["prompt"] == "none"
    return wish


def refused(browser: Browser, **fields: str) -> tuple[str, int | None]:
    """The reason why nothing leaves, and when to ask again; nothing may have changed."""
    with nothing_changes(browser):
        answer = browser.start(**fields)
    assert answer.status_code == 200
    assert_private(answer)
    facts = answer.json()
    assert facts["status"] == "failed"
    return facts["reason"], facts.get("retry_after")


def was_here_before(browser: Browser) -> None:
    """Make it a browser that was signed in here once, and is not any more."""
    browser.sign_in("alice")
    browser.client.session.delete()
    del browser.client.cookies[SESSION]
