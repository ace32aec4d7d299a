"""The one table of the package."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import IntegrityError, transaction

from django_silent_sso.models import Identity

ISSUER = "https://id.example.org"


def test_the_key_tells_any_two_pairs_apart() -> None:
    pairs = [(ISSUER, "a"), (ISSUER, "A"), (ISSUER, "a "), (ISSUER, "á"), (ISSUER + "a", ""), (ISSUER + "\n", "a")]
    assert len({Identity.key_of(*pair) for pair in pairs}) == len(pairs)
    assert Identity.key_of(ISSUER, "a") == Identity.key_of(ISSUER, "a")


def test_the_key_has_one_length_however_long_the_pair() -> None:
    assert {len(Identity.key_of("i" * n, "s" * n)) for n in (0, 1, 255)} == {64}
    assert Identity._meta.get_field("key").max_length == 64


@pytest.mark.django_db
def test_a_pair_stands_for_one_user() -> None:
    users = [get_user_model().objects.create_user(name) for name in ("one", "two")]
    Identity.objects.create(key="k", issuer=ISSUER, subject="a", user=users[0])
    with pytest.raises(IntegrityError), transaction.atomic():
        Identity.objects.create(key="k", issuer=ISSUER, subject="a", user=users[1])


@pytest.mark.django_db
def test_an_identity_goes_with_its_user_and_is_found_from_it() -> None:
    user = get_user_model().objects.create_user("alice")
    identity = Identity.objects.create(key="k", issuer=ISSUER, subject="a", user=user)
    assert list(user.silent_sso_identities.all()) == [identity]
    assert str(identity) == f"a at {ISSUER}"
    user.delete()
    assert not Identity.objects.exists()


def test_the_longest_pair_fits() -> None:
    """Core 2: a subject has 255 ASCII characters at most."""
    assert [Identity._meta.get_field(name).max_length for name in ("issuer", "subject")] == [255, 255]


@pytest.mark.django_db
def test_the_migrations_make_these_very_models() -> None:
    call_command("makemigrations", "django_silent_sso", "--check", "--dry-run", verbosity=0)
