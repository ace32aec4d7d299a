"""Runs the tests of one module against each of its broken versions. Started by `bench.py` inside the copied tree.

Python and Django are loaded once; each run is a fork of this process, which has loaded nothing of the tree itself.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import resource
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path

from tests.mutation.modules import MODULES, source_of
from tests.mutation.mutants import mutants

# Nothing of ours.
LOADED_ONCE = (
    "asyncio",
    "cryptography.fernet",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
    "cryptography.hazmat.primitives.asymmetric.rsa",
    "cryptography.x509",
    "django.contrib.auth.hashers",
    "django.contrib.messages",
    "django.contrib.sessions.backends.base",
    "django.core.handlers.wsgi",
    "django.db.backends.sqlite3.base",
    "django.db.models",
    "django.forms",
    "django.template.defaulttags",
    "django.template.loader_tags",
    "django.test",
    "django.views.generic",
    "hypothesis.internal.conjecture.engine",
    "hypothesis.strategies",
    "jwt",
    "mozilla_django_oidc",
    "pytest",
    "pytest_asyncio.plugin",
    "pytest_django.plugin",
    "requests",
)
# Stops at the first failure; the same random choices in every run; nobody reads what an assertion says.
PYTEST = ("-q", "-x", "-p", "no:xdist", "-p", "no:cov", "--hypothesis-seed=1", "--assert=plain")
MOST_MEMORY = 4 * 1024**3


def main() -> None:
    module, only = sys.argv[1], json.loads(sys.argv[2])  # None, or pairs of lines before and after
    path, tests = Path(source_of(module)), MODULES[module]
    for name in LOADED_ONCE:
        importlib.import_module(name)
    found = importlib.util.find_spec("django_silent_sso")
    if found is None or found.origin != str(Path("django_silent_sso/__init__.py").resolve()):
        raise RuntimeError("the package of the copied tree is not the one that would be tested")
    source = path.read_text(encoding="utf-8")
    begun = time.monotonic()
    if not _passes(tests, limit=600):
        raise RuntimeError(f"the tests of {module} fail by themselves")
    limit = 20 + 5 * int(time.monotonic() - begun)
    # A compiled file is taken for its source's by time and length, which a mutant may share with the one before.
    sys.dont_write_bytecode = True
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
        compiled.unlink()
    for mutant in mutants(source):
        if only is None or [mutant.before, mutant.after] in only:
            path.write_text(mutant.source, encoding="utf-8")
            survived = _passes(tests, limit)
            told = {name: value for name, value in asdict(mutant).items() if name != "source"}
            sys.stdout.write(json.dumps({**told, "survived": survived}) + "\n")
            sys.stdout.flush()
    path.write_text(source, encoding="utf-8")


def _passes(tests: tuple[str, ...], limit: int) -> bool:
    """A run that ends in any other way, or not within `limit` seconds, has noticed something."""
    child = os.fork()
    if child == 0:
        _be_a_run(tests, limit)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0


def _be_a_run(tests: tuple[str, ...], limit: int) -> None:
    status = 1
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nothing, stream)
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
        signal.alarm(limit)  # nobody handles it: the process ends
        import pytest

        status = int(pytest.main([*PYTEST, *tests]))
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()
