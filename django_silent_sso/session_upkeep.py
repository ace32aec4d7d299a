"""Keeping a signed-in session and its row in our table together, whatever happens to either.

Nothing here costs a query on an ordinary request; sessions inside a signed cookie cost one (`revocable`).
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import logout
from django.db import DatabaseError
from django.http import HttpRequest

from django_silent_sso.browser import has_session_cookie
from django_silent_sso.conf import conf
from django_silent_sso.details import SilentSSO
from django_silent_sso.policy import Action, Decision
from django_silent_sso.protocol.errors import Reason
from django_silent_sso.storage import logout_index
from django_silent_sso.storage.rp_session import RPSession
from django_silent_sso.storage.session_store import SIGNED_COOKIES

__all__ = ["ais_open", "akeep_found", "is_open", "keep_found", "moved", "note_use", "revocable", "revoke"]

logger = logging.getLogger("django_silent_sso.storage")


def revocable(request: HttpRequest) -> str:
    """The name of a session that can be ended only by asking for its row, with each request: one inside a cookie."""
    if settings.SESSION_ENGINE != SIGNED_COOKIES or not (hasattr(request, "session") and has_session_cookie(request)):
        return ""
    found = RPSession.read(request.session)
    return "" if found is None else found.handle


def is_open(handle: str) -> bool:
    try:
        return logout_index.is_open(handle)
    except DatabaseError as error:  # unknown is never signed out
        logger.error("storage_unavailable: whether a session was ended is unknown (%s)", type(error).__name__)
        return True


async def ais_open(handle: str) -> bool:
    try:
        return await logout_index.ais_open(handle)
    except DatabaseError as error:
        logger.error("storage_unavailable: whether a session was ended is unknown (%s)", type(error).__name__)
        return True


def revoke(request: HttpRequest, details: SilentSSO) -> None:
    """The OP has ended it, and told so then (`session_terminated`): the cookie goes now."""
    logout(request)
    details.decision = Decision(Action.SERVE_ANONYMOUSLY, Reason.VOIDED_BY_SIGN_OUT)


def moved(request: HttpRequest) -> tuple[str, str] | None:
    """The session's name and its new key, where Django has given it one (a changed password, say)."""
    session = request.session
    if not session.modified or not has_session_cookie(request) or settings.SESSION_ENGINE == SIGNED_COOKIES:
        return None
    key = session.session_key
    found = RPSession.read(session) if key and key != request.COOKIES[conf.session_cookie_name] else None
    return (found.handle, str(key)) if found is not None and found.handle else None


def keep_found(request: HttpRequest) -> None:
    """The session's row says where the session is now, for a logout by the OP to find it."""
    elsewhere = moved(request)
    if elsewhere is not None:
        follow(*elsewhere)


async def akeep_found(request: HttpRequest) -> None:
    elsewhere = moved(request)
    if elsewhere is not None:
        await sync_to_async(follow)(*elsewhere)


def follow(handle: str, key: str) -> None:
    try:
        logout_index.set_session_key(handle, key)
    except DatabaseError as error:
        logger.error("storage_unavailable: a session has moved unnoticed (%s)", type(error).__name__)


def note_use(request: HttpRequest) -> None:
    """Write down now and then that the session is in use, where the site limits how long it may lie idle."""
    found = RPSession.read(request.session) if has_session_cookie(request) else None
    now = time.time()
    if found is not None and found.is_to_be_noted(now, conf.session_idle):
        replace(found, seen_at=now).write(request.session)
