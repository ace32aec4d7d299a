from __future__ import annotations

import jwt
import pytest

from django_silent_sso.testing.provider import OpenIDProvider
from tests.testing.site import CALLBACK, Site, claims_of, send

AFTER = "http://site.example/signed-out"


def test_discovery_document(provider: OpenIDProvider) -> None:
    metadata = send(f"{provider.issuer}/.well-known/openid-configuration").json()
    assert metadata["issuer"] == provider.issuer
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert "check_session_iframe" not in metadata
    endpoints = [name for name in metadata if name.endswith(("_endpoint", "_uri"))]
    assert len(endpoints) == 7
    for name in endpoints:
        assert send(metadata[name]).status != 404, name


def test_jwks_holds_no_private_member(provider: OpenIDProvider) -> None:
    answer = send(provider.url_of("jwks"))
    assert answer.headers["content-type"].startswith("application/jwk-set+json")
    (key,) = answer.json()["keys"]
    assert sorted(key) == ["e", "kid", "kty", "n", "use"]


@pytest.mark.parametrize("basic", [False, True])
def test_code_for_tokens(provider: OpenIDProvider, site: Site, basic: bool) -> None:
    provider.sign_in("alice")
    answer = site.redeem(site.authorize()["code"], basic=basic)
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json()
    assert sorted(tokens) == ["access_token", "expires_in", "id_token", "refresh_token", "scope", "token_type"]
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 3600)
    assert jwt.get_unverified_header(tokens["id_token"]).keys() == {"alg", "kid"}
    assert sorted(claims_of(tokens["id_token"])) == ["at_hash", "aud", "exp", "iat", "iss", "nonce", "sid", "sub"]


TOKEN_REFUSALS = {
    "unknown code": ({"code": "x"}, "invalid_grant"),
    "no code": ({"code": ""}, "invalid_request"),
    "other redirect URI": ({"redirect_uri": f"{CALLBACK}/"}, "invalid_grant"),
    "no redirect URI": ({"redirect_uri": ""}, "invalid_request"),
    "other verifier": ({"code_verifier": "w" * 43}, "invalid_grant"),
    "verifier too short": ({"code_verifier": "v"}, "invalid_request"),
    "other grant type": ({"grant_type": "password"}, "unsupported_grant_type"),
    "no grant type": ({"grant_type": ""}, "invalid_request"),
    "no refresh token": ({"grant_type": "refresh_token"}, "invalid_request"),
}


@pytest.mark.parametrize("case", TOKEN_REFUSALS)
def test_token_request_refused(provider: OpenIDProvider, site: Site, case: str) -> None:
    provider.sign_in("alice")
    changes, error = TOKEN_REFUSALS[case]
    answer = site.redeem(**{"code": site.authorize()["code"], **changes})
    assert (answer.status, answer.json()["error"]) == (400, error)


