"""Whether the OP vouched for a session a short while ago: each request of a signed-in user asks, at little cost."""

from __future__ import annotations

from operator import itemgetter
from typing import Any, Final, NamedTuple

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase

from django_silent_sso.storage.rp_session import KEY, VERSION

__all__ = ["Wanted", "is_surely_fresh"]


class Wanted(NamedTuple):
    """What a fresh session has to be like. Times in seconds; `noting`: see `rp_session.noting_every()`."""

    issuer: str
    renew_after: int
    longest: int | None
    noting: float | None


MEMBERS: Final = (
    *("v", "issuer", "subject", "op_sid", "acr", "session_state", "auth_time", "select_by", "sealed_tokens", "handle"),
    *("generation", "claims", "verified_at", "signed_in_at", "confirmed_at", "noted_at", "seen_at"),
)
_members: Final = itemgetter(*MEMBERS)


def is_surely_fresh(session: SessionBase, now: float, wanted: Wanted) -> bool:
    """`RPSession.is_fresh()` at a fraction of its price, for what `write()` leaves there.

    For anything else (another version's, something odd, a clock that was set back) the answer is no, and `is_fresh()`
    is to be asked. Nothing is called that need not be: this is half of what the middleware costs. Raises what the
    session's store raises.
    """
    data: Any = session.get(KEY)
    if data.__class__ is not dict:
        return False
    issuer, renew_after, longest, noting = wanted
    try:
        (v, told_by, subject, sid, acr, state, at, by, tokens, handle, number, claims, ok, began, own, noted, seen) = (
            _members(data)
        )
    except KeyError:  # an older version's
        return False
    return (
        ok.__class__ is began.__class__ is own.__class__ is noted.__class__ is seen.__class__ is float
        and 0.0 <= now - ok < renew_after
        and (longest is None or now - began < longest)
        and (noting is None or 0.0 <= now - seen < noting)
        and 0.0 <= began <= ok < 1e11
        and 0.0 <= own <= ok
        and 0.0 <= noted < 1e11
        and 0.0 <= seen < 1e11
        and v == VERSION
        and told_by == issuer
        and told_by.__class__ is subject.__class__ is by.__class__ is tokens.__class__ is handle.__class__ is str
        and (sid is None or sid.__class__ is str)
        and (acr is None or acr.__class__ is str)
        and (state is None or state.__class__ is str)
        and (at is None or at.__class__ is int)
        and number.__class__ is int
        and claims.__class__ is dict
        and SESSION_KEY in session
    )
