"""Rules for claims where a slightly different one would look right.

Clocks whose digits hide a wrong sum, sets that contain one another, names on both sides of the alphabet.
"""

from __future__ import annotations

import pytest

from django_silent_sso.protocol import claims as rules
from django_silent_sso.protocol.errors import Reason, TokenError
from tests.protocol.test_claims import AUDIENCE, BOTH, LEEWAY, PARTY, held
from tests.protocol.tokens import CLIENT_ID, NOW


@pytest.mark.parametrize("trusted", [("partner",), (CLIENT_ID,), (CLIENT_ID, "partner")])
def test_t03_trusted_audiences_need_not_be_there_and_may_name_ourselves(trusted: tuple[str, ...]) -> None:
    assert held(rules.check_audience, {"aud": CLIENT_ID}, CLIENT_ID, frozenset(trusted)) is None


def test_t03_an_empty_list_names_nobody() -> None:
    assert held(rules.check_audience, {"aud": []}, CLIENT_ID) is AUDIENCE
    assert held(rules.check_authorized_party, {"aud": []}, CLIENT_ID) is PARTY
    assert held(rules.check_authorized_party, {"aud": BOTH, "azp": CLIENT_ID}, CLIENT_ID) is None


@pytest.mark.parametrize("now", [NOW, NOW + LEEWAY, NOW + 3 * LEEWAY])
def test_t06_t09_t10_t18_leeway_is_added_to_any_time(now: int) -> None:
    for seconds, wrong in ((LEEWAY, False), (LEEWAY + 1, True)):
        ahead = now + seconds
        found = [
            held(rules.check_issued_at, {"iat": ahead}, now, LEEWAY, 3600),
            held(rules.check_not_before, {"nbf": ahead}, now, LEEWAY),
            held(rules.check_auth_time, {"auth_time": ahead}, 300, now, LEEWAY),
        ]
        reasons = [Reason.ID_TOKEN_ISSUED_AT, Reason.ID_TOKEN_NOT_BEFORE, Reason.ID_TOKEN_AUTH_TIME]
        assert found == (reasons if wrong else [None] * 3)
    assert held(rules.check_expiry, {"exp": now - LEEWAY}, now, LEEWAY) is Reason.ID_TOKEN_EXPIRED
    assert held(rules.check_expiry, {"exp": now - LEEWAY + 1}, now, LEEWAY) is None


@pytest.mark.parametrize("sub", ["A", "Alic", "Alice ", "Bob", "Zoe"])
def test_a49_u08_another_subject_is_another_on_both_sides_of_the_alphabet(sub: str) -> None:
    with pytest.raises(TokenError) as caught:
        rules.check_subject({"sub": sub}, "Alice")
    assert caught.value.reason is Reason.SUBJECT_CHANGED
