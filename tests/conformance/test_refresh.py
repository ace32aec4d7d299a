"""Refresh tokens: the modules of the refresh token plan, and of FAPI (A47 to A49, A87)."""

from __future__ import annotations

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from django_silent_sso.op import provider as op_provider
from django_silent_sso.op.http import Answer
from django_silent_sso.protocol.errors import OPUnavailable
from django_silent_sso.shortcuts import with_access_token
from django_silent_sso.storage.rp_session import RPSession, Tokens
from django_silent_sso.testing import make_stale
from tests.conformance.relying_party import WITH_CODE, RelyingParty, in_flows
from tests.urls import page

pytestmark = pytest.mark.urls(__name__)


def who(request: HttpRequest) -> HttpResponse:
    """A view that asks UserInfo, as any API, with the user's access token."""
    answer = with_access_token(request, ask)
    return HttpResponse(answer.body, content_type="application/json", status=answer.status)


def ask(token: str) -> Answer:
    try:
        return op_provider.userinfo(token)
    except OPUnavailable:
        return Answer(status=401, content_type="", cache_control="", retry_after=None, body=b"")


urlpatterns = [path("who/", who), path("page/", page), path("oidc/", include("django_silent_sso.urls"))]


@pytest.fixture
def signed_in(rp: RelyingParty) -> RelyingParty:
    rp.provider.refresh_tokens = "always"
    rp.accepts()
    rp.provider.forget_calls()
    return rp


def tokens(rp: RelyingParty) -> Tokens:
    found = RPSession.read(rp.browser.session)
    assert found is not None
    return found.tokens(rp.provider.now())


def shown(rp: RelyingParty) -> list[str]:
    """The refresh tokens that the token endpoint has seen, in order."""
    return [call.parameters["refresh_token"] for call in rp.provider.calls_to("token")]


def make_due(rp: RelyingParty) -> None:
    make_stale(rp.browser.session)


@in_flows(WITH_CODE)
def test_a47_oidcc_client_test_refresh_token(signed_in: RelyingParty) -> None:
    before = tokens(signed_in)
    make_due(signed_in)
    answer = signed_in.browser.get("/who/")
    assert answer.json()["sub"] == "alice"
    after = tokens(signed_in)
    assert shown(signed_in) == [before.refresh_token]
    (call,) = signed_in.provider.calls_to("userinfo")
    assert call.headers["Authorization"] == f"Bearer {after.access_token}"
    assert after.access_token != before.access_token


def stops(rp: RelyingParty, **claims: str) -> None:
    """The answer is not used: no UserInfo call, none of its tokens is kept, nothing of the session has changed."""
    before = tokens(rp)
    rp.provider.id_token.replace(**claims)
    make_due(rp)
    rp.browser.get("/page/")
    assert len(shown(rp)) == 1
    assert rp.calls("userinfo") == 0
    after = tokens(rp)
    assert (after.id_token, after.access_token, after.refresh_token) == (before.id_token, before.access_token, "")


@in_flows(WITH_CODE)
def test_a48_oidcc_client_test_refresh_token_invalid_issuer(signed_in: RelyingParty) -> None:
    stops(signed_in, iss=f"{signed_in.provider.issuer}1")


@in_flows(WITH_CODE)
def test_a49_oidcc_client_test_refresh_token_invalid_sub(signed_in: RelyingParty) -> None:
    stops(signed_in, sub="alice1")


@in_flows(WITH_CODE)
def test_a87_fapi1_advanced_final_client_refresh_token_test(signed_in: RelyingParty) -> None:
    """The API refuses the token twice, each time the refresh token has been rotated since."""
    seen = [tokens(signed_in).refresh_token]
    for _ in range(2):
        with signed_in.provider.fail("userinfo", status=401, times=1) as switch:
            answer = signed_in.browser.get("/who/")
        assert switch.hits == 1
        assert answer.json()["sub"] == "alice"
        seen.append(tokens(signed_in).refresh_token)
    assert shown(signed_in) == seen[:2]
    assert len(set(seen)) == 3
