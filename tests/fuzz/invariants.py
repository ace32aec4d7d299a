"""What must hold whatever came in."""

from __future__ import annotations

import copy
import re
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session

from tests.conftest import Browser

SITE = "http://testserver/"


def leads_to(location: str) -> str:
    """The host a browser goes to: it strips, folds and turns around before it looks (URL Standard)."""
    text = re.sub(r"[\t\r\n]", "", location.strip("".join(map(chr, range(33))))).replace("\\", "/")
    if re.match(r"(?i)https?:/*", text):
        text = re.sub(r"(?i)^(https?):/*", r"\1://", text)
    parts = urlsplit(urljoin(SITE, text))
    return parts.netloc.rpartition("@")[2] if parts.scheme in ("http", "https") else location


class Watch:
    """A browser as it was, to compare with."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.cookies = copy.deepcopy(browser.client.cookies)
        self.users = get_user_model().objects.count()
        self.sessions = self._sessions()
        self.name = browser.user()

    def look_again(self) -> None:
        """What was done on purpose counts no more."""
        self.cookies = copy.deepcopy(self.browser.client.cookies)
        self.sessions = self._sessions()

    def rewind(self) -> None:
        """The next example finds the browser as it was."""
        self.browser.client.cookies = copy.deepcopy(self.cookies)

    def holds(self, response: Any, *, op: bool = False, unavailable: bool = False) -> None:
        """No error, no sign-in, no sign-out, no way off the site (`op`: but to the provider).

        `unavailable`: a 503 is an answer here.
        """
        assert response.status_code < 500 or (unavailable and response.status_code == 503), response.content
        if "Location" in response:
            hosts = {"testserver", *([urlsplit(self.browser.provider.issuer).netloc] if op else [])}
            assert leads_to(response["Location"]) in hosts, response["Location"]
        assert self._sessions() == self.sessions
        assert get_user_model().objects.count() == self.users
        assert "sessionid" not in response.cookies
        assert self.browser.user() == self.name

    def _sessions(self) -> list[Any]:
        return list(Session.objects.order_by("pk").values_list("session_key", "session_data"))
