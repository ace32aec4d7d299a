"""Refresh tokens of npm's oidc-provider: rotated, bound to the session, and not always given."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from django.contrib.sessions.backends.db import SessionStore

from django_silent_sso.storage.rp_session import RPSession, Tokens
from tests.interop.oidc_provider.process import OIDCProvider
from tests.interop.scripted_browser import ScriptedBrowser
from tests.interop.site_under_test import ALICE, Site

if TYPE_CHECKING:
    from pytest_django import Settings


def tokens(site: Site, browser: ScriptedBrowser) -> Tokens:
    found = RPSession.read(SessionStore(site.session_key(browser)))
    assert found is not None
    return found.tokens(time.time())


def test_a_stale_page_load_is_renewed_within_the_request_and_the_token_is_rotated(
    site: Site, oidc_provider: OIDCProvider, alice: ScriptedBrowser
) -> None:
    seen = {tokens(site, alice).refresh_token}
    for number in range(3):
        site.make_stale(alice)
        visit = alice.open(site(f"/page/{number}"))
        assert (visit.statuses, visit.json["user"]) == ([200], ALICE)
        assert site.writes == 1
        seen.add(tokens(site, alice).refresh_token)
    assert len(seen) == 4
    assert oidc_provider.calls_by_server() == ["POST /token"] * 3
    assert [str(call) for call in oidc_provider.calls() if call.browser] == []


def test_a_used_refresh_token_ends_the_family_and_a_round_trip_brings_a_new_one(
    site: Site, oidc_provider: OIDCProvider, alice: ScriptedBrowser
) -> None:
    """What the tests of concurrency rely on: this OP does take a second use for theft."""
    session = SessionStore(site.session_key(alice))
    found = RPSession.read(session)
    assert found is not None
    site.make_stale(alice)
    alice.open(site("/page/1"))
    newer = RPSession.read(SessionStore(site.session_key(alice)))
    assert newer is not None
    session = SessionStore(site.session_key(alice))
    newer.with_tokens(found.tokens(time.time()), time.time()).write(session)
    session.save()
    site.make_stale(alice)
    oidc_provider.forget_calls()

    visit = alice.open(site("/page/2"))
    assert (visit.statuses, visit.json["user"]) == ([302, 303, 302, 200], ALICE)
    assert [call.status for call in oidc_provider.calls() if call.path == "/token"] == [400, 200]


def test_without_offline_access_an_op_may_give_none_and_renewal_goes_by_redirect(
    site: Site, oidc_provider: OIDCProvider, browser: ScriptedBrowser, settings: Settings
) -> None:
    settings.OIDC_RP_CLIENT_ID = "site-offline"
    site.sign_in(browser)
    assert tokens(site, browser).refresh_token == ""
    site.make_stale(browser)

    visit = browser.open(site("/page/a"))
    assert (visit.statuses, visit.json["user"]) == ([302, 303, 302, 200], ALICE)


@pytest.mark.parametrize("asked", ["openid email offline_access", "openid email"])
def test_the_scope_offline_access_does_no_harm_where_the_op_ignores_it(
    site: Site, oidc_provider: OIDCProvider, browser: ScriptedBrowser, settings: Settings, asked: str
) -> None:
    """This OP takes it only with prompt=consent (Core 11); renewal goes by redirect then, and nothing else changes."""
    settings.OIDC_RP_CLIENT_ID = "site-offline"
    settings.OIDC_RP_SCOPES = asked
    site.sign_in(browser)
    site.make_stale(browser)
    assert browser.open(site("/page/a")).statuses == [302, 303, 302, 200]


def test_when_the_session_at_the_op_is_gone_the_token_is_refused_and_the_op_is_asked_once(
    site: Site, oidc_provider: OIDCProvider, alice: ScriptedBrowser
) -> None:
    oidc_provider.end_session()
    site.make_stale(alice)

    visit = alice.open(site("/page/a?x=1"))

    asked = [(str(call), call.status, call.query.get("prompt")) for call in oidc_provider.calls()]
    assert asked[:2] == [("POST /token", 400, None), ("GET /auth", 303, "none")]
    assert [call[2] for call in asked if call[0] == "GET /auth"] == ["none", None], "then the person is asked"
    assert "/interaction/" in visit.url
    assert site.who(alice) is None
    assert site.answer_sign_in_page(alice, visit).json["user"] == ALICE
    assert tokens(site, alice).refresh_token
