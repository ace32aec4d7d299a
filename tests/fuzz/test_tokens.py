"""What the provider signs, publishes and answers: headers, claims, keys, metadata, token answers."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_silent_sso.protocol.errors import ConfigurationError, TokenError
from django_silent_sso.protocol.id_token import Expected, TokenHeader, validate_id_token
from django_silent_sso.protocol.keys import choose_key
from django_silent_sso.protocol.provider_metadata import ProviderMetadata
from django_silent_sso.testing import OpenIDProvider
from django_silent_sso.testing.keys import base64url, compact_jws
from tests.conftest import Browser, Clock
from tests.faults.conftest import forget_the_op
from tests.fuzz.invariants import Watch
from tests.fuzz.strategies import any_texts, examples, few, json_values, mapping, texts

HEADER = ("alg", "kid", "typ", "crit", "b64", "jwk", "jku", "x5c", "x5u", "cty", "zip", "enc")
CLAIMS = ("iss", "sub", "aud", "azp", "exp", "iat", "nbf", "nonce", "at_hash", "c_hash", "acr", "amr", "sid", "events")
JWK = ("kty", "n", "e", "alg", "use", "key_ops", "kid", "crv", "x", "y", "k", "d", "x5c")
METADATA = ("token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint", "check_session_iframe")
LISTS = ("response_modes_supported", "id_token_signing_alg_values_supported", "token_endpoint_auth_methods_supported")
NOW = 1_800_000_000
GOOD = {"iss": "https://id.example.org", "sub": "alice", "aud": "site", "exp": NOW + 60, "iat": NOW, "nonce": "n"}
EXPECTED = Expected(issuer=GOOD["iss"], client_id="site", algorithm="RS256", nonce="n", access_token="a", state="s")
HEADER_OF_OURS = TokenHeader(alg="RS256", kid="k", typ=None)


def never_same(values: dict[str, Any], *names: str) -> dict[str, Any]:
    """With one member that is certainly wrong."""
    return {**values, **{name: f"{values.get(name, '')}wrong" for name in names}}


@pytest.fixture
def keys() -> Any:
    with OpenIDProvider() as provider:
        yield provider.keys


def test_no_header_makes_a_token_of_another_algorithm_good(keys: Any) -> None:
    jwk_set = keys.jwk_set()

    @examples
    @given(mapping(HEADER))
    def check(header: dict[str, Any]) -> None:
        token = compact_jws({**keys.header(), **header, "alg": header.get("alg", "none")}, GOOD, keys.sign)
        with pytest.raises(TokenError):
            validate_id_token(token, keys=lambda h: choose_key(jwk_set, h), expected=EXPECTED, now=NOW)

    check()


@pytest.mark.parametrize("wrong", ["iss", "aud", "nonce"])
def test_no_claims_make_up_for_a_wrong_one(keys: Any, wrong: str) -> None:
    jwk_set = keys.jwk_set()

    @examples
    @given(mapping(CLAIMS))
    def check(claims: dict[str, Any]) -> None:
        token = compact_jws(keys.header(), never_same({**GOOD, **claims}, wrong), keys.sign)
        with pytest.raises(TokenError):
            validate_id_token(token, keys=lambda h: choose_key(jwk_set, h), expected=EXPECTED, now=NOW)

    check()


def test_a_token_that_was_not_signed_like_this_is_refused(keys: Any) -> None:
    jwk_set, token = keys.jwk_set(), compact_jws(keys.header(), GOOD, keys.sign)
    header, payload, signature = token.split(".")
    parts = st.sampled_from([header, payload, signature]) | any_texts | st.binary(max_size=60).map(_base64)
    tokens = st.lists(parts, max_size=5).map(".".join) | any_texts

    @examples
    @given(tokens.filter(lambda made: made != token))
    def check(made: str) -> None:
        with pytest.raises(TokenError):
            validate_id_token(made, keys=lambda h: choose_key(jwk_set, h), expected=EXPECTED, now=NOW)

    check()


@examples
@given(json_values | st.fixed_dictionaries({"keys": st.lists(mapping(JWK) | json_values, max_size=5)}))
def test_no_key_set_of_others_holds_a_key(jwk_set: Any) -> None:
    document = jwk_set if isinstance(jwk_set, dict) else {"keys": jwk_set}
    with pytest.raises(TokenError):
        choose_key(document, HEADER_OF_OURS)


def test_a_good_key_that_was_changed_is_a_key_or_none(keys: Any) -> None:
    good = keys.jwk_set()["keys"][0]
    header = TokenHeader(alg="RS256", kid=good["kid"], typ=None)

    @examples
    @given(mapping(JWK))
    def check(changes: dict[str, Any]) -> None:
        try:
            key = choose_key({"keys": [{**good, **changes}]}, header)
        except TokenError:
            return
        assert key.key_size >= 2048

    check()


endpoints = st.sampled_from([*METADATA, *LISTS, "issuer", "authorization_endpoint"])
urls = texts.map(lambda text: f"https://id.example.org/{text}") | texts.map(lambda text: f"https://{text}/") | texts


@examples
@given(json_values | st.dictionaries(endpoints | texts, json_values | urls, max_size=6))
def test_no_document_is_an_error_of_another_kind(document: Any) -> None:
    complete = {"issuer": GOOD["iss"], "authorization_endpoint": f"{GOOD['iss']}/a"}
    for candidate in (document, {**complete, **document} if isinstance(document, dict) else complete):
        try:
            found = ProviderMetadata.from_document(candidate, issuer=str(GOOD["iss"]))
        except ConfigurationError:
            continue
        assert found.issuer == GOOD["iss"]
        for url in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri, found.end_session_endpoint):
            assert (
                url is None or urlsplit(url).scheme == "https" or urlsplit(url).hostname in ("127.0.0.1", "localhost")
            )


# -- the same by way of the site: fewer things vary, everything takes part ---------------------------------------------


@pytest.fixture
def visitor(browser: Browser) -> Browser:
    browser.provider.sign_in("alice")
    return browser


def sign_in(browser: Browser) -> Any:
    browser.client.cookies.clear()
    return browser.surf("/oidc/authenticate/?next=/page/")[0]


@pytest.mark.parametrize("wrong", ["claims", "header"])
def test_a_wrong_token_signs_nobody_in(visitor: Browser, wrong: str) -> None:
    watch = Watch(visitor)

    @few
    @given(mapping(CLAIMS if wrong == "claims" else HEADER, json_values.filter(_is_json)))
    def check(changes: dict[str, Any]) -> None:
        if wrong == "claims":
            switch = visitor.provider.id_token.change(lambda claims: never_same({**claims, **changes}, "nonce"))
        else:
            changed = {**changes, "alg": changes.get("alg", "none")}
            switch = visitor.provider.id_token_header.update(changed)
        with switch:
            response = sign_in(visitor)
        assert response.status_code == 400
        watch.holds(response)

    check()


@pytest.mark.parametrize("document", ["jwks", "discovery", "token", "userinfo"])
def test_no_answer_of_the_provider_is_an_error_of_ours(visitor: Browser, clock: Clock, document: str) -> None:
    watch = Watch(visitor)

    @few
    @given(
        json_values.filter(_is_json)
        | mapping((*METADATA, *CLAIMS, "keys", "access_token"), json_values.filter(_is_json))
    )
    def check(answer: Any) -> None:
        forget_the_op()
        body = json.dumps(answer).encode()
        with visitor.provider.fail(document, status=200, body=body, headers={"Content-Type": "application/json"}):
            response = sign_in(visitor)
            page = visitor.get("/page/")
        assert page.status_code == 200
        if document == "userinfo":
            assert response.status_code in (200, 400)
        else:
            watch.holds(response, unavailable=True)

    check()


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


def _base64(data: bytes) -> str:
    return base64url(data).decode()
