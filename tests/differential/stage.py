"""Where a row is played: one package's site, one OP, browsers; and what can be seen of it afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from django_silent_sso.testing import OpenIDProvider
from django_silent_sso.testing.calls import Call
from tests.differential.candidates import Candidate
from tests.differential.running_site import RunningSite
from tests.interop.scripted_browser import ScriptedBrowser, Visit, _FirstForm, origin_of

STALE = 16 * 60  # one minute more than the 15 after which both packages that renew call a session stale
LONG_AGO = 2 * 60 * 60


class LeftError(Exception):
    """The browser was sent away from the site and the OP."""


class LoopbackBrowser(ScriptedBrowser):
    """Never goes anywhere else, whatever a site tells it."""

    def another_tab(self) -> LoopbackBrowser:
        return LoopbackBrowser(self.cookies)

    def _send(self, method: str, url: str, data: dict[str, str] | None, headers: dict[str, str]) -> requests.Response:
        if urlsplit(url).hostname not in {"localhost", "127.0.0.1"}:
            raise LeftError(url)
        return super()._send(method, url, data, headers)


@dataclass(frozen=True)
class Seen:
    """What a navigation ended with. `user`: whose session the browser has now; `page_user`: for whom the page was."""

    status: int
    user: int | None
    page_user: int | None
    page: str
    statuses: tuple[int, ...]
    seconds: float
    problem: str = ""

    @property
    def crashed(self) -> bool:
        return 500 in self.statuses

    def __str__(self) -> str:
        who = "signed in" if self.user is not None else "nobody signed in"
        if self.problem:
            return f"{self.problem}, {who}"
        return f"{who}, HTTP {next((s for s in self.statuses if s >= 400), self.status)}"


@dataclass
class Attempt:
    """A sign-in up to the OP's answer, which has not reached the site yet."""

    browser: LoopbackBrowser
    visit: Visit

    @property
    def answer(self) -> str:
        if self.visit.stopped_before is None:
            raise NotBegunError(str(self.visit))
        return self.visit.stopped_before


class NotBegunError(Exception):
    """The OP never answered: the sign-in ended before."""


class Stage:
    def __init__(
        self, candidate: Candidate, provider: OpenIDProvider, elsewhere: OpenIDProvider, site: RunningSite
    ) -> None:
        self.candidate = candidate
        self.provider = provider
        self.elsewhere = elsewhere
        """another host, where nothing of this should ever arrive"""
        self.site = site
        self.browser = LoopbackBrowser()
        self._real_clock = provider.clock

    def reset(self) -> None:
        """Alice is signed in at the OP, and nobody on the site, which remembers nothing."""
        for provider in (self.provider, self.elsewhere):
            provider.behave()
            provider.start()
            provider.forget_calls()
        self.provider.clock = self._real_clock
        self.provider.users.clear()
        self.provider.sign_out()
        self.provider.sign_in("alice")
        self.site.ask("reset")
        self.browser.close()
        self.browser = LoopbackBrowser()

    # -- what a person does ------------------------------------------------------------------------

    def begin(self, to: str = "/page/a", browser: LoopbackBrowser | None = None, more: str = "") -> Attempt:
        """Asks to sign in, as far as the OP's answer. `more`: further parameters of the first request."""
        browser = browser or self.browser
        start = self.candidate.start + quote(to, safe="") + more
        if not self.candidate.by_form:
            return Attempt(browser, browser.open(self.site(start), until=self.candidate.callback))
        button = browser.open(self.site(f"/button/?action={quote(start, safe='')}"))
        fields = {**_FirstForm(button.text).fields, "next": to}
        return Attempt(
            browser,
            browser.open(
                self.site(start), fields, method="POST", initiator=self.site.origin, until=self.candidate.callback
            ),
        )

    def finish(self, attempt: Attempt, answer: str | None = None) -> Seen:
        """The OP's answer, or another in its place, reaches the site."""
        attempt.visit.stopped_before = answer or attempt.answer
        before = len(attempt.visit.hops)
        return self._seen(attempt.browser, lambda: attempt.browser.resume(attempt.visit), before)

    def sign_in(self, subject: str = "alice", browser: LoopbackBrowser | None = None) -> Seen:
        self.provider.sign_in(subject)
        return self.try_to_sign_in(browser)

    def try_to_sign_in(self, browser: LoopbackBrowser | None = None) -> Seen:
        """As whoever is signed in at the OP."""
        attempt = self.begin(browser=browser)
        if attempt.visit.stopped_before is None:
            return self._seen(attempt.browser, lambda: attempt.visit)
        return self.finish(attempt)

    def open(self, path: str, browser: LoopbackBrowser | None = None) -> Seen:
        tab = browser or self.browser
        return self._seen(tab, lambda: tab.open(self.site(path)))

    def follow_link(self, path: str) -> Seen:
        """A link on another site leads to this address."""
        return self._seen(self.browser, lambda: self.browser.open(self.site(path), initiator="https://evil.example"))

    def request(self, path: str, headers: Mapping[str, str], method: str = "GET") -> requests.Response:
        """One request that is no navigation; redirects are not followed."""
        return self.browser._send(method, self.site(path), None, {"Accept": "*/*", **headers})

    # -- what time and others do -------------------------------------------------------------------

    def signed_in_and_stale(self) -> int:
        """Alice has signed in, and it is time to renew. Her number."""
        user = self.sign_in().user
        if user is None:
            raise RuntimeError("the first sign-in failed")
        self.site.ask("advance", seconds=STALE)
        self.provider.forget_calls()
        return user

    # -- what can be seen --------------------------------------------------------------------------

    def who(self, browser: LoopbackBrowser | None = None) -> int | None:
        key = (browser or self.browser).cookies.get(self.site.origin, "sessionid")
        user: int | None = self.site.ask("who", session=key)
        return user

    def calls(self, *endpoints: str) -> list[Call]:
        return [call for call in self.provider.calls if call.endpoint in endpoints]

    def asked_with(self, parameter: str) -> str | None:
        """What the last Authentication Request said."""
        calls = self.calls("authorize")
        return calls[-1].parameters.get(parameter) if calls else None

    def _seen(self, browser: LoopbackBrowser, navigate: Callable[[], Visit], skip: int = 0) -> Seen:
        try:
            visit = navigate()
        except AssertionError:
            return self._not_seen(browser, "a redirect loop")
        except LeftError:
            return self._not_seen(browser, "sent to another host")
        except requests.ConnectionError:
            return self._not_seen(browser, "left with a dead address at the OP")
        hops = visit.hops[skip:] or visit.hops
        page: Any = None
        if visit.response is not None and visit.response.headers.get("Content-Type") == "application/json":
            page = visit.json
        at_op = origin_of(visit.url) != self.site.origin
        return Seen(
            status=hops[-1].status,
            user=self.who(browser),
            page_user=page.get("user") if isinstance(page, dict) else None,
            page=visit.path,
            statuses=tuple(hop.status for hop in hops),
            seconds=sum(hop.seconds for hop in hops),
            problem="at the OP's page" if at_op else "",
        )

    def _not_seen(self, browser: LoopbackBrowser, problem: str) -> Seen:
        return Seen(0, self.who(browser), None, "", (), 0.0, problem)
