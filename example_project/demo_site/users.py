from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django_silent_sso.backends import SilentSSOBackend

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


def username(email: str, claims: dict[str, Any]) -> str:
    """mozilla-django-oidc's `OIDC_USERNAME_ALGO`; its own answer would be a hash of the e-mail address."""
    return str(claims.get("preferred_username") or email)


class EverybodyIsStaff(SilentSSOBackend):
    """The browser doctor is for staff: here, whoever has signed in may see it."""

    def create_user(self, claims: dict[str, Any]) -> AbstractBaseUser | None:
        user: Any = super().create_user(claims)
        user.is_staff = True
        user.save(update_fields=["is_staff"])
        return user  # type: ignore[no-any-return]
