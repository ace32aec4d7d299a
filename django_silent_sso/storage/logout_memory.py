"""What has been signed out at the OP some minutes ago, and by which logout tokens.

A logout may come before the sign-in that it means has come to its end (BC25), and a logout token may come twice (BC10).
Both memories fail closed: what they raise is a `DatabaseError`, and no sign-in, and no logout, goes on without them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from django.db import IntegrityError, router, transaction
from django.db.models import QuerySet

from django_silent_sso.models import LogoutRecord

__all__ = ["clear_expired", "forget_token", "keep_token", "remember", "take_token", "was_ended"]

MEMORY: Final = 900  # seconds; longer than any attempt lives
UNDER_WAY: Final = 60  # seconds for which a token is taken while its logout is being done

SID: Final = "sid"
SUBJECT: Final = "subject"
# Of an OP that names a session in its logout tokens, and not in its ID Tokens.
SUBJECT_WITHOUT_SID: Final = "subject without sid"
TOKEN: Final = "token"  # noqa: S105 (a word)


def _records() -> QuerySet[LogoutRecord]:
    """Not those of a replica, which may not have heard of it yet."""
    return LogoutRecord.objects.using(router.db_for_write(LogoutRecord))


def take_token(issuer: str, jti: str, now: float) -> bool:
    """Take this logout token, once; False where it was used, or is just being used (BCL 2.6, rule 8).

    It is taken for a minute: should the process die over the logout, the OP may send the same token again. Then
    `keep_token` or `forget_token`.
    """
    key = _key(TOKEN, issuer, jti)
    _records().filter(key=key, expires_at__lte=_time(now)).delete()
    try:
        with transaction.atomic(using=router.db_for_write(LogoutRecord)):
            _records().create(key=key, at=now, expires_at=_time(now + UNDER_WAY))
    except IntegrityError:
        return False
    return True


def keep_token(issuer: str, jti: str, until: float) -> None:
    """The logout is done: the token is used until it would be refused for its age."""
    _records().filter(key=_key(TOKEN, issuer, jti)).update(expires_at=_time(until))


def forget_token(issuer: str, jti: str) -> None:
    """The logout was not, or not all, done: the OP may send the same token again (BC29)."""
    _records().filter(key=_key(TOKEN, issuer, jti)).delete()


def remember(issuer: str, *, subject: str | None, op_sid: str | None, now: float) -> None:
    """The OP has ended this session, or without `op_sid` every session of this user.

    To be done before the sessions are looked for: a sign-in that is entered later than they are looked for will find
    this.
    """
    for key in _ended(issuer, subject, op_sid):
        _records().update_or_create(key=key, defaults={"at": now, "expires_at": _time(now + MEMORY)})


def _ended(issuer: str, subject: str | None, op_sid: str | None) -> Iterator[str]:
    if op_sid is not None:
        yield _key(SID, issuer, op_sid)
    if subject is not None:
        yield _key(SUBJECT if op_sid is None else SUBJECT_WITHOUT_SID, issuer, subject)


def was_ended(issuer: str, *, subject: str, op_sid: str | None, since: float) -> bool:
    """Whether the OP has told, at `since` or later, that this session, or all of this user's, are over.

    `since`: when the attempt, or the renewal, began, in seconds since the epoch; at most a quarter of an hour ago.
    Raises `DatabaseError`.
    """
    keys = [_key(SUBJECT, issuer, subject)]
    keys.append(_key(SID, issuer, op_sid) if op_sid else _key(SUBJECT_WITHOUT_SID, issuer, subject))
    return _records().filter(key__in=keys, at__gte=since).exists()


def clear_expired(now: float) -> int:
    """Delete what need not be remembered any more; how many that were."""
    return _records().filter(expires_at__lte=_time(now)).delete()[0]


def _key(kind: str, issuer: str, name: str) -> str:
    return hashlib.sha256(f"{kind}\n{issuer}\n{name}".encode()).hexdigest()


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
