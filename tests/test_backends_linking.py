"""Which account that was here before belongs to a new subject: as `SILENT_SSO_LINK_USERS_BY` says, no more."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models

from django_silent_sso.backends import SilentSSOBackend
from django_silent_sso.storage.identities import find_user, link
from tests.test_backends import ISSUER, sign_in

User = get_user_model()

pytestmark = pytest.mark.django_db

VERIFIED, BARE, DENIED = {"email_verified": True}, {"email_verified": None}, {"email_verified": False}


@pytest.mark.parametrize(
    ("setting", "here", "there", "linked"),
    [
        pytest.param("verified_email", "a@x.org", {"email": "a@x.org", **VERIFIED}, True, id="verified"),
        pytest.param("verified_email", "a@x.org", {"email": "a@x.org", **BARE}, False, id="the OP does not say"),
        pytest.param("verified_email", "a@x.org", {"email": "a@x.org", **DENIED}, False, id="the OP denies"),
        pytest.param("verified_email", "a@x.org", {"email": "a@x.org", "email_verified": "true"}, False, id="a word"),
        pytest.param("verified_email", "a@x.org", {"email": "a@X.ORG"}, True, id="case of the domain"),
        pytest.param("verified_email", "a@X.ORG", {"email": "a@x.org"}, True, id="case of the domain, here"),
        pytest.param("verified_email", "a@x.org", {"email": "A@x.org"}, False, id="case of the name"),
        pytest.param("verified_email", "mike@x.org", {"email": "m\u0131ke@x.org"}, False, id="dotless i"),
        pytest.param("verified_email", "a@x.org", {"email": "a@x.org "}, False, id="a blank behind"),
        pytest.param("verified_email", "a@x.org", {"email": "a@b@x.org"}, False, id="two at signs"),
        pytest.param("verified_email", "a@x.org", {"email": ["a@x.org"]}, False, id="a list"),
        pytest.param("verified_email", "", {"email": ""}, False, id="no address on either side"),
        pytest.param("verified_email", "%@x.org", {"email": "a@x.org"}, False, id="a wildcard"),
        pytest.param("subject", "a@x.org", {"email": "a@x.org", **VERIFIED}, False, id="subject: never"),
        pytest.param("email", "a@x.org", {"email": "A@x.org", **BARE}, True, id="email: upstream's rule"),
        pytest.param("email", "", {"email": ""}, False, id="email: no address on either side"),
        pytest.param("nonsense", "a@x.org", {"email": "a@x.org", **BARE}, False, id="a setting nobody knows"),
    ],
)
def test_u04_an_account_is_linked_only_as_the_setting_says(
    settings: Any, setting: str, here: str, there: dict[str, Any], linked: bool
) -> None:
    settings.SILENT_SSO_LINK_USERS_BY = setting
    account = User(username="old", email=here)
    account.save()
    assert (sign_in(**there) == account) is linked
    assert (find_user(ISSUER, "alice") == account) is linked


def test_an_account_that_has_a_subject_at_this_issuer_is_not_linked_again() -> None:
    account = User.objects.create_user("old", email="alice@example.org")
    link(ISSUER, "somebody", account)
    assert sign_in() != account


def test_an_account_with_a_subject_at_another_issuer_is_linked() -> None:
    account = User.objects.create_user("old", email="alice@example.org")
    link("https://other.example.org", "alice", account)
    assert sign_in() == account
    assert account.silent_sso_identities.count() == 2


class Short(AbstractBaseUser):
    """A site's own user model: little room for an address, no names."""

    email = models.CharField(max_length=12)

    class Meta:
        app_label = "tests"
        managed = False


class Addressless(AbstractBaseUser):
    class Meta:
        app_label = "tests"
        managed = False


def test_without_a_column_for_addresses_nobody_is_linked_by_one() -> None:
    backend = SilentSSOBackend()
    backend.UserModel = Addressless
    claims = {"iss": ISSUER, "sub": "alice", "email": "a@x.org", "email_verified": True}
    assert backend.filter_users_by_claims(claims) == []
    assert backend._profile(claims) == {}


@pytest.mark.parametrize(("email", "taken"), [("a@x.org", True), ("abcdefg@x.org", False)])
def test_u04_an_address_is_never_trimmed_to_somebody_elses(email: str, taken: bool) -> None:
    backend = SilentSSOBackend()
    backend.UserModel = Short
    found = backend._profile({"email": email, "given_name": "Alice"})
    assert found == ({"email": email} if taken else {})
