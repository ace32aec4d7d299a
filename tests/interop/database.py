"""A file as the default database for a while: threads can share that, unlike one in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connections


@contextmanager
def use_database_file(path: Path) -> Iterator[None]:
    """Every thread's `default` connection goes to `path`; this thread's own comes back afterwards."""
    before_settings, before_connection = connections.settings["default"], connections["default"]
    connections.settings["default"] = {
        **before_settings,
        "NAME": str(path),
        # What Django's documentation recommends for SQLite behind several threads.
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL",
        },
    }
    connections["default"] = connections.create_connection("default")
    try:
        yield
    finally:
        connections["default"].close()
        connections.settings["default"] = before_settings
        connections["default"] = before_connection
