"""One attempt of a session at a time; one renewal by refresh token, whose result reaches everybody."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache

from django_silent_sso.models import SignedInSession
from django_silent_sso.storage.logout_index import close_row, open_row
from django_silent_sso.storage.rp_session import Tokens
from django_silent_sso.storage.sealing import seal
from django_silent_sso.storage.single_flight import (
    UNDER_WAY,
    Renewal,
    Turn,
    aclaim,
    claim,
    finish,
    look,
    release,
    take_turn,
)
from tests.broken_cache import BROKEN
from tests.storage.sessions import ISSUER


def test_the_first_may_begin_the_others_not() -> None:
    assert [claim("session"), claim("session"), claim("session")] == [True, False, False]


def test_sessions_do_not_wait_for_each_other() -> None:
    assert claim("one")
    assert claim("another")


def test_sync_and_async_share_the_claim() -> None:
    assert claim("session")
    assert async_to_sync(aclaim)("session") is False
    assert async_to_sync(aclaim)("another") is True
    assert claim("another") is False


def test_of_thirty_threads_one_may_begin() -> None:
    start, answers = threading.Barrier(30), []

    def tab() -> None:
        start.wait()
        answers.append(claim("session"))

    threads = [threading.Thread(target=tab) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False] * 29 + [True]


def test_a_claim_ends_by_itself_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever dies in the middle blocks nobody for long (C86)."""
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    assert claim("session")
    monkeypatch.setattr(time, "time", lambda: now + UNDER_WAY - 0.5)
    assert not claim("session")
    monkeypatch.setattr(time, "time", lambda: now + UNDER_WAY + 0.5)
    assert claim("session")
    assert UNDER_WAY == 3  # the documented time


def test_the_session_key_is_not_readable_in_the_cache() -> None:
    claim("secret-session-key")
    assert not any("secret-session-key" in key for key in cache._cache)


def test_a_cache_that_is_down_lets_everybody_begin(settings: Any) -> None:
    settings.CACHES = BROKEN
    assert [claim("session"), claim("session")] == [True, True]
    assert async_to_sync(aclaim)("session") is True


# -- by refresh token ----------------------------------------------------------------------------------------------

NOW = 1_800_000_000.0
TOKENS = Tokens(id_token="i", access_token="canary-a", refresh_token="canary-r", expires_at=NOW + 60)
RENEWAL = Renewal(generation=1, verified_at=NOW + 1, tokens=TOKENS, claims={"name": "canary-Alice"})


@pytest.fixture
def row(db: None) -> SignedInSession:
    open_row("handle", issuer=ISSUER, subject="alice", op_sid=None, expires_at=NOW + 100)
    return SignedInSession.objects.get()


def test_h03_one_request_gets_the_turn_the_others_wait(row: SignedInSession) -> None:
    first, second = take_turn("handle", 0, NOW, 10), take_turn("handle", 0, NOW, 10)
    assert first.owner
    assert first.done is None
    assert second == Turn()


def test_c86_a_turn_ends_by_itself(row: SignedInSession) -> None:
    assert take_turn("handle", 0, NOW, 10).owner
    assert take_turn("handle", 0, NOW + 9.9, 10).owner is None
    assert take_turn("handle", 0, NOW + 10, 10).owner


def test_no_two_turns_have_the_same_name(row: SignedInSession) -> None:
    assert take_turn("handle", 0, NOW, 0).owner != take_turn("handle", 0, NOW, 0).owner


def test_what_is_left_is_found_by_those_who_wait(row: SignedInSession) -> None:
    assert take_turn("handle", 0, NOW, 10).owner
    assert finish("handle", RENEWAL, NOW, NOW + 500)
    assert take_turn("handle", 0, NOW, 10) == Turn(done=RENEWAL)
    row.refresh_from_db()
    assert (row.generation, row.claimed_by, row.claimed_until) == (1, "", 0.0)
    assert row.expires_at == datetime.fromtimestamp(NOW + 500, UTC), "the row lives as long as the session"
    assert take_turn("handle", 1, NOW, 10).owner, "and the next renewal is a turn of its own"


def test_h04_who_missed_several_finds_the_last(row: SignedInSession) -> None:
    last = replace(RENEWAL, generation=2, tokens=replace(TOKENS, refresh_token="newest"))
    assert finish("handle", RENEWAL, NOW, NOW)
    assert finish("handle", last, NOW, NOW)
    assert take_turn("handle", 0, NOW, 10).done == last


