"""Sessions in any store of Django's, made and looked at without a request."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.cached_db import SessionStore as CachedStore
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from django_silent_sso.storage.logout_index import open_row, set_session_key
from django_silent_sso.storage.rp_session import KEY

ISSUER = "https://id.example.org"
FAR = 4_000_000_000.0  # seconds since the epoch


class StuckStore(DatabaseStore):
    """A site's own engine: sessions that are marked cannot be deleted."""

    def delete(self, session_key: str | None = None) -> None:
        if type(self)(session_key).get("stuck"):
            raise OSError("not now")
        super().delete(session_key)


class SessionStore(CachedStore):
    """Named as engines are: a site's own that differs from Django's in nothing that matters here."""

    def encode(self, session_dict: dict[str, Any]) -> str:
        return "x" + super().encode(session_dict)

    def decode(self, session_data: str) -> dict[str, Any]:
        return super().decode(session_data[1:])


def store(key: str | None = None) -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore(key)


def made(handle: str = "", *, user: bool = True, **data: Any) -> str:
    """A saved session's key; with a handle it is one of ours."""
    session = store()
    session.update({**data, **({SESSION_KEY: "1"} if user else {}), **({KEY: {"handle": handle}} if handle else {})})
    session.save()
    return str(session.session_key)


def lives(key: str) -> bool:
    """Whether a browser with this key still has a session, and could write it back."""
    session = store(key)
    if not session.load():
        return False
    try:
        session.save()
    except UpdateError:
        return False
    return True


def opened(handle: str, subject: str = "alice", op_sid: str | None = None, *, issuer: str = ISSUER) -> str:
    """A session of ours with its row; its key."""
    key = made(handle)
    open_row(handle, issuer=issuer, subject=subject, op_sid=op_sid, expires_at=FAR)
    set_session_key(handle, key)
    return key
