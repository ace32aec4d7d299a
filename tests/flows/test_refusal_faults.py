"""What failed, as against what the OP said: nobody is signed out because of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache import cache

from django_silent_sso.op import provider
from django_silent_sso.testing import make_stale
from tests.conftest import Browser
from tests.flows.conftest import subject

if TYPE_CHECKING:
    from pytest_django import Settings

FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "c23_500": ({"status": 500}, "op_status"),
    "c23_503": ({"status": 503, "headers": {"Retry-After": "9"}}, "op_status"),
    "c24_invalid_grant": ({"status": 400, "body": {"error": "invalid_grant"}}, "invalid_grant"),
    "c25_invalid_client": ({"status": 401, "body": {"error": "invalid_client"}}, "invalid_client"),
    "c27_garbage": ({"status": 200, "body": "<html>"}, "op_answer_invalid"),
    "c27_list": ({"status": 200, "body": []}, "token_answer_invalid"),
    "c30_redirect": ({"status": 307, "headers": {"Location": "https://x.example/"}}, "op_redirected"),
    "c31_huge": ({"status": 200, "body": b"x" * 600_000}, "op_answer_too_large"),
}


@pytest.mark.parametrize(("fault", "reason"), FAULTS.values(), ids=FAULTS)
def test_the_token_endpoint_answers_a_renewal_with(
    browser: Browser, heard: list[str], fault: dict[str, Any], reason: str
) -> None:
    browser.sign_in("alice")
    make_stale(browser.session)
    before = browser.snapshot()[0]
    with browser.provider.fail("token", **fault):
        assert browser.follow(browser.get("/page/"))["Location"] == "/page/"
    assert browser.snapshot()[0] == before, "the session is kept byte by byte"
    assert heard == [reason]
    assert len(browser.provider.calls_to("token")) == 1
    assert browser.get("/page/").status_code == 200, "and nothing is tried again at once"


@pytest.mark.parametrize(("fault", "reason"), FAULTS.values(), ids=FAULTS)
def test_the_token_endpoint_answers_a_visitor_s_attempt_with(
    redirected: Browser, heard: list[str], fault: dict[str, Any], reason: str
) -> None:
    redirected.provider.sign_in("alice")
    with redirected.provider.fail("token", **fault):
        page, visits = redirected.surf("/page/")
    assert (page.status_code, visits, heard) == (200, 1, [reason])
    assert "sessionid" not in redirected.client.cookies


@pytest.mark.parametrize("endpoint", ["token", "jwks"], ids=["c20_token", "c38_jwks"])
def test_a_call_that_hangs_keeps_the_session(
    browser: Browser, settings: Settings, heard: list[str], endpoint: str
) -> None:
    browser.sign_in("alice")
    make_stale(browser.session)
    callback = browser.at_op(browser.get("/page/")["Location"])
    settings.OIDC_TIMEOUT = 0.2
    provider._keys.forget()
    _forget_shared_keys(browser)
    with browser.provider.hang(endpoint):
        assert browser.get(callback)["Location"] == "/page/"
    assert (subject(browser), heard) == ("alice", ["op_timeout"])


def _forget_shared_keys(browser: Browser) -> None:
    cache.delete(provider._keys._key(browser.provider.url_of("jwks")))


def test_c39_a_key_rotated_before_the_renewal_does_no_harm(browser: Browser, heard: list[str]) -> None:
    browser.sign_in("alice")
    make_stale(browser.session)
    callback = browser.at_op(browser.get("/page/")["Location"])
    browser.provider.rotate_keys()
    assert browser.get(callback)["Location"] == "/page/"
    assert heard == []
    assert [call.endpoint for call in browser.provider.calls][-2:] == ["token", "jwks"]


def test_c48_userinfo_that_is_down_costs_the_profile_only(redirected: Browser) -> None:
    redirected.provider.sign_in("alice")
    redirected.provider.fail("userinfo", status=500)
    redirected.surf("/page/")
    assert subject(redirected) == "alice"


def test_a11_u01_userinfo_about_somebody_else_is_refused(redirected: Browser, heard: list[str]) -> None:
    redirected.provider.sign_in("alice")
    redirected.provider.switch_on("userinfo_subject_mismatch")
    page, visits = redirected.surf("/page/")
    assert (page.status_code, visits, heard) == (200, 1, ["userinfo_subject"])
    assert "sessionid" not in redirected.client.cookies
