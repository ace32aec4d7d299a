"""Our site as a browser meets it: served over loopback HTTP, its requests written down."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib.sessions.models import Session
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.handlers.wsgi import WSGIHandler

from django_silent_sso.testing import OpenIDProvider, make_overdue, make_stale
from tests.browser.chromium import Chromium
from tests.browser.tab import Tab

SAME_SITE = "app.corp.localhost"  # the OP is id.corp.localhost
OTHER_SITE = "app.rp-site.localhost"


@dataclass(frozen=True)
class Asked:
    """One request that reached the site."""

    method: str
    path: str
    headers: dict[str, str]


class Recorder:
    """A WSGI application that writes down what it is asked, before the site sees it."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.broken = ""
        """a path that is answered by the page of a proxy that cannot reach the site"""

    @cached_property
    def _site(self) -> StaticFilesHandler:
        """Made for the first request: by then the test has changed the settings that middleware reads only once."""
        return StaticFilesHandler(WSGIHandler())

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        headers = {
            name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")
        }
        self.asked.append(Asked(environ["REQUEST_METHOD"], environ["PATH_INFO"], headers))
        if environ["PATH_INFO"] == self.broken:
            start_response("502 Bad Gateway", [("Content-Type", "text/html")])
            return [b"<h1>Bad Gateway</h1>"]
        answer: Iterable[bytes] = self._site(environ, start_response)
        return answer


class Site:
    """The site under test, its OP, and the browser in front of both."""

    def __init__(self, origin: str, recorder: Recorder, provider: OpenIDProvider, browser: Chromium) -> None:
        self.origin, self.provider, self.browser = origin, provider, browser
        self.tab = browser.tab
        self._recorder = recorder

    def __call__(self, path: str) -> str:
        return self.origin + path

    def open(self, path: str = "/page/", tab: Tab | None = None) -> Tab:
        tab = tab or self.tab
        tab.open(self(path))
        return tab

    # The person

    def sign_in_at_op(self, name: str = "alice", tab: Tab | None = None) -> None:
        """At the OP only, by a request of somebody else; the site learns nothing of it."""
        tab = tab or self.tab
        there = self.provider.url_of("jwks").replace("127.0.0.1", "id.corp.localhost")
        tab.open(
            f"{self.provider.url_of('authorize')}?client_id=site&response_type=code&scope=openid&redirect_uri={there}"
        )
        tab.type("input[name=username]", name)
        tab.click("#sign-in")
        tab.until(f"location.href.startsWith('{there}')")
        self.provider.forget_calls()

    def sign_in(self, name: str = "alice", path: str = "/page/") -> Tab:
        """On the site, and so at the OP; ends at `path`."""
        self.tab.open(self(f"/oidc/authenticate/?next={path}"))
        if self.provider.issuer in self.tab.url:
            self.tab.type("input[name=username]", name)
            self.tab.click("#sign-in")
        self.tab.until(f"location.href === '{self(path)}' && document.readyState === 'complete'")
        assert self.user() == name
        self.forget()
        return self.tab

    def sign_out_at_op(self) -> None:
        self.provider.sign_out()

    def come_back(self, to: Tab | None = None) -> None:
        """Look at another tab for a moment."""
        tab = to or self.tab
        other = self.browser.new_tab("about:blank")
        tab.until("document.visibilityState === 'hidden'")
        tab.show()
        tab.until("document.visibilityState === 'visible'")
        other.close()

    # What the page shows

    def user(self, tab: Tab | None = None) -> str:
        return (tab or self.tab).text("#user")

    def settled(self, name: str, tab: Tab | None = None) -> None:
        """Wait until the page was loaded for this user."""
        (tab or self.tab).until(f"document.querySelector('#user')?.textContent === '{name}'")

    # What was asked

    def asked(self, path: str) -> list[Asked]:
        return [one for one in list(self._recorder.asked) if re.fullmatch(path, one.path)]

    def attempts(self) -> int:
        """Silent attempts that the page's script wanted to begin."""
        return len(self.asked("/oidc/silent/"))

    def break_down(self, path: str) -> None:
        self._recorder.broken = path

    def forget(self) -> None:
        self._recorder.asked.clear()
        self.provider.forget_calls()
        self.tab.forget_events()

    # The session of the browser

    @property
    def _session(self) -> Any:
        return Session.objects.get(pk=self.browser.cookies()["sessionid"]["value"]).get_session_store_class()(
            self.browser.cookies()["sessionid"]["value"]
        )

    def make_stale(self) -> None:
        make_stale(self._session)

    def make_overdue(self) -> None:
        make_overdue(self._session)

    @property
    def marks_cookie(self) -> str:
        return next(name for name in self.browser.cookies() if name.startswith("silent_sso_marks"))

    def forget_sign_in(self) -> None:
        """The session is gone, and the page's own memory; the browser stays known."""
        self.end_session()
        self.browser.clear_cookies(name="sessionid")
        self.forget()

    def end_session(self) -> None:
        """Behind the browser's back, as a back-channel logout does."""
        self._session.flush()
