"""Whether the OP can be reached at all, asked before a person is sent there.

A top-level redirect to a dead host strands the person on the browser's error page (C6). A TCP connection, remembered
for a few seconds, tells whether anybody is at home. One who hangs, or answers nothing but errors, takes connections
too: where the OP has not been heard of for a while, its discovery document is asked for.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from django_silent_sso.conf import conf
from django_silent_sso.op import breaker
from django_silent_sso.op.http import fetch, loopback
from django_silent_sso.op.provider import discovery_url, metadata
from django_silent_sso.protocol.errors import SilentSSOError

__all__ = ["forget", "is_known", "reachable"]

logger = logging.getLogger("django_silent_sso.op")

TRUSTED: Final = 5  # seconds a good answer is remembered
AVOIDED: Final = 15  # seconds a bad one is: one bounded wait, then pages are served at once
PATIENCE: Final = 1.0  # seconds for the connection
HEARD: Final = 30  # seconds in which any answer of the OP is proof enough that it works
ASKING: Final = 2.0  # seconds for the discovery document

_guard = threading.Lock()
_seen: dict[tuple[str, int], tuple[float, bool]] = {}


def forget() -> None:
    with _guard:
        _seen.clear()
    breaker.forget()


def reachable(url: str, now: float | None = None) -> bool:
    """Whether a person may be sent to `url`: its host takes connections, and the OP answers."""
    moment = time.time() if now is None else now
    return _takes_connections(url, moment) and _answers(url, moment)


def _takes_connections(url: str, now: float) -> bool:
    """Behind a proxy (`OIDC_PROXY`) it is believed to."""
    if conf.proxy:
        return True
    address = _address(url)
    remembered = _remembered(address, now)
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
        _seen[address] = (now, answer)
    return answer


def _answers(url: str, now: float) -> bool:
    asked = _asked(url)
    if breaker.heard_within(asked, HEARD, now):
        return True
    if breaker.is_open(asked, now):
        return False
    if not conf.needs_discovery:
        return True
    works = _works(asked)
    if works is False:  # it answers; perhaps it is only this document that it cannot give (C2)
        with suppress(SilentSSOError):
            keys = metadata(now).jwks_uri
            works = keys is not None and _works(keys) is True
    if not works:
        breaker.failed(asked, now)
    return bool(works)


def _works(url: str) -> bool | None:
    """Whether what is there is given; None where nobody answers."""
    try:
        return fetch("GET", url, longest=ASKING).status < 500
    except SilentSSOError:
        return None


def is_known(url: str, now: float) -> bool:
    """Whether `reachable()` would answer from this process' own memory."""
    takes_connections = True if conf.proxy else _remembered(_address(url), now)
    if takes_connections:
        return breaker.heard_within(_asked(url), HEARD, now)
    return takes_connections is False


def _asked(url: str) -> str:
    return discovery_url() if conf.needs_discovery else url


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(loopback(url)[0])
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _remembered(address: tuple[str, int], now: float) -> bool | None:
    with _guard:
        asked, answer = _seen.get(address, (0.0, False))
    return answer if 0 <= now - asked < (TRUSTED if answer else AVOIDED) else None
