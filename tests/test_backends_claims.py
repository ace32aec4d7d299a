"""What the OP tells of a user: from the ID Token, from UserInfo, and as far as it can be used (U01, C48, C50)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model

from django_silent_sso.backends import SilentSSOBackend
from django_silent_sso.testing import issuing
from tests.conftest import Browser
from tests.test_backends import sign_in

User = get_user_model()

pytestmark = pytest.mark.django_db


def answered(browser: Browser) -> Any:
    """The callback's answer to an interactive sign-in."""
    return browser.follow(browser.get("/oidc/authenticate/?next=/page/"))


# -- UserInfo ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "id_token", "asked"),
    [
        ("openid email", {}, True),
        ("openid email", {"email": "a@x.org", "email_verified": False}, False),
        ("openid email", {"email": "a@x.org"}, True),  # whether it is verified decides whom it links to
        ("openid", {}, False),
        ("openid profile", {"nickname": "Al"}, False),
        ("openid profile", {"email": "a@x.org"}, True),
        ("openid email profile", {"email": "a@x.org"}, True),
        ("openid phone address", {"phone_number": "1", "address": {}}, False),
        ("openid groups offline_access", {}, False),
    ],
)
def test_userinfo_is_asked_where_a_scope_s_claims_are_missing(
    settings: Any, scope: str, id_token: dict[str, Any], asked: bool
) -> None:
    settings.OIDC_RP_SCOPES = scope
    assert SilentSSOBackend().claims_missing({"sub": "alice", **id_token}) is asked


@pytest.mark.parametrize("inside", [True, False], ids=["in the ID Token", "in UserInfo"])
def test_it_is_one_call_or_none_with_the_token_in_the_header(browser: Browser, inside: bool) -> None:
    browser.provider.claims_in_id_token = inside
    browser.provider.sign_in("alice", email="a@x.org")
    answered(browser)
    calls = browser.provider.calls_to("userinfo")
    assert len(calls) == (0 if inside else 1)
    assert User.objects.get().email == "a@x.org"


def test_without_an_access_token_it_cannot_be_asked(browser: Browser) -> None:
    assert sign_in(email=None).email == ""
    assert not browser.provider.calls


@pytest.mark.parametrize("sub", ["alice1", "Alice", None, ["alice"], 7, ""])
def test_of_another_subject_it_signs_nobody_in(browser: Browser, sub: object) -> None:
    browser.provider.sign_in("alice")
    browser.provider.userinfo.replace(sub=sub)
    answer = answered(browser)
    assert answer.status_code == 400
    assert b"userinfo_subject" in answer.content
    assert (browser.user(), User.objects.count()) == ("nobody", 0)
    assert not list(browser.session.keys())


