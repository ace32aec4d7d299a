"""ID Tokens: the modules of the basic, implicit, hybrid and form post plans (A1 to A19)."""

from __future__ import annotations

import jwt
import pytest

from tests.conformance.relying_party import (
    ALL,
    ANY_ACCESS_TOKEN,
    FRONT_ID_TOKEN,
    FRONT_ID_TOKEN_AND_ACCESS_TOKEN,
    FRONT_ID_TOKEN_AND_CODE,
    WITH_CODE,
    RelyingParty,
    at,
    in_flows,
)


@in_flows(ALL)
def test_a01_oidcc_client_test(rp: RelyingParty) -> None:
    rp.accepts()
    asked = rp.asked()
    assert asked["response_type"] == rp.flow.response_type
    assert asked.get("response_mode", rp.flow.default_mode) == rp.flow.mode
    assert asked["redirect_uri"] == "http://testserver/oidc/callback/"
    assert "openid" in asked["scope"].split()
    assert {"state", "nonce"} <= asked.keys()
    assert {"max_age", "prompt"} & asked.keys() == set()
    # PKCE protects codes; where none is asked for it has no place (RFC 7636 4.3).
    assert ("code_challenge" in asked) == ("code" in rp.flow.members)


@in_flows(ALL)
def test_a02_oidcc_client_test_invalid_iss(rp: RelyingParty) -> None:
    rp.refuses("id_token_issuer_mismatch", "id_token_issuer")


@in_flows(ALL)
def test_a03_oidcc_client_test_missing_sub(rp: RelyingParty) -> None:
    rp.refuses("id_token_without_subject", "id_token_subject")


@in_flows(ALL)
def test_a04_oidcc_client_test_invalid_aud(rp: RelyingParty) -> None:
    rp.refuses("id_token_audience_mismatch", "id_token_audience")


@in_flows(ALL)
def test_a05_oidcc_client_test_missing_iat(rp: RelyingParty) -> None:
    rp.refuses("id_token_without_issued_at", "id_token_issued_at")


@in_flows(ALL)
def test_a06_oidcc_client_test_kid_absent_single_jwks(rp: RelyingParty) -> None:
    with rp.provider.switch_on("keys_without_key_id") as switch:
        rp.accepts()
    assert switch.hits > 0


@in_flows(ALL)
def test_a07_oidcc_client_test_kid_absent_multiple_jwks(rp: RelyingParty) -> None:
    """Of four RSA keys none can be told from the others: refused (the suite would also take an attempt with each)."""
    has_code_alone = "id_token" not in rp.flow.members
    rp.refuses_now("keys_of_every_kind_without_key_id", "id_token_key_ambiguous", token=int(has_code_alone), userinfo=0)


@in_flows(ALL)
def test_a08_oidcc_client_test_idtoken_sig_rs256(rp: RelyingParty) -> None:
    found = rp.accepts()
    assert jwt.get_unverified_header(found.tokens(rp.provider.now()).id_token)["alg"] == "RS256"


@in_flows(ALL)
def test_a09_oidcc_client_test_idtoken_sig_none(rp: RelyingParty) -> None:
    """Core 3.1.3.7 lets a client that asked for it take an unsigned token from the token endpoint: we never do."""
    rp.refuses("id_token_unsigned", "id_token_malformed")  # its third part is empty


@in_flows(ALL)
def test_a10_oidcc_client_test_invalid_sig_rs256(rp: RelyingParty) -> None:
    rp.refuses("id_token_bad_signature", "id_token_signature")


@in_flows(ANY_ACCESS_TOKEN)
def test_a11_oidcc_client_test_userinfo_invalid_sub(rp: RelyingParty) -> None:
    rp.refuses_now("userinfo_subject_mismatch", "userinfo_subject", token=int("code" in rp.flow.members), userinfo=1)


@in_flows(ALL)
def test_a12_oidcc_client_test_nonce_invalid(rp: RelyingParty) -> None:
    rp.refuses("id_token_nonce_mismatch", "id_token_nonce")


@in_flows(ALL)
def test_a13_oidcc_client_test_scope_userinfo_claims(rp: RelyingParty) -> None:
    rp.settings.OIDC_RP_SCOPES = "openid email profile"
    rp.provider.sign_in("alice", email="alice@elsewhere.example", given_name="Alice", family_name="Liddell")
    done = rp.sign_in()
    assert done["Location"] == "/page/"
    assert {"email", "profile"} < set(rp.asked()["scope"].split())
    assert rp.email() == "alice@elsewhere.example"
    session = rp.browser.fetch("/oidc/session/").json()
    assert session["user"] == {"name": "Alice"}


@pytest.mark.parametrize("secret", ["a-secret-of-the-site-and-the-provider", "Käse: 100%+x&y=z/?"])
@in_flows(WITH_CODE)
def test_a14_oidcc_client_test_client_secret_basic(rp: RelyingParty, secret: str) -> None:
    rp.provider.add_client("site", secret, auth_method="client_secret_basic")
    rp.settings.OIDC_RP_CLIENT_SECRET = secret
    rp.settings.SILENT_SSO_CLIENT_AUTH = "client_secret_basic"
    rp.accepts()
    (call,) = rp.provider.calls_to("token")
    assert call.headers["authorization"].startswith("Basic ")
    assert "client_secret" not in call.parameters


@in_flows(FRONT_ID_TOKEN)
def test_a15_oidcc_client_test_nonce_unless_code_flow(rp: RelyingParty) -> None:
    nonces = set()
    for _ in range(2):
        rp.accepts()
        nonces.add(rp.asked()["nonce"])
        rp.in_a_new_browser()
    assert len(nonces) == 2, "one of its own for each request"
    assert min(map(len, nonces)) >= 32
    rp.refuses("id_token_without_nonce", "id_token_nonce")


@in_flows(ANY_ACCESS_TOKEN)
def test_a16_oidcc_client_test_invalid_athash(rp: RelyingParty) -> None:
    reason = "id_token_access_token_hash"
    if rp.flow in FRONT_ID_TOKEN_AND_ACCESS_TOKEN:
        rp.refuses_now(at("authorize", "id_token_access_token_hash_mismatch"), reason, token=0, userinfo=0)
    if "code" in rp.flow.members:
        rp.refuses_now(at("token", "id_token_access_token_hash_mismatch"), reason, token=1, userinfo=0)


@in_flows(FRONT_ID_TOKEN_AND_ACCESS_TOKEN)
def test_a17_oidcc_client_test_missing_athash(rp: RelyingParty) -> None:
    defect = at("authorize", "id_token_without_access_token_hash")
    rp.refuses_now(defect, "id_token_access_token_hash", token=0, userinfo=0)


@in_flows(FRONT_ID_TOKEN_AND_CODE)
def test_a18_oidcc_client_test_invalid_chash(rp: RelyingParty) -> None:
    defect = at("authorize", "id_token_code_hash_mismatch")
    rp.refuses_now(defect, "id_token_code_hash", token=0, userinfo=0)


@in_flows(FRONT_ID_TOKEN_AND_CODE)
def test_a19_oidcc_client_test_missing_chash(rp: RelyingParty) -> None:
    defect = at("authorize", "id_token_without_code_hash")
    rp.refuses_now(defect, "id_token_code_hash", token=0, userinfo=0)
