"""What is remembered of a logout: which tokens were used, and which sessions at the OP are over."""

from __future__ import annotations

import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_silent_sso.models import LogoutRecord
from django_silent_sso.storage.logout_memory import (
    MEMORY,
    UNDER_WAY,
    clear_expired,
    forget_token,
    keep_token,
    remember,
    take_token,
    was_ended,
)
from django_silent_sso.storage.pending import INTERACTIVE_LIFETIME

pytestmark = pytest.mark.django_db

ISSUER = "https://id.example.org"
OTHER = "https://id.example.net"
NOW = 1_800_000_000.0


# -- tokens --------------------------------------------------------------------------------------------------------


def test_bc10_a_token_counts_once() -> None:
    assert [take_token(ISSUER, "an id", NOW) for _ in range(3)] == [True, False, False]
    keep_token(ISSUER, "an id", NOW + 700)
    assert not take_token(ISSUER, "an id", NOW + 699)


def test_bc11_the_same_id_at_another_op_is_another_token() -> None:
    assert take_token(ISSUER, "an id", NOW)
    assert take_token(OTHER, "an id", NOW)
    assert take_token(ISSUER, "another id", NOW)


def test_bc29_a_logout_that_was_not_done_can_be_told_again() -> None:
    take_token(ISSUER, "an id", NOW)
    forget_token(ISSUER, "an id")
    assert take_token(ISSUER, "an id", NOW)


def test_a_process_that_died_over_it_blocks_the_token_for_a_minute() -> None:
    take_token(ISSUER, "an id", NOW)
    assert not take_token(ISSUER, "an id", NOW + UNDER_WAY - 1)
    assert take_token(ISSUER, "an id", NOW + UNDER_WAY)


def test_what_is_written_down_names_nobody() -> None:
    take_token(ISSUER, "canary", NOW)
    remember(ISSUER, subject="canary", op_sid="canary", now=NOW)
    rows = list(LogoutRecord.objects.values())
    assert len(rows) == 3
    assert "canary" not in str(rows)
    assert "canary" not in str(list(LogoutRecord.objects.all()))
    assert {len(row["key"]) for row in rows} == {64}


# -- sessions and users at the OP ----------------------------------------------------------------------------------

ALICE_S = {"subject": "alice", "op_sid": "s"}
ALICE_T = {"subject": "alice", "op_sid": "t"}
ALICE = {"subject": "alice", "op_sid": None}
BOB_S = {"subject": "bob", "op_sid": "s"}
BOB = {"subject": "bob", "op_sid": None}
SIGN_INS = {"alice s": ALICE_S, "alice t": ALICE_T, "alice": ALICE, "bob s": BOB_S, "bob": BOB}


@pytest.mark.parametrize(
    ("subject", "op_sid", "over"),
    [
        ("alice", None, {"alice s", "alice t", "alice"}),
        (None, "s", {"alice s", "bob s"}),
        # An ID Token that does not tell its `sid` may be of the session that was ended.
        ("alice", "s", {"alice s", "bob s", "alice"}),
    ],
    ids=["sub alone", "sid alone", "both"],
)
def test_bc25_which_sign_ins_must_not_outlive_a_logout(subject: str | None, op_sid: str | None, over: set[str]) -> None:
    remember(ISSUER, subject=subject, op_sid=op_sid, now=NOW)
    assert {name for name, who in SIGN_INS.items() if was_ended(ISSUER, **who, since=NOW - 1)} == over
    assert not any(was_ended(OTHER, **who, since=NOW - 1) for who in SIGN_INS.values())


def test_a_sid_is_not_taken_for_a_subject_nor_a_subject_for_a_sid() -> None:
    remember(ISSUER, subject=None, op_sid="alice", now=NOW)
    assert not was_ended(ISSUER, **ALICE, since=NOW)
    remember(ISSUER, subject="s", op_sid=None, now=NOW)
    assert not was_ended(ISSUER, **ALICE_S, since=NOW)


def test_a_sign_in_that_began_later_is_another_one() -> None:
    remember(ISSUER, **ALICE, now=NOW)
    assert [was_ended(ISSUER, **ALICE, since=NOW + after) for after in (-1, 0, 0.5)] == [True, True, False]


def test_a_later_logout_counts_from_then_on() -> None:
    for now in (NOW, NOW + 10):
        remember(ISSUER, **ALICE, now=now)
    assert was_ended(ISSUER, **ALICE, since=NOW + 5)
    assert LogoutRecord.objects.count() == 1


def test_it_is_remembered_longer_than_an_attempt_can_live() -> None:
    assert MEMORY > INTERACTIVE_LIFETIME
    remember(ISSUER, **ALICE, now=NOW)
    clear_expired(NOW + MEMORY - 1)
    assert was_ended(ISSUER, **ALICE, since=NOW - 600)


def test_the_question_is_one_query() -> None:
    remember(ISSUER, **ALICE_S, now=NOW)
    with CaptureQueriesContext(connection) as queries:
        was_ended(ISSUER, **ALICE_S, since=NOW)
    assert len(queries) == 1


# -- tidying up ----------------------------------------------------------------------------------------------------


def test_what_has_expired_is_cleared_and_nothing_else() -> None:
    now = time.time()
    take_token(ISSUER, "under way", now)
    take_token(ISSUER, "used", now)
    keep_token(ISSUER, "used", now + 600)
    remember(ISSUER, **ALICE, now=now)
    assert clear_expired(now) == 0
    assert clear_expired(now + UNDER_WAY) == 1
    assert clear_expired(now + 600) == 1
    assert clear_expired(now + MEMORY) == 1
    assert not LogoutRecord.objects.exists()
