"""Copies the tree, has each module broken there, and writes down what nobody noticed."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.mutation import page
from tests.mutation.modules import MODULES, source_of
from tests.mutation.page import Result, Survivor
from tests.mutation.survivors import explanation
from tests.repository import MADE_BY_TOOLS, ROOT

Told = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 tests/mutation/run.py", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=", ".join(MODULES))
    parser.add_argument("--again", action="store_true", help="only what survived the last time; quick after a new test")
    chosen = parser.parse_args()
    unknown = set(chosen.modules) - set(MODULES)
    if unknown:
        parser.error(f"no such module: {', '.join(sorted(unknown))}")
    os.nice(15)
    unexplained = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        shutil.copytree(ROOT, tree, ignore=lambda _, names: [name for name in names if MADE_BY_TOOLS.fullmatch(name)])
        for module in chosen.modules or MODULES:
            before = page.read().get(module)
            if chosen.again and (before is None or before.source != page.digest_of(module)):
                raise SystemExit(f"{module} has changed since its last run: without --again, please")
            found = _try(tree, module, before if chosen.again else None)
            for survivor in found.survivors:
                unexplained += not _report(module, survivor)
            sys.stdout.write(f"{module}: {found.mutants} mutants, {found.score} % killed\n")
            sys.stdout.flush()
            page.write({**page.read(), module: found})
    return 1 if unexplained else 0


def _try(tree: Path, module: str, before: Result | None) -> Result:
    digest = page.digest_of(module)
    only = None if before is None else [[one.before, one.after] for one in before.survivors]
    told = list(_broken(tree, module, only)) if only != [] else []
    survivors = tuple(Survivor(one["operator"], one["before"], one["after"]) for one in told if one["survived"])
    return Result(digest, len(told) if before is None else before.mutants, survivors)


def _broken(tree: Path, module: str, only: list[list[str]] | None) -> Iterator[Told]:
    command = [sys.executable, "-m", "tests.mutation.worker", module, json.dumps(only)]
    with subprocess.Popen(command, cwd=tree, stdout=subprocess.PIPE, text=True) as worker:  # noqa: S603  # our own
        for told in worker.stdout or ():
            yield json.loads(told)
    if worker.returncode:
        raise SystemExit(f"{module} could not be tried: see above")


def _report(module: str, survivor: Survivor) -> bool:
    """Whether there is a reason why no test can notice it, or need not."""
    kind = explanation(module, survivor.operator, survivor.before, survivor.after)
    if kind is None:
        words = f"{source_of(module)}: {survivor.operator}\n  - {survivor.before}\n  + {survivor.after}\n"
        sys.stdout.write(words)
    return kind is not None
