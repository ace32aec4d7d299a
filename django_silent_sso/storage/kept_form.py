"""`KeptForm`: a form that came too late, sealed into the page that will send it again.

Nothing of it stays on the server: the browser holds it, encrypted, for as long as that page is open. Only that it was
sent is remembered here, in Django's cache, for as long as it could be sent (C99, C100).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from cryptography.fernet import InvalidToken
from django.core.cache import cache

from django_silent_sso.protocol.errors import Reason
from django_silent_sso.storage.pending import digest
from django_silent_sso.storage.sealing import CLOCK_SET_BACK, box

__all__ = ["LARGEST", "LIFETIME", "LONGEST_SEALED", "KeptForm", "open_form", "seal_form", "spend"]

PURPOSE: Final = "kept form"
VERSION: Final = 1
LARGEST: Final = 10 * 1024 * 1024  # bytes of a body; a file that is larger has an upload of its own
LIFETIME: Final = 3600  # seconds
LONGEST_FACTS: Final = 64 * 1024  # bytes of everything but the body
LONGEST_SEALED: Final = (LARGEST + LONGEST_FACTS) * 4 // 3 + 16 * 1024  # characters; a file may even grow a little


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptForm:
    """What the browser sent. `created` is in seconds since the epoch."""

    path: str  # with its query
    content_type: str
    headers: Mapping[str, str]  # what told from where the form came, by their names in META
    owner: str  # a name for the user it came from
    checked: bool  # it has passed Django's CSRF check, whose token a new sign-in changes
    number: str = field(repr=False)  # no other form has it
    created: float
    body: bytes = field(repr=False)


_FACTS: Final = {item.name for item in fields(KeptForm)} - {"body"}


def seal_form(kept: KeptForm) -> str:
    """`kept` as URL-safe text that only this site can open. Raises ValueError where it is too large."""
    facts: dict[str, Any] = {name: value for name, value in asdict(kept).items() if name in _FACTS}
    line = json.dumps([VERSION, facts]).encode()
    if len(line) >= LONGEST_FACTS or len(kept.body) > LARGEST:
        raise ValueError("the form is too large to be kept")
    # Bytes, so that base64 comes in once; the lowest level, for what is large is a file that was compressed before.
    return box(PURPOSE).encrypt(zlib.compress(line + b"\n" + kept.body, 1)).decode()


def open_form(text: str, now: float) -> KeptForm | Reason:
    """The form, or why there is none: it is not ours or was changed (form_unreadable), or it is too old."""
    if len(text) > LONGEST_SEALED:
        return Reason.FORM_UNREADABLE
    try:
        packed = box(PURPOSE).decrypt(text.encode("ascii"))
        line, _, body = zlib.decompressobj().decompress(packed, LONGEST_FACTS + LARGEST).partition(b"\n")
        version, facts = json.loads(line)
        if version != VERSION or set(facts) != _FACTS:
            return Reason.FORM_UNREADABLE
        age = now - facts["created"]
    except (InvalidToken, UnicodeError, zlib.error, ValueError, TypeError):
        return Reason.FORM_UNREADABLE
    if not -CLOCK_SET_BACK <= age <= LIFETIME:
        return Reason.FORM_EXPIRED
    return KeptForm(**facts, body=body)


def spend(kept: KeptForm) -> Reason | None:
    """Take the form's only chance; why not, where it is taken, or a memory that cannot be asked fails closed."""
    try:
        first = cache.add(f"silent_sso:form:{digest(kept.number)}", 1, LIFETIME + CLOCK_SET_BACK)
    except Exception:  # any cache backend's own exception
        return Reason.STORAGE_UNAVAILABLE
    return None if first else Reason.FORM_SENT
