"""A site and an OP that no browser has seen before: every test has names of its own, and so cookies, storage and
permissions of its own in a browser that goes on running."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler

from django_silent_sso.op.provider import metadata, signing_key
from django_silent_sso.protocol.id_token import TokenHeader
from django_silent_sso.testing import OpenIDProvider, make_stale
from tests.browsers.driver import Browser
from tests.browsers.front import Front
from tests.browsers.process import PATIENCE
from tests.interop.site_server import serving

NUMBERS = count(1)
# What the script remembers is as old as it would be in two minutes.
LATER = """void Object.keys(localStorage).filter((key) => key.startsWith("silent-sso:")).forEach((key) =>
  localStorage.setItem(key, localStorage.getItem(key).replace(/\\d{13}/g, (time) => Number(time) - 120_000)))"""
ELSEWHERE = "!!document.getElementById('elsewhere') && document.readyState === 'complete'"
SETTINGS: dict[str, Any] = {
    "ROOT_URLCONF": "tests.browsers.urls",
    "ALLOWED_HOSTS": [".test"],
    "LOGIN_URL": "oidc_authentication_init",
    # As behind any proxy that ends TLS.
    "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
    "SESSION_COOKIE_SECURE": True,
    "CSRF_COOKIE_SECURE": True,
}


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a page of the site told. `name`: "page" (loaded), "visible" (again), or an event without its prefix.

    `at` and `began` (when the page's navigation did): milliseconds since the epoch.
    """

    name: str
    detail: dict[str, Any]
    began: float
    at: float
    url: str
    user: str


class Listener:
    """A WSGI application: the site, and beside it an address that takes reports."""

    def __init__(self) -> None:
        self._reports: list[Report] = []
        self._news = threading.Condition()

    @cached_property
    def _site(self) -> StaticFilesHandler:
        """Made for the first request: by then the test has changed the settings that middleware reads only once."""
        return StaticFilesHandler(WSGIHandler())

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["HTTP_X_FORWARDED_PROTO"] = "https"
        if environ["PATH_INFO"] != "/told/":
            answer: Iterable[bytes] = self._site(environ, start_response)
            return answer
        report = Report(**json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))))
        with self._news:
            self._reports.append(report)
            self._news.notify_all()
        start_response("204 No Content", [("Content-Length", "0")])
        return []

    @property
    def reports(self) -> list[Report]:
        """In the order in which they were made; they need not arrive in it."""
        with self._news:
            return sorted(self._reports, key=lambda report: report.at)

    def wait_for(self, wanted: Callable[[Report], bool]) -> Report:
        """The first that fits, when it is there."""
        with self._news:
            if not self._news.wait_for(lambda: any(map(wanted, self._reports)), PATIENCE):
                told = [(report.name, report.user, report.detail) for report in self._reports]
                raise AssertionError(f"never told; but {told}")
            return next(report for report in self._reports if wanted(report))

    def forget(self) -> None:
        with self._news:
            self._reports.clear()


