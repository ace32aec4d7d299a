"""Measures the renewal of a stale session: this package beside plain mozilla-django-oidc, in one run.

    python -m tests.benchmarks.silent_renewal [--rounds 30] [--sites redirect mozilla-django-oidc]

Three sites in processes of their own, one OpenID Provider (npm's oidc-provider), one scripted browser a
site; the sites take turns in every round, so that other work on the machine hits all alike. Prints a Markdown
table. Times depend on the machine; the ratios and the counts are what to compare.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.measured_site import KINDS
from tests.interop.oidc_provider.process import OIDCProvider, running
from tests.interop.scripted_browser import ScriptedBrowser

UPSTREAM = "mozilla-django-oidc"
TITLES = {
    "refresh_token": "django-silent-sso, refresh token",
    "redirect": "django-silent-sso, redirect",
    UPSTREAM: "mozilla-django-oidc, SessionRefresh",
}
WARM_UP = 3  # rounds that are not counted


@dataclass(frozen=True)
class Round:
    """One stale page load and one fresh one. Times in milliseconds."""

    fresh: float
    stale: float
    callback: float | None  # None: renewed without a redirect
    hops: int
    server_calls: int
    server_connections: int
    session_writes: int


@contextmanager
def measured_site(kind: str, issuer: str, folder: Path) -> Iterator[str]:
    """The origin of a running site."""
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.measured_site",
        kind,
        issuer,
        str(folder / f"{kind}.sqlite3"),
    ]
    with subprocess.Popen(  # noqa: S603 - our own words only
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipes")
        try:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"the site {kind!r} did not start")
            yield json.loads(line)["origin"]
        finally:
            process.stdin.close()


def sign_in(browser: ScriptedBrowser, origin: str) -> None:
    visit = browser.open(f"{origin}/oidc/authenticate/?next=/page/")
    visit = browser.submit(visit, login="alice", password="any")
    if visit.json["user"] is None:
        raise RuntimeError(f"not signed in: {visit}")


def measure(browser: ScriptedBrowser, origin: str, provider: OIDCProvider) -> Round:
    fresh = browser.open(f"{origin}/page/")
    browser.open(f"{origin}/measure/make-stale/")
    # The package stops a browser that goes round more than 3 times in 30 seconds. This one goes on purpose:
    # the memory of it is taken away.
    browser.cookies.discard(origin, "silent_sso_marks")
    writes = _session_writes(browser, origin)
    provider.forget_calls()
    stale = browser.open(f"{origin}/page/")
    calls = [call for call in provider.calls() if not call.browser]
    if not calls or fresh.json != stale.json or stale.json["user"] is None:
        raise RuntimeError(f"the renewal failed: {stale}")
    callback = [hop.seconds for hop in stale.hops if "/oidc/callback/" in hop.url]
    return Round(
        fresh=fresh.hops[0].seconds * 1000,
        stale=sum(hop.seconds for hop in stale.hops) * 1000,
        callback=callback[0] * 1000 if callback else None,
        hops=len(stale.hops),
        server_calls=len(calls),
        server_connections=sum(call.new_connection for call in calls),
        session_writes=_session_writes(browser, origin) - writes,
    )


def _session_writes(browser: ScriptedBrowser, origin: str) -> int:
    """Asked without the session's cookie: that this does not renew anything."""
    outsider = ScriptedBrowser()
    writes: int = outsider.fetch(f"{origin}/measure/session-writes/").json()["writes"]
    outsider.close()
    return writes


def table(results: dict[str, list[Round]]) -> str:
    rows: list[tuple[str, Callable[[Round], float | None], str]] = [
        ("fresh GET, ms", lambda r: r.fresh, ".1f"),
        ("stale GET, the whole chain, ms", lambda r: r.stale, ".1f"),
        ("of it the callback request, ms", lambda r: r.callback, ".1f"),
        ("requests by the browser", lambda r: r.hops, "g"),
        ("calls by the server to the OP", lambda r: r.server_calls, "g"),
        ("new connections for them", lambda r: r.server_connections, "g"),
        ("session writes", lambda r: r.session_writes, "g"),
    ]
    lines = [
        "| median (p90) | " + " | ".join(TITLES[kind] for kind in results) + " |",
        "| --- |" + " --- |" * len(results),
    ]
    for title, value, style in rows:
        base = _median(results.get(UPSTREAM, []), value)
        cells = [_cell(rounds, value, style, None if kind == UPSTREAM else base) for kind, rounds in results.items()]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(rounds: list[Round], value: Callable[[Round], float | None], style: str, base: float | None) -> str:
    numbers = sorted(number for number in map(value, rounds) if number is not None)
    if not numbers:
        return "-"
    median = statistics.median(numbers)
    p90 = numbers[min(len(numbers) - 1, int(len(numbers) * 0.9))]
    ratio = f", x {median / base:.2f}" if base else ""
    return f"{median:{style}} ({p90:{style}}){ratio}"


def _median(rounds: list[Round], value: Callable[[Round], float | None]) -> float | None:
    numbers = [number for number in map(value, rounds) if number is not None]
    return statistics.median(numbers) if numbers else None


def run(rounds: int, kinds: Sequence[str]) -> dict[str, list[Round]]:
    results: dict[str, list[Round]] = {kind: [] for kind in kinds}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        provider = stack.enter_context(running())
        origins = {kind: stack.enter_context(measured_site(kind, provider.issuer, folder)) for kind in kinds}
        provider.reset(*origins.values())
        browsers = {kind: ScriptedBrowser() for kind in kinds}
        for kind, browser in browsers.items():
            sign_in(browser, origins[kind])
        for number in range(WARM_UP + rounds):
            for kind, browser in browsers.items():
                result = measure(browser, origins[kind], provider)
                if number >= WARM_UP:
                    results[kind].append(result)
        for browser in browsers.values():
            browser.close()
    return results


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.silent_renewal", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30, help="stale page loads per site (default 30)")
    parser.add_argument("--sites", nargs="+", choices=KINDS, default=KINDS, help="which to compare (default all)")
    chosen = parser.parse_args()
    sys.stdout.write(table(run(chosen.rounds, chosen.sites)) + "\n")


if __name__ == "__main__":
    main()
