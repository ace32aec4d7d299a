"""Errors by form post, RP-initiated logout, third-party-initiated login, client authentication."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import include, path

from django_silent_sso.shortcuts import authentication_url
from django_silent_sso.testing.visitor import Answer
from tests.conformance.relying_party import ALL, IMPLICIT, WITH_CODE, RelyingParty, deliver, in_flows
from tests.conftest import told
from tests.urls import page

FORM_POST = [flow for flow in ALL if flow.mode == "form_post"]


def at_once(request: HttpRequest) -> HttpResponse:
    """A page that asks for an answer without a question and for a new sign-in at once, which is a contradiction."""
    return HttpResponseRedirect(authentication_url(request, return_to="/page/", max_age="0"))


urlpatterns = [path("page/", page), path("at-once/", at_once), path("oidc/", include("django_silent_sso.urls"))]


@in_flows(FORM_POST)
def test_a31_oidcc_client_test_form_post_error(rp: RelyingParty) -> None:
    """We do not send `max_age=0` with `prompt=none` (a fault in every other module): the OP knows nobody instead."""
    rp.settings.ROOT_URLCONF = __name__
    rp.provider.sign_out()
    answer = rp.provider.answer(rp.browser.get("/at-once/")["Location"])
    asked = rp.asked()
    assert (asked["prompt"], asked.get("max_age"), asked["response_mode"]) == ("none", None, "form_post")
    assert (answer.mode, answer.fields["error"]) == ("form_post", "login_required")
    done = deliver(rp.browser, answer)
    # Nobody asked for this attempt: it ends on the page first asked for, not on an error.
    assert (done.status_code, done["Location"]) == (302, "/page/")
    assert rp.browser.user() == "nobody"
    assert rp.calls("token") == 0
    again = rp.browser.from_op("/oidc/callback/", answer.fields)
    assert told(rp.browser.get(again["Location"]) if again.status_code == 303 else again) == (400, "state_unknown")


@in_flows(FORM_POST)
def test_a31_an_error_by_form_post_after_the_person_asked_is_a_page(rp: RelyingParty) -> None:
    rp.provider.answer_with_error("access_denied")
    rp.is_refused(rp.sign_in(), "access_denied")
    assert rp.calls("token") == 0


def signed_out(rp: RelyingParty) -> tuple[dict[str, str], Answer]:
    """Sign out here; what the OP was asked, and what it answers."""
    leaving = rp.browser.post("/oidc/logout/")
    assert leaving.status_code == 302
    endpoint, _, query = leaving["Location"].partition("?")
    assert endpoint == rp.provider.url_of("end_session")
    assert rp.browser.user() == "nobody", "before, and whatever the OP says"
    return dict(parse_qsl(query)), rp.provider.answer(leaving["Location"])


@in_flows(ALL)
def test_a43_oidcc_client_test_rp_init_logout(rp: RelyingParty) -> None:
    after = ("http://testserver/",)
    rp.provider.add_client("site", rp.provider.client_secret, post_logout_redirect_uris=after)
    found = rp.accepts()
    asked, answer = signed_out(rp)
    assert asked["id_token_hint"] == found.tokens(rp.provider.now()).id_token
    assert asked["post_logout_redirect_uri"] == "http://testserver/"
    assert not rp.provider.sessions
    parts = urlsplit(answer.location)
    assert dict(parse_qsl(parts.query)) == {"state": asked["state"]}
    returned = rp.browser.get(f"{parts.path}?{parts.query}")
    assert returned.status_code == 200
    assert rp.browser.user() == "nobody"


def returns_in_vain(rp: RelyingParty, query: str) -> None:
    """The page is shown, nothing else happens."""
    rp.accepts()
    signed_out(rp)
    assert rp.browser.get(f"/{query}").status_code == 200  # what was kept to compare the state with is used up
    before = rp.browser.snapshot()
    assert rp.browser.get(f"/{query}").status_code == 200
    assert rp.browser.snapshot() == before
    assert rp.browser.user() == "nobody"


@in_flows(ALL)
def test_a44_oidcc_client_test_rp_init_logout_other_state(rp: RelyingParty) -> None:
    returns_in_vain(rp, "?state=another")


@in_flows(ALL)
def test_a45_oidcc_client_test_rp_init_logout_no_state(rp: RelyingParty) -> None:
    returns_in_vain(rp, "")


@in_flows(ALL)
def test_a46_oidcc_client_test_3rd_party_init_login(rp: RelyingParty) -> None:
    given = {"iss": rp.provider.issuer, "login_hint": "alice", "target_link_uri": "http://testserver/page/7"}
    rp.accepts(f"/oidc/initiate/?{urlencode(given)}", "http://testserver/page/7")
    asked = rp.asked()
    assert asked["login_hint"] == "alice"
    assert "prompt" not in asked


@in_flows(ALL)
def test_a46_a_login_for_another_op_is_refused(rp: RelyingParty) -> None:
    answer = rp.browser.get(f"/oidc/initiate/?{urlencode({'iss': rp.provider.issuer + '1'})}")
    assert told(answer) == (400, "issuer_mismatch")
    assert rp.calls("authorize") == 0


@in_flows([flow for flow in IMPLICIT if (flow.response_type, flow.mode) == ("id_token token", "form_post")])
def test_a99_rp_response_mode_form_post(rp: RelyingParty) -> None:
    rp.accepts()
    assert rp.calls("token") == 0


@in_flows(WITH_CODE)
def test_a100_rp_token_endpoint_client_secret_post(rp: RelyingParty) -> None:
    rp.provider.add_client("site", rp.provider.client_secret, auth_method="client_secret_post")
    rp.settings.SILENT_SSO_CLIENT_AUTH = "client_secret_post"
    rp.accepts()
    (call,) = rp.provider.calls_to("token")
    assert call.parameters["client_secret"] == rp.provider.client_secret
    assert "authorization" not in call.headers


@in_flows(WITH_CODE)
def test_a101_rp_token_endpoint_client_secret_jwt(rp: RelyingParty) -> None:
    rp.provider.add_client("site", rp.provider.client_secret, auth_method="client_secret_jwt")
    rp.settings.SILENT_SSO_CLIENT_AUTH = "client_secret_jwt"
    rp.accepts()
    (call,) = rp.provider.calls_to("token")
    assert jwt.get_unverified_header(call.parameters["client_assertion"])["alg"] == "HS256"
    assert rp.provider.client_secret not in call.parameters.values()


def key_pair(kind: str) -> tuple[str, dict[str, Any]]:
    """A private key as PEM text, and the JWK Set of its public one."""
    private: Any
    if kind == "RS256":
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    else:
        private = ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    jwk = jwt.get_algorithm_by_name(kind).to_jwk(private.public_key(), as_dict=True)
    return pem, {"keys": [jwk]}


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
@in_flows(WITH_CODE)
def test_a102_rp_token_endpoint_private_key_jwt(rp: RelyingParty, algorithm: str) -> None:
    pem, jwks = key_pair(algorithm)
    rp.provider.add_client("site", rp.provider.client_secret, auth_method="private_key_jwt", jwks=jwks)
    rp.settings.SILENT_SSO_CLIENT_AUTH = "private_key_jwt"
    rp.settings.SILENT_SSO_CLIENT_KEY = pem
    rp.settings.OIDC_RP_CLIENT_SECRET = None
    rp.accepts()
    (call,) = rp.provider.calls_to("token")
    assert jwt.get_unverified_header(call.parameters["client_assertion"])["alg"] == algorithm
