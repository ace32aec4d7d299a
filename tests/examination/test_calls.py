"""Single endpoints: the client's credentials, and the session frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from django_silent_sso.examination import calls
from django_silent_sso.examination.asking import Asking
from django_silent_sso.op import provider as op
from django_silent_sso.testing import OpenIDProvider
from tests.examination.examined import ORIGIN, REDIRECT_URI

if TYPE_CHECKING:
    from pytest_django import Settings


def about_the_client() -> list[str]:
    return [item.id for item in calls.client(Asking(10), op.metadata(), REDIRECT_URI)]


def about_the_frame(origin: str | None = ORIGIN) -> str:
    return calls.check_session(Asking(10), op.metadata(), origin).id


@pytest.mark.parametrize("method", ["client_secret_post", "client_secret_basic", "client_secret_jwt"])
def test_the_secret_is_right(openid_provider: OpenIDProvider, settings: Settings, method: str) -> None:
    settings.SILENT_SSO_CLIENT_AUTH = method
    assert about_the_client() == ["client_accepted"]


@pytest.mark.parametrize("method", ["client_secret_post", "client_secret_basic", "client_secret_jwt"])
def test_the_secret_is_wrong(openid_provider: OpenIDProvider, settings: Settings, method: str) -> None:
    settings.SILENT_SSO_CLIENT_AUTH = method
    settings.OIDC_RP_CLIENT_SECRET = "canary-of-a-wrong-secret-of-this-very-site"
    (only,) = calls.client(Asking(10), op.metadata(), REDIRECT_URI)
    assert only.id == "client_refused"
    assert "canary" not in str(only)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ({"status": 400, "body": {"error": "unauthorized_client"}}, "client_refused"),
        ({"status": 401}, "client_refused"),
        ({"status": 400, "body": {"error": "invalid_request"}}, "client_unclear"),
        ({"status": 500}, "client_unclear"),
        ({"status": 200, "body": {}}, "client_unclear"),
    ],
)
def test_what_else_is_said(openid_provider: OpenIDProvider, answer: dict[str, Any], word: str) -> None:
    openid_provider.fail("token", **answer)
    assert about_the_client() == [word]


def test_nothing_is_said(openid_provider: OpenIDProvider) -> None:
    openid_provider.disconnect("token")
    (only,) = calls.client(Asking(10), op.metadata(), REDIRECT_URI)
    assert (only.id, "op_unreachable" in only.text) == ("client_unclear", True)


def test_a_key_that_is_not_there(openid_provider: OpenIDProvider, settings: Settings) -> None:
    settings.SILENT_SSO_CLIENT_AUTH = "private_key_jwt"
    assert about_the_client() == ["client_without_credentials"]
    assert openid_provider.calls_to("token") == []


def test_a_token_endpoint_that_is_not_used(openid_provider: OpenIDProvider, settings: Settings) -> None:
    settings.SILENT_SSO_RESPONSE_TYPE = "id_token"
    assert about_the_client() == []


def test_a_token_endpoint_that_is_missing_is_told_of_as_an_endpoint(openid_provider: OpenIDProvider) -> None:
    openid_provider.metadata.drop("token_endpoint")
    assert about_the_client() == []


# -- the session frame ---------------------------------------------------------------------------------------------


def test_no_session_frame(openid_provider: OpenIDProvider, settings: Settings) -> None:
    assert about_the_frame() == "check_session_absent"
    settings.SILENT_SSO_MONITOR = ("check_session",)
    assert about_the_frame() == "check_session_missing"


@pytest.mark.parametrize("origin", [ORIGIN, None])
def test_a_session_frame(openid_provider: OpenIDProvider, origin: str | None) -> None:
    openid_provider.session_management = True
    assert about_the_frame(origin) == "check_session_works"
    openid_provider.add_headers("check_session", {"X-Frame-Options": "DENY"})
    assert about_the_frame(origin) == "check_session_broken"


def test_a_session_frame_that_is_announced_and_nowhere(openid_provider: OpenIDProvider) -> None:
    openid_provider.session_management = True
    openid_provider.fail("check_session", status=404)
    assert about_the_frame() == "check_session_broken"
    openid_provider.disconnect("check_session")
    assert about_the_frame() == "check_session_broken"
