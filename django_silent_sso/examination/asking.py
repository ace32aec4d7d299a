"""The questions of one examination: each answered once, never from a cache, all within one time limit."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from django_silent_sso.op.http import Answer, fetch
from django_silent_sso.protocol.errors import OPUnavailable, Reason

__all__ = ["Asking"]


class Asking:
    """Asks the OP, for at most `seconds` in all; `clock` is how far its clock is ahead of ours, in seconds."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self.clock: float | None = None

    @property
    def time_is_up(self) -> bool:
        return time.monotonic() >= self._until

    def __call__(
        self, method: str, url: str, *, data: Mapping[str, str] | None = None, auth: tuple[str, str] | None = None
    ) -> Answer:
        """The answer, a redirect too; it is not followed.

        Raises `ConfigurationError` for a URL that must not be called, and `OPUnavailable`.
        """
        left = self._until - time.monotonic()
        if left <= 0:
            raise OPUnavailable(Reason.OP_TIMEOUT, "time is up")
        accept = {"Accept": "*/*"}  # a browser's questions are among them
        answer = fetch(method, url, data=data, headers=accept, auth=auth, longest=left, redirect_is_answer=True)
        self.clock = _ahead(answer.headers.get("Date")) if self.clock is None else self.clock
        return answer


def _ahead(date: str | None) -> float | None:
    """How far the clock that wrote this Date header is ahead of ours; it counts whole seconds (RFC 9110 6.6.1)."""
    if date is None:
        return None
    try:
        return parsedate_to_datetime(date).timestamp() + 0.5 - time.time()
    except (ValueError, TypeError, OverflowError):
        return None
