"""The limits of what is remembered: seven attempts (S19), small cookies (N04), one answer."""

from __future__ import annotations

import dataclasses
import inspect
import threading
from typing import Any

import pytest
from django.core.cache import cache
from hypothesis import given, settings
from hypothesis import strategies as st

from django_silent_sso.protocol.errors import ResponseError
from django_silent_sso.protocol.step_up import LONGEST_CLASSES
from django_silent_sso.storage import pending as store
from django_silent_sso.storage.pending import MAX_PENDING, PendingAuthentication
from tests.broken_cache import BROKEN
from tests.cookie_jar import CookieJar
from tests.storage.attempts import NOW, attempt, begin, interactive, states_left

ACR = "".join(chr(33 + (7919 * n) % 94) for n in range(LONGEST_CLASSES))


@pytest.fixture
def jar() -> CookieJar:
    return CookieJar()


def test_the_oldest_silent_one_makes_room_first(jar: CookieJar) -> None:
    order = ["asked-1", "silent-1", "asked-2", "silent-2", "asked-3", "silent-3", "asked-4"]
    for age, state in enumerate(order):
        begin(jar, attempt(state, silent=state.startswith("silent"), created=NOW + age))
    gone = []
    for new in range(5):
        before = states_left(jar, order, NOW + 20)
        begin(jar, interactive(f"new-{new}", created=NOW + 10 + new))
        gone += [state for state in before if state not in states_left(jar, order, NOW + 20)]
    assert gone == ["silent-1", "silent-2", "silent-3", "asked-1", "asked-2"]


def test_a_flood_of_silent_ones_does_not_push_out_an_honest_sign_in(jar: CookieJar) -> None:
    begin(jar, interactive("honest"))
    begin(jar, *(attempt(f"flood-{i}", created=NOW + i / 10) for i in range(200)))
    assert store.take(jar.request(), "honest", NOW + 20).state == "honest"


def test_what_another_site_began_goes_before_what_a_person_began_here(jar: CookieJar) -> None:
    """S19, whatever is older; and silent ones, which cost nobody anything, go before both."""
    order = ["own-1", "foreign-1", "silent-1", "own-2", "foreign-2", "silent-2", "own-3"]
    for age, state in enumerate(order):
        kinds = {"silent": state.startswith("silent")} | ({"foreign": True} if state.startswith("foreign") else {})
        begin(jar, attempt(state, created=NOW + age, **kinds))
    gone = []
    for new in range(6):
        before = states_left(jar, order, NOW + 20)
        begin(jar, interactive(f"new-{new}", created=NOW + 10 + new))
        gone += [state for state in before if state not in states_left(jar, order, NOW + 20)]
    assert gone == ["silent-1", "silent-2", "foreign-1", "foreign-2", "own-1", "own-2"]


@pytest.mark.parametrize("too_many", [1, 2])
def test_what_many_tabs_began_at_once_is_cleared_away_by_the_next_one(jar: CookieJar, too_many: int) -> None:
    """None of them saw the cookies of the others."""
    states = [f"tab-{i}" for i in range(MAX_PENDING + too_many)]
    for age, state in enumerate(states):
        tab = CookieJar()
        begin(tab, interactive(state, created=NOW + age))
        jar.cookies.update(tab.cookies)
    begin(jar, interactive("next", created=NOW + 20))
    assert states_left(jar, [*states, "next"], NOW + 20) == [*states[too_many + 1 :], "next"]


@pytest.mark.parametrize(
    ("way", "classes", "in_cookie"),
    [(99, 0, True), (99, 10, True), (400, 0, True), (399, 1, True), (401, 0, False), (255, 200, False)],
)
def test_what_is_short_enough_waits_in_the_cookie_and_needs_no_cache(
    jar: CookieJar, way: int, classes: int, in_cookie: bool
) -> None:
    return_to = "/" * way
    begin(jar, attempt(return_to=return_to, acr_values="x" * classes or None))
    cache.clear()
    found = store.find(jar.request(), "t.canary-state", NOW)
    assert found is not None
    assert found.return_to == (return_to if in_cookie else "/")


