"""A browser's processes: started in a group of their own, ended by it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 30.0  # seconds; a busy machine with two cores is slow
START = 90.0  # until a browser listens


class StartError(Exception):
    """What the process said before it gave up."""


@contextmanager
def running(command: Sequence[str], said: str | None, environment: Mapping[str, str]) -> Iterator[str]:
    """Runs as long as the block; begins when its output (stdout and stderr) matches `said`, or at once."""
    process = subprocess.Popen(  # noqa: S603 - our own arguments
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        env=dict(environment),
    )
    output = _Output(process)
    try:
        yield "" if said is None else output.wait_for(said)
    finally:
        # The whole group at once: what a child of it writes at its leisure would stay behind.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        output.close()


class _Output:
    """Reads all along, for a full pipe would stop the process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self._name = str(process.args[0]) if isinstance(process.args, list) else str(process.args)
        self._stream = process.stdout
        self._lines: list[str] = []
        self._ended = False
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, said: str) -> str:
        """What the group in `said` matched."""

        def found() -> re.Match[str] | None:
            return next((match for line in self._lines if (match := re.search(said, line))), None)

        with self._news:
            self._news.wait_for(lambda: found() or self._ended, START)
            match = found()
            if match is None:
                raise StartError(f"{self._name} did not start: {''.join(self._lines)[-1000:]}")
            return match[1]

    def close(self) -> None:
        self._reader.join()
        self._stream.close()

    def _read(self) -> None:
        for line in self._stream:
            with self._news:
                self._lines = [*self._lines[-200:], line]
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()


@contextmanager
def screen(environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The same environment with a virtual screen."""
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x1000x24", "-nolisten", "tcp"]
    with running(command, r"^(\d+)$", environment) as said:
        yield {**environment, "DISPLAY": f":{said}"}


def surroundings(home: Path) -> dict[str, str]:
    """The environment of a browser that knows nothing of the person whose machine this is."""
    return {**os.environ, "HOME": str(home), "XDG_RUNTIME_DIR": str(home), "XDG_CONFIG_HOME": str(home / ".config")}
