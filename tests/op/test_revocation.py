"""Token revocation (RFC 7009): what is sent, in which order, and that nothing about it can fail or last."""

from __future__ import annotations

import logging
import threading
import time
from threading import Thread
from typing import TYPE_CHECKING

import jwt
import pytest

from django_silent_sso.op.revocation import PATIENCE, revoke
from django_silent_sso.testing import OpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings


def withdraw(provider: OpenIDProvider, refresh_token: str = "r-secret", access_token: str = "a-secret") -> None:
    revoke(provider.url_of("revocation"), refresh_token=refresh_token, access_token=access_token)


def asked(provider: OpenIDProvider) -> list[tuple[str, str]]:
    return [(c.parameters["token_type_hint"], c.parameters["token"]) for c in provider.calls_to("revocation")]


def test_the_refresh_token_goes_first(openid_provider: OpenIDProvider, caplog: pytest.LogCaptureFixture) -> None:
    withdraw(openid_provider)
    assert asked(openid_provider) == [("refresh_token", "r-secret"), ("access_token", "a-secret")]
    assert [call.status for call in openid_provider.calls] == [200, 200], "also for tokens that nobody knows"
    for call in openid_provider.calls:
        assert (call.method, call.query) == ("POST", ())
        assert call.parameters["client_secret"] == openid_provider.client_secret
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (("", "a"), [("access_token", "a")]),
        (("r", ""), [("refresh_token", "r")]),
        (("", ""), []),
    ],
    ids=["implicit", "refresh_token_only", "none"],
)
def test_only_what_there_is(openid_provider: OpenIDProvider, tokens: tuple[str, str], expected: list[object]) -> None:
    withdraw(openid_provider, *tokens)
    assert asked(openid_provider) == expected


def test_basic_authentication(openid_provider: OpenIDProvider, settings: Settings) -> None:
    settings.SILENT_SSO_CLIENT_AUTH = "client_secret_basic"
    withdraw(openid_provider)
    call = openid_provider.calls[0]
    assert call.headers["authorization"].startswith("Basic ")
    assert "client_secret" not in call.parameters
    assert call.status == 200


def test_an_assertion_is_for_this_endpoint(openid_provider: OpenIDProvider, settings: Settings) -> None:
    settings.SILENT_SSO_CLIENT_AUTH = "client_secret_jwt"
    withdraw(openid_provider)
    first, second = openid_provider.calls
    assertion = jwt.decode(first.parameters["client_assertion"], options={"verify_signature": False})
    assert assertion["aud"] == openid_provider.url_of("revocation")
    assert (first.status, second.status) == (200, 200), "one each: an assertion counts once"


# -- failures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"status": 500}, "op_status"),
        ({"status": 503, "headers": {"Retry-After": "1"}}, "op_status"),
        ({"status": 404}, "op_status"),
        ({"status": 302, "headers": {"Location": "/login"}}, "op_redirected"),
        ({"status": 201}, "op_status"),
    ],
    ids=["500", "503", "404", "redirected", "201"],
)
def test_c110_after_a_failure_no_other_call(
    openid_provider: OpenIDProvider, caplog: pytest.LogCaptureFixture, how: dict[str, object], reason: str
) -> None:
    openid_provider.fail("revocation", **how)
    withdraw(openid_provider)
    assert asked(openid_provider) == [("refresh_token", "r-secret")]
    assert f"{reason}: the refresh_token was not revoked" in caplog.messages
    assert "secret" not in caplog.text


def test_c110_an_op_that_is_down(openid_provider: OpenIDProvider, caplog: pytest.LogCaptureFixture) -> None:
    openid_provider.stop()
    withdraw(openid_provider)
    assert "op_unreachable: the refresh_token was not revoked" in caplog.messages


def test_an_op_that_revokes_no_refresh_tokens_is_asked_for_the_other(
    openid_provider: OpenIDProvider, caplog: pytest.LogCaptureFixture
) -> None:
    """RFC 7009 2.2.1."""
    openid_provider.fail("revocation", status=400, body={"error": "unsupported_token_type"}, times=1)
    withdraw(openid_provider)
    assert [call.status for call in openid_provider.calls] == [400, 200]
    expected = "op_error: the OP did not revoke the refresh_token (unsupported_token_type)"
    assert caplog.messages == [expected]


def test_a_client_key_that_cannot_sign_stops_nothing(
    openid_provider: OpenIDProvider, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SILENT_SSO_CLIENT_AUTH = "private_key_jwt"
    withdraw(openid_provider)
    assert openid_provider.calls == []
    assert caplog.messages == ["not_configured: the refresh_token was not revoked"]


def test_c110_one_that_hangs_is_left_after_two_seconds(
    openid_provider: OpenIDProvider,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    settings: Settings,
) -> None:
    settings.OIDC_TIMEOUT = 60  # for every other call
    monkeypatch.setattr("django_silent_sso.op.revocation.PATIENCE", 0.2)
    with openid_provider.hang("revocation"):
        waiting = Thread(target=withdraw, args=(openid_provider,))
        waiting.start()
        waiting.join(30)
        assert not waiting.is_alive()
    assert "op_timeout: the refresh_token was not revoked" in caplog.messages
    assert len(openid_provider.calls_to("revocation")) <= 1
    assert PATIENCE == 2.0


def test_c110_both_calls_together_have_that_long(
    openid_provider: OpenIDProvider, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    clock = iter([100.0, 100.5, 102.5])  # the beginning, and before each call
    ours, real = threading.current_thread(), time.monotonic
    told = lambda: next(clock, None) if threading.current_thread() is ours else None  # noqa: E731  # servers have theirs
    monkeypatch.setattr(time, "monotonic", lambda: told() or real())
    withdraw(openid_provider)
    monkeypatch.undo()
    assert asked(openid_provider) == [("refresh_token", "r-secret")]
    assert "op_timeout: the access_token was not revoked" in caplog.messages
