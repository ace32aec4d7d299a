"""The logout token: every rule of Back-Channel Logout 2.6, in its order, each with a reason of its own."""

from __future__ import annotations

from typing import Any

import pytest

from django_silent_sso.protocol.errors import ConfigurationError, Reason, TokenError
from django_silent_sso.protocol.logout_token import LONGEST_AGE, LogoutToken, validate_logout_token
from tests.protocol.tokens import (
    ABSENT,
    CLIENT_ID,
    ISSUER,
    NONCE,
    NOW,
    SUBJECT,
    compact,
    private_key,
    token,
    verifying_key,
)

EVENT = "http://schemas.openid.net/event/backchannel-logout"
LEEWAY = 60
GOOD = {
    "iss": ISSUER,
    "aud": CLIENT_ID,
    "iat": NOW,
    "exp": NOW + 120,
    "jti": "an id",
    "sub": SUBJECT,
    "sid": "a session",
    "events": {EVENT: {}},
}


def made(alg: str = "RS256", *, header: dict[str, Any] | None = None, key: Any = None, **changes: Any) -> str:
    """A good logout token with changes."""
    members = {"alg": alg, "typ": "logout+jwt", "kid": "k1"} | (header or {})
    parts = [{n: v for n, v in part.items() if v is not ABSENT} for part in (members, GOOD | changes)]
    return compact(*parts, alg=alg, key=key)


def validated(text: str, *, alg: str = "RS256", now: float = NOW) -> LogoutToken:
    return validate_logout_token(
        text,
        keys=lambda header: verifying_key(alg),
        issuer=ISSUER,
        client_id=CLIENT_ID,
        algorithm=alg,
        leeway=LEEWAY,
        now=now,
    )


def reason(text: str, **how: Any) -> Reason:
    with pytest.raises(TokenError) as caught:
        validated(text, **how)
    return caught.value.reason


def test_a_good_one_says_which_sessions_have_ended() -> None:
    assert validated(made()) == LogoutToken(
        issuer=ISSUER, subject=SUBJECT, sid="a session", jti="an id", expires=NOW + LONGEST_AGE + LEEWAY
    )


def test_its_longest_age_is_ten_minutes() -> None:
    """As the documentation says."""
    assert LONGEST_AGE == 600


def test_it_shows_nobody_whom_it_is_about() -> None:
    shown = repr(validated(made()))
    assert all(secret not in shown for secret in (SUBJECT, "a session", "an id"))


@pytest.mark.parametrize("alg", ["RS256", "PS384", "ES256", "EdDSA", "HS256"])
def test_it_is_signed_as_agreed_for_id_tokens(alg: str) -> None:
    assert validated(made(alg), alg=alg).subject == SUBJECT