class World:
    def __init__(self, browser: Browser, provider: OpenIDProvider, host: str, listener: Listener) -> None:
        self.browser, self.provider, self.host = browser, provider, host
        self._listener = listener
        self.wait_for = listener.wait_for

    # The person

    def open(self, path: str = "/page/") -> None:
        self.browser.open(f"https://{self.host}{path}")

    def sign_in_at_op(self) -> None:
        """By way of another site, with a click on the OP's page; ours learns nothing of it."""
        there = f"https://{self.elsewhere}/elsewhere/"
        query = f"client_id=site&response_type=code&scope=openid&login_hint=alice&redirect_uri={there}"
        self.browser.open(f"{self.provider.url_of('authorize')}?{query}")
        self.browser.click("#sign-in")
        self.browser.until(ELSEWHERE)
        self._forget()

    def sign_in(self) -> None:
        """On the site, and so at the OP, as a person does, with a click here and one there; ends on the page."""
        self.open("/elsewhere/")
        self.browser.click("#here")
        self.browser.until("!!document.getElementById('username')")
        self.browser.run("void (document.getElementById('username').value = 'alice')")
        self.browser.click("#sign-in")
        self.wait_for(lambda report: (report.name, report.user) == ("page", "alice"))
        self.browser.until("document.readyState === 'complete'")
        self._forget()

    def reload(self) -> list[Report]:
        """What the page then tells."""
        self._forget()
        self.browser.run("void setTimeout(() => location.reload())")  # the call itself must have ended by then
        self.wait_for(lambda report: report.name == "page")
        self.browser.until("document.readyState === 'complete'")
        return self.reports

    def type(self) -> None:
        """A letter that is not sent yet."""
        typed = "Object.assign(document.getElementById('text'), { value: 'a letter' })"
        self.browser.run(f"void {typed}.dispatchEvent(new InputEvent('input', {{ bubbles: true }}))")

    # What can be seen

    @property
    def elsewhere(self) -> str:
        """Another site's name."""
        return self.host.replace("app.", "app.not-")

    @property
    def reports(self) -> list[Report]:
        """So far; what was told before a request that the page has made meanwhile has arrived."""
        self.browser.run("fetch('/elsewhere/').then((answer) => answer.text())")
        return self._listener.reports

    @property
    def asked(self) -> int:
        """How often the browser went to the OP's authorization endpoint."""
        return len(self.provider.calls_to("authorize"))

    def wait_until_asked(self) -> int:
        end = time.monotonic() + PATIENCE
        while not self.asked and time.monotonic() < end:
            time.sleep(0.02)
        return self.asked

    def _forget(self) -> None:
        self._listener.forget()
        self.provider.forget_calls()

    # The session on the site

    @property
    def session_user(self) -> str | None:
        """Somebody's key, if anybody is signed in, whatever a page may show."""
        users = (SessionStore(row.session_key).get(SESSION_KEY) for row in Session.objects.all())
        return next((user for user in users if user is not None), None)

    @property
    def basket(self) -> object:
        """What the site itself has put into the session: gone if it was ended, even if another was opened then."""
        return next((SessionStore(row.session_key).get("basket") for row in Session.objects.all()), None)

    def make_stale(self) -> None:
        session = SessionStore(Session.objects.get().session_key)
        session["basket"] = "a pear"
        make_stale(session)

    def end_session(self) -> None:
        """While the browser is elsewhere on the site, a while ago; it remembers that somebody was signed in here."""
        self.open("/elsewhere/")
        self.browser.until(ELSEWHERE)
        self.browser.run(LATER)
        Session.objects.all().delete()
        self._forget()


@contextmanager
def world(
    browser: Browser, front: Front, configure: Callable[[dict[str, Any]], None], *, same_site: bool
) -> Iterator[World]:
    number = next(NUMBERS)
    op = f"corp{number}.test"
    host = f"app.{op}" if same_site else f"app.shop{number}.test"
    provider = OpenIDProvider(issuer=f"https://id.{op}")
    # Framed by another site, a cookie is sent only with SameSite=None.
    provider.cookie = replace(provider.cookie, samesite="None")
    listener = Listener()
    with provider, serving(listener) as origin:
        port = int(urlsplit(origin).port or 0)
        made = World(browser, provider, host, listener)
        with (
            front.serving(f"id.{op}", provider.port),
            front.serving(host, port),
            front.serving(made.elsewhere, port),
        ):
            # The site's server finds the OP as the browsers do.
            to_op = {"OIDC_PROXY": {"https": front.url}, "OIDC_VERIFY_SSL": str(front.authority)}
            configure(SETTINGS | provider.settings() | to_op)
            _warm_up()
            yield made
            browser.open("about:blank")
            browser.until("location.href === 'about:blank'")


def _warm_up() -> None:
    """A site that runs has seen its OP before."""
    metadata()
    signing_key(TokenHeader(alg="RS256", kid=None, typ=None))
