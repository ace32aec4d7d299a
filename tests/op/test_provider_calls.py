"""The calls to the token and UserInfo endpoints: what is sent, and what every wrong answer is called."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from django_silent_sso.op import provider
from django_silent_sso.protocol.errors import (
    ConfigurationError,
    OPRefused,
    OPUnavailable,
    Reason,
    SilentSSOError,
    TokenError,
)
from django_silent_sso.testing import OpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings

GRANT = {"grant_type": "authorization_code", "code": "c", "redirect_uri": "http://x/", "code_verifier": "v" * 43}


def failure(call: Any, *args: Any) -> SilentSSOError:
    with pytest.raises(SilentSSOError) as caught:
        call(*args)
    return caught.value


def test_the_client_secret_is_posted(openid_provider: OpenIDProvider) -> None:
    openid_provider.fail("token", status=200, body={"ok": 1})
    assert provider.token_request(GRANT) == {"ok": 1}
    call = openid_provider.calls_to("token")[0]
    sent = {"client_id": openid_provider.client_id, "client_secret": openid_provider.client_secret}
    assert (dict(call.form), call.query) == ({**GRANT, **sent}, ())
    assert "authorization" not in call.headers
    assert call.headers["content-type"] == "application/x-www-form-urlencoded"


@pytest.mark.openid_provider(client_id="si:te", client_secret="50% plus+ä:&")
def test_a14_d27_basic_authentication_is_form_encoded_first(
    openid_provider: OpenIDProvider, settings: Settings
) -> None:
    settings.OIDC_TOKEN_USE_BASIC_AUTH = True
    error = failure(provider.token_request, GRANT)
    assert error.reason is Reason.INVALID_GRANT, "the OP knows the client, not the code"
    call = openid_provider.calls_to("token")[0]
    assert dict(call.form) == GRANT
    sent = base64.b64decode(call.headers["authorization"].removeprefix("Basic ")).decode()
    assert sent == "si%3Ate:50%25%20plus%2B%C3%A4%3A%26"


def test_a_public_client_sends_no_secret(openid_provider: OpenIDProvider, settings: Settings) -> None:
    settings.OIDC_RP_CLIENT_SECRET = ""
    openid_provider.fail("token", status=200, body={})
    provider.token_request(GRANT)
    assert dict(openid_provider.calls_to("token")[0].form) == {**GRANT, "client_id": openid_provider.client_id}


REFUSED = {
    "c24_invalid_grant": (400, {"error": "invalid_grant"}, Reason.INVALID_GRANT, "invalid_grant"),
    "c25_invalid_client": (401, {"error": "invalid_client"}, Reason.INVALID_CLIENT, "invalid_client"),
    "a_code_of_its_own": (400, {"error": "interaction_required"}, Reason.OP_ERROR, "interaction_required"),
    "l01_markup": (400, {"error": "<script>", "error_description": "secret"}, Reason.OP_ERROR, "op_error"),
    "one_of_our_own_words": (400, {"error": "signed_in"}, Reason.OP_ERROR, "signed_in"),
}


@pytest.mark.parametrize(("status", "body", "reason", "code"), REFUSED.values(), ids=REFUSED)
def test_an_error_of_the_op_is_a_refusal(
    openid_provider: OpenIDProvider, status: int, body: dict[str, str], reason: Reason, code: str
) -> None:
    openid_provider.fail("token", status=status, body=body)
    error = failure(provider.token_request, GRANT)
    assert isinstance(error, OPRefused)
    assert (error.reason, error.error, error.detail) == (reason, code, f"token endpoint: HTTP {status}")
    assert len(openid_provider.calls_to("token")) == 1


BROKEN: dict[str, tuple[dict[str, Any], Reason]] = {
    "c23_500": ({"status": 500}, Reason.OP_STATUS),
    "c23_503_with_an_error": ({"status": 503, "body": {"error": "invalid_grant"}}, Reason.OP_STATUS),
    "c23_429": ({"status": 429, "body": "slow down"}, Reason.OP_STATUS),
    "c26_400_html": ({"status": 400, "body": "<html>"}, Reason.OP_STATUS),
    "c26_400_empty": ({"status": 400}, Reason.OP_STATUS),
    "c26_400_list": ({"status": 400, "body": ["error"]}, Reason.OP_STATUS),
    "c26_400_error_is_no_text": ({"status": 400, "body": {"error": {"a": 1}}}, Reason.OP_STATUS),
    "c26_400_10_mb": ({"status": 400, "body": b"x" * 10_000_000}, Reason.OP_ANSWER_TOO_LARGE),
    "c27_html": ({"status": 200, "body": "<html>"}, Reason.OP_ANSWER_INVALID),
    "c27_empty": ({"status": 200}, Reason.OP_ANSWER_INVALID),
    "c30_302": ({"status": 302, "headers": {"Location": "https://x.example/"}}, Reason.OP_REDIRECTED),
    "c30_307": ({"status": 307, "headers": {"Location": "https://x.example/"}}, Reason.OP_REDIRECTED),
    "c32_204": ({"status": 204}, Reason.OP_STATUS),
    "c32_206": ({"status": 206, "body": {}}, Reason.OP_STATUS),
    "c32_304": ({"status": 304}, Reason.OP_REDIRECTED),
    "c32_103": ({"status": 103}, Reason.OP_STATUS),
}


@pytest.mark.parametrize(("answer", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_broken_token_endpoint_is_an_op_that_failed(
    openid_provider: OpenIDProvider, answer: dict[str, Any], reason: Reason
) -> None:
    openid_provider.fail("token", **answer)
    error = failure(provider.token_request, GRANT)
    assert isinstance(error, OPUnavailable)
    assert error.reason is reason
    assert len(openid_provider.calls_to("token")) == 1, "a code is sent once (C23, C33)"


def test_c23_retry_after_is_kept(openid_provider: OpenIDProvider) -> None:
    openid_provider.fail("token", status=503, headers={"Retry-After": "90"})
    error = failure(provider.token_request, GRANT)
    assert isinstance(error, OPUnavailable)
    assert error.retry_after == 90


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"7"])
def test_c27_an_answer_that_is_no_object_is_refused(openid_provider: OpenIDProvider, body: bytes) -> None:
    openid_provider.fail("token", status=200, body=body)
    error = failure(provider.token_request, GRANT)
    assert isinstance(error, TokenError)
    assert error.reason is Reason.TOKEN_ANSWER_INVALID


def test_a53_userinfo_gets_the_token_in_its_header_only(openid_provider: OpenIDProvider) -> None:
    openid_provider.fail("userinfo", status=200, body={"sub": "alice"})
    assert provider.userinfo("the-token").json() == {"sub": "alice"}
    call = openid_provider.calls_to("userinfo")[0]
    assert (call.headers["authorization"], call.parameters) == ("Bearer the-token", {})


@pytest.mark.parametrize("status", [401, 403, 500])
def test_c48_userinfo_that_fails_is_an_op_that_failed(openid_provider: OpenIDProvider, status: int) -> None:
    openid_provider.fail("userinfo", status=status)
    error = failure(provider.userinfo, "the-token")
    assert isinstance(error, OPUnavailable)
    assert (error.reason, error.detail) == (Reason.OP_STATUS, f"UserInfo: HTTP {status}")


@pytest.mark.parametrize(
    ("member", "call"),
    [
        ("token_endpoint", lambda: provider.token_request(GRANT)),
        ("userinfo_endpoint", lambda: provider.userinfo("the-token")),
    ],
)
def test_an_endpoint_that_the_op_does_not_have_is_not_called(
    openid_provider: OpenIDProvider, member: str, call: Any
) -> None:
    openid_provider.metadata.drop(member)
    error = failure(call)
    assert isinstance(error, ConfigurationError)
    assert error.reason is Reason.ENDPOINT_MISSING
