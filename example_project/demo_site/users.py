from __future__ import annotations

from typing import Any


def username(email: str, claims: dict[str, Any]) -> str:
    """mozilla-django-oidc's `OIDC_USERNAME_ALGO`; its own answer would be a hash of the e-mail address."""
    return str(claims.get("preferred_username") or email)
