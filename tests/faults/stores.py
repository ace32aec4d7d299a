"""A session engine that can be told to fail, with an error that no framework knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

failing: set[str] = set()


class StoreDown(Exception):
    """As a client of Redis or memcached raises it."""


class SessionStore(DatabaseStore):
    def load(self) -> Any:
        if "load" in failing:
            raise StoreDown
        return super().load()

    def save(self, must_create: bool = False) -> None:
        if "save" in failing:
            raise StoreDown
        super().save(must_create)


@contextmanager
def down(*works: str) -> Iterator[None]:
    failing.update(works)
    try:
        yield
    finally:
        failing.clear()
