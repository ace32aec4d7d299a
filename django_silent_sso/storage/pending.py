"""`PendingAuthentication`: what must be remembered between an Authentication Request and its response.

One encrypted cookie per `state` (architecture, "Pending attempts"): two tabs cannot overwrite each other, a visitor
needs no session row, and nothing is left to clean up. Single use is made atomic through Django's cache.
"""

from __future__ import annotations

import hashlib
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse

from django_silent_sso.protocol.errors import Reason, ResponseError, StorageUnavailable
from django_silent_sso.storage.cookies import cookie_name, delete_cookie, read_cookie, set_cookie
from django_silent_sso.storage.sealing import seal, unseal

__all__ = [
    "FRAME",
    "MAX_PENDING",
    "POPUP",
    "TOP",
    "PendingAuthentication",
    "destination_of_used",
    "digest",
    "find",
    "forget",
    "forget_all",
    "is_void",
    "mark_done",
    "put_aside",
    "remember",
    "take",
    "void",
    "was_put_aside",
]

TOP: Final = "top"
FRAME: Final = "frame"
POPUP: Final = "popup"

MAX_PENDING: Final = 7
SILENT_LIFETIME: Final = 120  # seconds
INTERACTIVE_LIFETIME: Final = 600
USED_MEMORY: Final = 900  # seconds; longer than any attempt lives
# Bytes of return_to and acr_values; a longer return_to waits in the cache. Seven of these cookies stay below 8 kB,
# where servers stop reading headers (N04).
LONGEST_IN_COOKIE: Final = 400
PREFIX: Final = "silent_sso_"
PURPOSE: Final = "pending"
VERSION: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingAuthentication:
    """One Authentication Request under way. Times are seconds since the epoch."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    issuer: str
    redirect_uri: str
    return_to: str
    transport: str  # TOP, FRAME or POPUP
    silent: bool
    created: float
    response_type: str = "code"
    response_mode: str | None = None
    session: str = ""  # the name of the session it was begun in
    subject: str | None = None  # who was signed in here when it began
    hinted: bool = False  # an id_token_hint was sent
    automatic: bool = False  # interactive, but begun by us after a refusal, not by the user
    foreign: bool = False  # interactive, begun by a page of another site
    max_age: int | None = None  # seconds: the ID Token must tell of an authentication not older than that
    acr_values: str | None = None  # and of one of these classes

    @property
    def lifetime(self) -> int:
        return SILENT_LIFETIME if self.silent else INTERACTIVE_LIFETIME

    @property
    def is_step_up(self) -> bool:
        """Begun to confirm who is here, and how well (Core 3.1.2.1)."""
        return not (self.silent or self.automatic) and (self.max_age is not None or self.acr_values is not None)

    @property
    def only_subject(self) -> str | None:
        """The one user who may answer: a step-up confirms who is here, and signs in nobody else."""
        return self.subject if self.is_step_up else None

    def __str__(self) -> str:
        return f"{'silent' if self.silent else 'interactive'} attempt ({self.transport})"


_FIELDS = {item.name for item in fields(PendingAuthentication)}


def digest(text: str) -> str:
    """A short name for a secret, safe in cookie names, cache keys and logs."""
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def remember(request: HttpRequest, response: HttpResponse, pending: PendingAuthentication, now: float) -> None:
    """Set the attempt's cookie on `response`; where there are too many, the oldest silent one goes first (S19)."""
    _make_room(request, response, now)
    data: dict[str, Any] = {"v": VERSION, **asdict(pending)}
    if len(pending.return_to.encode()) + len(pending.acr_values or "") > LONGEST_IN_COOKIE:
        data |= {"return_to": "", "return_to_reference": put_aside(pending.return_to, pending.lifetime)}
    name = PREFIX + digest(pending.state)
    set_cookie(request, response, name, seal(data, PURPOSE, now), pending.lifetime)


def put_aside(return_to: str, seconds: int) -> str:
    """Keep a long destination in the cache, under the short name that is given back."""
    reference = secrets.token_urlsafe(16)
    _cache_set(f"silent_sso:return_to:{reference}", return_to, seconds)
    return reference


def was_put_aside(reference: object) -> str | None:
    """The destination of this name, while the cache has it."""
    return _cache_get(f"silent_sso:return_to:{reference}") if isinstance(reference, str) else None


