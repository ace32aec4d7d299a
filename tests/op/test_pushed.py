"""Pushed Authorization Requests (RFC 9126): the whole way, who decides, and an OP that does not take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from django_silent_sso.op import provider as op
from django_silent_sso.op import pushed
from django_silent_sso.protocol.errors import ConfigurationError, OPRefused, OPUnavailable, Reason, SilentSSOError
from django_silent_sso.testing import OpenIDProvider
from tests.conftest import Browser, told

if TYPE_CHECKING:
    from pytest_django import Settings

WISH = {
    "client_id": "site",
    "redirect_uri": "http://testserver/oidc/callback/",
    "response_type": "code",
    "scope": "openid",
    "state": "s",
    "nonce": "n",
}


@pytest.fixture
def by_push(browser: Browser, settings: Settings) -> Browser:
    settings.SILENT_SSO_PUSHED_REQUESTS = True
    return browser


def query_of(response: Any) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(response["Location"]).query))


def failure(wish: dict[str, str]) -> SilentSSOError:
    with pytest.raises(SilentSSOError) as caught:
        pushed.push(op.metadata(), wish)
    return caught.value


# -- the whole way -------------------------------------------------------------------------------------------------


def test_the_browser_carries_a_reference_and_nothing_else(by_push: Browser) -> None:
    by_push.provider.sign_in("alice")
    leaving = by_push.get("/oidc/authenticate/?next=/page/7")
    (call,) = by_push.provider.calls_to("pushed_request")
    asked = query_of(leaving)
    assert asked.keys() == {"client_id", "request_uri"}
    assert asked["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    assert {"state", "nonce", "code_challenge", "redirect_uri", "response_type"} < call.parameters.keys()
    assert call.parameters["client_secret"] == by_push.provider.client_secret
    assert (call.method, call.query) == ("POST", ())
    assert by_push.follow(leaving)["Location"] == "/page/7"


def test_a_reference_is_used_once(by_push: Browser) -> None:
    by_push.provider.sign_in("alice")
    leaving = by_push.get("/oidc/authenticate/")["Location"]
    assert by_push.provider.answer(leaving).mode == "redirect"
    assert by_push.provider.answer(leaving).status == 400


def test_a_silent_round_trip_is_pushed_too(by_push: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    by_push.provider.sign_in("alice")
    page, visits = by_push.surf("/page/")
    assert (page.status_code, visits) == (200, 1)
    assert "nobody" not in page.content.decode()
    (call,) = by_push.provider.calls_to("pushed_request")
    assert call.parameters["prompt"] == "none"


def test_so_is_a_hidden_frame_s(by_push: Browser) -> None:
    by_push.provider.sign_in("alice")
    done = by_push.relay("/oidc/callback/", by_push.answered())
    assert done.json()["status"] == "signed_in"
    assert len(by_push.provider.calls_to("pushed_request")) == 1


def test_the_endpoint_s_own_query_is_kept(by_push: Browser) -> None:
    endpoint = by_push.provider.url_of("authorize") + "?tenant=7&request_uri=theirs"
    by_push.provider.metadata.replace(authorization_endpoint=endpoint)
    asked = query_of(by_push.get("/oidc/authenticate/"))
    assert asked["tenant"] == "7"
    assert asked["request_uri"] != "theirs"


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_jwt"])
def test_the_client_authenticates_there_as_at_the_token_endpoint(
    by_push: Browser, settings: Settings, method: str
) -> None:
    by_push.provider.add_client("site", by_push.provider.client_secret, auth_method=method)
    settings.SILENT_SSO_CLIENT_AUTH = method
    by_push.sign_in("alice")


# -- who decides ---------------------------------------------------------------------------------------------------


def test_nothing_is_pushed_unless_somebody_wants_it(browser: Browser) -> None:
    assert "request_uri" not in query_of(browser.get("/oidc/authenticate/"))
    assert not browser.provider.calls_to("pushed_request")


def test_an_op_that_takes_no_others_gets_them(browser: Browser) -> None:
    browser.provider.require_pushed_requests = True
    browser.sign_in("alice")


@pytest.mark.parametrize("value", ["True", 1, "", None, 0])
def test_only_true_switches_it_on(browser: Browser, settings: Settings, value: object) -> None:
    settings.SILENT_SSO_PUSHED_REQUESTS = value
    assert not pushed.is_used(op.metadata())


# -- an OP that refuses or fails -------------------------------------------------------------------------------------


def test_without_an_endpoint(openid_provider: OpenIDProvider, settings: Settings) -> None:
    openid_provider.metadata.drop("pushed_authorization_request_endpoint")
    error = failure(WISH)
    assert isinstance(error, ConfigurationError)
    assert error.reason is Reason.ENDPOINT_MISSING


@pytest.mark.parametrize(
    ("fault", "kind", "reason"),
    [
        ({"status": 400, "body": {"error": "invalid_request"}}, OPRefused, "op_error"),
        ({"status": 401, "body": {"error": "invalid_client"}}, OPRefused, "invalid_client"),
        ({"status": 429, "body": "", "headers": {"Retry-After": "7"}}, OPUnavailable, "op_status"),
        ({"status": 500, "body": ""}, OPUnavailable, "op_status"),
        ({"status": 201, "body": "<html>"}, OPUnavailable, "op_answer_invalid"),
        ({"status": 201, "body": [1]}, OPUnavailable, "op_answer_invalid"),
        ({"status": 201, "body": {"request_uri": ""}}, OPUnavailable, "op_answer_invalid"),
        ({"status": 201, "body": {"request_uri": 7}}, OPUnavailable, "op_answer_invalid"),
        ({"status": 201, "body": {"request_uri": "u" * 2049}}, OPUnavailable, "op_answer_invalid"),
        ({"status": 307, "body": "", "headers": {"Location": "/elsewhere"}}, OPUnavailable, "op_redirected"),
    ],
)
def test_an_answer_without_a_reference(
    openid_provider: OpenIDProvider, fault: dict[str, Any], kind: type[SilentSSOError], reason: str
) -> None:
    openid_provider.fail("pushed_request", **fault)
    error = failure(WISH)
    assert isinstance(error, kind)
    assert error.reason == reason
    assert getattr(error, "retry_after", None) == (7 if "7" in str(fault) and fault["status"] == 429 else None)


def test_what_the_op_refuses_in_the_request(openid_provider: OpenIDProvider) -> None:
    error = failure({**WISH, "scope": "email"})
    assert isinstance(error, OPRefused)
    assert error.error == "invalid_request"


def test_a_person_reads_that_it_failed(by_push: Browser) -> None:
    by_push.provider.fail("pushed_request")
    page = by_push.get("/oidc/authenticate/?next=/page/7")
    assert told(page) == (503, "op_status")
    assert "next=%2Fpage%2F7" in page.content.decode()
    assert not page.cookies


def test_a_visitor_gets_the_page_all_the_same(by_push: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    by_push.provider.fail("pushed_request")
    assert by_push.get("/page/").status_code == 200


def test_a_frame_is_told(by_push: Browser) -> None:
    by_push.provider.fail("pushed_request")
    answer = by_push.start()
    assert (answer.status_code, answer.json()["status"]) == (200, "failed")
    assert answer.json()["reason"] == "op_status"
