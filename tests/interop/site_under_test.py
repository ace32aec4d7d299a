"""What a test wants to know about our site and its sessions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db.models.signals import post_delete, post_save

from django_silent_sso.testing import make_overdue, make_stale
from tests.interop.scripted_browser import ScriptedBrowser, Visit

CALLBACK = "/oidc/callback/"
ATTEMPT = re.compile(r"silent_sso_[0-9a-f]{24}")
ALICE = "alice@example.org"
BOB = "bob@example.org"


class Site:
    """The running site. `writes` counts saved and deleted session rows."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.writes = 0

    def __call__(self, path: str) -> str:
        return self.origin + path

    @contextmanager
    def counting_session_writes(self) -> Iterator[Site]:
        def count(**_facts: Any) -> None:
            self.writes += 1

        post_save.connect(count, sender=Session)
        post_delete.connect(count, sender=Session)
        try:
            yield self
        finally:
            post_save.disconnect(count, sender=Session)
            post_delete.disconnect(count, sender=Session)

    # -- the person --------------------------------------------------------------------------------

    def sign_in(self, browser: ScriptedBrowser, name: str = "alice") -> Visit:
        """Interactively, by way of the private page; ends on it."""
        visit = self.answer_sign_in_page(browser, browser.open(self("/private/")), name)
        assert visit.json == {"page": "private", "user": f"{name}@example.org", "basket": None}, str(visit)
        self.writes = 0
        return visit

    def answer_sign_in_page(self, browser: ScriptedBrowser, visit: Visit, name: str = "alice") -> Visit:
        """On the OP's sign-in page any login and any password will do."""
        assert "/interaction/" in visit.url, f"not on the sign-in page: {visit}"
        return browser.submit(visit, login=name, password="any")

    def who(self, browser: ScriptedBrowser) -> str | None:
        """Whom the site takes this browser for, asked in a way that never leads to the OP."""
        response = browser.fetch(self("/page/who"))
        return response.json()["user"] if response.status_code == 200 else None

    # -- the browser's session ---------------------------------------------------------------------

    def session_key(self, browser: ScriptedBrowser) -> str | None:
        return browser.cookies.get(self.origin, "sessionid")

    def session(self, key: str | None) -> dict[str, Any]:
        """The data stored under this key, or {} where there is none (any more)."""
        return SessionStore(key).load() if key else {}

    def make_stale(self, browser: ScriptedBrowser) -> None:
        make_stale(SessionStore(self.session_key(browser)))
        self.writes = 0

    def make_overdue(self, browser: ScriptedBrowser) -> None:
        make_overdue(SessionStore(self.session_key(browser)))
        self.writes = 0

    def pending_attempts(self, browser: ScriptedBrowser) -> list[str]:
        """The names of the cookies of attempts under way."""
        return [name for name in browser.cookies.names(self.origin) if ATTEMPT.fullmatch(name)]
