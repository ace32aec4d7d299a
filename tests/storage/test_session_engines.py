"""Many sessions ended at once, whatever engine keeps them, and what happens where a store fails."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from django_silent_sso.storage import session_engines
from django_silent_sso.storage.session_engines import AT_ONCE, InBoth, InCache, InDatabase, OneByOne, end_sessions
from tests.broken_cache import BROKEN
from tests.faults.conftest import use_engine
from tests.storage import sessions
from tests.storage.sessions import lives, made

if TYPE_CHECKING:
    from pytest_django import Settings

HERE = sessions.__name__
ENGINES = {"db": InDatabase, "cached_db": InBoth, "cache": InCache, "file": OneByOne}


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, db: None, settings: Settings, tmp_path: Path) -> str:
    use_engine(settings, request.param, tmp_path)
    return str(request.param)


def all_of_them(key: str, data: Any) -> bool:
    return True


def test_each_engine_is_known_by_what_it_does(engine: str) -> None:
    assert type(session_engines._engine()) is ENGINES[engine]


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "expected"), [("SessionStore", InBoth), ("StuckStore", OneByOne)])
def test_a_site_s_own_engine_is_known_by_what_it_has_changed(
    name: str, expected: type, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SESSION_ENGINE = HERE
    monkeypatch.setattr(sessions, "SessionStore", getattr(sessions, name))
    assert type(session_engines._engine()) is expected
    keys = [made("a"), made("b")]
    assert end_sessions(keys, all_of_them) == set()
    assert [lives(key) for key in keys] == [False, False]


def test_bc28_they_are_gone_and_the_others_are_not(engine: str) -> None:
    keys, others = [made("a"), made("b"), made("c")], [made("d"), made()]
    assert end_sessions(keys, all_of_them) == set()
    assert [lives(key) for key in keys] == [False] * 3
    assert [lives(key) for key in others] == [True] * 2


def test_only_those_are_ended_that_are_ours_still(engine: str) -> None:
    keys = {made(handle): handle for handle in "ab"}
    assert end_sessions(keys, lambda key, data: keys[key] == "a" and data["silent_sso"]["handle"] == "a") == set()
    assert [lives(key) for key in keys] == [False, True]


def test_those_that_are_gone_already_are_no_failure(engine: str) -> None:
    keys = [made("a"), "x" * 32]
    sessions.store(keys[0]).delete()
    assert end_sessions(keys, all_of_them) == set()
    assert end_sessions([], all_of_them) == set()


def test_of_a_session_without_data_nothing_is_left(engine: str) -> None:
    key = made(user=False)
    assert end_sessions([key], all_of_them) == set()
    assert not sessions.store().exists(key)


@pytest.mark.django_db
def test_c113_many_cost_few_queries(settings: Settings) -> None:
    keys = [made(str(n)) for n in range(AT_ONCE + 1)]
    with CaptureQueriesContext(
        connection,
    ) as few:
        end_sessions(keys[:1], all_of_them)
    with CaptureQueriesContext(connection) as many:
        end_sessions(keys[1:], all_of_them)
    assert len(many) == len(few) <= 5
    assert not any(lives(key) for key in keys[::50])


@pytest.mark.django_db
def test_more_than_fit_into_one_statement_are_ended_in_several(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(InDatabase, "at_once", 2)
    keys = [made(str(n)) for n in range(5)]
    assert end_sessions(keys, all_of_them) == set()
    assert not any(lives(key) for key in keys)


@pytest.mark.django_db
def test_bc29_one_that_cannot_be_deleted_keeps_no_other(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SESSION_ENGINE = HERE
    monkeypatch.setattr(sessions, "SessionStore", sessions.StuckStore)
    keys = [made("a"), made("b", stuck=True), made("c")]
    assert end_sessions(keys, all_of_them) == {keys[1]}
    assert [lives(key) for key in keys] == [False, True, False]


def test_a_file_that_cannot_be_deleted_is_noticed(db: None, settings: Settings, tmp_path: Path) -> None:
    """Django says nothing where `unlink` fails."""
    use_engine(settings, "file", tmp_path)
    key = made("a")
    path = Path(sessions.store(key)._key_to_file())
    path.unlink()
    path.mkdir()  # nobody deletes a folder as a file, and nobody reads it as one
    assert end_sessions([key], all_of_them) == {key}


@pytest.mark.django_db
def test_c66_a_cache_that_is_down_is_a_failure_and_the_database_is_done(settings: Settings) -> None:
    use_engine(settings, "cached_db", Path())
    key = made("a")
    cache.clear()  # and then it goes down
    settings.CACHES = BROKEN
    assert end_sessions([key], all_of_them) == {key}


@pytest.mark.django_db
def test_a_copy_that_comes_back_is_noticed_and_ended_the_next_time(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may have read the session before, and put it into the cache after it was deleted there."""
    use_engine(settings, "cached_db", Path())
    key = made("a")
    copy = sessions.store(key)
    name, data = copy.cache_key, copy.load()
    delete = InCache.delete

    def deleted_and_put_back(self: InCache, keys: list[str]) -> None:
        delete(self, keys)
        cache.set(name, data)

    with monkeypatch.context() as race:
        race.setattr(InCache, "delete", deleted_and_put_back)
        assert end_sessions([key], all_of_them) == {key}
    assert end_sessions([key], all_of_them) == set()
    assert not lives(key)


@pytest.mark.django_db
def test_a_database_that_fails_spoils_nothing_around_it(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    key = made("a")

    def fail(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith("DELETE"):
            raise DatabaseError("canary")
        return execute(sql, *rest)

    with connection.execute_wrapper(fail):
        assert end_sessions([key], all_of_them) == {key}
    assert lives(key)
    assert "storage_unavailable" in caplog.text
    assert "canary" not in caplog.text


@pytest.mark.django_db
def test_a_session_that_has_expired_is_none_any_more(settings: Settings) -> None:
    session = sessions.store()
    session["a"] = 1
    session.set_expiry(-1)
    session.save()
    asked: list[str] = []
    assert end_sessions([session.session_key], lambda key, data: bool(asked.append(key)) or True) == set()
    assert asked == []
