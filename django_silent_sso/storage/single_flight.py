"""One silent attempt of a session at a time, across threads and processes, through the site's own cache.

While one is under way the session's other page loads are served, so that thirty restored tabs do not ask the OP thirty
times. A cache that fails (or lives in one process only) costs a second attempt, never a page.
"""

from __future__ import annotations

from typing import Final

from django.core.cache import cache

from django_silent_sso.storage.pending import digest

__all__ = ["UNDER_WAY", "aclaim", "claim"]

UNDER_WAY: Final = 3  # seconds; a claim ends by itself, so it never outlives its owner


def claim(session_key: str) -> bool:
    """True for the one that may begin; False while another attempt of this session is under way."""
    try:
        return bool(cache.add(_key(session_key), 1, UNDER_WAY))
    except Exception:  # a convenience memory fails open
        return True


def _key(session_key: str) -> str:
    return f"silent_sso:under_way:{digest(session_key)}"


async def aclaim(session_key: str) -> bool:
    try:
        return bool(await cache.aadd(_key(session_key), 1, UNDER_WAY))
    except Exception:  # a convenience memory fails open
        return True
