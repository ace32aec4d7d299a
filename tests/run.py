"""Runs the tests on a machine that has nothing but Python 3.11 or newer.

    python3 tests/run.py                        everything
    python3 tests/run.py tests/protocol -k nonce    any arguments of pytest
    python3 tests/run.py --django 6.1           the same with that Django, in an environment of its own
    python3 tests/run.py --lint                 ruff and mypy
    python3 tests/run.py --docs                 the documentation, warnings are errors

Warnings are errors (`pyproject.toml`). Tests that need Chromium or Node skip themselves, with a reason, where
there is none.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from example_project.bootstrap import ROOT, environment, run

LINT = (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"])
# One file at a time in each process: the fixtures of a file are made once.
PARALLEL = ("-n", "auto", "--maxprocesses", "4", "--dist", "loadfile")
DOCS = ["sphinx", "--fail-on-warning", "--keep-going", "--quiet", "docs", "docs/_build/html"]


def main() -> None:
    usage = "tests/run.py [--django 6.1] [--lint] [--docs] [pytest arguments...]"
    parser = argparse.ArgumentParser(usage=usage, allow_abbrev=False)
    parser.add_argument("--django", metavar="X.Y", help="with the newest release of this Django series")
    parser.add_argument("--lint", action="store_true", help="run ruff and mypy instead of the tests")
    parser.add_argument("--docs", action="store_true", help="build the documentation instead")
    options, pytest_arguments = parser.parse_known_args()
    os.chdir(ROOT)
    if options.lint or options.docs:
        checks = [*(_lint() if options.lint else ()), *(_docs() if options.docs else ())]
        sys.exit(1 if any(checks) else 0)
    python = _test_environment(options.django)
    if not pytest_arguments:
        # Two processes share the processors well; two with a browser each keep one another waiting.
        first = _module(python, ["pytest", *PARALLEL, "-m", "not browser"])
        sys.exit(max(first, _module(python, ["pytest", "-m", "browser"])))
    run(python, "-m", "pytest", *pytest_arguments)


def _test_environment(django: str | None) -> Path:
    if django is None:
        return environment("test", ["test"])
    major, minor = sys.version_info[:2]
    name = f"test-django{django.replace('.', '')}-py{major}{minor}"
    return environment(name, ["test"], [f"django~={django}.0"])


def _lint() -> list[int]:
    # pytest: the package has a plugin for it, whose types are checked too
    python = environment("lint", ["lint"], ["pytest>=8.4"])
    return [_module(python, command) for command in LINT]


def _docs() -> list[int]:
    return [_module(environment("docs", ["docs"]), DOCS)]


def _module(python: Path, command: list[str]) -> int:
    print("$", *command, flush=True)  # noqa: T201  # for the person who started it
    return subprocess.run([str(python), "-m", *command], check=False).returncode  # noqa: S603  # our own arguments


if __name__ == "__main__":
    main()
