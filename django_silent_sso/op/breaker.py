"""A circuit breaker per OP: after a failure the OP is left alone for a while, by all processes of the site.

It closes again by itself: when the wait is over one request tries, the others go on without the OP until it is done.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from django.core.cache import cache

from django_silent_sso.storage.pending import digest

__all__ = ["failed", "forget", "heard", "heard_within", "is_open"]

logger = logging.getLogger("django_silent_sso.op")

FIRST_WAIT: Final = 15  # seconds after a first failure; doubled with each one more
LONGEST_WAIT: Final = 120
LONGEST_ASKED_FOR: Final = 3600  # seconds; what an OP's `Retry-After` may ask for
TRIAL: Final = 10  # seconds a request has for trying whether the OP is back
FAR_AWAY: Final = 10**11  # seconds since the epoch that are no time any more


@dataclass(slots=True)
class _State:
    failures: int = 0
    until: float = 0.0  # seconds since the epoch
    heard_at: float = 0.0


_guard = threading.Lock()
_states: dict[str, _State] = {}


def forget() -> None:
    with _guard:
        _states.clear()


def heard(url: str, now: float) -> None:
    """The OP has answered something that is no failure."""
    with _guard:
        state = _states.setdefault(_origin(url), _State())
        was_failing, state.failures, state.until, state.heard_at = state.failures > 0, 0, 0.0, now
    if was_failing:
        logger.info("the OP answers again")
        _tell(url, None, 0)


def failed(url: str, now: float, retry_after: int | None = None) -> None:
    """The OP did not answer, or with a failure of its own."""
    with _guard:
        state = _states.setdefault(_origin(url), _State())
        state.failures = min(state.failures + 1, 99)
        wait = min(FIRST_WAIT * 2 ** min(state.failures - 1, 9), LONGEST_WAIT)
        wait = max(wait, min(retry_after or 0, LONGEST_ASKED_FOR))
        state.until, state.heard_at = now + wait, 0.0
        told = [state.failures, state.until]
    _tell(url, told, wait)


def is_open(url: str, now: float) -> bool:
    """Whether to leave the OP alone. The one that is told No after a failure is the one to try."""
    shared = _shared(url)
    with _guard:
        state = _states.setdefault(_origin(url), _State())
        furthest = now + LONGEST_ASKED_FOR  # further ahead, the clock was set back
        if shared is not None and state.until < shared[1] <= furthest:
            state.failures, state.until = shared
        if state.failures == 0:
            return False
        if now < state.until <= furthest:
            return True
        state.until = now + TRIAL
        return False


def heard_within(url: str, seconds: float, now: float) -> bool:
    with _guard:
        state = _states.get(_origin(url))
    return state is not None and 0 <= now - state.heard_at < seconds


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _key(url: str) -> str:
    return f"silent_sso:breaker:{digest(_origin(url))}"


def _tell(url: str, told: list[float] | None, seconds: int) -> None:
    """Let the site's other processes know; a cache that fails, or is each process's own, costs a wait in each."""
    try:
        if told is None:
            cache.delete(_key(url))
        else:
            cache.set(_key(url), told, seconds + TRIAL)
    except Exception as error:  # a convenience memory fails open
        logger.warning("storage_unavailable: other processes are not told (%s)", type(error).__name__)


def _shared(url: str) -> tuple[int, float] | None:
    try:
        found = cache.get(_key(url))
    except Exception:  # a convenience memory fails open
        return None
    if not (isinstance(found, list) and len(found) == 2):
        return None
    failures, until = found
    sound = isinstance(failures, int) and isinstance(until, int | float) and 0 <= until < FAR_AWAY
    return (failures, float(until)) if sound else None