@pytest.mark.parametrize(
    ("change", "subject", "sid"),
    [({"sid": ABSENT}, SUBJECT, None), ({"sub": ABSENT}, None, "a session")],
    ids=["bc20 sub alone", "bc21 sid alone"],
)
def test_one_of_sub_and_sid_is_enough(change: dict[str, Any], subject: str | None, sid: str | None) -> None:
    found = validated(made(**change))
    assert (found.subject, found.sid) == (subject, sid)


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "logout+jwt"},
        {"typ": "LOGOUT+JWT"},
        {"typ": "application/logout+jwt"},
        {"typ": "Application/Logout+JWT"},
        {"typ": "JWT"},
        {"typ": "jwt"},
        {"typ": ABSENT},
        {"jwk": {}, "jku": "https://evil.example"},
    ],
    ids=str,
)
def test_bc18_its_type_is_told_in_many_ways(header: dict[str, Any]) -> None:
    assert validated(made(header=header)).jti == "an id"


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": ABSENT},
        {"exp": NOW - LEEWAY + 1, "iat": NOW - 100},
        {"iat": NOW - LONGEST_AGE - LEEWAY, "exp": ABSENT},
        {"iat": NOW + LEEWAY, "exp": ABSENT},
        {"iat": NOW - 0.5},
        {"nbf": NOW + LEEWAY},
        {"aud": [CLIENT_ID]},
        {"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID},
        {"azp": CLIENT_ID},
        {"events": {EVENT: {}, "https://example.org/event": "x"}},
        {"events": {EVENT: {"more": [1]}}},
        {"extra": [1, {"a": None}], "acr": 7},
    ],
    ids=str,
)
def test_what_the_specification_leaves_open_is_accepted(changes: dict[str, Any]) -> None:
    """BC06, BC08, BC16."""
    assert validated(made(**changes)).subject == SUBJECT


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"iss": f"{ISSUER}1"}, Reason.LOGOUT_TOKEN_ISSUER),
        ({"iss": ABSENT}, Reason.LOGOUT_TOKEN_ISSUER),
        ({"iss": [ISSUER]}, Reason.LOGOUT_TOKEN_ISSUER),
        ({"aud": f"{CLIENT_ID}1"}, Reason.LOGOUT_TOKEN_AUDIENCE),
        ({"aud": ABSENT}, Reason.LOGOUT_TOKEN_AUDIENCE),
        ({"aud": []}, Reason.LOGOUT_TOKEN_AUDIENCE),
        ({"aud": ["another"], "azp": CLIENT_ID}, Reason.LOGOUT_TOKEN_AUDIENCE),
        ({"aud": [CLIENT_ID, 7]}, Reason.LOGOUT_TOKEN_AUDIENCE),
        ({"aud": [CLIENT_ID, ""]}, Reason.LOGOUT_TOKEN_AUDIENCE),
        ({"aud": [CLIENT_ID, 7], "azp": CLIENT_ID}, Reason.LOGOUT_TOKEN_AUDIENCE),
        ({"aud": [CLIENT_ID, ""], "azp": CLIENT_ID}, Reason.LOGOUT_TOKEN_AUDIENCE),
        ({"aud": {CLIENT_ID: 1}}, Reason.LOGOUT_TOKEN_AUDIENCE),
        ({"aud": [CLIENT_ID, "another"]}, Reason.LOGOUT_TOKEN_AUTHORIZED_PARTY),
        ({"aud": [CLIENT_ID, "another"], "azp": "another"}, Reason.LOGOUT_TOKEN_AUTHORIZED_PARTY),
        ({"azp": "another"}, Reason.LOGOUT_TOKEN_AUTHORIZED_PARTY),
        ({"iat": ABSENT}, Reason.LOGOUT_TOKEN_ISSUED_AT),
        ({"iat": True}, Reason.LOGOUT_TOKEN_ISSUED_AT),
        ({"iat": str(NOW)}, Reason.LOGOUT_TOKEN_ISSUED_AT),
        ({"iat": NOW + LEEWAY + 1, "exp": NOW + 600}, Reason.LOGOUT_TOKEN_ISSUED_AT),
        ({"iat": NOW - LONGEST_AGE - LEEWAY - 1}, Reason.LOGOUT_TOKEN_ISSUED_AT),
        ({"iat": NOW - LONGEST_AGE - LEEWAY - 1, "exp": ABSENT}, Reason.LOGOUT_TOKEN_ISSUED_AT),
        ({"exp": NOW - LEEWAY, "iat": NOW - 200}, Reason.LOGOUT_TOKEN_EXPIRED),
        ({"exp": NOW - 1, "iat": NOW}, Reason.LOGOUT_TOKEN_EXPIRED),
        ({"exp": None}, Reason.LOGOUT_TOKEN_EXPIRED),
        ({"exp": "soon"}, Reason.LOGOUT_TOKEN_EXPIRED),
        ({"nbf": NOW + LEEWAY + 1}, Reason.LOGOUT_TOKEN_NOT_BEFORE),
        ({"sub": ABSENT, "sid": ABSENT}, Reason.LOGOUT_TOKEN_SUBJECT),
        ({"sub": None}, Reason.LOGOUT_TOKEN_SUBJECT),
        ({"sub": ""}, Reason.LOGOUT_TOKEN_SUBJECT),
        ({"sub": 7}, Reason.LOGOUT_TOKEN_SUBJECT),
        ({"sub": "a\x00b"}, Reason.LOGOUT_TOKEN_SUBJECT),
        ({"sid": None}, Reason.LOGOUT_TOKEN_SUBJECT),
        ({"sid": ""}, Reason.LOGOUT_TOKEN_SUBJECT),
        ({"sid": ["a session"]}, Reason.LOGOUT_TOKEN_SUBJECT),
        *[
            ({"events": value}, Reason.LOGOUT_TOKEN_EVENTS)
            for value in (ABSENT, None, [], [EVENT], EVENT, {}, {"http://schemas.openid.net/event/foobar": {}})
        ],
        *[({"events": {EVENT: value}}, Reason.LOGOUT_TOKEN_EVENTS) for value in ([], "", True, None, 0)],
        *[({"nonce": value}, Reason.LOGOUT_TOKEN_NONCE) for value in (NONCE, "", None)],
        *[({"jti": value}, Reason.LOGOUT_TOKEN_ID) for value in (ABSENT, None, "", 7)],
    ],
    ids=str,
)
def test_a_claim_that_breaks_a_rule(changes: dict[str, Any], expected: Reason) -> None:
    """BC05, BC07, BC08, BC14, BC15."""
    assert reason(made(**changes)) is expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"typ": "at+jwt"}, Reason.LOGOUT_TOKEN_TYPE),
        ({"typ": "secevent+jwt"}, Reason.LOGOUT_TOKEN_TYPE),
        ({"typ": ""}, Reason.LOGOUT_TOKEN_TYPE),
        ({"typ": None}, Reason.LOGOUT_TOKEN_TYPE),
        ({"alg": "none"}, Reason.LOGOUT_TOKEN_ALGORITHM),
        ({"alg": "PS256"}, Reason.LOGOUT_TOKEN_ALGORITHM),
        ({"alg": ABSENT}, Reason.LOGOUT_TOKEN_ALGORITHM),
        ({"crit": ["exp"]}, Reason.LOGOUT_TOKEN_CRITICAL_HEADER),
        ({"kid": 7}, Reason.LOGOUT_TOKEN_MALFORMED),
    ],
    ids=str,
)
def test_a_header_that_breaks_a_rule(header: dict[str, Any], expected: Reason) -> None:
    assert reason(made(header=header)) is expected


