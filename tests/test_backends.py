"""Who a subject at the OP is here (cases U04 to U17)."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import aauthenticate, authenticate, get_user_model
from django.contrib.sessions.backends.base import SessionBase
from django.db import connection
from django.test import RequestFactory

from django_silent_sso.backends import SilentSSOBackend
from django_silent_sso.models import Identity
from django_silent_sso.protocol.errors import Reason, TokenError, UserNotAdmitted
from django_silent_sso.storage.identities import find_user
from django_silent_sso.testing import OpenIDProvider

ISSUER = "https://id.example.org"
User = get_user_model()

pytestmark = pytest.mark.django_db


def claims(sub: str = "alice", **more: Any) -> dict[str, Any]:
    return {"iss": ISSUER, "sub": sub, "email": f"{sub}@example.org", "email_verified": True, **more}


def sign_in(sub: str = "alice", *, backend: SilentSSOBackend | None = None, **more: Any) -> Any:
    return (backend or SilentSSOBackend()).get_or_create_user("", "", claims(sub, **more))


def refusal(sub: str = "alice", **more: Any) -> Reason:
    with pytest.raises(UserNotAdmitted) as caught:
        sign_in(sub, **more)
    return caught.value.reason


# -- no other way in ---------------------------------------------------------------------------------------------------


def test_neither_a_password_nor_a_code_signs_in_here(settings: Any) -> None:
    """G04; Django's own backend would take the password, and asynchronously it is a method of its own."""
    settings.AUTHENTICATION_BACKENDS = ["django_silent_sso.backends.SilentSSOBackend"]
    User.objects.create_user("alice", password="secret")
    request = RequestFactory().get("/oidc/callback/?code=c&state=s")
    assert authenticate(request, username="alice", password="secret") is None
    assert async_to_sync(aauthenticate)(request, username="alice", password="secret") is None
    assert authenticate(request, nonce="n", code_verifier="v") is None


# -- the first sign-in -------------------------------------------------------------------------------------------------


def test_somebody_new_gets_an_account(caplog: pytest.LogCaptureFixture) -> None:
    user = sign_in(given_name="Alice", family_name="Ash")
    assert (user.email, user.first_name, user.last_name) == ("alice@example.org", "Alice", "Ash")
    assert not user.has_usable_password()
    assert not user.is_staff
    assert find_user(ISSUER, "alice") == user
    assert "alice" not in caplog.text


def test_the_same_subject_is_the_same_user_whatever_the_email() -> None:
    assert sign_in() == sign_in(email="new@example.org")
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "other",
    [
        {"iss": "https://other.example.org"},
        {"sub": "Alice"},
        {"sub": "alice "},
        {"email": "alice@example.org", "sub": "b"},
    ],
    ids=["another issuer (U07)", "another case (U06)", "a blank (U06)", "the same address, passed on (U05)"],
)
def test_u05_u06_u07_another_subject_is_another_user(other: dict[str, Any], settings: Any) -> None:
    settings.SILENT_SSO_LINK_USERS_BY = "subject" if "iss" in other else "verified_email"
    alice = sign_in()
    assert sign_in(**{**claims(), **other}) != alice
    assert User.objects.count() == 2


def test_a_user_name_says_nothing_about_the_person() -> None:
    name = sign_in().username
    assert "alice" not in name
    assert len(name) == 28
    assert sign_in("bob").username != name


@pytest.mark.parametrize("path", ["tests.test_backends.by_email", "tests.test_backends.by_claims"])
def test_the_site_may_make_user_names(settings: Any, path: str) -> None:
    settings.OIDC_USERNAME_ALGO = path
    assert sign_in(preferred_username="al").username == ("alice@example.org" if path.endswith("email") else "al")


def test_a_user_name_the_site_cannot_make_is_a_refusal(settings: Any) -> None:
    settings.OIDC_USERNAME_ALGO = "tests.test_backends.by_email"
    assert refusal(email=None) is Reason.CLAIMS_REFUSED


def by_email(email: str) -> str:
    return email


