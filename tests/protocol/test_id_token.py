"""The whole validation of an ID Token: every rule is asked, in order, and nothing else gets through."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_silent_sso.protocol import id_token as module
from django_silent_sso.protocol.claims import half_hash
from django_silent_sso.protocol.errors import Reason, TokenError
from django_silent_sso.protocol.id_token import Expected, IDToken, TokenHeader, validate_id_token
from django_silent_sso.protocol.keys import choose_key
from tests.protocol.tokens import (
    ABSENT,
    CLIENT_ID,
    ISSUER,
    KIND_OF_KEY,
    NONCE,
    NOW,
    SECRET,
    SUBJECT,
    claims,
    compact,
    jwk,
    private_key,
    token,
)

ALGORITHMS = [*KIND_OF_KEY, "HS256", "HS384", "HS512"]
JWK_SET = {"keys": [jwk(kind, kid="k1") for kind in ("RSA", "P-256", "P-384", "P-521", "Ed25519")]}
AT, CODE, STATE = "at-canary", "code-canary", "state-canary"


def keys(header: TokenHeader) -> Any:
    return SECRET if header.alg.startswith("HS") else choose_key(JWK_SET, header)


def expected(**changes: Any) -> Expected:
    good: dict[str, Any] = {"issuer": ISSUER, "client_id": CLIENT_ID, "algorithm": "RS256", "nonce": NONCE}
    return Expected(**(good | changes))


def validated(given: Any, *, now: float = NOW, **changes: Any) -> IDToken:
    return validate_id_token(given, keys=keys, expected=expected(**changes), now=now)


def refused(given: Any, **changes: Any) -> Reason:
    with pytest.raises(TokenError) as caught:
        validated(given, **changes)
    assert "canary" not in str(caught.value)
    return caught.value.reason


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a1_a8_a92_a93_a_good_token_of_each_algorithm(alg: str) -> None:
    raw = token(alg, email="alice@example.org")
    found = validated(raw, algorithm=alg)
    assert found == IDToken(raw, claims(email="alice@example.org"))
    assert (found.issuer, found.subject, found.expires_at) == (ISSUER, SUBJECT, NOW + 300.0)


R = Reason
#: Row of the case list, what is changed, the reason. Near misses as the certification suite makes them.
REFUSED: list[tuple[str, dict[str, Any], Reason]] = [
    ("A2 T01 issuer with a 1 more", {"iss": ISSUER + "1"}, R.ID_TOKEN_ISSUER),
    ("A60 T01 no issuer", {"iss": ABSENT}, R.ID_TOKEN_ISSUER),
    ("T20 a logout token as an ID Token", {"events": {}}, R.ID_TOKEN_TYPE),
    ("A4 T02 audience with a 1 more", {"aud": CLIENT_ID + "1"}, R.ID_TOKEN_AUDIENCE),
    ("A50 T02 no audience", {"aud": ABSENT}, R.ID_TOKEN_AUDIENCE),
    ("A59 T03 a stranger in the audience", {"aud": [CLIENT_ID, "stranger"]}, R.ID_TOKEN_AUDIENCE),
    ("T03 another's azp", {"azp": "stranger"}, R.ID_TOKEN_AUTHORIZED_PARTY),
    ("A61 T06 no exp", {"exp": ABSENT}, R.ID_TOKEN_EXPIRED),
    ("A62 T07 expired", {"exp": NOW - 301, "iat": NOW - 900}, R.ID_TOKEN_EXPIRED),
    ("T08 exp beyond all dates", {"exp": 1e300}, R.ID_TOKEN_EXPIRED),
    ("T08 exp true", {"exp": True}, R.ID_TOKEN_EXPIRED),
    ("T11 exp before iat", {"exp": NOW + 10, "iat": NOW + 20}, R.ID_TOKEN_EXPIRED),
    ("A5 T09 no iat", {"iat": ABSENT}, R.ID_TOKEN_ISSUED_AT),
    ("T09 iat in the future", {"iat": NOW + 61}, R.ID_TOKEN_ISSUED_AT),
    ("A63 T09 iat a week old", {"iat": NOW - 604800}, R.ID_TOKEN_ISSUED_AT),
    ("T09 iat more than an hour old", {"iat": NOW - 3661}, R.ID_TOKEN_ISSUED_AT),
    ("T10 not before long", {"nbf": NOW + 61}, R.ID_TOKEN_NOT_BEFORE),
    ("A12 T12 nonce with a 1 more", {"nonce": NONCE + "1"}, R.ID_TOKEN_NONCE),
    ("A64 T12 no nonce", {"nonce": ABSENT}, R.ID_TOKEN_NONCE),
    ("A3 T05 no subject", {"sub": ABSENT}, R.ID_TOKEN_SUBJECT),
    ("T21 subject in the header only", {"sub": ABSENT, "header": {"sub": SUBJECT}}, R.ID_TOKEN_SUBJECT),
    ("T20 an access token by its typ", {"header": {"typ": "at+jwt"}}, R.ID_TOKEN_TYPE),
    ("T23 a critical header", {"header": {"crit": []}}, R.ID_TOKEN_CRITICAL_HEADER),
    ("A7 K06 a kid nobody has", {"header": {"kid": "k2"}}, R.ID_TOKEN_KEY_UNKNOWN),
]


@pytest.mark.parametrize(("changes", "reason"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_token_with_one_fault_is_refused_for_it(changes: dict[str, Any], reason: Reason) -> None:
    assert refused(token(**changes)) is reason


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        pytest.param({"aud": [CLIENT_ID]}, {}, id="A58 aud as a list"),
        pytest.param(
            {"aud": [CLIENT_ID, "partner"], "azp": CLIENT_ID},
            {"trusted_audiences": frozenset({"partner"})},
            id="T03 a trusted audience, our azp",
        ),
        pytest.param({"exp": NOW - 59, "iat": NOW - 300}, {}, id="T07 C52 expired inside the leeway"),
        pytest.param({"iat": NOW + 60}, {}, id="C52 the OP's clock is a minute ahead"),
        pytest.param({"iat": NOW - 3660}, {}, id="T09 issued an hour ago, and the leeway"),
        pytest.param({"exp": NOW - 100, "iat": NOW - 400}, {"leeway": 101}, id="the leeway is the site's"),
        pytest.param({"iat": NOW - 86400}, {"max_issued_age": 86400}, id="the age is the caller's"),
        pytest.param({"nonce": ABSENT}, {"nonce_optional": True}, id="A47 a refreshed token without nonce"),
        pytest.param({"at_hash": "anything"}, {}, id="at_hash without an access token to compare"),
        pytest.param({}, {"access_token": AT}, id="A70 no at_hash from the token endpoint"),
        pytest.param({"c_hash": "anything"}, {}, id="c_hash without a code to compare"),
        pytest.param({"s_hash": "anything"}, {}, id="s_hash without a state to compare"),
        pytest.param({}, {"state": STATE}, id="A69 no s_hash: only FAPI asks for it"),
        pytest.param({}, {"subject": SUBJECT}, id="A47 the same subject"),
        pytest.param({"auth_time": NOW - 60}, {"max_age": 60}, id="T18 signed in recently"),
        pytest.param({"acr": "gold"}, {"acr_values": ("gold",)}, id="T19 the class demanded"),
    ],
)
def test_tokens_that_hold(changes: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert validated(token(**changes), **wanted).subject == SUBJECT


@pytest.mark.parametrize(
    ("changes", "wanted", "reason"),
    [
        pytest.param(
            {"aud": [CLIENT_ID, "partner"]},
            {"trusted_audiences": frozenset({"partner"})},
            R.ID_TOKEN_AUTHORIZED_PARTY,
            id="T03 a trusted audience without azp",
        ),
        pytest.param({"nonce": "other"}, {"nonce_optional": True}, R.ID_TOKEN_NONCE, id="Core 12.2 other nonce"),
        pytest.param({"iss": ISSUER + "1"}, {"nonce_optional": True}, R.ID_TOKEN_ISSUER, id="A48 refreshed"),
        pytest.param({"sub": SUBJECT + "1"}, {"subject": SUBJECT}, R.SUBJECT_CHANGED, id="A49 refreshed"),
        pytest.param({}, {"max_age": 60}, R.ID_TOKEN_AUTH_TIME, id="T18 no auth_time"),
        pytest.param({}, {"acr_values": ("gold",)}, R.ID_TOKEN_ACR, id="T19 no acr"),
        pytest.param({}, {"leeway": -301}, R.ID_TOKEN_EXPIRED, id="the leeway is used"),
    ],
)
def test_tokens_that_do_not_hold_what_was_asked(
    changes: dict[str, Any], wanted: dict[str, Any], reason: Reason
) -> None:
    assert refused(token(**changes), **wanted) is reason


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize(
    ("name", "value", "wanted", "reason"),
    [
        pytest.param("at_hash", AT, "access_token", R.ID_TOKEN_ACCESS_TOKEN_HASH, id="A16 T14 at_hash"),
        pytest.param("c_hash", CODE, "code", R.ID_TOKEN_CODE_HASH, id="A18 T15 c_hash"),
        pytest.param("s_hash", STATE, "state", R.ID_TOKEN_STATE_HASH, id="A68 s_hash"),
    ],
)
def test_hashes_are_compared(name: str, value: str, wanted: str, reason: Reason, alg: str) -> None:
    given = token(alg, **{name: half_hash(value, alg)})
    assert validated(given, algorithm=alg, **{wanted: value})
    assert refused(given, algorithm=alg, **{wanted: value + "1"}) is reason


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        pytest.param({"access_token": AT, "at_hash_required": True}, R.ID_TOKEN_ACCESS_TOKEN_HASH, id="A17"),
        pytest.param({"code": CODE, "c_hash_required": True}, R.ID_TOKEN_CODE_HASH, id="A19"),
    ],
)
def test_a17_a19_hashes_that_have_to_be_there(wanted: dict[str, Any], reason: Reason) -> None:
    assert refused(token(), **wanted) is reason


def test_a10_a67_the_signature_is_checked_before_any_claim() -> None:
    head, _, mac = token().split(".")
    other = compact({}, claims(iss="https://evil.example")).split(".")[1]
    assert refused(f"{head}.{other}.{mac}") is R.ID_TOKEN_SIGNATURE


def test_k04_k17_the_agreed_algorithm_only() -> None:
    assert refused(token("HS256")) is R.ID_TOKEN_ALGORITHM
    assert refused(token("RS512")) is R.ID_TOKEN_ALGORITHM
    assert refused(token(), algorithm="none") is R.ID_TOKEN_ALGORITHM


def test_k05_k18_no_key_is_taken_from_the_token() -> None:
    stranger = jwk("RSA", 1)
    header = {"alg": "RS256", "kid": "k1", "jwk": stranger, "jku": "https://evil.example/keys"}
    forged = compact(header, claims(), key=private_key("RSA", 1))
    assert refused(forged) is R.ID_TOKEN_SIGNATURE


def test_what_the_key_source_raises_comes_through() -> None:
    def none(header: TokenHeader) -> Any:
        raise TokenError(R.ID_TOKEN_KEY_UNKNOWN, header.kid or "")

    with pytest.raises(TokenError, match="id_token_key_unknown: k1"):
        validate_id_token(token(), keys=none, expected=expected(), now=NOW)


def test_the_first_broken_rule_gives_the_reason() -> None:
    order = [changes for name, changes, _ in REFUSED if "header" not in changes]
    everything: dict[str, Any] = {}
    for changes in reversed(order):
        everything |= changes
    assert refused(token(**everything)) is R.ID_TOKEN_ISSUER


@pytest.mark.parametrize(
    ("claim", "attribute", "value"),
    [
        ({"sid": "s1"}, "sid", "s1"),
        ({}, "sid", None),
        ({"sid": ""}, "sid", None),
        ({"sid": 7}, "sid", None),
        ({"acr": "gold"}, "acr", "gold"),
        ({"acr": ["gold"]}, "acr", None),
        ({"auth_time": NOW}, "auth_time", NOW),
        ({"auth_time": NOW + 0.9}, "auth_time", NOW),
        ({"auth_time": 0}, "auth_time", 0),
        ({"auth_time": str(NOW)}, "auth_time", None),
        ({"auth_time": True}, "auth_time", None),
        ({"auth_time": -1}, "auth_time", None),
        ({}, "auth_time", None),
        ({"exp": NOW + 0.5}, "expires_at", NOW + 0.5),
    ],
)
def test_what_a_token_says(claim: dict[str, Any], attribute: str, value: object) -> None:
    assert getattr(validated(token(**claim)), attribute) == value


def test_l03_nothing_secret_in_repr() -> None:
    wanted = expected(access_token=AT, code=CODE, state=STATE)
    found = validated(token(email="alice@canary"))
    assert "canary" not in f"{wanted!r} {found!r}"
    assert found.raw not in repr(found)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NAMES = ["iss", "sub", "aud", "exp", "iat", "nbf", "nonce", "azp", "acr", "auth_time", "at_hash", "c_hash"]


@settings(database=None, deadline=None, derandomize=True, max_examples=300)
@given(st.dictionaries(st.sampled_from(NAMES), json_values, min_size=1))
def test_no_claim_causes_another_exception(changes: dict[str, Any]) -> None:
    payload = json.dumps(claims(**changes)).encode()
    wanted = {"access_token": AT, "code": CODE, "max_age": 60, "acr_values": ("gold",)}
    assert refused(compact({"alg": "HS256"}, payload, alg="HS256"), algorithm="HS256", **wanted) in Reason


def test_the_names_that_callers_import_from_here() -> None:
    assert {"SUPPORTED_ALGORITHMS", "TokenHeader", "read_header"} < set(module.__all__)
