"""Whether the OP can be reached at all, asked before a person is sent there.

A top-level redirect to a dead host strands the person on the browser's error page (C6). A TCP connection, remembered
for a few seconds, tells; it is no request, so an OP's log and rate limits never see it.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from typing import Final
from urllib.parse import urlsplit

from django_silent_sso.conf import conf
from django_silent_sso.op.http import loopback

__all__ = ["forget", "is_known", "reachable"]

logger = logging.getLogger("django_silent_sso.op")

TRUSTED: Final = 5  # seconds a good answer is remembered
AVOIDED: Final = 15  # seconds a bad one is: one bounded wait, then pages are served at once
PATIENCE: Final = 1.0  # seconds for the connection

_guard = threading.Lock()
_seen: dict[tuple[str, int], tuple[float, bool]] = {}


def forget() -> None:
    with _guard:
        _seen.clear()


def reachable(url: str, now: float | None = None) -> bool:
    """Whether the host of `url` takes connections. Behind a proxy (`OIDC_PROXY`) it is believed to."""
    if conf.proxy:
        return True
    address = _address(url)
    moment = time.time() if now is None else now
    remembered = _remembered(address, moment)
    if remembered is not None:
        return remembered
    try:
        socket.create_connection(address, timeout=PATIENCE).close()
    except OSError as error:
        logger.warning("op_unreachable: %s:%s takes no connection (%s)", *address, type(error).__name__)
        answer = False
    else:
        answer = True
    with _guard:
        _seen[address] = (moment, answer)
    return answer


def is_known(url: str, now: float) -> bool:
    """Whether `reachable()` would answer from memory."""
    return bool(conf.proxy) or _remembered(_address(url), now) is not None


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(loopback(url)[0])
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _remembered(address: tuple[str, int], now: float) -> bool | None:
    with _guard:
        asked, answer = _seen.get(address, (0.0, False))
    return answer if 0 <= now - asked < (TRUSTED if answer else AVOIDED) else None