def test_a_signature_that_does_not_hold() -> None:
    head, _, signature = made().rpartition(".")
    assert reason(f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}") is Reason.LOGOUT_TOKEN_SIGNATURE
    assert reason(made(key=private_key("RSA", 1))) is Reason.LOGOUT_TOKEN_SIGNATURE


def test_another_algorithm_than_agreed_though_the_key_is_published() -> None:
    assert reason(made("ES256")) is Reason.LOGOUT_TOKEN_ALGORITHM
    assert reason(made("RS256"), alg="ES256") is Reason.LOGOUT_TOKEN_ALGORITHM


@pytest.mark.parametrize("text", ["", "{}", "a.b", "a.b.c.d.e", "not a token", "x" * 100_000])
def test_bc03_no_token_at_all(text: str) -> None:
    assert reason(text) is Reason.LOGOUT_TOKEN_MALFORMED


def test_bc17_an_id_token_is_no_logout_token() -> None:
    assert reason(token()) is Reason.LOGOUT_TOKEN_EVENTS


def test_the_first_broken_rule_gives_the_reason() -> None:
    """The order of 2.6: what is wrong further down is not looked at."""
    broken = {"iss": "x", "aud": "x", "iat": 0, "sub": ABSENT, "sid": ABSENT, "events": [], "nonce": "x", "jti": ""}
    expected = [
        Reason.LOGOUT_TOKEN_ISSUER,
        Reason.LOGOUT_TOKEN_AUDIENCE,
        Reason.LOGOUT_TOKEN_ISSUED_AT,
        Reason.LOGOUT_TOKEN_SUBJECT,
        Reason.LOGOUT_TOKEN_SUBJECT,
        Reason.LOGOUT_TOKEN_EVENTS,
        Reason.LOGOUT_TOKEN_NONCE,
        Reason.LOGOUT_TOKEN_ID,
    ]
    names = list(broken)
    found = [reason(made(**{name: broken[name] for name in names[n:]})) for n in range(3)]
    found += [reason(made(**{name: broken[name] for name in names[n:]})) for n in (3, 3, 5, 6, 7)]
    assert found == expected


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (TokenError(Reason.ID_TOKEN_KEY_UNKNOWN), Reason.LOGOUT_TOKEN_KEY_UNKNOWN),
        (TokenError(Reason.ID_TOKEN_KEY_AMBIGUOUS), Reason.LOGOUT_TOKEN_KEY_AMBIGUOUS),
        (ConfigurationError(Reason.NOT_CONFIGURED), Reason.NOT_CONFIGURED),
    ],
    ids=["unknown", "ambiguous", "no settings"],
)
def test_a_key_that_cannot_be_had_is_said_so(raised: Any, expected: Reason) -> None:
    def no_key(header: Any) -> Any:
        raise raised

    with pytest.raises(type(raised)) as caught:
        validate_logout_token(
            made(), keys=no_key, issuer=ISSUER, client_id=CLIENT_ID, algorithm="RS256", leeway=LEEWAY, now=NOW
        )
    assert caught.value.reason is expected


def test_a_key_is_asked_for_only_after_the_header_was_found_good() -> None:
    def no_key(header: Any) -> Any:
        raise AssertionError("asked")

    for text in ("x", made(header={"typ": "at+jwt"}), made("ES256")):
        with pytest.raises(TokenError):
            validate_logout_token(
                text, keys=no_key, issuer=ISSUER, client_id=CLIENT_ID, algorithm="RS256", leeway=0, now=NOW
            )
