"""Which sessions the OP's sign-ins have opened, found by (issuer, sid) and (issuer, subject) without a scan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router
from django.db.models import Q, QuerySet

from django_silent_sso.models import Identity, SignedInSession
from django_silent_sso.storage.rp_session import KEY
from django_silent_sso.storage.session_engines import Data, end_sessions

__all__ = [
    "Ended",
    "ais_open",
    "belong_together",
    "clear_expired",
    "close_row",
    "drop_row",
    "end",
    "is_open",
    "open_row",
    "renew_row",
    "set_session_key",
    "users_of",
]

AT_ONCE: Final = 500  # rows in one statement: some databases take no more than 999 parameters
# Seconds for which a row outlives the session it was written for: one that is in use lasts longer than it was to.
MARGIN: Final = 24 * 3600


def _rows() -> QuerySet[SignedInSession]:
    """Not those of a replica, which may not know yet what has just been opened or ended."""
    return SignedInSession.objects.using(router.db_for_write(SignedInSession))


def open_row(handle: str, *, issuer: str, subject: str, op_sid: str | None, expires_at: float) -> None:
    """Write down a session that is about to be opened. `expires_at`: seconds since the epoch.

    Raises `DatabaseError`: a session that no sign-out could find must not begin.
    """
    _rows().create(
        handle=handle,
        subject_key=SignedInSession.key_of(issuer, subject),
        sid_key=SignedInSession.key_of(issuer, op_sid) if op_sid else "",
        expires_at=datetime.fromtimestamp(expires_at, UTC),
    )


def set_session_key(handle: str, session_key: str) -> None:
    """Where the session lies now; "" for sessions inside a signed cookie, which lie nowhere."""
    _rows().filter(handle=handle).update(session_key=session_key)


def close_row(handle: str) -> None:
    """The session has ended.

    Its row stays until the next clean-up, so that a session that was signed out is told from one whose row was lost.
    """
    _rows().filter(handle=handle).update(
        ended=True, session_key="", claimed_by="", claimed_until=0.0, renewal="", expires_at=datetime.now(UTC)
    )


def drop_row(handle: str) -> None:
    """The session never began."""
    _rows().filter(handle=handle).delete()


def renew_row(handle: str, *, issuer: str, op_sid: str | None, expires_at: float) -> None:
    """The session goes on, perhaps in another session at the OP. `expires_at`: seconds since the epoch."""
    facts: dict[str, Any] = {"expires_at": datetime.fromtimestamp(expires_at, UTC)}
    if op_sid:
        facts["sid_key"] = SignedInSession.key_of(issuer, op_sid)
    _rows().filter(handle=handle).update(**facts)


def is_open(handle: str) -> bool:
    """Whether the session of this name has not been ended. One query, and the only way to end a signed cookie."""
    return _rows().filter(handle=handle, ended=False).exists()


async def ais_open(handle: str) -> bool:
    return await _rows().filter(handle=handle, ended=False).aexists()


# -- logout by the OP ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ended:
    """What a logout has done. `failed`: sessions that may live on; their rows are kept, to be found again."""

    count: int
    failed: int
    subject_keys: frozenset[str]  # whose they were; see `users_of`


def belong_together(issuer: str, *, subject: str, op_sid: str) -> bool:
    """Whether no session of somebody else's has this `sid` (Back-Channel Logout 2.6, rules 10 and 11)."""
    rows = _rows().filter(sid_key=SignedInSession.key_of(issuer, op_sid), ended=False)
    return not rows.exclude(subject_key=SignedInSession.key_of(issuer, subject)).exists()


def end(issuer: str, *, subject: str | None, op_sid: str | None) -> Ended:
    """End the session at the OP that is named, here; without `op_sid` every session of this user.

    A handful of queries for every five hundred, whatever sessions other people have. A row goes after its session, so
    that what failed is found again. Raises `DatabaseError`.
    """
    found = _rows().filter(_meant(issuer, subject, op_sid), ended=False).order_by("pk")
    count, failed, last = 0, 0, 0
    whose: set[str] = set()
    while rows := list(found.filter(pk__gt=last)[:AT_ONCE]):
        last = rows[-1].pk
        handles = {row.session_key: row.handle for row in rows if row.session_key}
        left = end_sessions(handles, lambda key, data: _is_of(data, handles[key]))  # noqa: B023 (called at once)
        gone = [row for row in rows if row.session_key not in left]
        _rows().filter(pk__in=[row.pk for row in gone]).delete()
        whose |= {row.subject_key for row in gone}
        count, failed = count + len(gone), failed + len(rows) - len(gone)
    return Ended(count, failed, frozenset(whose))


def _meant(issuer: str, subject: str | None, op_sid: str | None) -> Q:
    whose = Q(subject_key=SignedInSession.key_of(issuer, subject or ""))
    if op_sid is None:
        return whose
    named = Q(sid_key=SignedInSession.key_of(issuer, op_sid))
    # A session whose ID Token did not tell its `sid` may be the one: it ends with the user's others of that kind.
    return named if subject is None else named | (whose & Q(sid_key=""))


def _is_of(data: Data, handle: str) -> bool:
    """Whether a session is still the one of this name. Without a user it is one that is just being opened."""
    ours = data.get(KEY)
    return SESSION_KEY not in data or (isinstance(ours, dict) and ours.get("handle") == handle)


def users_of(subject_keys: Iterable[str]) -> list[AbstractBaseUser]:
    """The users behind these subjects, each once."""
    identities = Identity.objects.select_related("user").filter(key__in=subject_keys)
    return list({identity.user_id: identity.user for identity in identities}.values())


def clear_expired(now: float) -> int:
    """Delete the rows of sessions that have expired; how many that were."""
    past = datetime.fromtimestamp(now - MARGIN, UTC)
    return _rows().filter(expires_at__lte=past).delete()[0]
