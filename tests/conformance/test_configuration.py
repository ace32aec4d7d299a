"""Discovery, keys and UserInfo: the config and dynamic plans, and what only the comprehensive plan has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jwt
import pytest

from django_silent_sso.testing.messages import Reply
from tests.conformance.relying_party import (
    ALL,
    ANY_ACCESS_TOKEN,
    CODE,
    START,
    RelyingParty,
    in_flows,
)
from tests.conftest import told


def move(rp: RelyingParty, *names: str) -> None:
    """Other paths than any site could guess or have in its settings."""
    for name in names:
        endpoint = rp.provider.endpoints[name]
        rp.provider.endpoints[name] = replace(endpoint, path=f"/of-this-run{endpoint.path}")


@in_flows(ALL)
def test_a20_oidcc_client_test_discovery_openid_config(rp: RelyingParty) -> None:
    move(rp, "authorize", "token", "userinfo", "jwks")
    rp.accepts()
    assert rp.calls("discovery") == 1
    assert all(call.path.startswith("/of-this-run") for call in rp.provider.calls[1:])


@in_flows(ALL)
def test_a21_oidcc_client_test_discovery_jwks_uri_keys(rp: RelyingParty) -> None:
    move(rp, "jwks")
    rp.accepts()
    assert [call.path for call in rp.provider.calls_to("jwks")] == ["/of-this-run/jwks"]


@in_flows(ALL)
def test_a22_oidcc_client_test_discovery_issuer_mismatch(rp: RelyingParty) -> None:
    with rp.provider.switch_on("metadata_issuer_mismatch"):
        page = rp.browser.get(START)
    assert told(page) == (503, "metadata_issuer_mismatch")
    assert "<h1" in page.content.decode()
    assert rp.calls("authorize") == 0
    assert not page.cookies


@in_flows(ALL)
def test_a23_oidcc_client_test_signing_key_rotation_just_before_signing(rp: RelyingParty) -> None:
    rp.accepts()
    rp.in_a_new_browser()
    with rp.provider.switch_on("keys_rotated_before_signing", times=1):
        rp.accepts()
    assert rp.calls("jwks") == 1, "asked again, because the keys at hand did not fit"


@in_flows(ALL)
def test_a24_oidcc_client_test_signing_key_rotation(rp: RelyingParty) -> None:
    rp.accepts()
    rp.provider.rotate_keys()
    rp.in_a_new_browser()
    rp.accepts()
    assert rp.calls("jwks") == 1
    rp.in_a_new_browser()
    rp.accepts()
    assert rp.calls("jwks") == 0


@in_flows(ANY_ACCESS_TOKEN)
def test_a30_oidcc_client_test_userinfo_signed(rp: RelyingParty) -> None:
    rp.provider.userinfo_signed = True
    rp.accepts()


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        pytest.param({"iss": "https://id.example.org1"}, "id_token_issuer", id="iss"),
        pytest.param({"aud": "site1"}, "id_token_audience", id="aud"),
        pytest.param({"sub": "invalid"}, "userinfo_subject", id="sub"),
        pytest.param({}, "id_token_signature", id="signature"),
    ],
)
@in_flows(CODE[:1])
def test_a30_signed_userinfo_that_does_not_hold(rp: RelyingParty, claims: dict[str, str], reason: str) -> None:
    keys, good = rp.provider.keys, {"iss": rp.provider.issuer, "aud": "site", "sub": "alice"}
    token = jwt.encode({**good, **claims}, keys.current.private, algorithm="RS256", headers={"kid": keys.current.kid})
    if not claims:
        head, _, signature = token.rpartition(".")
        token = f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
    rp.provider.answer_instead("userinfo", Reply(200, token.encode(), (("Content-Type", "application/jwt"),)))
    rp.is_refused(rp.sign_in(), reason)


@in_flows(ALL)
def test_a50_oidcc_client_test_missing_aud(rp: RelyingParty) -> None:
    rp.refuses("id_token_without_audience", "id_token_audience")


@pytest.mark.openid_provider(algorithm="HS256")
@in_flows(ALL)
def test_a51_oidcc_client_test_invalid_sig_hs256(rp: RelyingParty) -> None:
    rp.refuses("id_token_bad_signature", "id_token_signature")


@pytest.mark.openid_provider(algorithm="ES256")
@in_flows(ALL)
def test_a52_oidcc_client_test_invalid_sig_es256(rp: RelyingParty) -> None:
    rp.refuses("id_token_bad_signature", "id_token_signature")


@in_flows(ANY_ACCESS_TOKEN)
def test_a53_oidcc_client_test_userinfo_bearer_header(rp: RelyingParty) -> None:
    found = rp.accepts()
    (call,) = rp.provider.calls_to("userinfo")
    assert call.headers["authorization"] == f"Bearer {found.tokens(rp.provider.now()).access_token}"
    assert (call.query, call.form) == ((), ())


def of_algorithm(name: str) -> Any:
    return pytest.mark.openid_provider(algorithm=name)


@of_algorithm("ES256")
@in_flows(ALL)
def test_a92_rp_id_token_sig_es256(rp: RelyingParty) -> None:
    found = rp.accepts()
    assert jwt.get_unverified_header(found.tokens(rp.provider.now()).id_token)["alg"] == "ES256"


@of_algorithm("HS256")
@in_flows(ALL)
def test_a93_rp_id_token_sig_hs256(rp: RelyingParty) -> None:
    found = rp.accepts()
    assert jwt.get_unverified_header(found.tokens(rp.provider.now()).id_token)["alg"] == "HS256"
    assert rp.calls("jwks") == 0
