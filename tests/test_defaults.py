"""The settings and what they may hold: contract 2."""

from __future__ import annotations

import pytest

from django_silent_sso.defaults import AFTER_ERROR, CHOICES, DEFAULTS, REACTIONS, is_seconds
from django_silent_sso.protocol.errors import OPErrorCode

CONTRACT = {
    "SILENT_SSO_ISSUER": None,
    "SILENT_SSO_VISITORS": "frame",
    "SILENT_SSO_RENEW_AFTER_SECONDS": 900,
    "SILENT_SSO_RENEW_WITH": ("refresh_token", "redirect"),
    "SILENT_SSO_GRACE_SECONDS": 300,
    "SILENT_SSO_BACK_OFF_SECONDS": (60, 600, 3600),
    "SILENT_SSO_AFTER_ERROR": AFTER_ERROR,
    "SILENT_SSO_SUBJECT_CHANGED": "sign_out",
    "SILENT_SSO_LEEWAY_SECONDS": 60,
    "SILENT_SSO_SESSION_MAX_SECONDS": None,
    "SILENT_SSO_RESPONSE_TYPE": "code",
    "SILENT_SSO_RESPONSE_MODE": None,
    "SILENT_SSO_FRAME_TIMEOUT_SECONDS": 8,
    "SILENT_SSO_TOP_LEVEL_HOP": "known",
    "SILENT_SSO_MONITOR": ("visible",),
    "SILENT_SSO_POLL_SECONDS": 900,
    "SILENT_SSO_CREDENTIAL_IN_PAGE": False,
    "SILENT_SSO_LINK_USERS_BY": "verified_email",
    "SILENT_SSO_ORIGIN": None,
}
LATER = {
    "SILENT_SSO_ASK_OP_AFTER_SECONDS": None,
    "SILENT_SSO_SESSION_IDLE_SECONDS": None,
    "SILENT_SSO_REVOKE_TOKENS": False,
    "SILENT_SSO_FEDCM_CONFIG_URL": None,
}


@pytest.mark.parametrize("name", [*CONTRACT, *LATER])
def test_the_default_is_the_promised_one(name: str) -> None:
    assert DEFAULTS[name] == {**CONTRACT, **LATER}[name]


def test_every_setting_is_ours_by_name() -> None:
    assert set(CONTRACT) <= set(DEFAULTS)
    assert all(name.startswith("SILENT_SSO_") for name in DEFAULTS)


@pytest.mark.parametrize("name", CHOICES)
def test_a_default_is_one_of_the_choices(name: str) -> None:
    default = DEFAULTS[name]
    words = default if isinstance(default, tuple) else (default,)
    assert set(words) <= {*CHOICES[name], None}
    assert len(set(CHOICES[name])) == len(CHOICES[name])


@pytest.mark.parametrize(
    "code", ["login_required", "consent_required", "interaction_required", "account_selection_required"]
)
def test_where_the_op_asks_for_the_user_visitors_stay_anonymous_and_users_are_asked(code: str) -> None:
    assert AFTER_ERROR[code] == ("anonymous", "interactive")


def test_reactions_are_for_codes_of_the_op() -> None:
    assert set(AFTER_ERROR) <= {code.value for code in OPErrorCode}
    assert {word for pair in AFTER_ERROR.values() for word in pair} <= set(REACTIONS)


@pytest.mark.parametrize("value", [0, 1, 1.5, 10**9 - 1])
def test_is_a_time(value: object) -> None:
    assert is_seconds(value)


@pytest.mark.parametrize(
    "value", [-1, True, False, None, "60", "", [60], float("nan"), float("inf"), 10**9, 10**400], ids=repr
)
def test_is_no_time(value: object) -> None:
    assert not is_seconds(value)
