"""(issuer, subject) -> user."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction

from django_silent_sso.models import Identity
from django_silent_sso.storage.identities import find_user, is_linked, link, record

ISSUER = "https://id.example.org"
OTHER = "https://other.example.org"

pytestmark = pytest.mark.django_db


def user(name: str) -> AbstractBaseUser:
    made: AbstractBaseUser = get_user_model().objects.create_user(name)
    return made


def test_nobody_is_found_before_somebody_was_recorded() -> None:
    assert find_user(ISSUER, "alice") is None


@pytest.mark.parametrize("write", [record, link], ids=["recorded", "linked"])
def test_who_was_written_down_is_found(write: object) -> None:
    alice = user("alice")
    assert callable(write)
    write(ISSUER, "alice", alice)
    assert find_user(ISSUER, "alice") == alice
    identity = Identity.objects.get()
    assert (identity.issuer, identity.subject, identity.user_id) == (ISSUER, "alice", alice.pk)


@pytest.mark.parametrize(
    ("issuer", "subject"),
    [
        pytest.param(OTHER, "alice", id="the same subject at another issuer"),
        pytest.param(ISSUER, "Alice", id="a subject that differs in case"),
        pytest.param(ISSUER, "alice ", id="a subject with a blank behind it"),
        pytest.param(ISSUER, "alicé", id="a subject with an accent"),
        pytest.param(ISSUER + "/", "alice", id="an issuer with a slash behind it"),
        pytest.param(ISSUER + "\na", "lice", id="the same text cut elsewhere"),
    ],
)
def test_u06_u07_another_pair_is_another_person(issuer: str, subject: str) -> None:
    """U06, U07."""
    record(ISSUER, "alice", user("alice"))
    assert find_user(issuer, subject) is None
    record(issuer, subject, user("other"))
    assert [str(find_user(*pair)) for pair in ((ISSUER, "alice"), (issuer, subject))] == ["alice", "other"]


def test_u17_recording_a_second_time_is_refused() -> None:
    """The database decides which of two first sign-ins at once was first (U17)."""
    first, second = user("first"), user("second")
    record(ISSUER, "alice", first)
    with pytest.raises(IntegrityError), transaction.atomic():
        record(ISSUER, "alice", second)
    assert find_user(ISSUER, "alice") == first


def test_linking_again_changes_nothing(django_assert_num_queries: object) -> None:
    alice = user("alice")
    link(ISSUER, "alice", alice)
    assert callable(django_assert_num_queries)
    with django_assert_num_queries(1):
        link(ISSUER, "alice", alice)
    assert Identity.objects.count() == 1


def test_linking_to_another_user_moves_the_subject() -> None:
    old, new = user("old"), user("new")
    link(ISSUER, "alice", old)
    link(ISSUER, "alice", new)
    assert find_user(ISSUER, "alice") == new
    assert Identity.objects.count() == 1


def test_an_account_is_linked_at_the_issuer_that_vouched_for_it() -> None:
    alice, bob = user("alice"), user("bob")
    link(ISSUER, "alice", alice)
    assert is_linked(alice, ISSUER)
    assert not is_linked(alice, OTHER)
    assert not is_linked(bob, ISSUER)


def test_a_deleted_user_is_nobody_and_the_subject_is_free_again() -> None:
    alice = user("alice")
    link(ISSUER, "alice", alice)
    alice.delete()
    assert find_user(ISSUER, "alice") is None
    record(ISSUER, "alice", user("new"))
