"""(issuer, subject) -> user."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser

from django_silent_sso.models import Identity

__all__ = ["find_user", "is_linked", "link", "record"]


def find_user(issuer: str, subject: str) -> AbstractBaseUser | None:
    identity = Identity.objects.select_related("user").filter(key=Identity.key_of(issuer, subject)).first()
    return None if identity is None else identity.user


def is_linked(user: AbstractBaseUser, issuer: str) -> bool:
    """Whether the account has a subject at this issuer already."""
    return Identity.objects.filter(user_id=user.pk, issuer=issuer).exists()


def record(issuer: str, subject: str, user: AbstractBaseUser) -> None:
    """Write down whose subject this is, for the first time. Raises IntegrityError where it is somebody's already."""
    Identity.objects.create(key=Identity.key_of(issuer, subject), issuer=issuer, subject=subject, user_id=user.pk)


def link(issuer: str, subject: str, user: AbstractBaseUser) -> None:
    """Write down that this is the user's subject, whosever it was: the backend's hooks have the last word."""
    identity, _ = Identity.objects.get_or_create(
        key=Identity.key_of(issuer, subject),
        defaults={"issuer": issuer, "subject": subject, "user_id": user.pk},
    )
    if identity.user_id != user.pk:
        identity.user_id = user.pk
        identity.save(update_fields=["user"])
