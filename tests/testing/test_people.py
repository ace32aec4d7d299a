from __future__ import annotations

import pytest

from django_silent_sso.testing.provider import OpenIDProvider
from django_silent_sso.testing.sessions import SessionCookie
from tests.testing.site import Site, claims_of


def subject_of(site: Site, **changes: str) -> str:
    return str(claims_of(site.tokens(**changes)["id_token"])["sub"])


def test_sign_in_and_sign_out_hold_for_every_browser(provider: OpenIDProvider, site: Site) -> None:
    visitor = provider.visitor()
    visitor.answer(site.url(prompt=None), sign_in_as="carol")
    provider.sign_in("alice")
    assert subject_of(site) == "alice"
    code = visitor.answer(site.url()).parameters["code"]
    assert claims_of(site.redeem(code).json()["id_token"])["sub"] == "alice"

    provider.sign_out()
    assert visitor.answer(site.url()).parameters["error"] == "login_required"


def test_switch_user(provider: OpenIDProvider, site: Site) -> None:
    first = provider.sign_in("alice")
    assert provider.switch_user("bob", was="carol") == 0
    assert provider.switch_user("bob", was="alice") == 1
    (session,) = provider.sessions
    assert (session.subject, session.sid != first.sid) == ("bob", True)
    assert subject_of(site) == "bob"


def test_ending_the_sessions_of_one_user(provider: OpenIDProvider, site: Site) -> None:
    alice, bob = provider.visitor(), provider.visitor()
    alice.answer(site.url(prompt=None), sign_in_as="alice")
    bob.answer(site.url(prompt=None), sign_in_as="bob")
    assert provider.end_session("alice") == 1
    assert alice.answer(site.url()).parameters["error"] == "login_required"
    assert "code" in bob.answer(site.url()).parameters


def test_claims_are_remembered(provider: OpenIDProvider, site: Site) -> None:
    first = provider.sign_in("alice", name="Alice A.", groups=["a"])
    assert provider.sign_in("alice", email="new@example.org").sid == first.sid
    userinfo = site.userinfo(site.tokens()["access_token"]).json()
    assert (userinfo["name"], userinfo["email"], userinfo["groups"]) == ("Alice A.", "new@example.org", ["a"])


def test_users_of_ones_own(provider: OpenIDProvider, site: Site) -> None:
    provider.users["u-1"] = {"nickname": "al"}
    provider.sign_in("u-1")
    assert site.userinfo(site.tokens()["access_token"]).json() == {"sub": "u-1", "nickname": "al"}


def test_auth_time(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice", auth_time=provider.now() - 100)
    assert "code" in site.authorize(max_age="110")
    assert site.authorize(max_age="90")["error"] == "login_required"


def test_a_clock_that_is_wrong(provider: OpenIDProvider, site: Site) -> None:
    provider.clock = lambda: 1_000_000_000.9
    provider.sign_in("alice")
    claims = claims_of(site.tokens(max_age="10")["id_token"])
    assert (claims["iat"], claims["exp"], claims["auth_time"]) == (1_000_000_000, 1_000_003_600, 1_000_000_000)


@pytest.mark.parametrize("samesite", ["Lax", "None", "Strict", None])
def test_the_login_page_sets_the_cookie_as_told(provider: OpenIDProvider, site: Site, samesite: str | None) -> None:
    provider.cookie = SessionCookie(name="op", samesite=samesite)
    visitor, url = provider.visitor(), site.url(prompt=None)
    visitor.answer(url, sign_in_as="carol")
    (session,) = provider.sessions
    assert visitor.cookies == {"op": session.cookie}
    assert session.subject == "carol"
