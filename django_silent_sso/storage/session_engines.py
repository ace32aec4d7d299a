"""Ending many sessions at once. Django's engines delete one at a time; here those that can do more are asked for more.

A session is found in its store, deleted, and looked for once more: caches fail without a word, and another process may
have put a copy back that it had just read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from itertools import islice
from typing import Any, Final, Protocol

from django.conf import settings
from django.contrib.sessions.backends import cache, cached_db, db
from django.contrib.sessions.backends.base import SessionBase
from django.core.cache import caches
from django.db import router, transaction
from django.utils import timezone

__all__ = ["end_sessions"]

logger = logging.getLogger("django_silent_sso.storage")

Data = Mapping[str, Any]

TRIES: Final = 5  # a page that has just found its session there may put it back once, and another page once more
AT_ONCE: Final = 500  # sessions in one statement: some databases take no more than 999 parameters


class Engine(Protocol):
    """How sessions are read and deleted; `at_once` of them at most. Both raise what their store raises."""

    at_once: int

    def read(self, keys: list[str]) -> dict[str, Data]: ...

    def delete(self, keys: list[str]) -> None: ...


def end_sessions(keys: Iterable[str], is_ours: Callable[[str, Data], bool]) -> set[str]:
    """Delete those of the sessions that `is_ours` says yes to. The keys of those that may live on: their store failed.

    What one part of them meets with does not keep the others from being deleted (BC29).
    """
    engine = _engine()
    left: set[str] = set()
    for some in _batches(keys, engine.at_once):
        try:
            ours = [key for key, data in engine.read(some).items() if is_ours(key, data)]
            for _ in range(TRIES):
                if not ours:
                    break
                engine.delete(ours)
                ours = [key for key, data in engine.read(ours).items() if is_ours(key, data)]
            left.update(ours)
        except Exception as error:  # any engine's own
            logger.error("storage_unavailable: sessions cannot be ended (%s)", type(error).__name__)
            left.update(some)
    return left


def _batches(keys: Iterable[str], size: int) -> Iterator[list[str]]:
    waiting = iter(keys)
    while some := list(islice(waiting, size)):
        yield some


def _engine() -> Engine:
    """By what the engine's class does, not by its name: a site's own may have changed any part of it."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    for known, engine in (
        (db.SessionStore, InDatabase),
        (cached_db.SessionStore, InBoth),
        (cache.SessionStore, InCache),
    ):
        if all(getattr(store, name, None) is getattr(known, name) for name in ("load", "delete")):
            return engine(store)
    return OneByOne(store)


class OneByOne:
    """Files, and a site's own engines: as Django does it."""

    at_once = 1

    def __init__(self, store: Callable[[str], SessionBase]) -> None:
        self._store = store

    def read(self, keys: list[str]) -> dict[str, Data]:
        found = {key: self._store(key).load() for key in keys}
        return {key: data for key, data in found.items() if data or self._store(key).exists(key)}

    def delete(self, keys: list[str]) -> None:
        for key in keys:
            self._store(key).delete(key)


class InDatabase:
    """`db`: one statement for all."""

    at_once = AT_ONCE

    def __init__(self, store: Callable[..., db.SessionStore]) -> None:
        self._decode = store().decode
        self._model = store().model
        self._alias = router.db_for_write(self._model)

    def read(self, keys: list[str]) -> dict[str, Data]:
        rows = self._rows(keys).filter(expire_date__gt=timezone.now()).values_list("session_key", "session_data")
        return {str(key): self._decode(data) for key, data in rows}

    def delete(self, keys: list[str]) -> None:
        with transaction.atomic(using=self._alias):  # all or none of them; and a failure spoils nothing around it
            self._rows(keys).delete()

    def _rows(self, keys: list[str]) -> Any:
        return self._model._default_manager.using(self._alias).filter(session_key__in=keys)


class InCache:
    """`cache`: one command for all."""

    at_once = AT_ONCE

    def __init__(self, store: Any) -> None:
        self._cache = caches[settings.SESSION_CACHE_ALIAS]
        self._prefix = store.cache_key_prefix

    def read(self, keys: list[str]) -> dict[str, Data]:
        found = self._cache.get_many([self._prefix + key for key in keys])
        return {key.removeprefix(self._prefix): data for key, data in found.items()}

    def delete(self, keys: list[str]) -> None:
        self._cache.delete_many([self._prefix + key for key in keys])


class InBoth:
    """`cached_db`: what the cache has counts, and what it has not is in the database."""

    at_once = AT_ONCE

    def __init__(self, store: Any) -> None:
        self._cached = InCache(store)
        self._stored = InDatabase(store)

    def read(self, keys: list[str]) -> dict[str, Data]:
        return {**self._stored.read(keys), **self._cached.read(keys)}

    def delete(self, keys: list[str]) -> None:
        self._stored.delete(keys)
        self._cached.delete(keys)