def test_a_refused_request_does_not_use_the_code_up(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    code = site.authorize()["code"]
    assert site.redeem(code, code_verifier="w" * 43).status == 400
    assert site.redeem(code).status == 200


def test_verifier_is_asked_for_exactly_where_there_was_a_challenge(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK}
    assert site.token_request(code=site.authorize()["code"], **form).json()["error"] == "invalid_grant"
    without = site.authorize(code_challenge=None, code_challenge_method=None)
    assert site.redeem(without["code"]).json()["error"] == "invalid_grant"
    assert site.token_request(code=without["code"], **form).status == 200


def test_client_authentication(provider: OpenIDProvider, site: Site) -> None:
    url = provider.url_of("token")
    for wrong in ({"client_id": "site"}, {"client_id": "site", "client_secret": "x"}, {"client_id": "x"}):
        answer = send(url, form=wrong)
        assert (answer.status, answer.json()["error"]) == (401, "invalid_client")
        assert "www-authenticate" not in answer.headers
    assert send(url, form={}).json()["error"] == "invalid_request"
    for header in ("Basic !", "Basic c2l0ZQ=="):
        answer = send(url, form={}, headers={"Authorization": header})
        assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Basic realm="clients"')


def test_a_client_with_one_way_to_authenticate(provider: OpenIDProvider) -> None:
    provider.sign_in("alice")
    provider.add_client("a b", "50% & more", auth_method="client_secret_basic")
    odd = Site(provider, "a b", "50% & more")
    code = odd.authorize()["code"]
    assert odd.redeem(code).status == 401
    assert odd.redeem(code, basic=True).status == 200


def test_a_code_is_for_its_own_client(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    provider.add_client("other", "secret-of-the-other")
    other = Site(provider, "other", "secret-of-the-other")
    assert other.redeem(site.authorize()["code"]).json()["error"] == "invalid_grant"
    assert other.refresh(site.tokens()["refresh_token"]).json()["error"] == "invalid_grant"


def test_refresh(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    first = site.tokens()
    second = site.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    claims = site.verified(second["id_token"])
    assert (claims["sub"], claims["nonce"]) == ("alice", "the-nonce")
    assert site.userinfo(second["access_token"]).status == 200
    assert site.refresh(second["refresh_token"]).status == 200


def test_refresh_without_rotation(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    provider.refresh_tokens = "always"
    provider.rotate_refresh_tokens = False
    token = site.tokens()["refresh_token"]
    assert site.refresh(token).json()["refresh_token"] == token
    assert site.refresh(token).status == 200


@pytest.mark.parametrize(
    ("policy", "scope", "given"),
    [
        ("never", "openid offline_access", False),
        ("offline", "openid", False),
        ("offline", "openid offline_access", True),
        ("always", "openid", True),
    ],
)
def test_who_gets_a_refresh_token(provider: OpenIDProvider, site: Site, policy: str, scope: str, given: bool) -> None:
    provider.sign_in("alice")
    provider.refresh_tokens = policy
    assert ("refresh_token" in site.tokens(scope=scope)) is given


def test_userinfo_by_scope(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice", phone_number="1", address={"country": "x"}, groups=["a"])
    assert site.userinfo(site.tokens(scope="openid")["access_token"]).json() == {"sub": "alice", "groups": ["a"]}
    everything = site.userinfo(site.tokens(scope="openid email phone address")["access_token"]).json()
    assert sorted(everything) == ["address", "email", "email_verified", "groups", "phone_number", "sub"]


def test_userinfo_with_the_token_in_the_body(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    form = {"access_token": site.tokens()["access_token"]}
    assert send(provider.url_of("userinfo"), form=form).json()["sub"] == "alice"


def test_userinfo_refused(provider: OpenIDProvider, site: Site) -> None:
    answer = site.userinfo("x")
    assert (answer.status, answer.json()["error"]) == (401, "invalid_token")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    without = send(provider.url_of("userinfo"))
    assert without.status == 401
    assert without.headers["www-authenticate"] == f'Bearer realm="{provider.issuer}"'


def test_userinfo_as_a_jwt(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    provider.userinfo_signed = True
    answer = site.userinfo(site.tokens()["access_token"])
    assert answer.headers["content-type"] == "application/jwt"
    assert site.verified(answer.body.decode())["sub"] == "alice"


def test_claims_in_the_id_token(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    provider.claims_in_id_token = True
    assert claims_of(site.tokens()["id_token"])["email"] == "alice@example.org"


def test_revocation(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    tokens, others = site.tokens(), site.tokens()
    client = {"client_id": "site", "client_secret": provider.client_secret}
    url = provider.url_of("revocation")
    assert send(url, form={**client, "token": tokens["refresh_token"]}).status == 200
    assert send(url, form={**client, "token": "unknown"}).status == 200
    assert send(url, form={"token": "x"}).status == 400
    assert site.userinfo(tokens["access_token"]).status == 401
    assert site.refresh(tokens["refresh_token"]).status == 400
    assert site.userinfo(others["access_token"]).status == 200


def test_revocation_by_another_client_changes_nothing(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    token = site.tokens()["access_token"]
    provider.add_client("other", "secret-of-the-other")
    form = {"client_id": "other", "client_secret": "secret-of-the-other", "token": token}
    assert send(provider.url_of("revocation"), form=form).status == 200
    assert site.userinfo(token).status == 200


def _end_session_url(provider: OpenIDProvider, **parameters: str) -> str:
    from urllib.parse import urlencode

    return f"{provider.url_of('end_session')}?{urlencode(parameters)}"


def test_sign_out_started_by_the_site(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    tokens = site.tokens()
    url = _end_session_url(provider, id_token_hint=tokens["id_token"], post_logout_redirect_uri=AFTER, state="a b&c")
    answer = provider.answer(url)
    assert (answer.status, answer.location) == (303, f"{AFTER}?state=a%20b%26c")
    assert provider.sessions == ()
    assert site.authorize()["error"] == "login_required"
    assert site.userinfo(tokens["access_token"]).status == 401


def test_sign_out_of_one_browser(provider: OpenIDProvider, site: Site) -> None:
    here, there = provider.visitor(), provider.visitor()
    for visitor in (here, there):
        visitor.answer(site.url(prompt=None), sign_in_as="alice")
    url = _end_session_url(provider, client_id="site", post_logout_redirect_uri=f"{AFTER}?a=1", state="s")
    assert here.answer(url).location == f"{AFTER}?a=1&state=s"
    assert here.cookies == {}
    assert here.answer(site.url()).parameters["error"] == "login_required"
    assert "code" in there.answer(site.url()).parameters


def test_sign_out_without_a_way_back(provider: OpenIDProvider) -> None:
    provider.sign_in("alice")
    answer = provider.answer(_end_session_url(provider, post_logout_redirect_uri=AFTER))
    assert (answer.status, answer.mode, provider.sessions) == (200, "page", ())
    again = provider.answer(_end_session_url(provider, client_id="site", post_logout_redirect_uri=AFTER))
    assert again.location == AFTER


def test_sign_out_refused(provider: OpenIDProvider) -> None:
    provider.sign_in("alice")
    assert provider.answer(_end_session_url(provider, id_token_hint="x")).status == 400
    provider.add_client("strict", "secret-of-the-strict", post_logout_redirect_uris=(AFTER,))
    wrong = _end_session_url(provider, client_id="strict", post_logout_redirect_uri=f"{AFTER}/")
    assert provider.answer(wrong).status == 400
    assert provider.sessions


@pytest.mark.parametrize(("choice", "left"), [("yes", 0), ("no", 1)])
def test_sign_out_that_the_person_is_asked_about(provider: OpenIDProvider, choice: str, left: int) -> None:
    provider.sign_in("alice")
    provider.confirm_sign_out = True
    url = _end_session_url(provider, client_id="site", post_logout_redirect_uri=AFTER, state="s")
    visitor = provider.visitor()
    page = visitor.answer(url)
    assert (page.status, len(provider.sessions)) == (200, 1)
    answer = visitor.submit(url, page, "sign-out", choice=choice)
    assert (answer.location, len(provider.sessions)) == (f"{AFTER}?state=s", left)
