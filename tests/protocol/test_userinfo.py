"""UserInfo as a signed JWT: whose it is, for whom, and that it is no other token of the OP's."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from django_silent_sso.protocol.errors import Reason, TokenError
from django_silent_sso.protocol.userinfo import validate_userinfo
from tests.protocol.tokens import ABSENT, CLIENT_ID, ISSUER, SUBJECT, private_key

GOOD = {"iss": ISSUER, "aud": CLIENT_ID, "sub": SUBJECT, "email": "alice@example.org"}


def made(algorithm: str = "RS256", key: Any = None, headers: dict[str, Any] | None = None, **changes: Any) -> str:
    claims = {name: value for name, value in (GOOD | changes).items() if value is not ABSENT}
    return jwt.encode(claims, key or private_key("RSA"), algorithm=algorithm, headers=headers)


def validated(token: str, algorithm: str = "RS256") -> dict[str, Any]:
    return validate_userinfo(
        token,
        keys=lambda header: private_key("RSA").public_key(),
        issuer=ISSUER,
        client_id=CLIENT_ID,
        algorithm=algorithm,
    )


def reason(token: str) -> Reason:
    with pytest.raises(TokenError) as caught:
        validated(token)
    return caught.value.reason


def test_the_claims_of_a_good_one() -> None:
    assert validated(made()) == GOOD
    assert validated(made(aud=[CLIENT_ID])) == {**GOOD, "aud": [CLIENT_ID]}


def test_it_has_no_lifetime_to_be_checked() -> None:
    """Core 5.3.2 speaks of `iss` and `aud` alone: it is the answer to a call of this moment."""
    assert validated(made(exp=1, iat=0))["sub"] == SUBJECT


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"iss": f"{ISSUER}1"}, Reason.ID_TOKEN_ISSUER),
        ({"iss": ABSENT}, Reason.ID_TOKEN_ISSUER),
        ({"aud": f"{CLIENT_ID}1"}, Reason.ID_TOKEN_AUDIENCE),
        ({"aud": ABSENT}, Reason.ID_TOKEN_AUDIENCE),
        ({"aud": [CLIENT_ID, "stranger"]}, Reason.ID_TOKEN_AUDIENCE),
        ({"nonce": "n"}, Reason.USERINFO_INVALID),
        ({"events": {}}, Reason.USERINFO_INVALID),
    ],
)
def test_one_that_is_not_for_us(changes: dict[str, Any], expected: Reason) -> None:
    assert reason(made(**changes)) is expected


def test_a_signature_that_does_not_hold() -> None:
    head, _, signature = made().rpartition(".")
    assert reason(f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}") is Reason.ID_TOKEN_SIGNATURE
    assert reason(made(key=private_key("RSA", 1))) is Reason.ID_TOKEN_SIGNATURE


def test_another_algorithm_than_agreed() -> None:
    assert reason(made("PS256")) is Reason.ID_TOKEN_ALGORITHM
    unsigned = jwt.encode(GOOD, "", algorithm="none")
    assert reason(unsigned) in (Reason.ID_TOKEN_ALGORITHM, Reason.ID_TOKEN_MALFORMED)


@pytest.mark.parametrize("token", ["", "{}", "a.b", "a.b.c.d.e", "not a token"])
def test_no_token_at_all(token: str) -> None:
    assert reason(token) is Reason.ID_TOKEN_MALFORMED


def test_a_key_that_cannot_be_had_is_said_so() -> None:
    def no_key(header: Any) -> Any:
        raise TokenError(Reason.ID_TOKEN_KEY_UNKNOWN)

    with pytest.raises(TokenError) as caught:
        validate_userinfo(made(), keys=no_key, issuer=ISSUER, client_id=CLIENT_ID, algorithm="RS256")
    assert caught.value.reason is Reason.ID_TOKEN_KEY_UNKNOWN
