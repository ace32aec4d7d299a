"""npm's oidc-provider 9 tells our site of a sign-out by itself (Back-Channel Logout 1.0)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.sessions.models import Session

from django_silent_sso.models import SignedInSession
from django_silent_sso.signals import session_terminated
from tests.interop.oidc_provider.process import OIDCProvider
from tests.interop.scripted_browser import ScriptedBrowser
from tests.interop.site_under_test import ALICE, BOB, Site

if TYPE_CHECKING:
    from pytest_django import Settings


@pytest.fixture
def other_device() -> Iterator[ScriptedBrowser]:
    browser = ScriptedBrowser()
    yield browser
    browser.close()


@pytest.fixture
def ended() -> Iterator[list[str]]:
    """What `session_terminated` told: reason and user."""
    told: list[str] = []

    def listen(reason: str, user: object, **_: object) -> None:
        told.append(f"{reason} {getattr(user, 'email', None)}")

    session_terminated.connect(listen)
    yield told
    session_terminated.disconnect(listen)


def sign_out_at_the_op(browser: ScriptedBrowser, provider: OIDCProvider) -> None:
    """On its own sign-out page, without our site."""
    browser.submit(browser.open(f"{provider.issuer}/session/end"), logout="yes")


def test_a_sign_out_at_the_op_ends_the_session_here_at_once(
    site: Site, oidc_provider: OIDCProvider, alice: ScriptedBrowser, ended: list[str]
) -> None:
    key = site.session_key(alice)
    assert site.session(key)
    sign_out_at_the_op(alice, oidc_provider)
    assert oidc_provider.logout_tokens() == ["success"]
    assert site.session(key) == {}
    assert not SignedInSession.objects.exists()
    assert site.who(alice) is None
    assert ended == [f"op_back_channel {ALICE}"]


def test_the_same_user_s_session_on_another_device_lives_on(
    site: Site, oidc_provider: OIDCProvider, alice: ScriptedBrowser, other_device: ScriptedBrowser
) -> None:
    site.sign_in(other_device)
    sign_out_at_the_op(alice, oidc_provider)
    assert oidc_provider.logout_tokens() == ["success"]
    assert (site.who(alice), site.who(other_device)) == (None, ALICE)
    site.make_stale(other_device)
    assert other_device.open(site("/page/a")).json["user"] == ALICE, "and is renewed"


def test_so_does_another_user_s(
    site: Site, oidc_provider: OIDCProvider, alice: ScriptedBrowser, other_device: ScriptedBrowser
) -> None:
    site.sign_in(other_device, "bob")
    sign_out_at_the_op(alice, oidc_provider)
    assert (site.who(alice), site.who(other_device)) == (None, BOB)


def test_afterwards_the_op_says_login_required(
    site: Site, oidc_provider: OIDCProvider, alice: ScriptedBrowser, settings: Settings
) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    sign_out_at_the_op(alice, oidc_provider)
    visit = alice.open(site("/page/a"))
    assert (visit.statuses, visit.json["user"]) == ([302, 303, 302, 200], None)
    answer = parse_qs(urlsplit(visit.hops[2].url).query)
    assert answer["error"] == ["login_required"]
    assert "/interaction/" in alice.open(site("/private/")).url


def test_who_has_moved_to_another_session_at_the_op_is_found_by_that_one(
    site: Site, oidc_provider: OIDCProvider, alice: ScriptedBrowser
) -> None:
    """A sign-out and a new sign-in at the OP, which this site hears of at its next round trip."""
    before = SignedInSession.objects.get(ended=False).sid_key
    oidc_provider.end_session()  # behind everybody's back
    site.make_stale(alice)
    site.answer_sign_in_page(alice, alice.open(site("/page/a")))
    assert SignedInSession.objects.get(ended=False).sid_key != before
    sign_out_at_the_op(alice, oidc_provider)
    assert oidc_provider.logout_tokens() == ["success"]
    assert site.who(alice) is None


@pytest.mark.parametrize("revoking", [False, True], ids=["", "with revocation"])
def test_a_sign_out_that_began_here_comes_back_as_a_logout_token_and_is_harmless(
    site: Site,
    oidc_provider: OIDCProvider,
    alice: ScriptedBrowser,
    ended: list[str],
    settings: Settings,
    revoking: bool,
) -> None:
    settings.SILENT_SSO_REVOKE_TOKENS = revoking
    data = {"csrfmiddlewaretoken": alice.open(site("/form/")).json["csrf_token"]}
    visit = alice.open(site("/oidc/logout/"), data, method="POST", initiator=site.origin)
    assert oidc_provider.calls_by_server() == (["POST /token/revocation"] * 2 if revoking else [])
    assert {call.status for call in oidc_provider.calls() if "revocation" in call.path} <= {200}
    back = alice.submit(visit, logout="yes")
    assert back.url.partition("?")[0] == site("/")
    assert oidc_provider.logout_tokens() in (["success"], []), "it may know that this site has signed out"
    assert ended == [f"signed_out_by_user {ALICE}"]
    assert not Session.objects.exists()
