"""C.10, as far as the user's own sign-out goes: it always works here, whatever the provider does."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.conftest import Browser, Clock
from tests.faults.conftest import Log, Member, failing, forget_the_op
from tests.faults.faults import ANY
from tests.faults.proxy import Fault, FaultProxy
from tests.faults.test_documents import DISCOVERY

if TYPE_CHECKING:
    from pytest_django import Settings


def is_signed_out(browser: Browser) -> None:
    assert browser.user() == "nobody"
    assert "sessionid" not in browser.client.cookies
    for _ in range(3):
        assert browser.get("/page/").status_code == 200
        assert browser.user() == "nobody"


def test_c108_with_a_provider_that_is_down_the_user_is_signed_out_here(
    redirected: None, browser: Browser, clock: Clock, proxy: FaultProxy, log: Log
) -> None:
    Member(browser, clock)
    with proxy.refusing():
        assert browser.post("/oidc/logout/")["Location"] == "/"
        is_signed_out(browser)
    assert "signed_out_by_user" in log.reasons
    assert "op_unreachable" in log.reasons
    browser.sign_in("alice")
    assert browser.user() != "nobody"


@pytest.mark.parametrize(("fault", "reason"), ANY.values(), ids=ANY)
def test_c108_without_metadata_the_user_is_signed_out_here(
    redirected: None,
    browser: Browser,
    clock: Clock,
    proxy: FaultProxy,
    log: Log,
    settings: Settings,
    fault: Fault,
    reason: str,
) -> None:
    Member(browser, clock)
    forget_the_op()
    with failing(proxy, settings, DISCOVERY, fault, reason):
        assert browser.post("/oidc/logout/")["Location"] == "/"
        is_signed_out(browser)
    assert reason in log.reasons


def test_c109_who_does_not_come_back_from_the_provider_is_signed_out_here(
    redirected: None, browser: Browser, clock: Clock
) -> None:
    Member(browser, clock)
    response = browser.post("/oidc/logout/")
    assert urlsplit(response["Location"]).path == "/end-session"
    is_signed_out(browser)  # the redirect is not followed


@pytest.mark.parametrize(("fault", "reason"), ANY.values(), ids=ANY)
def test_c110_a_revocation_endpoint_that_fails_is_no_obstacle(
    redirected: None,
    browser: Browser,
    clock: Clock,
    proxy: FaultProxy,
    log: Log,
    settings: Settings,
    fault: Fault,
    reason: str,
) -> None:
    settings.SILENT_SSO_REVOKE_TOKENS = True
    browser.provider.refresh_tokens = "always"
    Member(browser, clock)
    with failing(proxy, settings, "/revoke", fault, reason):
        assert urlsplit(browser.post("/oidc/logout/")["Location"]).path == "/end-session"
        is_signed_out(browser)
    tries = proxy.seen.count("/revoke")
    if reason == "op_answer_invalid" and tries == 2:  # both are revoked: nobody reads the body of a 200 (RFC 7009 2.2)
        return
    assert tries <= 1, "one try"
    assert reason in log.reasons


def test_c115_right_after_a_sign_out_nothing_is_tried(redirected: None, browser: Browser, clock: Clock) -> None:
    Member(browser, clock)
    begun = browser.get("/page/")
    browser.post("/oidc/logout/")
    browser.provider.forget_calls()
    is_signed_out(browser)
    for trigger in ("load", "return", "call"):
        assert browser.start(trigger=trigger).json()["reason"] == "signed_out_by_user"
    assert browser.provider.calls == []
    browser.follow(begun)
    is_signed_out(browser)
