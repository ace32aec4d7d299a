"""Plays every row on every site, and writes down how it ended."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from django_silent_sso.testing import OpenIDProvider
from tests.differential import page
from tests.differential.candidates import CANDIDATES, Candidate
from tests.differential.rows import ROWS
from tests.differential.running_site import running_site
from tests.differential.site_settings import CLIENT_ID, CLIENT_SECRET
from tests.differential.stage import NotBegunError, Stage
from tests.differential.verdicts import Outcome, Row, Verdict

AT_ONCE = 2  # sites; more only make each other slow on a small machine


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    kinds = [candidate.kind for candidate in CANDIDATES]
    parser.add_argument("--only", nargs="+", choices=kinds, default=kinds, metavar="KIND", help=", ".join(kinds))
    parser.add_argument(
        "--rows", nargs="+", default=[], metavar="NUMBER", help="these rows alone; prints, writes nothing"
    )
    parser.add_argument("--noisy", action="store_true", help="show the sites' logs")
    chosen = parser.parse_args()
    rows = [row for row in ROWS if not chosen.rows or row.number in chosen.rows]
    candidates = [candidate for candidate in CANDIDATES if candidate.kind in chosen.only]
    begun = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        played = list(pool.map(lambda one: play_all(one, rows, noisy=chosen.noisy), candidates))
    results = {one.kind: outcomes for one, (outcomes, _) in zip(candidates, played, strict=True)}
    versions = {one.kind: of_site for one, (_, of_site) in zip(candidates, played, strict=True)}
    for one in candidates:
        _print(one, results[one.kind], every=bool(chosen.rows))
    sys.stdout.write(f"{len(rows)} rows in {time.monotonic() - begun:.0f} seconds\n")
    if len(rows) == len(ROWS) and candidates == list(CANDIDATES):
        page.write(page.generated(results, versions))


def play_all(candidate: Candidate, rows: Sequence[Row], *, noisy: bool) -> tuple[dict[str, Outcome], dict[str, str]]:
    """How each row ends for one package, and the versions in use. `RuntimeError`: it cannot sign in at all."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        provider = stack.enter_context(OpenIDProvider(client_id=CLIENT_ID, client_secret=CLIENT_SECRET))
        elsewhere = stack.enter_context(OpenIDProvider(client_id=CLIENT_ID, client_secret=CLIENT_SECRET))
        site = stack.enter_context(running_site(candidate.kind, provider.issuer, folder, noisy=noisy))
        stage = Stage(candidate, provider, elsewhere, site)
        _prove_that_it_signs_in(stage)
        outcomes = {row.number: _play(row, stage) for row in rows}
        stage.reset()
        return outcomes, site.versions


def _prove_that_it_signs_in(stage: Stage) -> None:
    """A site that signs nobody in would hold against every attack."""
    stage.reset()
    seen = stage.try_to_sign_in()
    if seen.user is None or seen.page != "/page/a":
        raise RuntimeError(f"{stage.candidate.title} does not sign in: {seen}")


def _play(row: Row, stage: Stage) -> Outcome:
    stage.reset()
    try:
        return row.play(stage)
    except NotBegunError as where:
        return Outcome(Verdict.NOT_HELD, f"the sign-in did not get as far as that: {where}")
    except Exception:
        sys.stderr.write(f"{stage.candidate.kind}, row {row.number}:\n{traceback.format_exc()}\n")
        raise


def _print(candidate: Candidate, outcomes: dict[str, Outcome], *, every: bool) -> None:
    counts = Counter(outcome.verdict for outcome in outcomes.values())
    totals = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict)
    sys.stdout.write(f"\n{candidate.title}: {totals}\n")
    for number, outcome in outcomes.items():
        if every or outcome.verdict in (Verdict.NOT_HELD, Verdict.CRASHED):
            sys.stdout.write(f"  {number:5} {outcome.verdict}: {outcome.words}\n")