def by_claims(email: str, claims: dict[str, Any]) -> str:
    return str(claims["preferred_username"])


def test_where_the_site_creates_nobody_strangers_are_refused(settings: Any) -> None:
    settings.OIDC_CREATE_USER = False
    assert refusal() is Reason.USER_UNKNOWN
    settings.OIDC_CREATE_USER = True
    alice = sign_in()
    settings.OIDC_CREATE_USER = False
    assert sign_in() == alice


@pytest.mark.parametrize("password", ["secret", None], ids=["with a password", "without one"])
def test_a_taken_user_name_is_no_key_to_the_account(settings: Any, password: str | None) -> None:
    settings.OIDC_USERNAME_ALGO = "tests.test_backends.by_claims"
    User.objects.create_user("admin", password=password)
    assert refusal(preferred_username="admin") is Reason.USER_AMBIGUOUS
    assert not Identity.objects.exists()


class Late(SilentSSOBackend):
    """Another request of the same person is quicker, just after this one has looked."""

    name = ""

    def filter_users_by_claims(self, claims: dict[str, Any]) -> Any:
        found = super().filter_users_by_claims(claims)
        sign_in(claims["sub"])
        return found

    def get_username(self, claims: dict[str, Any]) -> str:
        return self.name or super().get_username(claims)


@pytest.mark.parametrize("name", ["", "another"], ids=["the same name", "names that differ"])
def test_u17_two_first_sign_ins_at_once_end_with_one_account(name: str) -> None:
    """U17."""
    backend = Late()
    backend.name = name
    user = sign_in(backend=backend)
    assert list(User.objects.all()) == [user]
    assert find_user(ISSUER, "alice") == user


@pytest.mark.parametrize("setting", ["verified_email", "email"])
def test_of_two_accounts_with_one_address_none_is_chosen(settings: Any, setting: str) -> None:
    """More about accounts that were here before in test_backends_linking.py."""
    settings.SILENT_SSO_LINK_USERS_BY = setting
    for name in ("one", "two"):
        User.objects.create_user(name, email="alice@example.org")
    assert refusal() is Reason.USER_AMBIGUOUS


def test_an_inactive_account_is_refused_and_not_linked() -> None:
    """U10."""
    account = User.objects.create_user("old", email="alice@example.org", is_active=False)
    assert refusal() is Reason.USER_INACTIVE
    assert not Identity.objects.exists()
    assert User.objects.get() == account


# -- sessions and claims ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("get", ["get_user", "aget_user"])
def test_a_session_is_somebody_s_while_the_account_is_active(get: str) -> None:
    def user_of(key: object) -> object:
        found = getattr(SilentSSOBackend(), get)
        return async_to_sync(found)(key) if get == "aget_user" else found(key)

    alice = sign_in()
    assert user_of(alice.pk) == alice
    User.objects.update(is_active=False)
    assert user_of(alice.pk) is None
    assert user_of(alice.pk + 1) is None


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "not kept"])
def test_tokens_are_stored_under_upstreams_names_where_its_settings_say_so(settings: Any, kept: bool) -> None:
    settings.OIDC_STORE_ACCESS_TOKEN = settings.OIDC_STORE_ID_TOKEN = kept
    backend = SilentSSOBackend()
    backend.store_tokens("access", "id")  # without a request: nowhere to store them, and no error
    backend.request = RequestFactory().get("/")
    backend.request.session = SessionBase()
    backend.store_tokens("access", "id")
    stored = {"oidc_access_token": "access", "oidc_id_token": "id"} if kept else {}
    assert dict(backend.request.session.items()) == stored


# -- claims ------------------------------------------------------------------------------------------------------------


