"""A site's own session engine: as Django's `db`, and a little different."""

from __future__ import annotations

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore


class SessionStore(DatabaseStore):
    def delete(self, session_key: str | None = None) -> None:
        super().delete(session_key)
