"""Pushed Authorization Requests (RFC 9126) at the provider."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from django_silent_sso.testing.provider import OpenIDProvider
from tests.testing.site import CALLBACK, CHALLENGE, Response, Site, send

GOOD = {
    "client_id": "site",
    "redirect_uri": CALLBACK,
    "response_type": "code",
    "scope": "openid",
    "state": "the-state",
    "prompt": "none",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def push(provider: OpenIDProvider, **changes: str) -> Response:
    return send(provider.url_of("pushed_request"), form={**GOOD, "client_secret": provider.client_secret, **changes})


def go(provider: OpenIDProvider, reference: str, **parameters: str) -> Any:
    query = urlencode({"client_id": "site", "request_uri": reference, **parameters})
    return provider.answer(f"{provider.url_of('authorize')}?{query}")


def test_a_reference_stands_for_what_was_pushed(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    answer = push(provider)
    assert (answer.status, answer.headers["cache-control"]) == (201, "no-store")
    pushed = answer.json()
    assert pushed["expires_in"] == 60
    parameters = go(provider, pushed["request_uri"], state="another", scope="email").parameters
    assert parameters["state"] == "the-state"
    assert site.redeem(parameters["code"]).status == 200


@pytest.mark.parametrize("how", ["used", "expired", "unknown", "of another client"])
def test_a_reference_that_does_not_hold(provider: OpenIDProvider, how: str) -> None:
    provider.sign_in("alice")
    reference = push(provider).json()["request_uri"]
    client = {}
    if how == "used":
        go(provider, reference)
    elif how == "expired":
        real = provider.clock
        provider.clock = lambda: real() + 61
    elif how == "unknown":
        reference += "x"
    else:
        provider.add_client("other", "secret")
        client = {"client_id": "other"}
    answer = go(provider, reference, **client)
    assert (answer.mode, answer.status) == ("page", 400)
    assert "invalid_request_uri" in answer.page


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"scope": "email"}, 400, "invalid_request"),
        ({"redirect_uri": "nowhere"}, 400, "invalid_request"),
        ({"response_type": "telepathy"}, 400, "unsupported_response_type"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, 400, "request_uri_not_supported"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
    ],
)
def test_refused(provider: OpenIDProvider, changes: dict[str, str], status: int, error: str) -> None:
    answer = push(provider, **changes)
    assert (answer.status, answer.json()["error"]) == (status, error)
    assert provider.pushed_requests == {}


def test_a_reference_that_nobody_knows_is_refused_by_redirect_where_that_can_be(
    provider: OpenIDProvider, site: Site
) -> None:
    answer = site.authorize(request_uri="urn:ietf:params:oauth:request_uri:x")
    assert (answer["error"], answer["state"]) == ("invalid_request_uri", "the-state")


def test_secrets_are_no_part_of_the_request(provider: OpenIDProvider) -> None:
    push(provider)
    (pushed,) = provider.pushed_requests.values()
    assert dict(pushed.parameters) == GOOD


def test_an_authenticated_client_need_not_name_itself_twice(provider: OpenIDProvider, site: Site) -> None:
    form = {name: value for name, value in GOOD.items() if name != "client_id"}
    headers = {"Authorization": "Basic c2l0ZTphLXNlY3JldC1vZi10aGUtc2l0ZS1hbmQtdGhlLXByb3ZpZGVy"}
    answer = send(provider.url_of("pushed_request"), form=form, headers=headers)
    assert answer.status == 201, answer.body


def test_none_but_pushed_requests(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    assert "require_pushed_authorization_requests" not in send(provider.url_of("discovery")).json()
    provider.require_pushed_requests = True
    assert send(provider.url_of("discovery")).json()["require_pushed_authorization_requests"] is True
    assert site.authorize()["error"] == "invalid_request"
    assert "code" in go(provider, push(provider).json()["request_uri"]).parameters


def test_other_references_are_refused_as_ever(provider: OpenIDProvider, site: Site) -> None:
    assert site.authorize(request_uri="https://site.example/request")["error"] == "request_uri_not_supported"
