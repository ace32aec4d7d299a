"""The default database, somewhere else for a while, or in trouble."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.db import connections

WAL = "PRAGMA journal_mode=WAL"


@contextmanager
def database(path: Path, *, init: str = WAL, timeout: float = 20) -> Iterator[None]:
    """Every thread's `default` connection goes to the file `path`; this thread's own comes back afterwards."""
    before_settings, before_connection = connections.settings["default"], connections["default"]
    options = {"timeout": timeout, "transaction_mode": "IMMEDIATE", "init_command": init}
    connections.settings["default"] = {**before_settings, "NAME": str(path), "OPTIONS": options}
    connections["default"] = connections.create_connection("default")
    try:
        yield
    finally:
        connections["default"].close()
        connections.settings["default"] = before_settings
        connections["default"] = before_connection


@contextmanager
def down(path: Path) -> Iterator[None]:
    """There is no server."""
    with database(path.parent / "no such folder" / "x.sqlite3"):
        yield


@contextmanager
def without_tables(path: Path) -> Iterator[None]:
    """Nobody has run `migrate`."""
    with database(path.parent / "empty.sqlite3"):
        yield


@contextmanager
def read_only(path: Path) -> Iterator[None]:
    with database(path, init="PRAGMA query_only=ON"):
        yield


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Somebody writes, and does not come to an end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as writer, database(path, timeout=0.01):
        writer.execute("BEGIN IMMEDIATE")
        yield


TROUBLE: dict[str, Callable[[Path], object]] = {
    "c62_down": down,
    "c63_read_only": read_only,
    "c63_locked": locked,
    "c74_without_tables": without_tables,
}
