"""An OP that fails is left alone for a while, by every process; then one request tries."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache import cache

from django_silent_sso.op import breaker
from django_silent_sso.op.breaker import failed, heard, heard_within, is_open
from tests.broken_cache import BROKEN

if TYPE_CHECKING:
    from pytest_django import Settings

NOW = 1_800_000_000.0
URL = "https://id.example.org/token"


def in_another_process() -> None:
    """What it knows is in the shared cache alone."""
    breaker.forget()


def test_an_op_that_never_failed_is_asked() -> None:
    assert not is_open(URL, NOW)


def test_after_a_failure_it_is_left_alone_for_fifteen_seconds() -> None:
    failed(URL, NOW)
    assert is_open(URL, NOW)
    assert is_open(URL, NOW + 14.9)
    assert not is_open(URL, NOW + 15)


def test_c44_when_the_wait_is_over_one_request_tries_and_the_others_do_not_wait_for_it() -> None:
    failed(URL, NOW)
    assert [is_open(URL, NOW + 15) for _ in range(3)] == [False, True, True]
    assert is_open(URL, NOW + 24.9)
    assert not is_open(URL, NOW + 25), "who tried was killed: another may"


def test_the_wait_grows_with_each_failure_up_to_two_minutes() -> None:
    waits = []
    for _ in range(120):
        failed(URL, NOW)
        waits.append(next(seconds for seconds in (15, 30, 60, 120, 240) if not is_open(URL, NOW + seconds)))
    assert waits[:5] == [15, 30, 60, 120, 120]
    assert set(waits[5:]) == {120}


@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [(None, 15), (0, 15), (-5, 15), (10, 15), (90, 90), (3600, 3600), (10**9, 3600)],
)
def test_the_op_may_ask_for_a_longer_wait_up_to_an_hour(retry_after: int | None, wait: int) -> None:
    failed(URL, NOW, retry_after)
    assert is_open(URL, NOW + wait - 0.1)
    assert not is_open(URL, NOW + wait)


def test_an_answer_ends_it_at_once(caplog: pytest.LogCaptureFixture) -> None:
    failed(URL, NOW)
    failed(URL, NOW)
    with caplog.at_level(logging.INFO):
        heard(URL, NOW + 1)
        heard(URL, NOW + 1)
    assert not is_open(URL, NOW + 1)
    assert caplog.messages == ["the OP answers again"], "once"
    failed(URL, NOW + 2)
    assert not is_open(URL, NOW + 17), "the next failure is a first one again"


def test_every_op_is_judged_for_itself_by_scheme_host_and_port() -> None:
    failed(URL, NOW)
    assert is_open("https://id.example.org/another?x=1", NOW)
    for other in ("http://id.example.org/token", "https://id.example.org:8443/token", "https://id.example.net/token"):
        assert not is_open(other, NOW)
        assert not heard_within(other, 30, NOW)


def test_c54_a_clock_that_was_set_back_keeps_nobody_waiting_for_hours() -> None:
    failed(URL, NOW)
    assert not is_open(URL, NOW - 3 * 3600)
    assert is_open(URL, NOW - 3 * 3600), "one tries"


# -- when it was heard last ----------------------------------------------------------------------------------------


def test_how_long_ago_it_was_heard() -> None:
    assert not heard_within(URL, 30, NOW)
    heard(URL, NOW)
    assert heard_within(URL, 30, NOW)
    assert heard_within(URL, 30, NOW + 29.9)
    assert not heard_within(URL, 30, NOW + 30)
    assert not heard_within(URL, 30, NOW - 1), "a clock that was wrong"


def test_a_failure_outweighs_what_was_heard_before() -> None:
    heard(URL, NOW)
    failed(URL, NOW)
    assert not heard_within(URL, 30, NOW)


# -- between processes ---------------------------------------------------------------------------------------------


def test_another_process_need_not_find_out_for_itself() -> None:
    failed(URL, NOW)
    failed(URL, NOW)
    in_another_process()
    assert is_open(URL, NOW + 29.9)
    assert not is_open(URL, NOW + 30)


def test_one_that_heard_it_again_tells_the_others() -> None:
    failed(URL, NOW)
    heard(URL, NOW + 1)
    in_another_process()
    assert not is_open(URL, NOW + 1)


def test_an_older_word_of_another_process_changes_nothing() -> None:
    failed(URL, NOW)
    old = cache.get(breaker._key(URL))
    failed(URL, NOW + 10)
    cache.set(breaker._key(URL), old, 60)
    assert is_open(URL, NOW + 39)


def test_the_cache_does_not_tell_who_the_op_is() -> None:
    failed(URL, NOW)
    assert not any("id.example.org" in key for key in cache._cache)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "value",
    [
        *["text", 7, [], [1], [1, 2, 3], ["1", NOW + 60], [1, "soon"], {"a": 1}],
        *[[1, float("inf")], [1, float("nan")], [1, 10**400], [1, -1], [float("inf"), NOW + 60], [1.5, NOW + 60]],
    ],
    ids=repr,
)
def test_c69_garbage_in_the_cache_is_passed_over(value: Any) -> None:
    cache.set(breaker._key(URL), value, 60)
    assert not is_open(URL, NOW)
    failed(URL, NOW)
    cache.set(breaker._key(URL), value, 60)
    assert is_open(URL, NOW + 14)
    assert not is_open(URL, NOW + 15)


def test_c69_a_cache_that_is_down_leaves_each_process_its_own_memory(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CACHES = BROKEN
    failed(URL, NOW)
    assert is_open(URL, NOW + 14)
    heard(URL, NOW + 14)
    assert not is_open(URL, NOW + 14)
    assert set(caplog.messages) == {"storage_unavailable: other processes are not told (ConnectionError)"}
