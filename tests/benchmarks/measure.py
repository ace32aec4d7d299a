"""The measurements. What is compared takes turns in every round, so that other work on the machine hits all alike."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier

from requests.adapters import HTTPAdapter

from tests.benchmarks.delay import Distance
from tests.benchmarks.sites import KINDS, site_settings
from tests.concurrency.running_site import RunningSite, running_site
from tests.concurrency.stores import settings_of
from tests.interop.oidc_provider.install import VERSION
from tests.interop.oidc_provider.process import OIDCProvider, running
from tests.interop.scripted_browser import ScriptedBrowser, Visit

WARM_UP = 3  # rounds that are not counted, unless told otherwise
FRESH_PAGES = 40  # requests that are measured together: one alone is too short
MANY = 50  # requests at once
CLIENTS = 8  # people at once, where throughput is measured
TICKS = os.sysconf("SC_CLK_TCK")

Numbers = dict[str, float]
"""What one round has shown, by the row's name."""


@dataclass(frozen=True)
class Bench:
    """One OP, and a running site of each kind that trusts it, with somebody signed in."""

    provider: OIDCProvider
    sites: Mapping[str, RunningSite]
    browsers: Mapping[str, ScriptedBrowser]


@contextmanager
def bench(store: str, *, distance: float = 0, workers: int = 1, threads: int = 4) -> Iterator[Bench]:
    """`distance`: seconds added to every round trip to the OP."""
    with ExitStack() as stack:
        proxy = stack.enter_context(Distance(distance)) if distance else None
        provider = stack.enter_context(running(VERSION, *([proxy.origin] if proxy else [])))
        if proxy is not None:
            proxy.upstream = provider.port
        size = {"workers": workers, "threads": threads}
        sites = {}
        for kind in KINDS:  # each with a database, and servers, of its own
            settings = site_settings(kind, provider.issuer, stack.enter_context(settings_of(store)))
            sites[kind] = stack.enter_context(running_site({**settings, **size}))
        provider.reset(*(site.origin for site in sites.values()))
        browsers = {kind: stack.enter_context(_person(site)) for kind, site in sites.items()}
        yield Bench(provider, sites, browsers)


@contextmanager
def _person(site: RunningSite) -> Iterator[ScriptedBrowser]:
    browser = ScriptedBrowser()
    # As browsers do where a connection was closed that had been kept open.
    browser._http.mount("http://", HTTPAdapter(max_retries=1))
    visit = browser.open(site("/oidc/authenticate/?next=/page/"))
    visit = browser.submit(visit, login="alice", password="any")
    _as_it_should_be(visit, "/page/")
    yield browser
    browser.close()


def _as_it_should_be(visit: Visit, path: str) -> None:
    if (visit.path, visit.statuses[-1]) != (path, 200) or visit.json["user"] is None:
        raise RuntimeError(f"not as it should be: {visit}")


def _forget_round_trips(browser: ScriptedBrowser, site: RunningSite) -> None:
    """The package stops a browser that goes round more than 3 times in 30 seconds. This one goes on purpose."""
    browser.cookies.discard(site.origin, "silent_sso_marks")


# -- a fresh request -------------------------------------------------------------------------------------------------


def fresh(bench: Bench, kind: str) -> Numbers:
    """The middleware by itself, and within whole requests."""
    site, browser = bench.sites[kind], bench.browsers[kind]
    found: Numbers = {"microseconds": browser.open(site("/measure/middleware/")).json["microseconds"]}
    for name in ("page", "plain"):
        outsider = ScriptedBrowser()
        before = outsider.fetch(site("/measure/counters/")).json()
        for _ in range(FRESH_PAGES):
            browser.open(site(f"/{name}/"))
        after = outsider.fetch(site("/measure/counters/")).json()
        outsider.close()
        found[name] = (after["cpu"] - before["cpu"]) * 1000 / FRESH_PAGES
    return found


# -- one renewal -----------------------------------------------------------------------------------------------------


