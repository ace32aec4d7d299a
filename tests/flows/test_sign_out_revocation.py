"""`SILENT_SSO_REVOKE_TOKENS`: a sign-out here withdraws the tokens at the OP, and never waits for it in vain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache

from django_silent_sso.op import provider
from django_silent_sso.signals import session_terminated
from django_silent_sso.storage.rp_session import RPSession
from django_silent_sso.testing.defects import Change, Defect, Point
from tests.conftest import Browser, Clock
from tests.flows.test_sign_out import sign_out

if TYPE_CHECKING:
    from pytest_django import Settings


@pytest.fixture
def revoking(browser: Browser, settings: Settings) -> Browser:
    """Somebody is signed in, with a refresh token, on a site that revokes."""
    settings.SILENT_SSO_REVOKE_TOKENS = True
    browser.provider.refresh_tokens = "always"
    browser.sign_in("alice")
    return browser


def revoked(browser: Browser) -> list[str]:
    return [call.parameters["token_type_hint"] for call in browser.provider.calls_to("revocation")]


def test_the_tokens_are_revoked_before_the_browser_leaves(revoking: Browser) -> None:
    revoking.provider.tokens_outlive_session = True
    found = RPSession.read(revoking.session)
    assert found is not None
    tokens = found.tokens(revoking.provider.now())
    assert revoking.provider.grants.find_access_token(tokens.access_token)
    assert sign_out(revoking).startswith(revoking.provider.url_of("end_session"))
    assert revoked(revoking) == ["refresh_token", "access_token"]
    sent = [call.parameters["token"] for call in revoking.provider.calls_to("revocation")]
    assert sent == [tokens.refresh_token, tokens.access_token]
    assert revoking.provider.grants.find_access_token(tokens.access_token) is None


def test_nothing_is_revoked_unless_the_site_says_so(browser: Browser) -> None:
    browser.sign_in("alice")
    sign_out(browser)
    assert revoked(browser) == []


def test_an_op_without_such_an_endpoint_is_not_asked(revoking: Browser) -> None:
    revoking.provider.metadata.drop("revocation_endpoint")
    provider.forget()
    cache.clear()
    assert sign_out(revoking).startswith(revoking.provider.url_of("end_session"))
    assert revoked(revoking) == []


def test_the_site_s_own_logout_page_comes_after_it(revoking: Browser, settings: Settings) -> None:
    settings.OIDC_OP_LOGOUT_URL_METHOD = "tests.flows.test_sign_out.own_logout_page"
    assert sign_out(revoking).startswith("https://id.example.org/bye?who=")
    assert revoked(revoking) == ["refresh_token", "access_token"]


def test_c110_the_session_has_ended_before_the_op_is_asked(revoking: Browser, caplog: pytest.LogCaptureFixture) -> None:
    revoking.provider.fail("revocation", status=500)
    ended: list[object] = []
    seen: list[int] = []
    looks = Change(Point.REQUEST, lambda reply, _: seen.append(len(ended)))
    revoking.provider.defects.switch_on(Defect("looks", (looks,)))

    def listen(**facts: object) -> None:
        ended.append(facts)

    session_terminated.connect(listen)
    try:
        assert sign_out(revoking).startswith(revoking.provider.url_of("end_session"))
    finally:
        session_terminated.disconnect(listen)
    assert seen == [1], "one try, and the signal has been sent"
    assert "op_status: the refresh_token was not revoked" in caplog.messages


def test_c110_nobody_waits_for_an_op_that_is_down(
    revoking: Browser, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    revoking.provider.stop()
    clock.advance(60)
    assert sign_out(revoking) == "/"
    assert "revoked" not in caplog.text, "not even tried"


def test_a_password_session_has_nothing_to_revoke(browser: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_REVOKE_TOKENS = True
    user = get_user_model().objects.create_user("mallory", password="secret")
    browser.client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    assert sign_out(browser) == "/"
    assert browser.provider.calls == []
