"""Makes the virtual environments this repository needs, with nothing but Python itself.

`environment()` answers the Python of a virtual environment that holds this package (editable) and some of
the dependency groups of `pyproject.toml`. An environment that still fits is used again, so a second run is
quick. Used by `example_project/run.py` and `tests/run.py`. Standard library only: nothing is installed yet
when it runs.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ROOT", "environment", "in_environment", "run"]

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = (3, 11)
PIP = "pip>=25.1"  # the first with --group (PEP 735)


def environment(name: str, groups: Sequence[str], requirements: Sequence[str] = ()) -> Path:
    """The Python of `.venv-<name>`, which is made or made anew if it does not fit.

    `requirements` are further pip requirements, such as `django~=6.1.0`. If the environment cannot be made,
    the program ends with a message for the person who started it.
    """
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(f"Python {'.'.join(map(str, OLDEST_PYTHON))} or newer is needed, this is {_version()}.")
    directory = _directory(name)
    python = _python(directory)
    stamp = directory / "bootstrap.json"
    wanted = _fingerprint(groups, requirements)
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        print(f"Using {directory.name} (Python {_version()}).", flush=True)
        return python
    what = ", ".join([*(f"group {group}" for group in groups), *requirements])
    print(f"Making {directory.name} (Python {_version()}; {what}). This takes a minute, once.", flush=True)
    _make(directory, python)
    _pip(python, "--upgrade", PIP)
    options = [option for group in groups for option in ("--group", group)]
    _pip(python, "--editable", ".", *options, *requirements)
    # Written last: an environment whose making was interrupted has no stamp and is made anew.
    stamp.write_text(wanted)
    return python


def in_environment(name: str, groups: Sequence[str], requirements: Sequence[str] = ()) -> None:
    """Goes on with the calling script inside `environment(...)`; returns at once if it already runs there."""
    if Path(sys.prefix).resolve() != _directory(name).resolve():
        run(environment(name, groups, requirements), *sys.argv)


def run(python: Path, *arguments: str) -> None:
    """Becomes `python arguments`: this process ends with it, signals and exit status are its own."""
    sys.stdout.flush()
    command = [str(python), *arguments]
    if os.name == "nt":
        # There os.exec starts a second process and gives the prompt back at once.
        sys.exit(subprocess.run(command, check=False).returncode)  # noqa: S603  # our own arguments
    os.execv(command[0], command)  # noqa: S606  # no shell wanted


def _directory(name: str) -> Path:
    return ROOT / f".venv-{name}"


def _python(directory: Path) -> Path:
    return directory / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _version() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def _fingerprint(groups: Sequence[str], requirements: Sequence[str]) -> str:
    """What an environment depends on. The place counts: neither it nor an editable install can be moved."""
    project = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    facts = {"project": project, "groups": list(groups), "requirements": list(requirements)}
    return json.dumps({**facts, "python": sys.version, "root": str(ROOT)}, indent=1)


def _make(directory: Path, python: Path) -> None:
    # Debian ships venv without ensurepip; asking first gives a better message than venv's own.
    if not all(importlib.util.find_spec(module) for module in ("venv", "ensurepip")):
        debian_package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        sys.exit(
            f"{sys.executable} cannot make virtual environments: its venv or ensurepip module is missing.\n"
            f"On Debian and Ubuntu: sudo apt install {debian_package}"
        )
    shutil.rmtree(directory, ignore_errors=True)
    command = [sys.executable, "-m", "venv", str(directory)]
    if subprocess.run(command, check=False).returncode or not python.exists():  # noqa: S603  # our own arguments
        sys.exit(f"{directory} could not be made: see the message above. Is there room, may you write there?")


def _pip(python: Path, *arguments: str) -> None:
    # Twice quiet: only errors, for pip warns of many things the person who started this cannot change.
    command = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", *arguments]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:  # noqa: S603  # our own arguments
        sys.exit(
            f"Installing failed: see pip's message above. The command was\n  {shlex.join(command)}\n"
            "It needs a package index that can be reached; proxy and mirror come from pip's own settings."
        )
