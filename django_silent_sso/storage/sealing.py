"""Encrypted, authenticated, dated text for values that leave the server or lie in a session.

Fernet from `cryptography`, with keys derived (HKDF-SHA256) from `SECRET_KEY` and `SECRET_KEY_FALLBACKS`, one per
purpose, so that a value sealed for one purpose opens for no other.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

__all__ = ["box", "seal", "unseal"]

MAX_OPENED = 64 * 1024  # bytes; nothing of ours is larger, and a compressed bomb ends here
CLOCK_SET_BACK = 3600  # seconds: after the clock was set back, what was sealed "in the future" still opens


@lru_cache(maxsize=64)
def _fernet(secrets: tuple[bytes, ...], purpose: str) -> MultiFernet:
    info = f"django_silent_sso {purpose}".encode()
    keys = [
        base64.urlsafe_b64encode(HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret))
        for secret in secrets
    ]
    return MultiFernet([Fernet(key) for key in keys])


def box(purpose: str) -> MultiFernet:
    """Encrypts and opens bytes for one purpose, whatever they are; `seal()` and `unseal()` for JSON."""
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return _fernet(tuple(s if isinstance(s, bytes) else str(s).encode() for s in secrets), purpose)


def seal(value: dict[str, Any], purpose: str, now: float) -> str:
    """`value` (JSON types) as URL-safe text, dated `now` (seconds since the epoch)."""
    raw = json.dumps([int(now), value], separators=(",", ":")).encode()
    return box(purpose).encrypt(zlib.compress(raw, 9)).decode().rstrip("=")


def unseal(text: str, purpose: str, now: float, max_age: int) -> dict[str, Any] | None:
    """The sealed value, or None where it is not ours, was changed, or is older than `max_age` seconds."""
    try:
        token = (text + "=" * (-len(text) % 4)).encode("ascii")
        packed = box(purpose).decrypt(token)
        sealed_at, value = json.loads(zlib.decompressobj().decompress(packed, MAX_OPENED))
        age = now - sealed_at
    except (InvalidToken, UnicodeError, binascii.Error, zlib.error, ValueError, TypeError):
        return None
    if not isinstance(value, dict) or not -CLOCK_SET_BACK <= age <= max_age:
        return None
    return value
