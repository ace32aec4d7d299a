"""One deadline for a whole exchange with the OP: per-read limits alone let one that drips go on for ever (DS06).

One thread of the process watches over all of them. Starting one with each call would make the call wait until that
thread has had its turn, which on a busy server takes longer than all else that is ours.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from heapq import heappop, heappush
from itertools import count
from time import monotonic
from typing import Any, Final

__all__ = ["Deadline", "watch"]

IDLE: Final = 60.0  # seconds without any call after which the thread ends

_current = threading.local()


class Deadline:
    """Cuts the connection in use when time is up."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._sock: Any = None
        self.passed = False
        self.met = False  # the exchange is over

    def __enter__(self) -> Deadline:
        _current.deadline = self
        _watchman.add(self, monotonic() + self._seconds)
        return self

    def __exit__(self, *_: object) -> None:
        self.met = True
        _current.deadline = None
        self._sock = None

    def watch(self, sock: Any) -> None:
        self._sock = sock
        if self.passed:  # connecting took it all, and there was nothing to cut
            self.cut()

    def cut(self) -> None:
        self.passed = True
        sock = self._sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(2)


def watch(sock: Any) -> None:
    """The connection that this thread's exchange is using now."""
    deadline = getattr(_current, "deadline", None)
    if deadline is not None and sock is not None:
        deadline.watch(sock)


class _Watchman:
    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """In a process just forked there is no thread, and what it held for another one must not be waited for."""
        self._changed = threading.Condition()
        self._numbers = count()  # of deadlines at the same moment the older one comes first
        self._set: list[tuple[float, int, Deadline]] = []
        self._wakes_at = 0.0
        self._runs = False

    def add(self, deadline: Deadline, at: float) -> None:
        with self._changed:
            heappush(self._set, (at, next(self._numbers), deadline))
            if not self._runs:
                threading.Thread(target=self._watch, name="silent-sso-deadlines", daemon=True).start()
                self._runs = True
            elif at < self._wakes_at:
                self._changed.notify()

    def _watch(self) -> None:
        changed = self._changed
        with changed:
            while True:
                now = monotonic()
                while self._set and (self._set[0][2].met or self._set[0][0] <= now):
                    deadline = heappop(self._set)[2]
                    if not deadline.met:
                        deadline.cut()
                idle = not self._set
                self._wakes_at = now + IDLE if idle else self._set[0][0]
                if not changed.wait(self._wakes_at - now) and idle and not self._set:
                    self._runs = False
                    return


_watchman: Final = _Watchman()
os.register_at_fork(after_in_child=_watchman.forget)
