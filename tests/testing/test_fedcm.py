"""What browsers meet that ask by themselves; see also tests/browsers/test_fedcm.py, where a real one does."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from django_silent_sso.testing.messages import Headers
from django_silent_sso.testing.provider import OpenIDProvider
from tests.testing.site import Response, send

BROWSER = {"Sec-Fetch-Dest": "webidentity"}
ORIGIN = "https://app.example"
ASSERTION = {"account_id": "alice", "client_id": "site", "disclosure_text_shown": "false"}
ENDPOINTS = ["config", "accounts", "client_metadata", "assertion"]


@pytest.fixture(autouse=True)
def _on(provider: OpenIDProvider) -> None:
    provider.fedcm = True
    provider.sign_in("alice", name="Alice Liddell")


def ask(provider: OpenIDProvider, endpoint: str, query: str = "", **headers: str) -> Response:
    return send(provider.url_of(f"fedcm_{endpoint}") + query, headers=BROWSER | headers)


def claim(provider: OpenIDProvider, *, origin: str = ORIGIN, **changes: str) -> Response:
    form = ASSERTION | changes
    return send(provider.url_of("fedcm_assertion"), form=form, headers=BROWSER | {"Origin": origin})


def claims(response: Response) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(response.json()["token"], options={"verify_signature": False})
    return found


def test_browser_finds_its_way(provider: OpenIDProvider) -> None:
    """The registrable domain's document names the configuration, and agrees with it."""
    found = send(provider.url_of("fedcm"), headers=BROWSER).json()
    (url,) = found["provider_urls"]
    assert url == provider.url_of("fedcm_config")
    config = send(url, headers=BROWSER).json()
    assert {name: config[name] for name in ("accounts_endpoint", "login_url")} == {
        name: found[name] for name in ("accounts_endpoint", "login_url")
    }
    assert config["id_assertion_endpoint"] == provider.url_of("fedcm_assertion")
    assert config["client_metadata_endpoint"] == provider.url_of("fedcm_client_metadata")


def test_first_document_is_at_the_root_of_the_host() -> None:
    with OpenIDProvider() as bare:
        port = bare.port
    with OpenIDProvider(port=port, issuer=f"http://127.0.0.1:{port}/realms/a") as provider:
        provider.fedcm = True
        assert provider.path_of("fedcm") == "/.well-known/web-identity"
        found = send(f"http://127.0.0.1:{port}/.well-known/web-identity").json()
        assert found["provider_urls"] == [f"{provider.issuer}/fedcm.json"]


@pytest.mark.parametrize("endpoint", [*ENDPOINTS, "login"])
def test_it_is_off_unless_a_test_wants_it(provider: OpenIDProvider, endpoint: str) -> None:
    provider.fedcm = False
    method = "POST" if endpoint == "assertion" else "GET"
    assert send(provider.url_of(f"fedcm_{endpoint}"), method=method, headers=BROWSER).status == 404
    assert send(provider.url_of("fedcm")).status == 404


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_no_page_can_ask_in_the_place_of_the_browser(provider: OpenIDProvider, endpoint: str) -> None:
    method = "POST" if endpoint == "assertion" else "GET"
    for destination in ("empty", "document", ""):
        headers = {"Sec-Fetch-Dest": destination}
        url = f"{provider.url_of(f'fedcm_{endpoint}')}?client_id=site"
        assert send(url, method=method, headers=headers).status == 404


def test_accounts_are_those_of_the_session(provider: OpenIDProvider) -> None:
    provider.ask_for_consent = True
    provider.give_consent("alice", "site")
    provider.add_client("another", "secret")
    (account,) = ask(provider, "accounts").json()["accounts"]
    expected = {"id": "alice", "name": "Alice Liddell", "email": "alice@example.org", "approved_clients": ["site"]}
    assert account == expected


def test_nobody_has_no_account(provider: OpenIDProvider) -> None:
    provider.sign_out()
    assert ask(provider, "accounts").status == 401


def test_client_is_known_or_not(provider: OpenIDProvider) -> None:
    response = ask(provider, "client_metadata", "?client_id=site", Origin=ORIGIN)
    assert (response.status, response.headers["access-control-allow-origin"]) == (200, ORIGIN)
    assert ask(provider, "client_metadata", "?client_id=nobody").status == 404


