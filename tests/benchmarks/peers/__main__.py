"""From the start of a navigation until signed in: this package beside oidc-client-ts, keycloak-js and auth0-spa-js.

    python -m tests.benchmarks.peers [--rounds 30] [--home same] [--distance 0.05] [--waterfall] [--write]

Needs Chromium, Node and npm. One OP, one browser, one run; whatever is compared takes turns in every round, so that
other work on the machine hits all alike.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from tests.benchmarks.page import write
from tests.benchmarks.peers import tables
from tests.benchmarks.peers.files import LIBRARIES
from tests.benchmarks.peers.tables import Situation
from tests.benchmarks.peers.world import HOMES, KINDS, Numbers, Visit, World, world
from tests.browser.npm import SCRIPTS
from tests.browsers.wire import RefusedError
from tests.interop.oidc_provider.install import VERSION

WARM_UP = {True: 1, False: 2}  # rounds that are not counted, with a cold cache and with a warm one
DISTANCES = (0.0, 0.05)  # seconds
MISSES = 5  # visits that may fail before the run does: a machine can be too busy


def by_turns(world: World, situation: Situation, rounds: int) -> Mapping[str, Sequence[Visit]]:
    """Each round begins with another one."""
    visits: dict[str, list[Visit]] = {kind: [] for kind in KINDS}
    misses = 0
    for number in range(-WARM_UP[situation.cold], rounds):
        first = number % len(KINDS)
        turns = [*KINDS][first:] + [*KINDS][:first]
        while turns:
            try:
                visit = world.visit(turns[0], situation.home, cold=situation.cold)
            except (AssertionError, RuntimeError, RefusedError) as error:
                misses += 1
                say(f"once more, because of {error}")
                if misses > MISSES:
                    raise
                continue
            kind = turns.pop(0)
            if number >= 0:
                visits[kind].append(visit)
    return visits


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.peers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30, help="visits of each kind (default 30)")
    parser.add_argument("--home", choices=HOMES, action="append", help="the site's place, as seen from the OP")
    parser.add_argument("--distance", type=float, action="append", help="seconds added to every round trip")
    parser.add_argument("--waterfall", action="store_true", help="show each request's place in a visit")
    parser.add_argument("--write", action="store_true", help="into docs/explanation/benchmarks-browser.md")
    chosen = parser.parse_args()
    situations = [
        Situation(home, seconds, cold)
        for home in chosen.home or HOMES
        for seconds in chosen.distance or DISTANCES
        for cold in (True, False)
    ]
    found: dict[Situation, Mapping[str, Sequence[Numbers]]] = {}
    text = ""
    with world() as made:
        for situation in situations:
            made.set_distance(situation.seconds)
            visits = by_turns(made, situation, chosen.rounds)
            found[situation] = {kind: [visit.numbers for visit in one] for kind, one in visits.items()}
            medians = (f"{kind} {tables.median(one):.0f}" for kind, one in found[situation].items())
            say(f"{situation}: {', '.join(medians)}")
            if chosen.waterfall:
                say(tables.waterfall(visits))
            text = "\n\n".join([measured_with(made, chosen.rounds), *tables.all_of(found)])
            if chosen.write:
                write(text, tables.PAGE)
    sys.stdout.write(f"{text}\n")


def measured_with(world: World, rounds: int) -> str:
    packages = ("Django", "mozilla-django-oidc", "gunicorn")
    versions = [
        f"Chromium {world.browser.version}",
        *(f"{name} {SCRIPTS[name][1]}" for name in LIBRARIES),
        f"oidc-provider {VERSION}",
        f"Python {platform.python_version()}",
        *(f"{name} {version(name)}" for name in packages),
    ]
    return f"Measured with {', '.join(versions)}; {rounds} rounds, {os.cpu_count()} processors."


if __name__ == "__main__":
    main()
