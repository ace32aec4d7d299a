"""The scripts as a whole: their types, their size, and that one file is really alone where it says so."""

from __future__ import annotations

import gzip
import re
import subprocess
from pathlib import Path

import pytest

from tests.browser import npm
from tests.repository import PACKAGE

pytestmark = pytest.mark.interop  # they need Node

STATIC = PACKAGE / "static/django_silent_sso"
SCRIPTS = sorted(STATIC.glob("*.js"))
LARGEST = 4000  # bytes, minified and compressed: what a page that signs somebody in has to load
STRICTLY = [
    *("--noEmit", "--allowJs", "--checkJs", "--strict", "--noUnusedLocals"),
    *("--moduleDetection", "force", "--target", "es2022", "--module", "esnext", "--lib", "es2024,dom,dom.iterable"),
]
STATIC_IMPORT = re.compile(r"^\s*(?:import|export)\b[^(\n]*\bfrom\b.*$", re.MULTILINE)


def run(tool: str, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    command = ["node", npm.needed(tool), *arguments]
    return subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own words only


def minified_size(script: Path) -> int:
    """As terser and gzip make it, the usual way to say how heavy a script is."""
    done = run("terser", script, "--module", "--compress", "passes=3", "--mangle")
    assert done.returncode == 0, done.stderr.decode()
    return len(gzip.compress(done.stdout, 9, mtime=0))


def test_every_script_says_that_its_types_are_checked() -> None:
    assert len(SCRIPTS) >= 6
    assert [one.name for one in SCRIPTS if not one.read_text(encoding="utf-8").startswith("// @ts-check\n")] == []


def test_typescript_finds_nothing() -> None:
    done = run("typescript", *STRICTLY, *SCRIPTS)
    assert done.stdout.decode() == ""
    assert done.returncode == 0


def test_script_of_every_page_is_small() -> None:
    assert minified_size(STATIC / "silent-sso.js") <= LARGEST


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: str(script.name))
def test_nothing_is_loaded_that_was_not_asked_for(script: Path) -> None:
    """No dependency and no chain of files: what is imported at all is imported when it is needed."""
    assert STATIC_IMPORT.findall(script.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: str(script.name))
def test_file_is_not_longer_than_any_other(script: Path) -> None:
    assert len(script.read_text(encoding="utf-8").splitlines()) <= 300
