"""What a page may know about the sign-in; reading it extends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session

from django_silent_sso.storage.rp_session import KEY, RPSession
from django_silent_sso.testing import make_overdue, make_stale
from tests.conftest import Browser, Clock

if TYPE_CHECKING:
    from pytest_django import Settings

NOBODY = {"signed_in": False}


def session(browser: Browser) -> Any:
    response = browser.fetch("/oidc/session/")
    assert (response.status_code, response["Cache-Control"]) == (200, "no-store, private")
    return response.json()


def test_a_signed_in_user(browser: Browser, clock: Clock) -> None:
    clock.stop()
    browser.sign_in("alice", name="Alice A.")
    clock.advance(1)
    assert session(browser) == {
        "signed_in": True,
        "user": {"name": "alice@example.org"},
        "stale": False,
        "expires_in": 899,
        "select_by": "user",
    }


def test_the_name_is_the_best_that_the_op_gave(browser: Browser, settings: Settings) -> None:
    settings.OIDC_RP_SCOPES = "openid profile email"
    browser.sign_in("alice", name="Alice A.")
    assert session(browser)["user"] == {"name": "Alice A."}


def test_without_any_name_it_is_the_user_name(browser: Browser) -> None:
    browser.provider.userinfo.change(lambda claims: {"sub": claims["sub"]})
    browser.sign_in("alice")
    assert session(browser)["user"] == {"name": get_user_model().objects.get().get_username()}


def test_who_was_signed_in_silently(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    browser.relay("/oidc/callback/", browser.answered())
    assert session(browser)["select_by"] == "auto"


def test_a_visitor_gets_no_cookie_and_no_session(browser: Browser) -> None:
    assert session(browser) == NOBODY
    assert not browser.client.cookies
    assert not Session.objects.exists()


def test_a_stale_session_says_so_and_an_overdue_one_is_nobody_s(browser: Browser) -> None:
    browser.sign_in("alice")
    make_stale(browser.session)
    found = session(browser)
    assert (found["signed_in"], found["stale"], found["expires_in"]) == (True, True, 0)
    make_overdue(browser.session)
    assert session(browser) == NOBODY


def test_the_grace_time_ends_to_the_second(browser: Browser, clock: Clock) -> None:
    clock.stop(int(clock()))
    browser.sign_in("alice")
    clock.advance(900 + 299)
    assert session(browser)["stale"]
    clock.advance(1)
    assert session(browser) == NOBODY


def test_n09_a_session_past_its_absolute_length_is_nobody_s(browser: Browser, settings: Settings, clock: Clock) -> None:
    settings.SILENT_SSO_SESSION_MAX_SECONDS = 100
    browser.sign_in("alice")
    clock.advance(99)
    assert session(browser)["signed_in"]
    clock.advance(1)
    assert session(browser) == NOBODY


@pytest.mark.parametrize("save_every_request", [False, True])
def test_reading_extends_nothing(browser: Browser, settings: Settings, clock: Clock, save_every_request: bool) -> None:
    browser.sign_in("alice")
    settings.SESSION_SAVE_EVERY_REQUEST = save_every_request
    before = RPSession.read(browser.session)
    clock.advance(500)
    session(browser)
    assert RPSession.read(browser.session) == before


@pytest.mark.parametrize("gone", ["inactive", "deleted", "session", "by_password", "other_op"])
def test_whoever_is_not_signed_in_by_our_op_is_nobody(browser: Browser, settings: Settings, gone: str) -> None:
    browser.sign_in("alice")
    if gone == "inactive":
        get_user_model().objects.update(is_active=False)
    elif gone == "deleted":
        get_user_model().objects.all().delete()
    elif gone == "session":
        Session.objects.all().delete()
    elif gone == "by_password":
        user = get_user_model().objects.create_user("mallory")
        browser.client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    else:
        settings.SILENT_SSO_ISSUER = "https://other.example.org"
    assert session(browser) == NOBODY


def test_c77_a_session_that_is_gone_leaves_its_cookie(browser: Browser) -> None:
    """Another tab may have set a newer one meanwhile."""
    browser.sign_in("alice")
    Session.objects.all().delete()
    session(browser)
    assert "sessionid" in browser.client.cookies


def test_no_token_is_told_unless_the_site_says_so(browser: Browser, settings: Settings) -> None:
    browser.sign_in("alice")
    assert "credential" not in session(browser)
    settings.SILENT_SSO_CREDENTIAL_IN_PAGE = True
    found = RPSession.read(browser.session)
    assert found is not None
    assert session(browser)["credential"] == found.tokens(browser.provider.now()).id_token


def test_a_token_that_cannot_be_opened_any_more_is_none(browser: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_CREDENTIAL_IN_PAGE = True
    browser.sign_in("alice")
    kept = browser.session
    kept["silent_sso"] = {**kept["silent_sso"], "sealed_tokens": "garbage"}
    kept.save()
    assert session(browser)["credential"] is None


def test_only_a_page_that_watches_is_told_the_session_state(browser: Browser, settings: Settings) -> None:
    browser.provider.session_management = True
    browser.sign_in("alice")
    assert "session_state" not in session(browser)
    settings.SILENT_SSO_MONITOR = ("visible", "check_session")
    assert session(browser)["session_state"] == browser.session[KEY]["session_state"]
    browser.provider.session_management = False
    browser.sign_in("bob")
    assert "session_state" not in session(browser)
