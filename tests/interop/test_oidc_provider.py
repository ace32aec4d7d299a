"""Our site and npm's oidc-provider over loopback HTTP: signing in, staying signed in, signing out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.sessions.models import Session

from tests.interop.oidc_provider.process import OIDCProvider
from tests.interop.scripted_browser import ScriptedBrowser
from tests.interop.site_under_test import ALICE, BOB, Site

if TYPE_CHECKING:
    from pytest_django import Settings


def test_an_interactive_sign_in_ends_on_the_page_asked_for(
    site: Site, oidc_provider: OIDCProvider, browser: ScriptedBrowser
) -> None:
    visit = browser.open(site("/private/?a=1&b=%C3%A4"))
    visit = site.answer_sign_in_page(browser, visit)

    assert visit.path == "/private/?a=1&b=%C3%A4"
    assert visit.json["user"] == ALICE
    assert sorted(oidc_provider.calls_by_server()) == [
        "GET /.well-known/openid-configuration",
        "GET /jwks",
        "GET /me",
        "POST /token",
    ]
    assert Session.objects.count() == 1
    assert site.pending_attempts(browser) == []


def test_a_stale_page_load_is_renewed_by_one_call_and_at_most_one_session_write(
    site: Site,
    oidc_provider: OIDCProvider,
    alice: ScriptedBrowser,
    settings: Settings,
) -> None:
    settings.SILENT_SSO_RENEW_WITH = ("redirect",)
    alice.open(site("/basket/"))
    alice.open(site("/form/"))
    kept = site.session_key(alice), alice.cookies.get(site.origin, "csrftoken")
    site.make_stale(alice)

    visit = alice.open(site("/page/a?x=1"))

    assert visit.statuses == [302, 303, 302, 200]
    assert visit.path == "/page/a?x=1"
    assert visit.json == {"page": "a", "user": ALICE, "basket": "three apples"}
    assert oidc_provider.calls_by_server() == ["POST /token"]
    assert site.writes <= 1
    assert (site.session_key(alice), alice.cookies.get(site.origin, "csrftoken")) == kept

    oidc_provider.forget_calls()
    assert alice.open(site("/page/b")).statuses == [200]
    assert oidc_provider.calls() == [], "it is fresh now"


@pytest.mark.usefixtures("either_way")
def test_when_the_op_session_has_ended_the_person_signs_in_and_gets_the_page_asked_for(
    site: Site, oidc_provider: OIDCProvider, alice: ScriptedBrowser
) -> None:
    oidc_provider.end_session()
    site.make_stale(alice)
    old_key = site.session_key(alice)

    visit = alice.open(site("/page/a?x=1"))

    assert "/interaction/" in visit.url
    assert site.session(old_key) == {}
    assert site.who(alice) is None
    visit = site.answer_sign_in_page(alice, visit)
    assert visit.path == "/page/a?x=1"
    assert visit.json["user"] == ALICE


@pytest.mark.usefixtures("either_way")
def test_another_person_at_the_op_never_becomes_the_user_silently(
    site: Site, oidc_provider: OIDCProvider, alice: ScriptedBrowser
) -> None:
    oidc_provider.switch_user("bob")
    site.make_stale(alice)

    visit = alice.open(site("/page/a"))

    assert BOB not in visit.text
    assert site.who(alice) != BOB


@pytest.mark.usefixtures("by_redirect")
def test_when_the_op_wants_to_show_a_page_it_may_and_the_session_stays(
    site: Site, oidc_provider: OIDCProvider, alice: ScriptedBrowser
) -> None:
    oidc_provider.fail("/auth", error="consent_required", prompt="none")
    site.make_stale(alice)
    key = site.session_key(alice)

    visit = alice.open(site("/page/a?x=1"))

    asked = [call.query.get("prompt") for call in oidc_provider.calls() if call.path == "/auth"]
    assert asked == ["none", None]
    assert (visit.path, visit.json["user"]) == ("/page/a?x=1", ALICE)
    assert site.session_key(alice) == key


@pytest.mark.usefixtures("either_way")
def test_keys_that_are_rotated_without_overlap_do_not_disturb_a_renewal(
    site: Site, oidc_provider: OIDCProvider, alice: ScriptedBrowser
) -> None:
    oidc_provider.rotate_keys()
    site.make_stale(alice)

    visit = alice.open(site("/page/a"))

    assert (visit.path, visit.json["user"]) == ("/page/a", ALICE)
    assert oidc_provider.calls_by_server() == ["POST /token", "GET /jwks"]
    oidc_provider.forget_calls()
    assert alice.open(site("/page/b")).statuses == [200]
    assert oidc_provider.calls() == [], "it is fresh now"


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "EdDSA"])
def test_a_client_with_another_signature_algorithm_signs_in_and_renews(
    site: Site,
    oidc_provider: OIDCProvider,
    browser: ScriptedBrowser,
    settings: Settings,
    algorithm: str,
) -> None:
    settings.OIDC_RP_CLIENT_ID = f"site-{algorithm.lower()}"
    settings.OIDC_RP_SIGN_ALGO = algorithm
    site.sign_in(browser)
    oidc_provider.forget_calls()
    site.make_stale(browser)

    assert browser.open(site("/page/a")).json["user"] == ALICE
    assert oidc_provider.calls_by_server() == ["POST /token"]


def test_a_client_that_authenticates_in_the_authorization_header_signs_in_and_renews(
    site: Site, oidc_provider: OIDCProvider, browser: ScriptedBrowser, settings: Settings
) -> None:
    settings.OIDC_RP_CLIENT_ID = "site-basic"
    settings.OIDC_TOKEN_USE_BASIC_AUTH = True
    site.sign_in(browser)
    oidc_provider.forget_calls()
    site.make_stale(browser)

    assert browser.open(site("/page/a")).json["user"] == ALICE
    assert oidc_provider.calls_by_server() == ["POST /token"]


def test_a_visitor_who_is_signed_in_at_the_op_is_signed_in_silently(
    site: Site, alice: ScriptedBrowser, settings: Settings
) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    alice.cookies.discard(site.origin)

    visit = alice.open(site("/page/a?x=1"))

    assert visit.statuses == [302, 303, 302, 200]
    assert visit.path == "/page/a?x=1"
    assert visit.json["user"] == ALICE
    assert site.pending_attempts(alice) == []


def test_a_visitor_who_is_not_signed_in_at_the_op_is_asked_for_once_and_gets_no_session(
    site: Site, oidc_provider: OIDCProvider, browser: ScriptedBrowser, settings: Settings
) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"

    first, second = browser.open(site("/page/a")), browser.open(site("/page/b"))

    assert (first.statuses, first.path, first.json["user"]) == ([302, 303, 302, 200], "/page/a", None)
    assert (second.statuses, second.path, second.json["user"]) == ([200], "/page/b", None)
    assert [str(call) for call in oidc_provider.calls() if call.browser] == ["GET /auth"]
    assert Session.objects.count() == 0
    assert site.session_key(browser) is None


def test_a_sign_out_goes_by_the_op_with_a_hint_and_comes_back(
    site: Site, oidc_provider: OIDCProvider, alice: ScriptedBrowser, settings: Settings
) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    data = {"csrfmiddlewaretoken": alice.open(site("/form/")).json["csrf_token"]}
    old_key = site.session_key(alice)

    visit = alice.open(site("/oidc/logout/"), data, method="POST", initiator=site.origin)

    assert visit.url.startswith(f"{oidc_provider.issuer}/session/end")
    assert oidc_provider.calls()[-1].query["id_token_hint"]
    assert site.session(old_key) == {}
    visit = alice.submit(visit, logout="yes")
    assert visit.url.partition("?")[0] == site("/")
    assert visit.json["user"] is None
    assert alice.open(site("/page/a")).statuses == [200], "nothing silent after a sign-out"
    assert "/interaction/" in alice.open(site("/private/")).url, "signed out at the OP too"
