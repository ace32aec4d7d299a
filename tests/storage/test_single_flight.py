"""One attempt of a session at a time; a memory that fails never costs a page."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache

from django_silent_sso.storage.single_flight import UNDER_WAY, aclaim, claim
from tests.broken_cache import BROKEN


def test_the_first_may_begin_the_others_not() -> None:
    assert [claim("session"), claim("session"), claim("session")] == [True, False, False]


def test_sessions_do_not_wait_for_each_other() -> None:
    assert claim("one")
    assert claim("another")


def test_sync_and_async_share_the_claim() -> None:
    assert claim("session")
    assert async_to_sync(aclaim)("session") is False
    assert async_to_sync(aclaim)("another") is True
    assert claim("another") is False


def test_of_thirty_threads_one_may_begin() -> None:
    start, answers = threading.Barrier(30), []

    def tab() -> None:
        start.wait()
        answers.append(claim("session"))

    threads = [threading.Thread(target=tab) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False] * 29 + [True]


def test_a_claim_ends_by_itself_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever dies in the middle blocks nobody for long (C86)."""
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    assert claim("session")
    monkeypatch.setattr(time, "time", lambda: now + UNDER_WAY - 0.5)
    assert not claim("session")
    monkeypatch.setattr(time, "time", lambda: now + UNDER_WAY + 0.5)
    assert claim("session")
    assert UNDER_WAY == 3  # the documented time


def test_the_session_key_is_not_readable_in_the_cache() -> None:
    claim("secret-session-key")
    assert not any("secret-session-key" in key for key in cache._cache)


def test_a_cache_that_is_down_lets_everybody_begin(settings: Any) -> None:
    settings.CACHES = BROKEN
    assert [claim("session"), claim("session")] == [True, True]
    assert async_to_sync(aclaim)("session") is True
