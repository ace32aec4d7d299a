"""One renewal of a session at a time, across threads, processes and machines.

By redirect: a claim in the site's cache, good for three seconds; the session's other page loads are served meanwhile,
so that thirty restored tabs do not ask the OP thirty times. A cache that fails (or lives in one process only) costs a
second attempt, never a page.

By refresh token a second attempt would cost more: an OP that rotates takes it for theft (RFC 9700 4.14.2). So the claim
is a row's in the database, and so is the result: of two requests that save a session the later one wins, and a new
refresh token must not be lost with the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from django.core.cache import cache
from django.db import router
from django.db.models import QuerySet

from django_silent_sso.models import SignedInSession
from django_silent_sso.protocol.authentication_request import new_secret
from django_silent_sso.storage.pending import digest
from django_silent_sso.storage.rp_session import TOKENS_LIFETIME, Tokens
from django_silent_sso.storage.sealing import seal, unseal

__all__ = ["UNDER_WAY", "Renewal", "Turn", "aclaim", "claim", "finish", "look", "release", "take_turn"]

UNDER_WAY: Final = 3  # seconds; a claim ends by itself, so it never outlives its owner
PURPOSE: Final = "renewal"


def claim(session_key: str) -> bool:
    """True for the one that may begin; False while another attempt of this session is under way."""
    try:
        return bool(cache.add(_key(session_key), 1, UNDER_WAY))
    except Exception:  # a convenience memory fails open
        return True


def _key(session_key: str) -> str:
    return f"silent_sso:under_way:{digest(session_key)}"


async def aclaim(session_key: str) -> bool:
    try:
        return bool(await cache.aadd(_key(session_key), 1, UNDER_WAY))
    except Exception:  # a convenience memory fails open
        return True


# -- by refresh token ----------------------------------------------------------------------------------------------


def _rows() -> QuerySet[SignedInSession]:
    """Not those of a replica, which may not know yet whose turn it is."""
    return SignedInSession.objects.using(router.db_for_write(SignedInSession))


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """What a renewal has brought. Times are seconds since the epoch.

    Without a refresh token in it the OP has refused the old one: nothing was renewed.
    """

    generation: int
    verified_at: float
    tokens: Tokens
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Whose turn it is: `owner` (a name) if it is ours, `done` if somebody else has been faster, neither: wait.

    `over`: the session has been signed out. `exists`: its row is there; without it it was lost, or never written down.
    """

    over: bool = False
    exists: bool = True
    owner: str | None = None
    done: Renewal | None = None


def take_turn(handle: str, generation: int, now: float, seconds: float) -> Turn:
    """Claim the renewal that follows `generation`, for `seconds`; one request gets it. Raises `DatabaseError`."""
    owner = new_secret(16)[:32]
    free = _rows().filter(handle=handle, generation=generation, claimed_until__lte=now, ended=False)
    if free.update(claimed_by=owner, claimed_until=now + seconds):
        return Turn(owner=owner)
    return look(handle, generation, now)


def look(handle: str, generation: int, now: float) -> Turn:
    """How another request's renewal after `generation` stands. Raises `DatabaseError`."""
    row = _rows().filter(handle=handle).values("generation", "renewal", "ended").first()
    if row is None or row["generation"] < generation:  # an older one than ours: a restored backup
        return Turn(exists=False)
    if row["ended"]:
        return Turn(over=True)
    newer = row["generation"] > generation
    return Turn(done=_opened(row["renewal"], row["generation"], now) if newer else None)


def finish(handle: str, renewal: Renewal, now: float, expires_at: float) -> bool:
    """Leave the result for the others. False: the session was signed out, or renewed, meanwhile.

    `expires_at`: how long the session lives now, in seconds since the epoch. Raises `DatabaseError`.
    """
    packed = {**asdict(renewal), "generation": None}
    facts = {
        "generation": renewal.generation,
        "renewal": seal(packed, PURPOSE, now),
        "claimed_by": "",
        "claimed_until": 0.0,
        "expires_at": datetime.fromtimestamp(expires_at, UTC),
    }
    return _rows().filter(handle=handle, generation=renewal.generation - 1, ended=False).update(**facts) > 0


def release(handle: str, owner: str) -> None:
    """Nothing has come of it: the next one may try."""
    _rows().filter(handle=handle, claimed_by=owner).update(claimed_by="", claimed_until=0.0)


def _opened(text: str, generation: int, now: float) -> Renewal:
    data = unseal(text, PURPOSE, now, TOKENS_LIFETIME)
    try:
        packed = dict(data or {})
        return Renewal(**{**packed, "generation": generation, "tokens": Tokens(**packed["tokens"])})
    except (KeyError, TypeError):  # another version's, or another SECRET_KEY's: the tokens are lost
        return Renewal(generation=generation, verified_at=0.0, tokens=Tokens())