def find(request: HttpRequest, state: str, now: float) -> PendingAuthentication | None:
    """This browser's attempt for `state`; None where there is none, or it is too old."""
    text = read_cookie(request, PREFIX + digest(state))
    pending = _open(text, now) if text else None
    return pending if pending is not None and pending.state == state else None


def take(request: HttpRequest, state: str, now: float) -> PendingAuthentication:
    """The attempt for `state`, once.

    Raises `ResponseError` (state_unknown, state_used) and `StorageUnavailable`: a memory of used states that cannot be
    asked fails closed.
    """
    pending = find(request, state, now)
    if pending is None:
        raise ResponseError(Reason.STATE_UNKNOWN, "no attempt of this browser has this state")
    try:
        first = cache.add(_used_key(state), {"return_to": pending.return_to}, USED_MEMORY)
    except Exception as error:  # any cache backend's own exception
        raise StorageUnavailable(Reason.STORAGE_UNAVAILABLE, "the cache failed") from error
    if not first:
        raise ResponseError(Reason.STATE_USED, "this answer has been used before")
    return pending


def mark_done(pending: PendingAuthentication, subject: str) -> None:
    """Remember whom a used attempt signed in, so that the back button finds its way (S10, C88)."""
    _cache_set(_used_key(pending.state), {"return_to": pending.return_to, "subject": subject}, USED_MEMORY)


def destination_of_used(state: str, subject: str | None) -> str | None:
    """Where a used answer led, for the subject it signed in; None for everybody else."""
    try:
        record = cache.get(_used_key(state))
    except Exception:  # convenience only
        return None
    if not isinstance(record, dict) or subject is None or record.get("subject") != subject:
        return None
    return_to = record.get("return_to")
    return return_to if isinstance(return_to, str) else None


def forget(request: HttpRequest, response: HttpResponse, state: str) -> None:
    delete_cookie(request, response, PREFIX + digest(state))


def forget_all(request: HttpRequest, response: HttpResponse) -> None:
    """Void every attempt of this browser: after a sign-out none may end in a sign-in (P07)."""
    for name in _names(request):
        delete_cookie(request, response, name)


def void(session_key: str | None) -> None:
    """The user of this session has signed out: what was begun for it may end in no sign-in any more (C81, P07)."""
    if session_key:
        _cache_set(_void_key(session_key), "void", INTERACTIVE_LIFETIME)


def is_void(session_key: str | None) -> bool:
    """Whether the session that a request names has been signed out a short while ago."""
    return bool(session_key) and _cache_get(_void_key(str(session_key))) is not None


def _void_key(session_key: str) -> str:
    return f"silent_sso:void:{digest(session_key)}"


def _make_room(request: HttpRequest, response: HttpResponse, now: float) -> None:
    found: list[tuple[int, float, str]] = []
    for name in _names(request):
        pending = _open(read_cookie(request, name), now)
        if pending is None:
            delete_cookie(request, response, name)
        else:
            # What another site began goes before what a person began here: a flood pushes out itself (S19).
            rank = 0 if pending.silent else 1 if pending.foreign else 2
            found.append((rank, pending.created, name))
    for _, _, name in sorted(found)[: max(0, len(found) - MAX_PENDING + 1)]:
        delete_cookie(request, response, name)


def _names(request: HttpRequest) -> list[str]:
    """The names (without `__Host-`) of the pending cookies this request carries."""
    full = cookie_name(request, PREFIX)
    start = len(full) - len(PREFIX)
    width = len(full) + len(digest(""))
    return [name[start:] for name in request.COOKIES if name.startswith(full) and len(name) == width]


def _open(text: str | None, now: float) -> PendingAuthentication | None:
    data = unseal(text, PURPOSE, now, INTERACTIVE_LIFETIME) if text else None
    if data is None or data.pop("v", None) != VERSION:
        return None
    reference = data.pop("return_to_reference", None)
    if reference is not None:
        data["return_to"] = was_put_aside(reference) or "/"
    if set(data) != _FIELDS:
        return None
    pending = PendingAuthentication(**data)
    return pending if now - pending.created <= pending.lifetime else None


def _used_key(state: str) -> str:
    return f"silent_sso:used:{digest(state)}"


def _cache_set(key: str, value: object, seconds: int) -> None:
    with suppress(Exception):  # convenience only: the way back is lost, nothing else
        cache.set(key, value, seconds)


def _cache_get(key: str) -> str | None:
    try:
        value = cache.get(key)
    except Exception:
        return None
    return value if isinstance(value, str) else None
