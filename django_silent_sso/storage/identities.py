"""(issuer, subject) -> user."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction

from django_silent_sso.models import Identity

__all__ = ["find_user", "is_linked", "link"]


def find_user(issuer: str, subject: str) -> AbstractBaseUser | None:
    identity = Identity.objects.select_related("user").filter(key=Identity.key_of(issuer, subject)).first()
    return None if identity is None else identity.user


def is_linked(user: AbstractBaseUser, issuer: str) -> bool:
    """Whether the account has a subject at this issuer already."""
    return Identity.objects.filter(user_id=user.pk, issuer=issuer).exists()


def link(issuer: str, subject: str, user: AbstractBaseUser) -> AbstractBaseUser:
    """Record whose subject this is. Two first sign-ins at once end with one user: the first one recorded (U17)."""
    try:
        with transaction.atomic():
            identity, _ = Identity.objects.get_or_create(
                key=Identity.key_of(issuer, subject),
                defaults={"issuer": issuer, "subject": subject, "user_id": user.pk},
            )
    except IntegrityError:
        identity = Identity.objects.select_related("user").get(key=Identity.key_of(issuer, subject))
    return user if identity.user_id == user.pk else identity.user
