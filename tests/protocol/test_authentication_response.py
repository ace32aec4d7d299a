"""The Authentication Response: what counts as an answer to our request, and what it then says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_silent_sso.protocol.authentication_response import (
    CodeResponse,
    ErrorResponse,
    TokenResponse,
    parse_authentication_response,
    read_parameters,
)
from django_silent_sso.protocol.errors import (
    ConfigurationError,
    OPErrorCode,
    Reason,
    ResponseError,
    SilentSSOError,
)

STATE, ISSUER = "state-canary", "https://id.example.org"
NAMES = ["state", "code", "iss", "error", "error_description", "id_token", "access_token", "token_type"]
NAMES += ["expires_in", "session_state", "response"]

MALFORMED, UNEXPECTED = Reason.MALFORMED_RESPONSE, Reason.UNEXPECTED_PARAMETER
MISMATCH, MISSING = Reason.ISSUER_MISMATCH, Reason.ISSUER_MISSING
Response = CodeResponse | TokenResponse | ErrorResponse


def parse(sent: dict[str, str], *, response_type: str = "code", iss_required: bool = False) -> Response:
    parameters = read_parameters({"state": STATE, **sent}.items())
    return parse_authentication_response(
        parameters, state=STATE, issuer=ISSUER, iss_required=iss_required, response_type=response_type
    )


def refused(call: Callable[[], object]) -> Reason:
    with pytest.raises(ResponseError) as caught:
        call()
    assert "canary" not in str(caught.value)
    return caught.value.reason


# Matching: state, response, iss


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        pytest.param({}, Reason.STATE_MISSING, id="C13 no parameters at all"),
        pytest.param({"code": "c"}, Reason.STATE_MISSING, id="S01 A75 a code without state"),
        pytest.param({"code": "c", "state": ""}, Reason.STATE_MISSING, id="S01 a code with an empty state"),
        pytest.param({"error": "x"}, Reason.STATE_MISSING, id="S05 an error without state"),
        pytest.param({"response": "a.b.c"}, Reason.STATE_MISSING, id="R03 JARM alone"),
        pytest.param({"code": "c", "state": "guess"}, Reason.STATE_UNKNOWN, id="S02 A74 another state"),
        pytest.param({"code": "c", "state": STATE + "1"}, Reason.STATE_UNKNOWN, id="S02 a near miss"),
        pytest.param({"code": "c", "state": STATE[:-1]}, Reason.STATE_UNKNOWN, id="S02 a prefix"),
        pytest.param({"code": "c", "state": "é\ud800"}, Reason.STATE_UNKNOWN, id="S02 not ASCII, not even text"),
        pytest.param({"error": "x", "state": "guess"}, Reason.STATE_UNKNOWN, id="S06 an error, guessed state"),
        pytest.param({"state": "guess", "iss": "evil"}, Reason.STATE_UNKNOWN, id="state is looked at first"),
    ],
)
def test_what_does_not_carry_our_state_is_no_answer(sent: dict[str, str], reason: Reason) -> None:
    parameters = read_parameters(sent.items())
    options: dict[str, Any] = {"issuer": ISSUER, "iss_required": True, "response_type": "code"}
    assert refused(lambda: parse_authentication_response(parameters, state=STATE, **options)) is reason


@pytest.mark.parametrize("rest", [{}, {"code": "c"}, {"error": "login_required"}], ids=["alone", "code", "error"])
@pytest.mark.parametrize("response", ["a.b.c", ""])
def test_r03_jarm_was_not_asked_for(response: str, rest: dict[str, str]) -> None:
    assert refused(lambda: parse({"response": response, **rest})) is UNEXPECTED


SUCCESS, ERROR = {"code": "c"}, {"error": "login_required"}
TWICE = "https%3A%2F%2Fid.example.org"


@pytest.mark.parametrize("iss_required", [True, False], ids=["promised", "not promised"])
@pytest.mark.parametrize(
    ("sent", "when_promised", "when_not"),
    [
        pytest.param({**SUCCESS, "iss": ISSUER}, None, None, id="success of our OP"),
        pytest.param({**ERROR, "iss": ISSUER}, None, None, id="error of our OP"),
        pytest.param(SUCCESS, MISSING, None, id="I02 A77 success without iss"),
        pytest.param(ERROR, None, None, id="I04 error without iss: several OPs leave it out"),
        pytest.param({**SUCCESS, "iss": "https://evil.example"}, MISMATCH, MISMATCH, id="I01 A76 another OP"),
        pytest.param({**ERROR, "iss": "https://evil.example"}, MISMATCH, MISMATCH, id="I04 its error"),
        pytest.param({**SUCCESS, "iss": ISSUER + "1"}, MISMATCH, MISMATCH, id="I01 a near miss"),
        pytest.param({**SUCCESS, "iss": ISSUER.upper()}, MISMATCH, MISMATCH, id="I01 another case"),
        pytest.param({**SUCCESS, "iss": ""}, MISMATCH, MISMATCH, id="I01 empty is not absent"),
        pytest.param({**SUCCESS, "iss": TWICE}, None, None, id="encoded once too often (Glewlwyd)"),
        pytest.param({**SUCCESS, "iss": TWICE + "1"}, MISMATCH, MISMATCH, id="that, of another OP"),
        pytest.param({**SUCCESS, "iss": TWICE.replace("%", "%25")}, MISMATCH, MISMATCH, id="twice too often"),
        pytest.param({**SUCCESS, "iss": "https://id.%65xample.org"}, MISMATCH, MISMATCH, id="half encoded"),
    ],
)
def test_the_answer_names_our_op(
    sent: dict[str, str], when_promised: Reason | None, when_not: Reason | None, iss_required: bool
) -> None:
    reason = when_promised if iss_required else when_not
    if reason is None:
        assert parse(sent, iss_required=iss_required)
    else:
        assert refused(lambda: parse(sent, iss_required=iss_required)) is reason


@pytest.mark.parametrize(
    ("response_type", "sent", "reason"),
    [
        pytest.param("id_token", {"id_token": "i"}, None, id="an ID Token names it too, and signed"),
        pytest.param(
            "code token", {"code": "c", "access_token": "a", "token_type": "bearer"}, MISSING, id="no ID Token"
        ),
        pytest.param("id_token", {"id_token": "i", "iss": "evil"}, MISMATCH, id="but what is there is compared"),
        pytest.param("code", {"code": "c", "id_token": "i"}, UNEXPECTED, id="not a way around iss"),
        pytest.param("code id_token", {"code": "c", "id_token": ""}, MALFORMED, id="nor is an empty one"),
    ],
)
def test_i02_iss_may_be_left_out_beside_an_id_token(response_type: str, sent: Any, reason: Reason | None) -> None:
    if reason is None:
        assert parse(sent, response_type=response_type, iss_required=True)
    else:
        assert refused(lambda: parse(sent, response_type=response_type, iss_required=True)) is reason


# Errors


@pytest.mark.parametrize("code", OPErrorCode)
def test_a_known_error(code: OPErrorCode) -> None:
    response = parse({"error": code.value})
    assert isinstance(response, ErrorResponse)
    assert (response.error, response.code, response.description) == (code.value, code, "")


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        pytest.param("quota_exceeded", "quota_exceeded", id="S09 an unknown code"),
        pytest.param("signed_in", "signed_in", id="S09 one of our own words"),
        pytest.param("LOGIN_REQUIRED", "LOGIN_REQUIRED", id="S09 another case"),
        pytest.param("<script>", "op_error", id="L01 markup"),
    ],
)
def test_an_error_we_do_not_know(sent: str, error: str) -> None:
    response = parse({"error": sent})
    assert isinstance(response, ErrorResponse)
    assert (response.error, response.code) == (error, None)


@pytest.mark.parametrize(
    ("description", "kept"),
    [
        pytest.param("No session.\r\nTrace: 1", "No session. Trace: 1", id="L02 line breaks become spaces"),
        pytest.param("a\0b\x1b[31m", "a b [31m", id="L02 terminal escapes"),
        pytest.param("\u202eevil\u200f", "evil", id="L01 marks that turn the text"),
        pytest.param("d" * 4000, "d" * 200, id="L01 capped"),
        pytest.param("<b>", "<b>", id="L01 markup stays text: it is never shown raw"),
    ],
)
def test_the_description_is_cleaned(description: str, kept: str) -> None:
    response = parse({"error": "login_required", "error_description": description})
    assert isinstance(response, ErrorResponse)
    assert response.description == kept


@pytest.mark.parametrize("member", ["code", "id_token", "access_token"])
@pytest.mark.parametrize("value", ["x", ""], ids=["full", "empty"])
def test_s12_an_error_beside_a_success_is_neither(member: str, value: str) -> None:
    assert refused(lambda: parse({"error": "login_required", member: value})) is MALFORMED


@pytest.mark.parametrize("beside", [{}, {"code": "c"}], ids=["alone", "beside a code"])
def test_s13_an_empty_error_is_malformed(beside: dict[str, str]) -> None:
    assert refused(lambda: parse({"error": "", **beside})) is MALFORMED


# Successes

MEMBERS = {
    "code": {"code"},
    "id_token": {"id_token"},
    "id_token token": {"id_token", "access_token"},
    "code id_token": {"code", "id_token"},
    "code token": {"code", "access_token"},
    "code id_token token": {"code", "id_token", "access_token"},
}
VALUES = {"code": "code-canary", "id_token": "id-canary", "access_token": "at-canary"}
BEARER = {"token_type": "Bearer"}


@pytest.mark.parametrize("response_type", MEMBERS)
@pytest.mark.parametrize("came", [*MEMBERS, "token"])
def test_r01_r02_members_are_exactly_those_asked_for(response_type: str, came: str) -> None:
    asked, got = MEMBERS[response_type], MEMBERS.get(came, {"access_token"})
    sent = {name: VALUES[name] for name in got} | BEARER
    if got == asked:
        response = parse(sent, response_type=response_type)
        assert isinstance(response, CodeResponse if response_type == "code" else TokenResponse)
        assert {name: getattr(response, name) for name in asked} == {name: VALUES[name] for name in asked}
    else:
        assert refused(lambda: parse(sent, response_type=response_type)) in (UNEXPECTED, MALFORMED)


@pytest.mark.parametrize(
    ("response_type", "sent", "reason"),
    [
        pytest.param("code", {}, MALFORMED, id="C14 nothing but state"),
        pytest.param("code", {"code": ""}, MALFORMED, id="an empty code is a missing one"),
        pytest.param("code", {"code": "c", "id_token": "i"}, UNEXPECTED, id="R02 an ID Token beside a code"),
        pytest.param("code", {"code": "c", "access_token": ""}, UNEXPECTED, id="R02 even an empty token"),
        pytest.param("code id_token", {"code": "c"}, MALFORMED, id="hybrid without the ID Token"),
        pytest.param("id_token", {"code": "c"}, UNEXPECTED, id="R01 a code where a token was asked for"),
    ],
)
def test_what_is_missing_or_too_much(response_type: str, sent: dict[str, str], reason: Reason) -> None:
    assert refused(lambda: parse(sent, response_type=response_type)) is reason


@pytest.mark.parametrize("response_type", ["id_token token", "code token"])
@pytest.mark.parametrize("token_type", ["Bearer", "bEARER", "mac", "Bearer2", "", None])
def test_t29_a73_an_access_token_is_a_bearer_token(response_type: str, token_type: str | None) -> None:
    sent = {name: VALUES[name] for name in MEMBERS[response_type]}
    sent |= {} if token_type is None else {"token_type": token_type}
    if token_type in ("Bearer", "bEARER"):
        response = parse(sent, response_type=response_type)
        assert isinstance(response, TokenResponse)
        assert response.token_type == token_type
    else:
        assert refused(lambda: parse(sent, response_type=response_type)) is Reason.TOKEN_TYPE_INVALID


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [("3600", 3600), (None, None), ("", None), ("-1", None), ("1e3", None), ("9" * 11, None), ("٣", None)],
)
def test_a72_expires_in_is_seconds_or_unknown(expires_in: str | None, seconds: int | None) -> None:
    sent = {"id_token": "i"} | ({} if expires_in is None else {"expires_in": expires_in})
    response = parse(sent, response_type="id_token")
    assert isinstance(response, TokenResponse)
    assert response.expires_in == seconds


@pytest.mark.parametrize("response_type", ["code", "id_token"])
@pytest.mark.parametrize(
    ("session_state", "kept"),
    [("3a-b_c~.9==:x/y+", True)]
    + [(odd, False) for odd in ("", "a b", 'a"', "a'", "</script>", "a\\u003c", "é", "s" * 1001)],
)
def test_m07_an_odd_session_state_is_dropped_not_refused(response_type: str, session_state: str, kept: bool) -> None:
    response = parse({response_type: "x", "session_state": session_state}, response_type=response_type)
    assert isinstance(response, CodeResponse | TokenResponse)
    assert response.session_state == (session_state if kept else None)


@pytest.mark.parametrize("response_type", ["", "none", "code none", "token id_token x", "CODE"])
def test_a_response_type_that_does_not_exist(response_type: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse({"code": "c"}, response_type=response_type)
    assert caught.value.reason is Reason.NOT_CONFIGURED


# The types


def test_l03_secrets_are_not_in_repr() -> None:
    code = parse({"code": "code-canary", "session_state": "ss-canary"})
    sent = VALUES | BEARER | {"session_state": "ss-canary"}
    tokens = parse(sent, response_type="code id_token token")
    error = parse({"error": "login_required", "error_description": "alice@canary"})
    assert "canary" not in f"{code!r} {tokens!r} {error!r}"


@pytest.mark.parametrize("response", [CodeResponse, TokenResponse, ErrorResponse])
def test_only_the_parser_makes_responses(response: type) -> None:
    for parsed in (None, True, object()):
        with pytest.raises(TypeError, match="only parse_authentication_response"):
            response(*[None] * (len(fields(response))), parsed)


@settings(database=None, deadline=None, derandomize=True, max_examples=300)
@given(
    sent=st.dictionaries(st.sampled_from(NAMES), st.sampled_from([STATE, ISSUER, "bearer"]) | st.text()),
    response_type=st.sampled_from(list(MEMBERS)),
    iss_required=st.booleans(),
)
def test_nothing_sent_causes_another_exception(sent: dict[str, str], response_type: str, iss_required: bool) -> None:
    try:
        response = parse(sent, response_type=response_type, iss_required=iss_required)
    except SilentSSOError:
        return
    assert isinstance(response, ErrorResponse) is ("error" in sent)
