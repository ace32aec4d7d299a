"""Where the site under test keeps users, sessions and its cache: the three set-ups the documentation speaks of."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.concurrency import servers

STORES = ("sqlite", "postgresql", "redis")
SESSIONS = "django.contrib.sessions.backends."


@contextmanager
def settings_of(store: str) -> Iterator[Mapping[str, Any]]:
    """The settings of a site, with the servers they name running. Raises `servers.NotAvailable`."""
    if store == "postgresql":
        with servers.postgresql() as port:
            yield {"DATABASES": {"default": _postgresql(port)}, "SESSION_ENGINE": f"{SESSIONS}db"}
        return
    with tempfile.TemporaryDirectory(prefix="silent-sso-") as folder:
        databases = {"default": _sqlite(Path(folder) / "site.sqlite3")}
        if store == "sqlite":
            yield {"DATABASES": databases, "SESSION_ENGINE": f"{SESSIONS}db"}
            return
        with servers.redis() as port:
            backend = "django.core.cache.backends.redis.RedisCache"
            caches = {"default": {"BACKEND": backend, "LOCATION": f"redis://127.0.0.1:{port}"}}
            yield {"DATABASES": databases, "CACHES": caches, "SESSION_ENGINE": f"{SESSIONS}cache"}


def _postgresql(port: int) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "127.0.0.1",
        "PORT": port,
        "NAME": "postgres",
        "USER": "site",
        "CONN_MAX_AGE": 60,
    }


def _sqlite(path: Path) -> dict[str, Any]:
    """As Django's documentation has it for several threads."""
    options = {"timeout": 30, "transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL"}
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path), "OPTIONS": options, "CONN_MAX_AGE": 60}