@pytest.mark.openid_provider
@pytest.mark.parametrize(
    ("answer", "email"),
    [
        ({"status": 200, "body": {"sub": "alice", "email": "a@x.org", "iss": "https://evil.example"}}, "a@x.org"),
        ({"status": 503}, ""),
        ({"status": 200, "body": ["a@x.org"]}, ""),
        ({"status": 200, "body": b"e30.e30.e30", "headers": {"Content-Type": "application/jwt"}}, None),
    ],
    ids=["answers", "down", "a list", "a token that nobody signed"],
)
def test_userinfo_adds_what_the_id_token_lacks(
    openid_provider: OpenIDProvider, answer: dict[str, Any], email: str | None
) -> None:
    """C48; more in test_backends_claims.py."""
    openid_provider.fail("userinfo", **answer)
    with nullcontext() if email is not None else pytest.raises(TokenError):
        SilentSSOBackend().get_or_create_user("token", "", {"iss": ISSUER, "sub": "alice"})
    assert list(User.objects.values_list("email", flat=True)) == ([] if email is None else [email])


@pytest.mark.parametrize("sub", [None, "Alice", ["alice"], "bob", 1])
def test_userinfo_of_another_subject_is_refused(openid_provider: OpenIDProvider, sub: object) -> None:
    """U01."""
    openid_provider.fail("userinfo", status=200, body={"sub": sub, "email": "a@x.org"})
    with pytest.raises(TokenError) as caught:
        SilentSSOBackend().get_or_create_user("token", "", {"iss": ISSUER, "sub": "alice"})
    assert caught.value.reason is Reason.USERINFO_SUBJECT
    assert not User.objects.exists()


class Choosy(SilentSSOBackend):
    """A site's own."""

    says: Any = True

    def verify_claims(self, claims: dict[str, Any]) -> bool:
        return super().verify_claims(claims) and self.says is not False

    def create_user(self, claims: dict[str, Any]) -> Any:
        return None if self.says is None else super().create_user(claims)

    def get_userinfo(self, access_token: str, id_token: str, payload: dict[str, Any]) -> Any:
        return None if self.says is None else {**payload, "sub": "mallory", "email": "own@x.org"}


def test_a_sites_own_hooks_have_the_last_word_but_not_on_who_it_is() -> None:
    """More in test_backends_hooks.py."""
    backend, asked = Choosy(), ("token", "", claims())
    user: Any = backend.get_or_create_user(*asked)
    assert (user.email, find_user(ISSUER, "alice")) == ("own@x.org", user)
    backend.says = None
    assert backend.get_or_create_user("token", "", claims("bob")) is None
    backend.says = False
    with pytest.raises(UserNotAdmitted) as caught:
        backend.get_or_create_user(*asked)
    assert caught.value.reason is Reason.CLAIMS_REFUSED


@pytest.mark.parametrize("email", ["alice", "a@b@x.org", "a" * 260 + "@x.org"], ids=["a name", "two at signs", "long"])
def test_what_is_no_address_is_not_stored_as_one(email: str) -> None:
    assert sign_in(email=email).email == ""


def test_a_log_line_never_has_an_address() -> None:
    assert "alice" not in SilentSSOBackend().describe_user_by_claims(claims())


# -- what changes at the OP changes here -------------------------------------------------------------------------------


def test_a_changed_name_and_address_are_taken_over_and_written_once(django_assert_num_queries: Any) -> None:
    user = sign_in(given_name="Alice")
    assert sign_in(given_name="Alicia", family_name="Ash", email="new@x.org") == user
    user.refresh_from_db()
    assert (user.first_name, user.last_name, user.email) == ("Alicia", "Ash", "new@x.org")
    with django_assert_num_queries(1):  # the identity, with its user
        sign_in(given_name="Alicia", family_name="Ash", email="new@x.org")


def test_a_change_the_database_refuses_does_not_stop_the_sign_in(caplog: pytest.LogCaptureFixture) -> None:
    user = sign_in(given_name="Alice")
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TRIGGER refuse BEFORE UPDATE ON auth_user BEGIN SELECT RAISE(ABORT, 'canary@example.org'); END"
        )
    found = sign_in(given_name="Alicia")
    assert (found, found.first_name) == (user, "Alice")
    assert "could not be saved" in caplog.text
    assert "canary" not in caplog.text
