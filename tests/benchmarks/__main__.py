"""This package beside mozilla-django-oidc's SessionRefresh, in one run.

    python -m tests.benchmarks [--rounds 30] [--write]

Needs Node and npm (the OP is npm's oidc-provider), and for the last tables PostgreSQL and Redis, which it starts and
stops by itself. Times depend on the machine; the factors and the counts are what to compare.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version

from tests.benchmarks import measure
from tests.benchmarks.page import Row, table, write
from tests.concurrency.gunicorn_site import WORKERS
from tests.interop.oidc_provider.install import VERSION

FAR = 0.05  # seconds
ROWS_OF_FRESH = [
    Row("the middleware alone, microseconds", "microseconds", ".2f"),
    Row("CPU time of a page that shows the user's name, ms", "page", ".2f"),
    Row("CPU time of a page that does not, ms", "plain", ".2f"),
]
RENEWAL = [
    Row("wall time, ms", "wall"),
    Row("CPU time of the server, ms", "cpu"),
    Row("requests by the browser", "requests", "g"),
    Row("calls by the server to the OP", "calls", "g"),
    Row("new connections for them", "connections", "g", compared=False),
    Row("writes to the session table", "session_writes", "g"),
    Row("statements in all", "queries", "g"),
]
CROWD = [
    Row("right answers", "right", "g", compared=False),
    Row("browsers sent to the OP", "asked", "g"),
    Row("calls by the server to the OP", "calls", "g"),
    Row("wall time until the last has its page, ms", "wall", ".0f"),
]
THROUGHPUT = [
    Row("renewals a second", "per_second"),
    Row("CPU time of the server a renewal, ms", "cpu"),
    Row("calls to the OP a renewal", "calls", ".2f"),
]


def near(rounds: int) -> Iterator[str]:
    with measure.bench("sqlite") as bench:
        found = measure.by_turns(bench, measure.fresh, max(5, rounds // 3))
        yield table("A fresh request", FRESH, ROWS_OF_FRESH, found)
        found = measure.by_turns(bench, measure.renewal, rounds)
        yield table("One silent renewal", ONE, RENEWAL, found)
    with measure.bench("sqlite", workers=WORKERS, threads=26) as bench:
        found = measure.by_turns(bench, measure.crowd, max(3, rounds // 6))
        yield table("Fifty page loads at once", FIFTY, CROWD, found)


def far(rounds: int) -> Iterator[str]:
    with measure.bench("sqlite", distance=FAR) as bench:
        found = measure.by_turns(bench, measure.renewal, rounds)
        yield table("One silent renewal, the OP 50 ms away", FAR_AWAY, RENEWAL, found)


def many(rounds: int) -> Iterator[str]:
    one = partial(measure.throughput, renewals=rounds * 2)
    for store, name in (("postgresql", "PostgreSQL"), ("redis", "Redis")):
        for distance, where in ((0.0, ""), (FAR, ", the OP 50 ms away")):
            with measure.bench(store, workers=WORKERS, threads=8, distance=distance) as bench:
                words = SESSIONS[store] if not distance else SESSIONS[store] + " " + FAR_AWAY
                yield table(f"Throughput, {name}{where}", words, THROUGHPUT, measure.by_turns(bench, one, 3, warm_up=1))


FRESH = (
    "What each request of a signed-in user pays while nothing is due: the middleware by itself, with session and user"
    " loaded before, and whole requests. SessionRefresh loads the user for every page, whether the page asks or not."
)
ONE = "One page load of one stale session. The site is one gunicorn process, its sessions are in SQLite."
FIFTY = (
    "Fifty tabs of one browser are restored at the same moment, and the session is stale. gunicorn has 2 processes of"
    " 26 threads. Right is an answer that ends on the page that was asked for, with its user."
)
FAR_AWAY = "25 ms are added each way, and another round trip to opening a connection, for browser and server alike."
SESSIONS = {
    "postgresql": (
        "Eight people at once, every page load a renewal. gunicorn has 2 processes of 8 threads; sessions and users are"
        " in PostgreSQL."
    ),
    "redis": "The same, with sessions and cache in Redis and users in SQLite.",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30, help="renewals of each kind (default 30)")
    parser.add_argument("--only", choices=("near", "far", "many"), action="append", help="a part of it")
    parser.add_argument("--write", action="store_true", help="into docs/explanation/benchmarks.md")
    chosen = parser.parse_args()
    names = ("Django", "mozilla-django-oidc", "gunicorn", "psycopg", "redis")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    parts = [
        f"Measured with Python {platform.python_version()}, {versions}, oidc-provider {VERSION}; "
        f"{chosen.rounds} rounds, {os.cpu_count()} processors."
    ]
    for name, part in (("near", near), ("far", far), ("many", many)):
        for text in part(chosen.rounds) if name in (chosen.only or [name]) else ():
            sys.stdout.write(f"{text}\n\n")
            sys.stdout.flush()
            parts.append(text)
            if chosen.write:
                write("\n\n".join(parts))


if __name__ == "__main__":
    main()