def test_a_result_that_comes_too_late_is_not_left(row: SignedInSession) -> None:
    """The claim ended, and another request has renewed the session since."""
    assert finish("handle", RENEWAL, NOW, NOW)
    assert not finish("handle", replace(RENEWAL, verified_at=NOW + 99), NOW, NOW)
    assert take_turn("handle", 0, NOW, 10).done == RENEWAL


def test_a_session_that_was_signed_out_has_no_turn_and_takes_no_result(row: SignedInSession) -> None:
    close_row("handle")
    assert take_turn("handle", 0, NOW, 10) == look("handle", 0, NOW) == Turn(over=True)
    assert not finish("handle", RENEWAL, NOW, NOW)
    assert SignedInSession.objects.get().renewal == ""


def test_a_session_whose_row_was_lost_has_none_either(row: SignedInSession) -> None:
    row.delete()
    assert take_turn("handle", 0, NOW, 10) == Turn(exists=False)
    assert not finish("handle", RENEWAL, NOW, NOW)


def test_a_row_that_knows_less_than_the_session_is_none(row: SignedInSession) -> None:
    """The table was restored from a backup."""
    assert take_turn("handle", 7, NOW, 10) == Turn(exists=False)


def test_a_turn_that_brought_nothing_is_given_back_by_its_owner_alone(row: SignedInSession) -> None:
    owner = take_turn("handle", 0, NOW, 10).owner
    assert owner is not None
    release("handle", "another")
    release("other handle", owner)
    assert take_turn("handle", 0, NOW, 10).owner is None
    release("handle", owner)
    assert take_turn("handle", 0, NOW, 10).owner


def test_h07_a_turn_and_its_result_belong_to_one_session(row: SignedInSession) -> None:
    open_row("other", issuer=ISSUER, subject="alice", op_sid=None, expires_at=NOW)
    assert take_turn("handle", 0, NOW, 10).owner
    assert finish("handle", RENEWAL, NOW, NOW)
    other = take_turn("other", 0, NOW, 10)
    assert other.owner
    assert other.done is None
    assert SignedInSession.objects.get(handle="other").renewal == ""


def test_h09_the_table_tells_no_token_and_no_name(row: SignedInSession) -> None:
    assert finish("handle", RENEWAL, NOW, NOW)
    row.refresh_from_db()
    assert "canary" not in str(vars(row))
    assert "canary" not in repr(RENEWAL)
    assert RENEWAL.tokens.refresh_token not in repr(take_turn("handle", 0, NOW, 1))


LOST = Renewal(generation=1, verified_at=0.0, tokens=Tokens())


@pytest.mark.parametrize(
    "renewal",
    [
        pytest.param("", id="nothing"),
        pytest.param("garbage", id="garbage"),
        pytest.param(seal({"verified_at": NOW}, "renewal", NOW), id="no tokens"),
        pytest.param(seal({"verified_at": NOW, "tokens": 7}, "renewal", NOW), id="tokens of another kind"),
        pytest.param(seal({"tokens": {}, "more": 1}, "renewal", NOW), id="another version's"),
        pytest.param(seal({"verified_at": NOW, "tokens": {}}, "tokens", NOW), id="sealed for another purpose"),
    ],
)
def test_c72_c120_what_cannot_be_read_is_a_loss_and_no_error(row: SignedInSession, renewal: str) -> None:
    SignedInSession.objects.update(generation=1, renewal=renewal)
    assert take_turn("handle", 0, NOW, 10) == Turn(done=LOST)


def test_c73_a_result_outlives_a_rotated_secret_key(row: SignedInSession, settings: Any) -> None:
    assert finish("handle", RENEWAL, NOW, NOW)
    settings.SECRET_KEY, old = "another key, long enough for all its uses", settings.SECRET_KEY
    assert take_turn("handle", 0, NOW, 10).done == LOST
    settings.SECRET_KEY_FALLBACKS = [old]
    assert take_turn("handle", 0, NOW, 10).done == RENEWAL


class Replica:
    """A site's router: what is read may be older than what was written."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"


def test_whose_turn_it_is_is_never_asked_of_a_replica(row: SignedInSession, settings: Any) -> None:
    settings.DATABASE_ROUTERS = [Replica()]
    assert take_turn("handle", 0, NOW, 10).owner
    assert take_turn("handle", 0, NOW, 10) == Turn()
    assert finish("handle", RENEWAL, NOW, NOW)
    release("handle", "nobody")
    assert take_turn("handle", 0, NOW, 10).done == RENEWAL