@pytest.mark.parametrize(("acr_values", "share"), [(None, 1), (ACR, 1), (ACR, 2)], ids=["sign_in", "long", "short"])
@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_n04_seven_with_long_ways_back_leave_room_in_the_headers(
    secure: bool, acr_values: str | None, share: int
) -> None:
    """N04: many servers take 8 kB of headers, browsers 4 kB a cookie."""
    jar = CookieJar(secure=secure)
    for i in range(MAX_PENDING):
        path = "/" + "".join(chr(0x4E00 + (7919 * (i * 9999 + n)) % 20000) for n in range(store.LONGEST_IN_COOKIE // 3))
        begin(jar, attempt(f"state-{i}", return_to=path[: len(path) // share], acr_values=acr_values))
    assert len(jar.cookies) == MAX_PENDING
    assert sum(len(name) + len(value) + 3 for name, value in jar.cookies.items()) < 7500


@pytest.mark.parametrize("length", [0, 100, 134, 400, 1400, 8000])
@pytest.mark.parametrize(
    "script", ["abcdefghijklmnopqrstuvwxyz0123456789%/&=", "".join(map(chr, range(0x4E00, 0x9000)))]
)
def test_no_way_back_makes_a_cookie_that_browsers_drop(length: int, script: str) -> None:
    jar, way = CookieJar(), "/" + "".join(script[(n * n * 7919 + n * 31) % len(script)] for n in range(length))
    begin(jar, attempt("t." + "s" * 600, return_to=way))
    assert max(len(name) + len(value) for name, value in jar.cookies.items()) < 4096
    found = store.find(jar.request(), "t." + "s" * 600, NOW)
    assert found is not None
    assert found.return_to == way


@settings(database=None, deadline=None, derandomize=True)
@given(st.text(max_size=50), st.text(alphabet=st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=99))
def test_any_state_beside_any_cookie_is_unknown(state: str, cookie: str) -> None:
    jar = CookieJar()
    jar.cookies[store.PREFIX + store.digest(state)] = cookie
    assert store.find(jar.request(), state, NOW) is None


def test_of_twenty_answers_at_once_one_is_taken(jar: CookieJar) -> None:
    begin(jar, attempt())
    start, answers = threading.Barrier(20), []

    def answer() -> None:
        start.wait()
        try:
            store.take(jar.request(), "t.canary-state", NOW)
        except ResponseError as error:
            answers.append(error.reason.value)
        else:
            answers.append("taken")

    threads = [threading.Thread(target=answer) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [*["state_used"] * 19, "taken"]


# -- step-up -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "only"),
    [
        ({"max_age": 300}, "alice"),
        ({"max_age": 0}, "alice"),
        ({"acr_values": "gold"}, "alice"),
        ({"max_age": 300, "subject": None}, None),
        ({"max_age": 300, "silent": True}, None),
        ({"max_age": 300, "automatic": True}, None),
        ({}, None),
    ],
)
def test_u08_a_step_up_is_answered_by_whom_it_is_about(
    jar: CookieJar, changes: dict[str, Any], only: str | None
) -> None:
    pending = attempt(**{"silent": False, **changes})
    begin(jar, pending)
    found = store.find(jar.request(), pending.state, NOW)
    assert found is not None
    assert found == pending
    assert (found.only_subject, pending.is_step_up) == (only, only is not None or changes.get("subject", 1) is None)


# -- the attempt itself ------------------------------------------------------------------------------------------------


def test_it_is_silent_about_what_nobody_said(jar: CookieJar) -> None:
    """A hint, another site's page, our own doing: each is told or not so."""
    assert (attempt().hinted, attempt().foreign, attempt().automatic) == (False, False, False)


def test_nobody_changes_it_or_puts_something_beside_it() -> None:
    pending = attempt()
    with pytest.raises(dataclasses.FrozenInstanceError):
        pending.return_to = "/elsewhere/"  # type: ignore[misc]
    assert not hasattr(pending, "__dict__")


def test_its_many_texts_are_given_by_name() -> None:
    kinds = {parameter.kind for parameter in inspect.signature(PendingAuthentication).parameters.values()}
    assert kinds == {inspect.Parameter.KEYWORD_ONLY}


# -- after a sign-out --------------------------------------------------------------------------------------------------


def test_c81_a_session_that_was_signed_out_is_known_for_it_and_no_other_is() -> None:
    store.void("canary-key")
    assert store.is_void("canary-key") is True
    assert store.is_void("canary-key-2") is False
    assert "canary" not in str(list(cache._cache))


@pytest.mark.parametrize("nobody", [None, ""])
def test_without_a_session_there_is_none_to_sign_out(nobody: str | None) -> None:
    store.void(nobody)
    assert store.is_void(nobody) is False
    assert not cache._cache


def test_a_session_that_was_not_signed_out_is_not_void() -> None:
    assert store.is_void("key") is False


def test_without_a_cache_no_sign_out_fails(settings: Any) -> None:
    settings.CACHES = BROKEN
    store.void("key")
    assert store.is_void("key") is False
