"""Sessions found by (issuer, sid) and (issuer, subject), and ended: all of those, and no other."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import SESSION_KEY, get_user_model
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from django_silent_sso.models import SignedInSession
from django_silent_sso.storage import logout_index
from django_silent_sso.storage.identities import link
from django_silent_sso.storage.logout_index import (
    AT_ONCE,
    MARGIN,
    ais_open,
    belong_together,
    clear_expired,
    close_row,
    drop_row,
    end,
    is_open,
    open_row,
    renew_row,
    set_session_key,
    users_of,
)
from django_silent_sso.storage.rp_session import KEY
from tests.faults.conftest import use_engine
from tests.storage import sessions
from tests.storage.sessions import FAR, ISSUER, lives, opened

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db

OTHER = "https://id.example.net"


@pytest.fixture(params=["db", "cached_db", "cache", "file"])
def engine(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> str:
    use_engine(settings, request.param, tmp_path)
    return str(request.param)


def rows() -> set[str]:
    return set(SignedInSession.objects.values_list("handle", flat=True))


# -- rows ----------------------------------------------------------------------------------------------------------


def test_a_row_is_there_from_opening_to_closing() -> None:
    assert not is_open("a")
    open_row("a", issuer=ISSUER, subject="alice", op_sid="s", expires_at=FAR)
    set_session_key("a", "k" * 32)
    assert is_open("a")
    assert SignedInSession.objects.get().session_key == "k" * 32
    close_row("another")
    assert is_open("a")
    close_row("a")
    assert not is_open("a")


@pytest.mark.django_db(transaction=True)
def test_the_question_is_one_query_in_either_colour() -> None:
    open_row("a", issuer=ISSUER, subject="alice", op_sid=None, expires_at=FAR)
    with CaptureQueriesContext(connection) as queries:
        assert is_open("a")
    assert len(queries) == 1
    assert [async_to_sync(ais_open)(handle) for handle in "ab"] == [True, False]


def test_a_handle_names_one_session() -> None:
    open_row("a", issuer=ISSUER, subject="alice", op_sid=None, expires_at=FAR)
    with pytest.raises(IntegrityError), transaction.atomic():
        open_row("a", issuer=ISSUER, subject="bob", op_sid=None, expires_at=FAR)


def test_a_renewal_moves_the_row_along() -> None:
    opened("a", op_sid="old")
    renew_row("a", issuer=ISSUER, op_sid=None, expires_at=FAR + 1)
    assert end(ISSUER, subject=None, op_sid="new").count == 0
    renew_row("a", issuer=ISSUER, op_sid="new", expires_at=FAR + 2)
    assert SignedInSession.objects.get().expires_at == datetime.fromtimestamp(FAR + 2, UTC)
    assert end(ISSUER, subject=None, op_sid="old").count == 0
    assert end(ISSUER, subject=None, op_sid="new").count == 1


def test_a_row_names_nobody() -> None:
    opened("a", subject="canary", op_sid="canary")
    assert "canary" not in str(list(SignedInSession.objects.values()))
    row = SignedInSession.objects.get()
    assert row.session_key not in str(row)


# -- which sessions ------------------------------------------------------------------------------------------------


def everybody() -> dict[str, str]:
    """Handle -> session key; the handles say who, and in which session at the OP."""
    return {
        "alice s 1": opened("alice s 1", "alice", "s"),
        "alice s 2": opened("alice s 2", "alice", "s"),
        "alice t": opened("alice t", "alice", "t"),
        "alice": opened("alice", "alice"),
        "bob u": opened("bob u", "bob", "u"),
        "bob": opened("bob", "bob"),
        "elsewhere s": opened("elsewhere s", "alice", "s", issuer=OTHER),
    }


@pytest.mark.parametrize(
    ("subject", "op_sid", "over"),
    [
        ("alice", None, {"alice s 1", "alice s 2", "alice t", "alice"}),
        (None, "s", {"alice s 1", "alice s 2"}),
        # One whose ID Token did not tell its `sid` may be the one.
        ("alice", "s", {"alice s 1", "alice s 2", "alice"}),
        ("alice", "unknown", {"alice"}),
        ("bob", "u", {"bob u", "bob"}),
        (None, "unknown", set()),
        ("nobody", None, set()),
        ("ALICE", None, set()),
        ("alice ", None, set()),
        (None, "", set()),
        ("", None, set()),
    ],
)
def test_bc20_bc21_bc23_which_sessions_end(
    subject: str | None, op_sid: str | None, over: set[str], engine: str
) -> None:
    keys = everybody()
    ended = end(ISSUER, subject=subject, op_sid=op_sid)
    assert {handle for handle, key in keys.items() if not lives(key)} == over
    assert rows() == set(keys) - over
    assert (ended.count, ended.failed) == (len(over), 0)
    assert ended.subject_keys == {SignedInSession.key_of(ISSUER, handle.split()[0]) for handle in over}


def test_bc22_a_session_of_somebody_else_is_noticed() -> None:
    everybody()
    assert belong_together(ISSUER, subject="alice", op_sid="s")
    assert not belong_together(ISSUER, subject="bob", op_sid="s")
    assert belong_together(ISSUER, subject="bob", op_sid="unknown")
    assert belong_together(OTHER, subject="bob", op_sid="u")


def test_bc24_an_older_session_s_end_takes_no_newer_one_along() -> None:
    opened("old", op_sid="s")
    newer = opened("new", op_sid="t")
    close_row("old")
    assert end(ISSUER, subject="alice", op_sid=None).count == 1
    assert not lives(newer)


def test_bc33_sessions_that_have_no_row_are_nobody_s_business() -> None:
    opened("a")
    password, visitor = sessions.made(), sessions.made(user=False, cart=[1])
    end(ISSUER, subject="alice", op_sid=None)
    assert lives(password)
    assert lives(visitor)


def changed(key: str, data: dict[str, Any]) -> None:
    session = sessions.store(key)
    session.clear()
    session.update(data)
    session.save()


@pytest.mark.parametrize(
    "data",
    [{SESSION_KEY: "1"}, {SESSION_KEY: "1", KEY: {"handle": "b"}}, {SESSION_KEY: "1", KEY: "odd"}],
    ids=["a password", "another sign-in", "odd"],
)
def test_a_session_that_became_somebody_else_s_lives_on(engine: str, data: dict[str, Any]) -> None:
    key = opened("a")
    changed(key, data)
    assert end(ISSUER, subject="alice", op_sid=None).count == 1
    assert lives(key)
    assert rows() == set()


def test_bc25_a_session_that_is_just_being_opened_ends_too(engine: str) -> None:
    """Django has written it down, and what is in it not yet."""
    key = opened("a")
    changed(key, {"cart": [1]})
    end(ISSUER, subject="alice", op_sid=None)
    assert not lives(key)


def test_a_row_without_a_session_key_is_all_there_is_to_end(settings: Settings) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    open_row("a", issuer=ISSUER, subject="alice", op_sid=None, expires_at=FAR)
    assert end(ISSUER, subject="alice", op_sid=None).count == 1
    assert not is_open("a")


# -- many, and trouble ---------------------------------------------------------------------------------------------


def test_c113_queries_do_not_grow_with_sessions_of_others_nor_with_one_s_own() -> None:
    counts = []
    for number in (1, 20):
        for n in range(number):
            opened(f"alice {n}")
            opened(f"bob {number} {n}", "bob")
        with CaptureQueriesContext(connection) as queries:
            assert end(ISSUER, subject="alice", op_sid=None).count == number
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 10


def test_more_than_one_statement_takes_are_ended_in_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logout_index, "AT_ONCE", 2)
    keys = [opened(f"alice {n}") for n in range(5)]
    assert end(ISSUER, subject="alice", op_sid=None).count == 5
    assert not any(lives(key) for key in keys)
    assert AT_ONCE == 500


def test_bc29_a_row_stays_until_its_session_is_gone(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SESSION_ENGINE = sessions.__name__
    monkeypatch.setattr(sessions, "SessionStore", sessions.StuckStore)
    keys = {handle: opened(handle) for handle in "abc"}
    changed(keys["b"], {SESSION_KEY: "1", KEY: {"handle": "b"}, "stuck": True})
    ended = end(ISSUER, subject="alice", op_sid=None)
    assert (ended.count, ended.failed, rows()) == (2, 1, {"b"})
    assert [lives(key) for key in keys.values()] == [False, True, False]
    changed(keys["b"], {SESSION_KEY: "1", KEY: {"handle": "b"}})
    ended = end(ISSUER, subject="alice", op_sid=None)
    assert (ended.count, ended.failed, rows()) == (1, 0, set())
    assert not lives(keys["b"])


# -- users, tidying up ---------------------------------------------------------------------------------------------


def test_whose_sessions_they_were_is_told_with_one_query() -> None:
    users = {name: get_user_model().objects.create_user(name) for name in ("alice", "bob")}
    for subject, name in (("alice", "alice"), ("alice 2", "alice"), ("bob", "bob")):
        link(ISSUER, subject, users[name])
    keys = {SignedInSession.key_of(ISSUER, subject) for subject in ("alice", "alice 2", "nobody")}
    with CaptureQueriesContext(connection) as queries:
        assert users_of(keys) == [users["alice"]]
    assert len(queries) == 1
    assert users_of([]) == []


def test_rows_of_sessions_that_have_expired_are_cleared_a_day_later() -> None:
    for handle, expires_at in (("a", FAR), ("b", FAR + 1)):
        open_row(handle, issuer=ISSUER, subject="alice", op_sid=None, expires_at=expires_at)
    assert clear_expired(FAR + MARGIN - 1) == 0
    assert clear_expired(FAR + MARGIN) == 1
    assert rows() == {"b"}


def test_a_session_that_was_signed_out_is_known_as_such_until_the_clean_up() -> None:
    open_row("handle", issuer=ISSUER, subject="alice", op_sid="a", expires_at=time.time() + 60)
    close_row("handle")
    row = SignedInSession.objects.get()
    assert (row.ended, row.session_key, is_open("handle")) == (True, "", False)
    assert end(ISSUER, subject="alice", op_sid=None).count == 0
    assert belong_together(ISSUER, subject="bob", op_sid="a"), "nobody has it any more"
    assert clear_expired(time.time() + 60) == 0
    assert clear_expired(time.time() + 24 * 3600 + 60) == 1


def test_a_session_that_never_began_leaves_nothing() -> None:
    open_row("handle", issuer=ISSUER, subject="alice", op_sid=None, expires_at=time.time() + 60)
    drop_row("handle")
    assert not SignedInSession.objects.exists()
