"""What is read again before a session is written, and what is not written back any more."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_silent_sso.protocol.errors import Reason, StorageUnavailable
from django_silent_sso.storage.session_store import SIGNED_COOKIES, alone, bear_its_end, reload, save_now
from tests.faults.conftest import use_engine
from tests.storage.sessions import made, store

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["db", "cached_db", "cache", "file"])
def engine(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> str:
    use_engine(settings, request.param, tmp_path)
    return str(request.param)


class DownStore(DatabaseStore):
    """An engine whose server went away, with an error of its own."""

    def load(self) -> Any:
        raise ConnectionError("canary")

    def save(self, must_create: bool = False) -> None:
        raise ConnectionError("canary")


def loaded(key: str) -> Any:
    session = store(key)
    session.get("any")
    session.modified = False
    return session


def elsewhere(key: str, **data: Any) -> None:
    """What another request does meanwhile."""
    other = store(key)
    other.update(data)
    other.save()


# -- reading again -------------------------------------------------------------------------------------------------


def test_c80_c87_what_others_have_saved_meanwhile_is_taken_over(engine: str) -> None:
    key = made(cart=1, gone="x")
    session = loaded(key)
    other = store(key)
    other["cart"] = 2
    del other["gone"]
    other.save()
    assert reload(session)
    assert (session["cart"], "gone" in session, session.modified) == (2, False, False)


def test_what_this_request_has_changed_itself_is_kept(engine: str) -> None:
    key = made(cart=1)
    session = loaded(key)
    session["cart"] = 3
    elsewhere(key, cart=2)
    assert reload(session)
    assert (session["cart"], session.modified) == (3, True)


@pytest.mark.parametrize("changed", [True, False], ids=["changed here", "only read"])
def test_a_session_that_is_gone_is_said_to_be(engine: str, changed: bool) -> None:
    session = loaded(made(cart=1))
    if changed:
        session["cart"] = 2
    store(session.session_key).delete()
    assert not reload(session)


def test_a_signed_cookie_has_no_other_copy(settings: Settings) -> None:
    settings.SESSION_ENGINE = SIGNED_COOKIES
    session = store()
    session["cart"] = 1
    session.modified = False
    assert reload(session)
    assert session["cart"] == 1


def test_a_store_that_is_down_is_not_a_session_that_is_gone(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(StorageUnavailable) as caught:
        reload(DownStore("key"))
    assert caught.value.reason is Reason.STORAGE_UNAVAILABLE
    assert caplog.messages == ["storage_unavailable: the session cannot be read again (ConnectionError)"]


# -- saving at once ------------------------------------------------------------------------------------------------


def test_it_is_saved_once(engine: str) -> None:
    session = loaded(made())
    session["cart"] = 1
    save_now(session)
    assert store(session.session_key)["cart"] == 1
    assert not session.modified, "Django must not save it again"


def test_c68_a_session_that_is_gone_is_not_brought_back(engine: str, caplog: pytest.LogCaptureFixture) -> None:
    session = loaded(made())
    bear_its_end(session)
    store(session.session_key).delete()
    session["cart"] = 1
    with pytest.raises(StorageUnavailable) as caught:
        save_now(session)
    assert caught.value.reason is Reason.VOIDED_BY_SIGN_OUT
    assert not session.modified
    assert not store(session.session_key).load()
    assert caplog.records == []


def test_c118_a_store_that_is_down_is_told_by_name_and_nothing_more(caplog: pytest.LogCaptureFixture) -> None:
    session = DownStore("key")
    with pytest.raises(StorageUnavailable) as caught:
        save_now(session)
    assert caught.value.reason is Reason.STORAGE_UNAVAILABLE
    assert not session.modified
    assert caplog.messages == ["storage_unavailable: the session cannot be written (ConnectionError)"]


def test_a_signed_cookie_leaves_with_the_response(settings: Settings) -> None:
    settings.SESSION_ENGINE = SIGNED_COOKIES
    session = store()
    session.modified = False
    save_now(session)
    assert session.modified


# -- nobody else meanwhile -----------------------------------------------------------------------------------------


def statements(session: Any, *, at_any_price: bool) -> list[str]:
    with CaptureQueriesContext(connection) as queries, alone(session, at_any_price=at_any_price):
        pass
    return [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]


@pytest.mark.parametrize("engine", ["db", "cached_db"], indirect=True)
def test_c80_a_database_without_locks_on_rows_is_written_to_where_it_is_worth_that(engine: str) -> None:
    session = loaded(made(cart=1))
    ends = Session.objects.get().expire_date
    (sql,) = statements(session, at_any_price=True)
    assert sql.startswith('UPDATE "django_session"')
    assert session.session_key in sql
    assert Session.objects.get().expire_date == ends
    assert statements(session, at_any_price=False) == []
    assert store(session.session_key)["cart"] == 1


@pytest.mark.parametrize("at_any_price", [True, False])
def test_c80_one_with_such_locks_is_asked_for_one(monkeypatch: pytest.MonkeyPatch, at_any_price: bool) -> None:
    monkeypatch.setattr(connection.features, "has_select_for_update", True)
    monkeypatch.setattr(connection.ops, "for_update_sql", lambda **_: "/* FOR UPDATE */")
    session = loaded(made(cart=1))
    (sql,) = statements(session, at_any_price=at_any_price)
    assert sql.startswith("SELECT")
    assert "FOR UPDATE" in sql


@pytest.mark.parametrize("engine", ["cache", "file"], indirect=True)
def test_where_sessions_are_no_rows_there_is_nothing_to_hold(engine: str) -> None:
    assert statements(loaded(made()), at_any_price=True) == []


def test_nor_for_a_session_that_was_never_saved() -> None:
    assert statements(store(), at_any_price=True) == []


def test_what_fails_within_is_undone() -> None:
    session = loaded(made(cart=1))

    def fail() -> None:
        with alone(session, at_any_price=True):
            elsewhere(session.session_key, cart=2)
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert store(session.session_key)["cart"] == 1


# -- a page that outlives its session ------------------------------------------------------------------------------


def test_bc26_c67_a_page_may_finish_whose_session_has_ended(engine: str, caplog: pytest.LogCaptureFixture) -> None:
    session = loaded(made())
    bear_its_end(session)
    session["cart"] = 1
    store(session.session_key).delete()
    with caplog.at_level(logging.INFO):
        session.save()
    assert not session.modified
    assert not store(session.session_key).load()
    assert any("not written back" in message for message in caplog.messages)


def test_without_it_django_raises(engine: str) -> None:
    """The reason why it is there."""
    session = loaded(made())
    session["cart"] = 1
    store(session.session_key).delete()
    with pytest.raises(UpdateError):
        session.save()


def test_a_session_that_lives_is_saved_as_ever_and_may_move(engine: str) -> None:
    session = loaded(made())
    bear_its_end(session)
    session["cart"] = 1
    session.save()
    before = session.session_key
    assert store(before)["cart"] == 1
    session.cycle_key()
    assert session.session_key != before
    assert store(session.session_key)["cart"] == 1


def test_other_errors_are_not_hidden() -> None:
    session = loaded(made())
    bear_its_end(session)
    with pytest.raises(CreateError):
        session.save(must_create=True)
    assert Session.objects.count() == 1


def test_a_signed_cookie_has_no_end_to_bear(settings: Settings) -> None:
    settings.SESSION_ENGINE = SIGNED_COOKIES
    session = store()
    bear_its_end(session)
    assert "save" not in vars(session)