@pytest.mark.parametrize(
    "given",
    [
        {"nonce": "n"},
        {"params": json.dumps({"nonce": "n"})},
        {"params": json.dumps({"nonce": "n"}), "nonce": "old"},
        {"params": "no JSON", "nonce": "n"},
        {"params": "[1]", "nonce": "n"},
        {"params": json.dumps({"nonce": 1}), "nonce": "n"},
    ],
)
def test_assertion_is_an_id_token_with_the_nonce(provider: OpenIDProvider, given: dict[str, str]) -> None:
    response = claim(provider, **given)
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert response.headers["access-control-allow-credentials"] == "true"
    found = claims(response)
    assert {name: found[name] for name in ("iss", "aud", "sub", "nonce", "email")} == {
        "iss": provider.issuer,
        "aud": "site",
        "sub": "alice",
        "nonce": "n",
        "email": "alice@example.org",
    }


def test_without_a_nonce_there_is_none(provider: OpenIDProvider) -> None:
    assert "nonce" not in claims(claim(provider))


def test_assertion_is_consent(provider: OpenIDProvider) -> None:
    provider.ask_for_consent = True
    claim(provider)
    assert provider.has_consent("alice", "site")


def test_assertion_is_only_for_the_clients_own_origin(provider: OpenIDProvider) -> None:
    provider.add_client("site", "secret", redirect_uris=(f"{ORIGIN}/oidc/callback/",))
    assert claim(provider).status == 200
    for origin in ("https://evil.example", "http://app.example", ""):
        refused = claim(provider, origin=origin)
        assert (refused.status, "access-control-allow-origin" in refused.headers) == (403, False)
    assert claim(provider, client_id="nobody").status == 403


def test_assertion_is_only_for_who_is_signed_in(provider: OpenIDProvider) -> None:
    assert claim(provider, account_id="bob").status == 401
    provider.sign_out()
    refused = claim(provider)
    assert (refused.status, refused.json()) == (401, {"error": {"code": "access_denied"}})


def test_defects_reach_the_assertion(provider: OpenIDProvider) -> None:
    with provider.switch_on("id_token_nonce_mismatch"):
        assert claims(claim(provider, nonce="the-nonce"))["nonce"] != "the-nonce"


def test_login_page_signs_this_browser_in_and_closes_itself(provider: OpenIDProvider) -> None:
    provider.sign_out()
    url = provider.url_of("fedcm_login")
    assert b'action="/fedcm/login"' in send(url).body
    assert b'action="/fedcm/login"' in send(url, form={"username": " "}).body
    done = send(url, form={"username": "alice"})
    assert done.headers["set-login"] == "logged-in"
    assert b"IdentityProvider" in done.body
    cookie = done.headers["set-cookie"].partition(";")[0]
    assert ask(provider, "accounts", Cookie=cookie).json()["accounts"][0]["id"] == "alice"


def login_status(provider: OpenIDProvider) -> list[str | None]:
    """What the browser is told by the OP's ordinary pages, signing in and out."""
    parts = urlencode({"client_id": "site", "redirect_uri": "http://site.example/callback", "response_type": "code"})
    provider.sign_out()
    page = send(f"{provider.url_of('authorize')}?{parts}&scope=openid")
    interaction = page.body.partition(b'name="interaction" value="')[2].partition(b'"')[0].decode()
    connection = HTTPConnection("127.0.0.1", provider.port, timeout=10)
    form = {"interaction": interaction, "username": "alice"}
    signed_in = send(provider.url_of("login"), form=form, connection=connection)
    connection.close()
    signed_out = send(provider.url_of("end_session"))
    answers: list[Headers] = [signed_in.headers, signed_out.headers]
    return [headers.get("set-login") for headers in answers]


def test_browser_is_told_who_signs_in_and_out(provider: OpenIDProvider) -> None:
    assert login_status(provider) == ["logged-in", "logged-out"]
    provider.fedcm = False
    assert login_status(provider) == [None, None]