def renewal(bench: Bench, kind: str) -> Numbers:
    """A page load of a stale session; the site is one process."""
    site, browser = bench.sites[kind], bench.browsers[kind]
    outsider = ScriptedBrowser()  # asks without the session's cookie, and so renews nothing

    def counters() -> Numbers:
        found: Numbers = outsider.fetch(site("/measure/counters/")).json()
        return found

    browser.open(site("/measure/make-stale/"))
    _forget_round_trips(browser, site)
    nothing = counters()
    before = counters()
    bench.provider.forget_calls()
    began = time.perf_counter()
    visit = browser.open(site("/page/"))
    took = time.perf_counter() - began
    after = counters()
    outsider.close()
    _as_it_should_be(visit, "/page/")
    calls = [call for call in bench.provider.calls() if not call.browser]
    if not calls:
        raise RuntimeError(f"nothing was renewed: {visit}")
    used = {name: after[name] - before[name] - (before[name] - nothing[name]) for name in after}
    return {
        "wall": took * 1000,
        "cpu": used["cpu"] * 1000,
        "requests": len(visit.hops),
        "calls": len(calls),
        "connections": sum(call.new_connection for call in calls),
        "session_writes": used["session_writes"],
        "queries": used["queries"],
    }


# -- fifty at once ---------------------------------------------------------------------------------------------------


def crowd(bench: Bench, kind: str) -> Numbers:
    """Fifty tabs of one browser, restored at the same moment, with a session that is stale."""
    site, browser = bench.sites[kind], bench.browsers[kind]
    browser.open(site("/measure/make-stale/"))
    _forget_round_trips(browser, site)
    bench.provider.forget_calls()
    start = Barrier(MANY)

    def load(number: int) -> bool:
        tab = browser.another_tab()
        start.wait()
        try:
            _as_it_should_be(tab.open(site(f"/page/?{number}")), f"/page/?{number}")
        except (RuntimeError, AssertionError, ValueError):
            return False
        finally:
            tab.close()
        return True

    began = time.perf_counter()
    with ThreadPoolExecutor(MANY) as pool:
        right = list(pool.map(load, range(MANY)))
    took = time.perf_counter() - began
    calls = bench.provider.calls()
    return {
        "right": sum(right),
        "asked": sum(call.path == "/auth" for call in calls),
        "calls": sum(not call.browser for call in calls),
        "wall": took * 1000,
    }


# -- throughput ------------------------------------------------------------------------------------------------------


def throughput(bench: Bench, kind: str, *, renewals: int) -> Numbers:
    """Eight people, each of whose page loads is a renewal, as fast as they can."""
    site = bench.sites[kind]
    with ExitStack() as stack:
        people = [stack.enter_context(_person(site)) for _ in range(CLIENTS)]

        def load(person: ScriptedBrowser) -> None:
            person.open(site("/page/?again"))
            for _ in range(max(1, renewals // CLIENTS)):
                _forget_round_trips(person, site)
                _as_it_should_be(person.open(site("/page/?again")), "/page/?again")

        bench.provider.forget_calls()
        cpu, began = _cpu(site), time.perf_counter()
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(load, people))
        took, cpu = time.perf_counter() - began, _cpu(site) - cpu
    done = max(1, renewals // CLIENTS) * CLIENTS
    calls = sum(not call.browser for call in bench.provider.calls())
    return {"per_second": done / took, "cpu": cpu * 1000 / done, "calls": calls / done}


def _cpu(site: RunningSite) -> float:
    """Seconds that the site's processes have used up (proc(5))."""
    rows = [Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split() for worker in site.workers()]
    return sum(int(row[11]) + int(row[12]) for row in rows) / TICKS


# -- turns -----------------------------------------------------------------------------------------------------------

Measurement = Callable[[Bench, str], Numbers]


def by_turns(bench: Bench, measurement: Measurement, rounds: int, warm_up: int = WARM_UP) -> dict[str, list[Numbers]]:
    results: dict[str, list[Numbers]] = {kind: [] for kind in KINDS}
    for number in range(warm_up + rounds):
        for kind in KINDS:
            numbers = measurement(bench, kind)
            if number >= warm_up:
                results[kind].append(numbers)
    return results