def test_a_subject_that_comes_twice_brings_no_claims(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    browser.provider.fail("userinfo", status=200, body=b'{"sub": "bob", "email": "bob@x.org", "sub": "alice"}')
    answered(browser)
    assert User.objects.get().email == ""


def test_signed_claims_are_not_replaced_by_unsigned_ones(browser: Browser, settings: Any) -> None:
    settings.OIDC_RP_SCOPES = "openid email profile"
    browser.provider.sign_in("alice")
    browser.provider.id_token.replace(email="signed@x.org", email_verified=True)
    browser.provider.userinfo.replace(email="unsigned@x.org", given_name="Alice", iss="https://evil.example")
    answered(browser)
    user = User.objects.get()
    assert (user.email, user.first_name) == ("signed@x.org", "Alice")


FAULTS: dict[str, dict[str, Any]] = {
    "401": {"status": 401},
    "403": {"status": 403},
    "500": {"status": 500, "body": "Traceback"},
    "503 for an hour": {"status": 503, "headers": {"Retry-After": "3600"}},
    "a redirect": {"status": 302, "headers": {"Location": "https://evil.example/"}},
    "HTML": {"status": 200, "body": "<html>sign in first</html>"},
    "nothing": {"status": 200, "body": b""},
    "a list": {"status": 200, "body": ["a@x.org"]},
    "text": {"status": 200, "body": b'"alice"'},
    "not a number": {"status": 200, "body": b'{"sub": "alice", "n": NaN}'},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_where_it_fails_the_sign_in_goes_on_and_the_profile_follows_later(browser: Browser, fault: str) -> None:
    browser.provider.sign_in("alice", email="a@x.org")
    with browser.provider.fail("userinfo", **FAULTS[fault]):
        assert answered(browser)["Location"] == "/page/"
    assert User.objects.get().email == ""
    browser.client.cookies.clear()
    assert answered(browser)["Location"] == "/page/"
    assert User.objects.get().email == "a@x.org"


# -- UserInfo as a signed token (C49) ----------------------------------------------------------------------------------


def test_a_signed_one_is_read(browser: Browser) -> None:
    browser.provider.userinfo_signed = True
    browser.provider.sign_in("alice", email="a@x.org")
    answered(browser)
    assert User.objects.get().email == "a@x.org"


JWT = {"Content-Type": "Application/JWT; charset=utf-8"}


@pytest.mark.parametrize(
    "body",
    [b"e30.e30.e30", b'{"sub": "alice", "email": "a@x.org"}', b"", b"\xff\xfe"],
    ids=["unsigned", "JSON", "", "?"],
)
def test_one_that_is_not_signed_by_the_op_signs_nobody_in(browser: Browser, body: bytes) -> None:
    browser.provider.sign_in("alice")
    browser.provider.fail("userinfo", status=200, body=body, headers=JWT)
    assert answered(browser).status_code == 400
    assert (browser.user(), User.objects.count()) == ("nobody", 0)


def test_one_for_another_client_signs_nobody_in(browser: Browser) -> None:
    claims = {"sub": "alice", "email": "canary@x.org"}
    body = issuing.signed_userinfo(browser.provider, claims, "another").encode()
    browser.provider.sign_in("alice")
    browser.provider.fail("userinfo", status=200, body=body, headers=JWT)
    assert (answered(browser).status_code, browser.user()) == (400, "nobody")


def test_one_of_another_subject_signs_nobody_in(browser: Browser) -> None:
    browser.provider.userinfo_signed = True
    browser.provider.sign_in("alice")
    browser.provider.userinfo.replace(sub="bob")
    assert (answered(browser).status_code, browser.user()) == (400, "nobody")


@pytest.mark.parametrize("name", ["nonce", "events"])
def test_another_of_the_ops_tokens_is_no_userinfo(browser: Browser, name: str) -> None:
    browser.provider.userinfo_signed = True
    browser.provider.sign_in("alice", email="canary@x.org")
    browser.provider.userinfo.update({name: "x"})
    answered(browser)
    assert User.objects.get().email == ""


def test_two_people_without_address_or_name_share_nothing(browser: Browser) -> None:
    """C50."""
    first, second = sign_in("one", email=None), sign_in("two", email="")
    assert first != second
    assert first.username != second.username
    assert {first.email, second.email} == {""}


# -- the profile -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"email": None},
        {"email": "not an address"},
        {"email": "a" * 260 + "@x.org"},
        {"email": "new@x.org", "email_verified": False},
        {"email": "new@x.org", "email_verified": "false"},
        {"given_name": None, "family_name": ["Ash"]},
        {"given_name": "", "family_name": "A\x00"},
        {"is_staff": True, "is_superuser": True, "groups": ["admin"], "username": "root"},
    ],
    ids=lambda change: ", ".join(f"{k}={str(v)[:20]!r}" for k, v in change.items()),
)
def test_what_cannot_be_used_leaves_the_account_as_it_was(change: dict[str, Any]) -> None:
    """U13: only mapped fields."""
    user = sign_in(given_name="Alice", family_name="Old")
    before = dict(User.objects.values().get())
    assert sign_in(**{"given_name": "Alice", "family_name": "Old", **change}) == user
    assert User.objects.values().get() == before


def test_names_are_trimmed_to_their_column() -> None:
    assert sign_in(given_name="é" * 500).first_name == "é" * 150
