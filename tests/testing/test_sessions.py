from __future__ import annotations

import pytest

from django_silent_sso.testing.sessions import SessionCookie, SessionStore


@pytest.fixture
def store() -> SessionStore:
    return SessionStore()


def everywhere(store: SessionStore, subject: str, auth_time: int = 0) -> str:
    return store.open_everywhere(subject, auth_time=auth_time, acr=None, amr=()).sid


def test_one_switch_for_every_browser(store: SessionStore) -> None:
    assert store.find(None) is None
    sid = everywhere(store, "alice")
    for cookie in (None, "", "made up"):
        found = store.find(cookie)
        assert found is not None
        assert (found.sid, found.subject, found.cookie) == (sid, "alice", None)


def test_signing_the_same_user_in_again_keeps_the_session(store: SessionStore) -> None:
    sid = everywhere(store, "alice")
    assert everywhere(store, "alice", 5) == sid
    assert store.all[0].auth_time == 5
    assert everywhere(store, "bob") != sid
    assert not store.is_alive(sid)


def test_a_browsers_own_session_comes_first(store: SessionStore) -> None:
    everywhere(store, "alice")
    own = store.open_in_browser("bob", auth_time=0)
    found = store.find(own.cookie)
    assert found is not None
    assert found.subject == "bob"
    assert [session.subject for session in store.all] == ["alice", "bob"]


def test_the_switch_ends_the_sessions_of_browsers(store: SessionStore) -> None:
    own = store.open_in_browser("bob", auth_time=0)
    everywhere(store, "alice")
    assert not store.is_alive(own.sid)


def test_signing_in_again_in_a_browser_always_changes_the_cookie(store: SessionStore) -> None:
    first = store.open_in_browser("bob", auth_time=0)
    again = store.open_in_browser("bob", auth_time=1, cookie=first.cookie)
    other = store.open_in_browser("carol", auth_time=1, cookie=again.cookie)
    assert (again.sid, again.cookie != first.cookie) == (first.sid, True)
    assert other.sid != first.sid
    assert store.all == (other,)


def test_ending_one_session_and_all_of_a_user(store: SessionStore) -> None:
    everywhere(store, "alice")
    bobs = [store.open_in_browser("bob", auth_time=0) for _ in range(3)]
    store.end(bobs[0].sid)
    assert store.end_all("bob") == bobs[1:]
    assert [session.subject for session in store.all] == ["alice"]
    assert [len(store.end_all()), len(store.end_all())] == [1, 0]


def test_changing_hands(store: SessionStore) -> None:
    sid = everywhere(store, "alice")
    own = store.open_in_browser("bob", auth_time=0)
    assert store.hand_over("carol", auth_time=7, was="bob") == 1
    found = store.find(own.cookie)
    assert found is not None
    assert (found.subject, found.auth_time, found.sid != own.sid) == ("carol", 7, True)
    assert store.is_alive(sid)
    assert store.hand_over("dave", auth_time=8) == 2
    assert not store.is_alive(sid)


def test_ageing(store: SessionStore) -> None:
    everywhere(store, "alice", 100)
    store.open_in_browser("bob", auth_time=200)
    store.age(50)
    assert [session.auth_time for session in store.all] == [50, 150]


@pytest.mark.parametrize(
    ("cookie", "header"),
    [
        (SessionCookie(), "_session=v; Path=/; Max-Age=1209600; SameSite=Lax; HttpOnly"),
        (SessionCookie(samesite=None, max_age=None), "_session=v; Path=/; HttpOnly"),
        (SessionCookie(samesite="None", max_age=None), "_session=v; Path=/; SameSite=None; Secure; HttpOnly"),
        (SessionCookie(samesite="None", secure=False, max_age=None), "_session=v; Path=/; SameSite=None; HttpOnly"),
        (
            SessionCookie(samesite="Strict", secure=True, http_only=False, partitioned=True, max_age=None, path="/x"),
            "_session=v; Path=/x; SameSite=Strict; Secure; Partitioned",
        ),
    ],
    ids=["Lax", "unset", "None is Secure", "None but not Secure", "everything"],
)
def test_cookie_attributes(cookie: SessionCookie, header: str) -> None:
    assert cookie.header("v") == ("Set-Cookie", header)


def test_deleting_the_cookie() -> None:
    assert SessionCookie().header("")[1] == "_session=; Path=/; Max-Age=0; SameSite=Lax; HttpOnly"
