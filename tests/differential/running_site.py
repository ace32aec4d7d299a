"""The bench's end of a site that runs in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class RunningSite:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        ready = self._answer()
        self.origin: str = ready["origin"]
        self.versions: dict[str, str] = ready["versions"]

    def __call__(self, path: str) -> str:
        return self.origin + path

    def ask(self, wish: str, **arguments: Any) -> Any:
        """One of the methods of `tests.differential.site.Wishes`."""
        if self._process.stdin is None:
            raise RuntimeError("no pipe")
        self._process.stdin.write(json.dumps([wish, arguments]) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not line:
            raise RuntimeError(f"the site has ended: {self._process.args!r}")
        return json.loads(line)


@contextmanager
def running_site(kind: str, issuer: str, folder: Path, *, noisy: bool = False) -> Iterator[RunningSite]:
    """`noisy`: the site's log, tracebacks of server errors included, goes to stderr."""
    command = [sys.executable, "-m", "tests.differential.site", kind, issuer, str(folder / f"{kind}.sqlite3")]
    errors = None if noisy else subprocess.DEVNULL
    with subprocess.Popen(  # noqa: S603 - our own words only
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
    ) as process:
        try:
            yield RunningSite(process)
        finally:
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
