"""A sign-out by the OP beside whatever else happens to the session at the same moment.

The OP is the programmable one, made as unhelpful as real ones are: its refresh tokens and codes outlive its sessions,
so that every renewal and every sign-in that was begun before the logout would succeed after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest

from django_silent_sso.testing import OpenIDProvider
from tests.concurrency.running_site import FETCH, NAVIGATION, Answer, Ask, RunningSite, running_site, site_settings
from tests.interop.oidc_provider.process import CLIENT_SECRET
from tests.interop.scripted_browser import ScriptedBrowser, path_of

FEW = 15
PAGES = [Ask()] * 5 + [Ask(headers=FETCH), Ask("/page/?put=apples", "POST")]


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIDProvider]:
    with OpenIDProvider(client_secret=CLIENT_SECRET) as provider:
        provider.tokens_outlive_session = True
        yield provider


@pytest.fixture(scope="module")
def sites(provider: OpenIDProvider, stores: Callable[[str], Any]) -> Iterator[Callable[[str], RunningSite]]:
    with ExitStack() as stack:
        found: dict[str, RunningSite] = {}

        def site(store: str) -> RunningSite:
            if store not in found:
                found[store] = stack.enter_context(running_site(site_settings(provider.issuer, stores(store))))
            return found[store]

        yield site


class Round:
    """Alice is signed in with a session that is no longer fresh; her other browser is on its way back from the OP."""

    def __init__(self, site: RunningSite, provider: OpenIDProvider, *, age: str, refreshing: bool) -> None:
        self.site, self.provider = site, provider
        provider.refresh_tokens = "always" if refreshing else "never"
        provider.sign_in("alice")
        self.alice, self.other = ScriptedBrowser(), ScriptedBrowser()
        site.sign_in(self.alice)
        site.make(age, self.alice)
        self.callback = path_of(
            self.other.open(site("/oidc/authenticate/?next=/page/"), until="/oidc/callback/").stopped_before or ""
        )
        self.before = self.alice.cookies.copy()

    def run(self, order: Random) -> list[str]:
        """Pages, a sign-in and the logout at the same moment; what was wrong with the answers."""
        told = len(self.provider.logouts.calls)
        headers = {**NAVIGATION, "Sec-Fetch-Site": "cross-site"}
        works: dict[str, Callable[[], Any]] = {
            "pages": lambda: self.site.at_once(PAGES, self.alice),
            "sign-in": lambda: self.site.at_once([Ask(self.callback, headers=headers)], self.other),
            "logout": self.provider.sign_out,
        }
        names = list(works)
        order.shuffle(names)
        with ThreadPoolExecutor(len(works)) as threads:
            under_way: dict[str, Future[Any]] = {name: threads.submit(works[name]) for name in names}
        pages: list[Answer] = under_way["pages"].result()
        wrong = [str(answer) for answer in pages if answer.status not in (200, 302, 401)]
        wrong += [str(answer) for answer in under_way["sign-in"].result() if answer.status not in (302, 400)]
        statuses = [call.status for call in self.provider.logouts.calls[told:]]
        wrong += [] if statuses == [200] else [f"logout tokens answered {statuses}"]
        for leaving in {answer.location for answer in pages if answer.status == 302}:
            self.alice.open(leaving)  # a round trip that began meanwhile comes back
        return wrong

    def still_signed_in(self) -> list[str]:
        """Who is seen afterwards, with the cookies of then and now."""
        found = []
        for cookies in (self.before, self.alice.cookies, self.other.cookies):
            self.alice.cookies = cookies
            for headers in (NAVIGATION, FETCH):
                after = self.site.send(Ask(headers=headers), self.alice)
                if after.status != 200 or after.json["user"]:
                    found.append(f"afterwards: {after}")
        return found


@pytest.mark.parametrize("refreshing", [True, False], ids=["refresh_token", "redirect"])
def test_bc25_bc26_whoever_is_signed_out_by_the_op_is_signed_out(
    store: str,
    sites: Callable[[str], RunningSite],
    provider: OpenIDProvider,
    rounds: Callable[[int], int],
    refreshing: bool,
) -> None:
    site = sites(store)
    provider.logouts.register(back_channel=f"http://localhost:{urlsplit(site.origin).port}/oidc/backchannel-logout/")
    wrong: list[str] = []
    order = Random(11)  # noqa: S311 (an order, no secret)
    for number in range(rounds(FEW)):
        this = Round(site, provider, age=("stale", "overdue")[number % 2], refreshing=refreshing)
        with closing(this.alice), closing(this.other):
            complaints = this.run(order) + this.still_signed_in()
        wrong += [f"round {number}: {complaint}" for complaint in complaints]
    assert wrong == []
