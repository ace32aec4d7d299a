"""Six words for why a session is over."""

from __future__ import annotations

import pytest

from django_silent_sso.protocol.ended_by import EndedBy, ended_by
from django_silent_sso.protocol.errors import OPErrorCode, Reason

EXACTLY = {
    Reason.SIGNED_OUT_BY_USER: "user",
    Reason.OP_FRONT_CHANNEL: "op_front_channel",
    Reason.OP_BACK_CHANNEL: "op_back_channel",
    Reason.SUBJECT_CHANGED: "subject_changed",
    Reason.SESSION_MAX: "limit",
    Reason.SESSION_IDLE: "limit",
    Reason.USER_UNKNOWN: "limit",
    Reason.USER_AMBIGUOUS: "limit",
    Reason.USER_INACTIVE: "limit",
    Reason.CLAIMS_REFUSED: "limit",
}


def test_these_are_the_words() -> None:
    words = {"user", "op_front_channel", "op_back_channel", "op_said_no", "subject_changed", "limit"}
    assert {str(cause) for cause in EndedBy} == words


@pytest.mark.parametrize("reason", EXACTLY)
def test_the_cause_of_a_reason(reason: Reason) -> None:
    assert ended_by(reason) == EXACTLY[reason]


@pytest.mark.parametrize("code", [*OPErrorCode, "op_error"])
def test_every_error_of_the_op_is_its_no(code: str) -> None:
    assert ended_by(Reason(code)) is EndedBy.OP_SAID_NO
