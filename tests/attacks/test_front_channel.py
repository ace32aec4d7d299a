"""Front-channel logout under attack: a request without a signature, that any page may make a browser send."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from django.test import Client

from django_silent_sso.models import LogoutRecord, SignedInSession
from django_silent_sso.storage.rp_session import RPSession
from tests.conftest import Browser, told
from tests.op_logout import FRONT, front_channel, is_signed_in, sid_of
from tests.views.answers import assert_private, nothing_changes

if TYPE_CHECKING:
    from pytest_django import Settings

SCRIPT = "<script>alert(1)</script>\"'&"


@pytest.mark.parametrize("query", ["", "?iss={iss}", "?sid=", "?iss={iss}&sid=", "?sid={sid}"])
def test_fc01_an_evil_page_cannot_sign_anybody_out(alice: Browser, query: str) -> None:
    """Neither by the cookie that its frame brings along, nor without."""
    address = FRONT + query.format(iss=quote(alice.provider.issuer), sid=quote(sid_of(alice)))
    for client in (alice.client, Client()):
        with nothing_changes(alice):
            answer = client.get(address, headers={"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "cross-site"})
        assert told(answer) == (400, "logout_request_malformed")
        assert not answer.cookies
    assert is_signed_in(alice)


@pytest.mark.parametrize("change", ["{0}1", "{0}/", "{0}?", "https://evil.example", "{0}\n", "HTTP{0}"])
def test_fc03_another_issuer(alice: Browser, change: str) -> None:
    with nothing_changes(alice):
        answer = front_channel(change.format(alice.provider.issuer), sid_of(alice), client=alice.client)
    assert told(answer) == (400, "issuer_mismatch")
    assert is_signed_in(alice)


def test_fc05_a_sid_that_leaked_ends_that_sign_in_and_nothing_else(
    alice: Browser, bob: Browser, settings: Settings
) -> None:
    """The OP hears nothing of it: no token is revoked there, and the person is back with one look at the OP."""
    found = RPSession.read(alice.session)
    assert found is not None
    access_token = found.tokens(alice.provider.now()).access_token
    alice.provider.sign_in("alice")
    alice.provider.tokens_outlive_session = True
    alice.provider.forget_calls()
    assert front_channel(alice.provider.issuer, sid_of(alice)).status_code == 200
    assert alice.provider.calls == []
    assert access_token
    assert [is_signed_in(browser) for browser in (alice, bob)] == [False, True]
    settings.SILENT_SSO_VISITORS = "redirect"
    alice.surf("/page/")
    assert is_signed_in(alice)


@pytest.mark.parametrize("guess", ["", "0", "a" * 22])
def test_fc05_guesses_are_written_down_nowhere(alice: Browser, guess: str) -> None:
    """Whoever makes up a million of them fills no table."""
    for n in range(3):
        with nothing_changes(alice):
            front_channel(alice.provider.issuer, f"{guess}{n}")
    assert not LogoutRecord.objects.exists()
    assert SignedInSession.objects.count() == 1


def test_fc06_the_browser_holds_its_cookies_back(alice: Browser) -> None:
    answer = front_channel(alice.provider.issuer, sid_of(alice), client=Client())
    assert answer.status_code == 200
    assert not is_signed_in(alice)


def test_fc07_the_cookie_of_one_and_the_session_of_another(alice: Browser, bob: Browser) -> None:
    before = dict(alice.session.items())
    answer = front_channel(alice.provider.issuer, sid_of(bob), client=alice.client)
    assert (answer.status_code, answer.cookies) == (200, {})
    assert [is_signed_in(browser) for browser in (alice, bob)] == [True, False]
    assert dict(alice.session.items()) == before
    front_channel(alice.provider.issuer, sid_of(alice), client=alice.client)
    assert not is_signed_in(alice)


@pytest.mark.parametrize("save_every_request", [False, True])
def test_fc07_the_browser_s_own_cookie_is_not_touched(
    alice: Browser, settings: Settings, save_every_request: bool
) -> None:
    """Another tab's sign-in may have replaced it meanwhile: deleted would be the new one."""
    settings.SESSION_SAVE_EVERY_REQUEST = save_every_request
    answer = front_channel(alice.provider.issuer, sid_of(alice), client=alice.client)
    assert (answer.status_code, answer.cookies) == (200, {})


def test_fc09_nothing_of_the_request_comes_back(alice: Browser) -> None:
    for issuer, sid in ((SCRIPT, SCRIPT), (alice.provider.issuer, SCRIPT), (SCRIPT, sid_of(alice)), (None, SCRIPT)):
        answer = front_channel(issuer, sid, client=alice.client)
        whole = answer.content.decode() + str(answer.headers)
        assert "alert" not in whole
        assert "script" not in whole
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer["Content-Security-Policy"]


def test_fc10_no_cache_keeps_it(alice: Browser) -> None:
    for sid in (sid_of(alice), sid_of(alice), None):
        assert_private(front_channel(alice.provider.issuer, sid))
        alice.sign_in("alice")


def test_fc11_twice_by_post_or_huge(alice: Browser) -> None:
    iss, sid = quote(alice.provider.issuer, safe=""), quote(sid_of(alice), safe="")
    with nothing_changes(alice):
        for query in (f"iss={iss}&sid={sid}&sid=x", f"iss={iss}&iss={iss}&sid={sid}", f"iss={iss}&sid={'s' * 100_000}"):
            assert told(alice.client.get(f"{FRONT}?{query}")) == (400, "logout_request_malformed")
        posted = alice.client.post(FRONT, f"iss={iss}&sid={sid}", content_type="application/x-www-form-urlencoded")
        assert posted.status_code == 405
    assert is_signed_in(alice)


def test_fc12_the_frame_goes_nowhere(alice: Browser, settings: Settings) -> None:
    settings.LOGOUT_REDIRECT_URL = "/page/"
    settings.SILENT_SSO_VISITORS = "redirect"
    for _ in range(2):
        answer = front_channel(alice.provider.issuer, "unknown", client=alice.client)
        assert answer.status_code == 200
        assert "Location" not in answer
        assert "Refresh" not in answer
        assert len(answer.content) < 100
