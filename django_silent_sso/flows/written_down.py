"""A session and its row in our table: one that no logout by the OP could find must not begin, nor go on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Final

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.sessions.backends import cached_db, db
from django.contrib.sessions.backends.base import SessionBase
from django.db import DatabaseError
from django.http import HttpRequest

from django_silent_sso.protocol.authentication_request import new_secret
from django_silent_sso.protocol.errors import Reason, ResponseError, StorageUnavailable
from django_silent_sso.protocol.id_token import IDToken
from django_silent_sso.storage.logout_index import close_row, drop_row, is_open, open_row, renew_row, set_session_key
from django_silent_sso.storage.logout_memory import was_ended
from django_silent_sso.storage.rp_session import RPSession
from django_silent_sso.storage.session_store import SIGNED_COOKIES, bear_its_end

__all__ = ["check_it_lives", "check_what_was_saved", "has_been_ended", "noted", "stay_ended", "written_down"]

NOTING: Final = 6 * 3600  # seconds; well within the day by which a row outlives its session


@contextmanager
def written_down(request: HttpRequest, id_token: IDToken, before: RPSession | None, since: float) -> Iterator[str]:
    """The name of a row for the session that is opened meanwhile: one that no sign-out could find must not begin.

    A logout by the OP finds the row from then on; one that came before is remembered (BC25). Raises `ResponseError`
    (voided_by_sign_out) for it, and `DatabaseError`.
    """
    handle = new_secret(24)
    open_row(
        handle,
        issuer=id_token.issuer,
        subject=id_token.subject,
        op_sid=id_token.sid,
        expires_at=time.time() + request.session.get_expiry_age(),
    )
    yield handle
    try:
        set_session_key(handle, _key_of(request))
        ended = was_ended(id_token.issuer, subject=id_token.subject, op_sid=id_token.sid, since=since)
    except DatabaseError:
        logout(request)
        raise
    if ended:
        logout(request)
        drop_row(handle)
        raise ResponseError(Reason.VOIDED_BY_SIGN_OUT, "the OP has ended the session meanwhile")
    stay_ended(request.session)
    if before is not None and before.handle:
        close_row(before.handle)


def noted(request: HttpRequest, before: RPSession, id_token: IDToken, since: float) -> RPSession:
    """Keep the session's row as the session is: found by the `sid` it has at the OP now, and as long as it lives.

    That is a query now and then, not with every renewal: a row outlives its session by a day.
    """
    now = time.time()
    moved = id_token.sid is not None and id_token.sid != before.op_sid
    expires_at = now + request.session.get_expiry_age()
    if not before.handle:  # an older version's session, or its row was lost
        before = replace(before, handle=new_secret(24), generation=0)
        op_sid = id_token.sid or before.op_sid
        open_row(before.handle, issuer=before.issuer, subject=before.subject, op_sid=op_sid, expires_at=expires_at)
        set_session_key(before.handle, _key_of(request))
    elif moved or now - before.noted_at > NOTING:
        renew_row(before.handle, issuer=id_token.issuer, op_sid=id_token.sid, expires_at=expires_at)
    else:
        return before
    if moved and was_ended(id_token.issuer, subject=id_token.subject, op_sid=id_token.sid, since=since):
        raise ResponseError(Reason.VOIDED_BY_SIGN_OUT, "the OP has ended the session meanwhile")
    return replace(before, noted_at=now)


def check_it_lives(session: SessionBase, rp_session: RPSession) -> None:
    """Nothing keeps a cache or a file from being written after it was deleted: a session that was signed out in that
    moment would be back. So its row is looked for once more. Where sessions are rows they see to that themselves.

    Raises `StorageUnavailable` (voided_by_sign_out) and `DatabaseError`.
    """
    if settings.SESSION_ENGINE == SIGNED_COOKIES or not rp_session.handle:
        return
    if isinstance(session, db.SessionStore) and not isinstance(session, cached_db.SessionStore):
        return
    # A logout by the OP is remembered before the session is deleted, and the row goes after it.
    if not is_open(rp_session.handle) or has_been_ended(rp_session):
        session.delete(session.session_key)
        raise StorageUnavailable(Reason.VOIDED_BY_SIGN_OUT, "the session has ended meanwhile")


def has_been_ended(rp_session: RPSession) -> bool:
    """Whether the OP has ended it, some minutes ago at most. Raises `DatabaseError`."""
    return was_ended(
        rp_session.issuer,
        subject=rp_session.subject,
        op_sid=rp_session.op_sid,
        since=rp_session.signed_in_at,
    )


def stay_ended(session: SessionBase) -> None:
    """Whatever a page does with its session: one that has been ended meanwhile is not written back."""
    bear_its_end(session, check_what_was_saved)


def check_what_was_saved(session: SessionBase) -> None:
    found = RPSession.read(session)
    if found is not None:
        with suppress(DatabaseError):  # unknown is never signed out
            check_it_lives(session, found)


def _key_of(request: HttpRequest) -> str:
    """Where the session lies; a signed cookie lies nowhere."""
    return "" if settings.SESSION_ENGINE == SIGNED_COOKIES else request.session.session_key or ""
