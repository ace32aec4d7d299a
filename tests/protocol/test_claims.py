"""The rules for claims, one by one: near misses are misses."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256, sha384, sha512
from typing import Any

import pytest

from django_silent_sso.protocol import claims as rules
from django_silent_sso.protocol.errors import Reason, TokenError
from django_silent_sso.protocol.signed_token import SUPPORTED_ALGORITHMS
from tests.protocol.tokens import ABSENT, CLIENT_ID, ISSUER, NONCE, NOW, b64

LEEWAY = 60
BOTH = [CLIENT_ID, "partner"]
AUDIENCE, PARTY = Reason.ID_TOKEN_AUDIENCE, Reason.ID_TOKEN_AUTHORIZED_PARTY
EXPIRED, ISSUED, NOT_YET = Reason.ID_TOKEN_EXPIRED, Reason.ID_TOKEN_ISSUED_AT, Reason.ID_TOKEN_NOT_BEFORE
WRONG_NONCE, TOO_OLD = Reason.ID_TOKEN_NONCE, Reason.ID_TOKEN_AUTH_TIME
WRONG_HASH, NO_SUBJECT = Reason.ID_TOKEN_ACCESS_TOKEN_HASH, Reason.ID_TOKEN_SUBJECT
# What no number, string or list may be mistaken for
ODD = [None, True, False, "", 7, [], {}, ["x"], {"x": "y"}]
NO_DATE = [None, True, False, "", "soon", str(NOW), [], {}, -1, -0.5, 1e300, 2**63, 253402300801, float("nan")]
NO_DATE += [float("inf"), int("9" * 4000)]


def held(rule: Callable[..., None], claim: dict[str, Any], *facts: Any, **options: Any) -> Reason | None:
    """``None`` if the rule holds for the claims, else the reason it gives."""
    try:
        rule({name: value for name, value in claim.items() if value is not ABSENT}, *facts, **options)
    except TokenError as error:
        return error.reason
    return None


def short(value: object) -> str:
    return repr(value)[:30] if value is not ABSENT else "absent"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(0, 0.0), (NOW, float(NOW)), (1.5, 1.5), (253402300800, 253402300800.0)] + [(odd, None) for odd in NO_DATE],
    ids=short,
)
def test_t08_numeric_dates(value: object, seconds: float | None) -> None:
    assert rules.numeric_date(value) == seconds


@pytest.mark.parametrize(
    "iss",
    [ISSUER + "1", ISSUER + "/", ISSUER[:-1], ISSUER.upper(), "x" + ISSUER, [ISSUER], {ISSUER: 1}, ABSENT, *ODD],
    ids=short,
)
def test_t01_a2_a60_issuer(iss: object) -> None:
    assert held(rules.check_issuer, {"iss": iss}, ISSUER) is Reason.ID_TOKEN_ISSUER


def test_t01_the_issuer_itself() -> None:
    assert held(rules.check_issuer, {"iss": ISSUER}, ISSUER) is None


@pytest.mark.parametrize("events", [{}, {"http://schemas.openid.net/event/backchannel-logout": {}}, None])
def test_t20_events_are_never_in_an_id_token(events: object) -> None:
    assert held(rules.check_kind, {"events": events}) is Reason.ID_TOKEN_TYPE
    assert held(rules.check_kind, {"event": events}) is None


@pytest.mark.parametrize(
    ("aud", "trusted", "reason"),
    [
        pytest.param(CLIENT_ID, (), None, id="A1 ours"),
        pytest.param([CLIENT_ID], (), None, id="A58 ours in a list"),
        pytest.param([CLIENT_ID, CLIENT_ID], (), None, id="A58 ours twice"),
        pytest.param(BOTH, ("partner",), None, id="T03 a trusted one as well"),
        pytest.param(BOTH[::-1], ("partner",), None, id="T03 in any order"),
        pytest.param(BOTH, (), AUDIENCE, id="T03 A59 a stranger as well"),
        pytest.param([*BOTH, "stranger"], ("partner",), AUDIENCE, id="T03 a trusted one and a stranger"),
        pytest.param("partner", ("partner",), AUDIENCE, id="T02 only a trusted one"),
        pytest.param(CLIENT_ID + "1", (), AUDIENCE, id="A4 a near miss"),
        pytest.param(CLIENT_ID[:-1], (), AUDIENCE, id="T02 a prefix"),
        pytest.param("the " + CLIENT_ID, (), AUDIENCE, id="T02 ours inside"),
        pytest.param(CLIENT_ID.upper(), (), AUDIENCE, id="T02 another case"),
        pytest.param([[CLIENT_ID]], (), AUDIENCE, id="T02 a list in a list"),
        pytest.param([CLIENT_ID, 7], (), AUDIENCE, id="T02 ours and a number"),
        pytest.param([CLIENT_ID, None], (), AUDIENCE, id="T02 ours and null"),
        pytest.param([CLIENT_ID, ""], ("",), AUDIENCE, id="T02 ours and an empty one"),
        pytest.param({CLIENT_ID: CLIENT_ID}, (), AUDIENCE, id="T02 an object"),
        pytest.param(ABSENT, (), AUDIENCE, id="A50 absent"),
    ]
    + [pytest.param(odd, (), AUDIENCE, id=f"T02 {odd!r}") for odd in ODD],
)
def test_t02_t03_audience(aud: object, trusted: tuple[str, ...], reason: Reason | None) -> None:
    assert held(rules.check_audience, {"aud": aud}, CLIENT_ID, frozenset(trusted)) is reason


@pytest.mark.parametrize(
    ("aud", "azp", "reason"),
    [
        pytest.param(CLIENT_ID, ABSENT, None, id="one audience needs none"),
        pytest.param([CLIENT_ID], ABSENT, None, id="A58 one audience in a list needs none"),
        pytest.param(CLIENT_ID, CLIENT_ID, None, id="one audience may have ours"),
        pytest.param(BOTH, CLIENT_ID, None, id="T03 several with ours"),
        pytest.param(BOTH, ABSENT, PARTY, id="T03 several without"),
        pytest.param(BOTH, "partner", PARTY, id="T03 several with another's"),
        pytest.param(CLIENT_ID, "partner", PARTY, id="T03 one with another's"),
        pytest.param(CLIENT_ID, CLIENT_ID + "1", PARTY, id="T03 a near miss"),
        pytest.param(CLIENT_ID, [CLIENT_ID], PARTY, id="T03 a list"),
        pytest.param(7, ABSENT, AUDIENCE, id="T02 without a sound audience"),
    ]
    + [pytest.param(CLIENT_ID, odd, PARTY, id=f"T03 {odd!r}") for odd in ODD],
)
def test_t03_authorized_party(aud: object, azp: object, reason: Reason | None) -> None:
    assert held(rules.check_authorized_party, {"aud": aud, "azp": azp}, CLIENT_ID) is reason


@pytest.mark.parametrize(
    ("exp", "iat", "reason"),
    [
        pytest.param(NOW + 300, NOW, None, id="A1 to come"),
        pytest.param(NOW + 0.5, NOW, None, id="with a fraction"),
        pytest.param(NOW - LEEWAY + 1, NOW - 300, None, id="T07 C52 past, inside the leeway"),
        pytest.param(NOW - LEEWAY, NOW - 300, EXPIRED, id="T07 past, leeway over"),
        pytest.param(NOW - 301, NOW - 600, EXPIRED, id="A62 past for five minutes"),
        pytest.param(NOW + 10, NOW + 11, EXPIRED, id="T11 before iat"),
        pytest.param(NOW + 10, NOW + 10, None, id="T11 at iat"),
        pytest.param(NOW + 10, ABSENT, None, id="T09 an absent iat is another rule's"),
        pytest.param(ABSENT, NOW, EXPIRED, id="T06 A61 absent"),
    ]
    + [pytest.param(odd, NOW, EXPIRED, id=f"T08 {short(odd)}") for odd in NO_DATE],
)
def test_t06_t07_t08_t11_expiry(exp: object, iat: object, reason: Reason | None) -> None:
    assert held(rules.check_expiry, {"exp": exp, "iat": iat}, NOW, LEEWAY) is reason


@pytest.mark.parametrize(
    ("iat", "reason"),
    [
        pytest.param(NOW, None, id="A1 now"),
        pytest.param(NOW + LEEWAY, None, id="T09 C52 the OP's clock is ahead, inside the leeway"),
        pytest.param(NOW + LEEWAY + 1, ISSUED, id="T09 in the future"),
        pytest.param(NOW - 3600 - LEEWAY, None, id="T09 an hour old and the leeway"),
        pytest.param(NOW - 3601 - LEEWAY, ISSUED, id="T09 older"),
        pytest.param(NOW - 86400, ISSUED, id="T09 a day old"),
        pytest.param(NOW - 7 * 86400, ISSUED, id="A63 a week old"),
        pytest.param(ABSENT, ISSUED, id="T09 A5 absent"),
    ]
    + [pytest.param(odd, ISSUED, id=f"T09 {short(odd)}") for odd in NO_DATE],
)
def test_t09_issued_at(iat: object, reason: Reason | None) -> None:
    assert held(rules.check_issued_at, {"iat": iat}, NOW, LEEWAY, 3600) is reason


@pytest.mark.parametrize(
    ("nbf", "reason"),
    [
        pytest.param(ABSENT, None, id="absent"),
        pytest.param(NOW - 86400, None, id="long past"),
        pytest.param(NOW + LEEWAY, None, id="T10 in the future, inside the leeway"),
        pytest.param(NOW + LEEWAY + 1, NOT_YET, id="T10 in the future"),
    ]
    + [pytest.param(odd, NOT_YET, id=f"T10 {short(odd)}") for odd in NO_DATE],
)
def test_t10_not_before(nbf: object, reason: Reason | None) -> None:
    assert held(rules.check_not_before, {"nbf": nbf}, NOW, LEEWAY) is reason


@pytest.mark.parametrize("optional", [False, True], ids=["needed", "optional"])
@pytest.mark.parametrize(
    ("nonce", "needed", "refreshed"),
    [
        pytest.param(NONCE, None, None, id="ours"),
        pytest.param(ABSENT, WRONG_NONCE, None, id="T12 A64 absent"),
        pytest.param(NONCE + "1", WRONG_NONCE, WRONG_NONCE, id="A12 a near miss"),
        pytest.param(NONCE[:-1], WRONG_NONCE, WRONG_NONCE, id="T12 a prefix"),
        pytest.param([NONCE], WRONG_NONCE, WRONG_NONCE, id="T12 ours in a list"),
        pytest.param("nonce of an older attempt", WRONG_NONCE, WRONG_NONCE, id="T12 T13 an older attempt's"),
        pytest.param("é", WRONG_NONCE, WRONG_NONCE, id="T12 not ASCII"),
    ]
    + [pytest.param(odd, WRONG_NONCE, WRONG_NONCE, id=f"T12 {odd!r}") for odd in ODD],
)
def test_t12_nonce(nonce: object, needed: Reason | None, refreshed: Reason | None, optional: bool) -> None:
    expected = refreshed if optional else needed
    assert held(rules.check_nonce, {"nonce": nonce}, NONCE, optional=optional) is expected
    assert held(rules.check_nonce, {"nonce": nonce}, NONCE) is needed


@pytest.mark.parametrize("optional", [False, True])
def test_t12_an_empty_nonce_of_ours_matches_nothing(optional: bool) -> None:
    assert held(rules.check_nonce, {"nonce": ""}, "", optional=optional) is WRONG_NONCE


@pytest.mark.parametrize(
    ("acr", "demanded", "reason"),
    [
        pytest.param(ABSENT, (), None, id="none demanded, none there"),
        pytest.param(7, (), None, id="none demanded, an odd one there"),
        pytest.param("gold", ("gold",), None, id="the one demanded"),
        pytest.param("silver", ("gold", "silver"), None, id="one of those demanded"),
        pytest.param("gold", ("golden",), Reason.ID_TOKEN_ACR, id="T19 a prefix"),
        pytest.param("silver", ("gold",), Reason.ID_TOKEN_ACR, id="T19 another one"),
        pytest.param(ABSENT, ("gold",), Reason.ID_TOKEN_ACR, id="T19 absent"),
    ]
    + [pytest.param(odd, ("gold",), Reason.ID_TOKEN_ACR, id=f"T19 {odd!r}") for odd in ODD],
)
def test_t19_acr(acr: object, demanded: tuple[str, ...], reason: Reason | None) -> None:
    assert held(rules.check_acr, {"acr": acr}, demanded) is reason


@pytest.mark.parametrize(
    ("auth_time", "max_age", "reason"),
    [
        pytest.param(ABSENT, None, None, id="not asked for"),
        pytest.param("odd", None, None, id="not asked for, odd"),
        pytest.param(NOW - 300, 300, None, id="just recent enough"),
        pytest.param(NOW - 300 - LEEWAY, 300, None, id="inside the leeway"),
        pytest.param(NOW - 301 - LEEWAY, 300, TOO_OLD, id="T18 too old"),
        pytest.param(NOW - 1 - LEEWAY, 0, TOO_OLD, id="T18 too old for max_age 0"),
        pytest.param(NOW + LEEWAY, 300, None, id="in the future, inside the leeway"),
        pytest.param(NOW + LEEWAY + 1, 300, TOO_OLD, id="T18 in the future"),
        pytest.param(0, 300, TOO_OLD, id="T18 zero (Glewlwyd)"),
        pytest.param(NOW - 1.5, 300, None, id="a float (Canaille)"),
        pytest.param(ABSENT, 300, TOO_OLD, id="T18 absent"),
    ]
    + [pytest.param(odd, 300, TOO_OLD, id=f"T18 {short(odd)}") for odd in NO_DATE],
)
def test_t18_auth_time(auth_time: object, max_age: int | None, reason: Reason | None) -> None:
    assert held(rules.check_auth_time, {"auth_time": auth_time}, max_age, NOW, LEEWAY) is reason


AT, OTHER = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", "another token"
HALF = {
    family + bits: b64(hashed(AT.encode()).digest()[: int(bits) // 16])
    for family in ("RS", "PS", "ES", "HS")
    for bits, hashed in (("256", sha256), ("384", sha384), ("512", sha512))
}
HALF["EdDSA"] = HALF["RS512"]


def test_half_hash_is_that_of_the_specification() -> None:
    assert {alg: rules.half_hash(AT, alg) for alg in SUPPORTED_ALGORITHMS} == HALF
    assert HALF["RS256"] == "77QmUPtjPfzWtF2AnpK9RQ"  # Core A.3
    code = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"
    assert rules.half_hash(code, "RS256") == "LDktKdoQak3Pk0cnXxCltA"  # Core A.4


@pytest.mark.parametrize("required", [False, True], ids=["optional", "required"])
@pytest.mark.parametrize(
    ("claim", "token", "alg", "optional", "mandatory"),
    [
        pytest.param(HALF["RS256"], AT, "RS256", None, None, id="the right one"),
        pytest.param(HALF["ES384"], AT, "ES384", None, None, id="the right one, SHA-384"),
        pytest.param(HALF["EdDSA"], AT, "EdDSA", None, None, id="the right one, Ed25519"),
        pytest.param(ABSENT, AT, "RS256", None, WRONG_HASH, id="A17 A19 A70 T15 absent"),
        pytest.param(HALF["RS256"], None, "RS256", None, WRONG_HASH, id="nothing to compare it with"),
        pytest.param(ABSENT, None, "RS256", None, WRONG_HASH, id="neither hash nor token"),
        pytest.param(HALF["RS256"], OTHER, "RS256", WRONG_HASH, WRONG_HASH, id="A16 A18 T14 U14 another token"),
        pytest.param(HALF["RS384"][:22], AT, "RS256", WRONG_HASH, WRONG_HASH, id="T15 another hash, right length"),
        pytest.param(HALF["RS256"], AT, "RS512", WRONG_HASH, WRONG_HASH, id="T15 the hash of another alg"),
        pytest.param(HALF["RS256"] + "A", AT, "RS256", WRONG_HASH, WRONG_HASH, id="T15 longer"),
        pytest.param(HALF["RS256"][:11], AT, "RS256", WRONG_HASH, WRONG_HASH, id="T15 half only"),
        pytest.param(HALF["RS256"] + "==", AT, "RS256", WRONG_HASH, WRONG_HASH, id="T15 padded"),
        pytest.param("é", AT, "RS256", WRONG_HASH, WRONG_HASH, id="T15 not ASCII"),
        pytest.param(HALF["RS256"], AT, "ES256K", WRONG_HASH, WRONG_HASH, id="T16 the hash of the alg is unknown"),
        pytest.param("", AT, "none", WRONG_HASH, WRONG_HASH, id="T16 no alg at all"),
    ]
    + [pytest.param(odd, AT, "RS256", WRONG_HASH, WRONG_HASH, id=f"T15 {odd!r}") for odd in ODD],
)
def test_t14_t15_t16_hashes(
    claim: object, token: str | None, alg: str, optional: Reason | None, mandatory: Reason | None, required: bool
) -> None:
    found = held(rules.check_hash, {"at_hash": claim}, "at_hash", token, alg, required=required, reason=WRONG_HASH)
    assert found is (mandatory if required else optional)


@pytest.mark.parametrize(
    ("sub", "only", "reason"),
    [
        pytest.param("s" * 255, None, None, id="255 characters"),
        pytest.param("André Ç", None, None, id="not only ASCII"),
        pytest.param(" a ", None, None, id="spaces around it are part of it"),
        pytest.param("s" * 256, None, NO_SUBJECT, id="T05 longer"),
        pytest.param("  \u3000", None, NO_SUBJECT, id="T05 only spaces"),
        pytest.param("a\0b", None, NO_SUBJECT, id="T05 NUL"),
        pytest.param("a\n", None, NO_SUBJECT, id="T05 a line break"),
        pytest.param("a\x85", None, NO_SUBJECT, id="T05 a C1 control character"),
        pytest.param(ABSENT, None, NO_SUBJECT, id="A3 T05 absent"),
        pytest.param("Alice", "Alice", None, id="A47 the same user"),
        pytest.param("bob", "Alice", Reason.SUBJECT_CHANGED, id="A49 U08 another user"),
        pytest.param("alice", "Alice", Reason.SUBJECT_CHANGED, id="U06 another case is another user"),
        pytest.param("Alice1", "Alice", Reason.SUBJECT_CHANGED, id="A49 a near miss"),
        pytest.param(ABSENT, "Alice", NO_SUBJECT, id="T05 absent where one is known"),
    ]
    + [pytest.param(odd, None, NO_SUBJECT, id=f"T05 {odd!r}") for odd in ODD],
)
def test_t05_u08_subject(sub: object, only: str | None, reason: Reason | None) -> None:
    assert held(rules.check_subject, {"sub": sub}, only) is reason
