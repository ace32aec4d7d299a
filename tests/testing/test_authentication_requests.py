from __future__ import annotations

import pytest

from django_silent_sso.testing.provider import OpenIDProvider
from tests.testing.site import CALLBACK, Site

NO_REDIRECT = {
    "unknown client": {"client_id": "nobody"},
    "no client": {"client_id": None},
    "no redirect URI": {"redirect_uri": None},
    "relative redirect URI": {"redirect_uri": "/callback"},
    "redirect URI with a fragment": {"redirect_uri": f"{CALLBACK}#x"},
    "redirect URI of no web page": {"redirect_uri": "javascript:alert(1)"},
    "two clients": {"client_id": ["site", "site"]},
    "two redirect URIs": {"redirect_uri": [CALLBACK, CALLBACK]},
}


@pytest.mark.parametrize("case", NO_REDIRECT)
def test_answered_with_a_page_only(provider: OpenIDProvider, site: Site, case: str) -> None:
    provider.sign_in("alice")
    answer = provider.answer(site.url(**NO_REDIRECT[case]))
    assert (answer.status, answer.mode) == (400, "page")


def test_a_redirect_uri_that_is_not_registered(provider: OpenIDProvider) -> None:
    provider.sign_in("alice")
    provider.add_client("strict", "secret-of-the-strict", redirect_uris=(CALLBACK,))
    strict = Site(provider, "strict", "secret-of-the-strict")
    assert "code" in strict.authorize()
    assert provider.answer(strict.url(redirect_uri=f"{CALLBACK}/")).status == 400


NO_PKCE = {"code_challenge": None, "code_challenge_method": None}
REFUSED = {
    "state twice": ({"state": ["a", "b"]}, "invalid_request"),
    "nonce twice": ({"nonce": ["a", "b"]}, "invalid_request"),
    "request object": ({"request": "x"}, "request_not_supported"),
    "request URI": ({"request_uri": "x"}, "request_uri_not_supported"),
    "registration": ({"registration": "{}"}, "registration_not_supported"),
    "no response type": ({"response_type": None}, "invalid_request"),
    "response type token": ({"response_type": "token"}, "unsupported_response_type"),
    "unknown response type": ({"response_type": "x"}, "unsupported_response_type"),
    "unknown response mode": ({"response_mode": "x"}, "unsupported_response_mode"),
    "id_token by query": ({"response_type": "id_token", "response_mode": "query", **NO_PKCE}, "invalid_request"),
    "no openid scope": ({"scope": "email"}, "invalid_request"),
    "no scope": ({"scope": None}, "invalid_request"),
    "id_token without nonce": ({"response_type": "id_token", "nonce": None, **NO_PKCE}, "invalid_request"),
    "unknown prompt": ({"prompt": "x"}, "invalid_request"),
    "prompt none with another": ({"prompt": "none login"}, "invalid_request"),
    "max_age no number": ({"max_age": "x"}, "invalid_request"),
    "max_age negative": ({"max_age": "-1"}, "invalid_request"),
    "plain challenge": ({"code_challenge_method": "plain"}, "invalid_request"),
    "challenge without method": ({"code_challenge_method": None}, "invalid_request"),
    "method without challenge": ({"code_challenge": None}, "invalid_request"),
    "short challenge": ({"code_challenge": "x"}, "invalid_request"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(provider: OpenIDProvider, site: Site, case: str) -> None:
    provider.sign_in("alice")
    changes, error = REFUSED[case]
    response = site.authorize(**changes)
    assert (response["error"], response["iss"]) == (error, provider.issuer)
    assert "code" not in response
    assert ("state" in response) is (case != "state twice")


def test_pkce_is_free_unless_the_provider_requires_it(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    assert "code" in site.authorize(**NO_PKCE)
    provider.pkce_required = True
    assert site.authorize(**NO_PKCE)["error"] == "invalid_request"
    assert "id_token" in site.authorize(response_type="id_token", **NO_PKCE)


def test_by_post_as_well(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    url, _, _ = site.url().partition("?")
    answer = provider.answer(
        url,
        method="POST",
        client_id="site",
        redirect_uri=CALLBACK,
        response_type="code",
        scope="openid",
        prompt="none",
    )
    assert sorted(answer.parameters) == ["code", "iss"]


def test_a_redirect_uri_cannot_add_headers(provider: OpenIDProvider, site: Site) -> None:
    answer = provider.answer(site.url(redirect_uri=f"{CALLBACK}/\r\nSet-Cookie: a=b/ü"))
    assert answer.location.startswith(f"{CALLBACK}/%0D%0ASet-Cookie:%20a=b/%C3%BC?")
    assert "set-cookie" not in answer.headers
