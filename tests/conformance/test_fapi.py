"""The modules of the FAPI plans that an ordinary relying party should pass too (A58 to A77)."""

from __future__ import annotations

from typing import Any

import pytest

from django_silent_sso.testing.defects import Change, Defect, Point, Situation
from tests.conformance.relying_party import (
    ALL,
    CALLBACK,
    FRONT_ID_TOKEN,
    START,
    WITH_CODE,
    WITHOUT_FRONT_ID_TOKEN,
    RelyingParty,
    at,
    deliver,
    in_flows,
    post_fragment,
)
from tests.conftest import told


@in_flows(ALL)
def test_a58_valid_aud_as_array(rp: RelyingParty) -> None:
    with rp.provider.switch_on("id_token_audience_as_list") as switch:
        rp.accepts()
    assert switch.hits > 0


@in_flows(ALL)
def test_a59_invalid_secondary_aud(rp: RelyingParty) -> None:
    rp.refuses("id_token_second_audience", "id_token_audience")


@in_flows(ALL)
def test_a60_invalid_missing_iss(rp: RelyingParty) -> None:
    rp.refuses("id_token_without_issuer", "id_token_issuer")


@in_flows(ALL)
def test_a61_invalid_missing_exp(rp: RelyingParty) -> None:
    rp.refuses("id_token_without_expiry", "id_token_expired")


@in_flows(ALL)
def test_a62_invalid_expired_exp(rp: RelyingParty) -> None:
    rp.refuses("id_token_expired", "id_token_expired")


@in_flows(ALL)
def test_a63_iat_is_week_in_past(rp: RelyingParty) -> None:
    rp.refuses("id_token_issued_long_ago", "id_token_issued_at")


@in_flows(ALL)
def test_a64_invalid_missing_nonce(rp: RelyingParty) -> None:
    rp.refuses("id_token_without_nonce", "id_token_nonce")


@pytest.mark.parametrize("spelling", ["none", "None", "nONE", "", None])
@in_flows(ALL)
def test_a65_invalid_null_alg(rp: RelyingParty, spelling: str | None) -> None:
    """With the signature left in place: it is the header alone that would switch the check off."""

    def unsigned(header: dict[str, Any], situation: Situation) -> dict[str, Any]:
        return {**header, "alg": spelling}

    here = "authorize" if rp.flow in FRONT_ID_TOKEN else "token"
    change = Change(Point.ID_TOKEN_HEADER, unsigned, frozenset({here}))
    rp.refuses_now(Defect("alg none", (change,)), "id_token_algorithm", token=int(here == "token"), userinfo=0)


@in_flows(ALL)
def test_a66_invalid_alternate_alg(rp: RelyingParty) -> None:
    rp.refuses("id_token_other_algorithm", "id_token_algorithm")


@pytest.mark.parametrize("defect", ["id_token_bad_signature", "id_token_changed_after_signing"])
@in_flows(ALL)
def test_a67_invalid_signature(rp: RelyingParty, defect: str) -> None:
    rp.refuses(defect, "id_token_signature")


@in_flows(FRONT_ID_TOKEN)
def test_a68_invalid_shash(rp: RelyingParty) -> None:
    rp.provider.state_hash = True
    rp.accepts()
    rp.in_a_new_browser()
    rp.refuses_now(at("authorize", "id_token_state_hash_mismatch"), "id_token_state_hash", token=0, userinfo=0)


@in_flows(WITH_CODE)
def test_a70_missing_athash_from_the_token_endpoint(rp: RelyingParty) -> None:
    with rp.provider.switch_on(at("token", "id_token_without_access_token_hash")) as switch:
        rp.accepts()
    assert switch.hits == 1


@in_flows(WITH_CODE)
def test_a71_no_scope_in_token_endpoint_response(rp: RelyingParty) -> None:
    with rp.provider.switch_on("token_answer_without_scope"):
        rp.accepts()


@in_flows(WITH_CODE)
def test_a72_token_endpoint_response_without_expires_in(rp: RelyingParty) -> None:
    with rp.provider.switch_on("token_answer_without_expiry"):
        rp.accepts()


@in_flows(WITH_CODE)
def test_a73_token_type_case_insensitivity(rp: RelyingParty) -> None:
    with rp.provider.switch_on("token_type_in_odd_case"):
        rp.accepts()


def is_refused_and_the_attempt_lives_on(rp: RelyingParty, defect: str, reason: str) -> None:
    leaving = rp.browser.get(START)["Location"]
    with rp.provider.switch_on(defect):
        bad = rp.answer(leaving)
    page = deliver(rp.browser, bad)
    rp.is_refused(page, reason)
    assert rp.calls("token") == rp.calls("userinfo") == 0
    # A forged answer must not be able to spoil the true one.
    assert deliver(rp.browser, rp.answer(leaving))["Location"] == "/page/"


@in_flows(ALL)
def test_a74_ensure_authorization_response_with_invalid_state_fails(rp: RelyingParty) -> None:
    is_refused_and_the_attempt_lives_on(rp, "response_state_mismatch", "state_unknown")


@in_flows(ALL)
def test_a75_ensure_authorization_response_with_invalid_missing_state_fails(rp: RelyingParty) -> None:
    is_refused_and_the_attempt_lives_on(rp, "response_without_state", "state_missing")


@in_flows(ALL)
def test_a76_invalid_authorization_response_iss(rp: RelyingParty) -> None:
    rp.refuses_now("response_issuer_mismatch", "issuer_mismatch", token=0, userinfo=0)


@in_flows(WITHOUT_FRONT_ID_TOKEN)
def test_a77_remove_authorization_response_iss(rp: RelyingParty) -> None:
    """Where an ID Token comes along, it names the issuer itself, signed (RFC 9207 2.4)."""
    rp.refuses_now("response_without_issuer", "issuer_missing", token=0, userinfo=0)


@in_flows(ALL)
def test_an_answer_by_another_mode_than_asked_for(rp: RelyingParty) -> None:
    """No module tests it (A.15): whoever can choose the way of an answer can choose one on which it leaks."""
    leaving = rp.browser.get(START)["Location"]
    other = "form_post" if rp.flow.mode != "form_post" else "fragment"
    rp.provider.answer_by(other)
    answer = rp.provider.answer(leaving)
    page = deliver(rp.browser, answer) if other == "form_post" else by_fragment(rp, answer.location)
    rp.is_refused(page, "unexpected_response_mode")
    assert rp.calls("token") == 0


def by_fragment(rp: RelyingParty, location: str) -> Any:
    assert told(rp.browser.get(CALLBACK)) == (400, "state_missing"), "no page for fragments where none is expected"
    return post_fragment(rp.browser, location.partition("#")[2])
