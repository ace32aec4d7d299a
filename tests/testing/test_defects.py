from __future__ import annotations

from threading import Barrier, Thread
from typing import Any

import pytest

from django_silent_sso.testing.defects import (
    Change,
    Defect,
    Message,
    Point,
    Situation,
    Switchboard,
    dropped,
    replaced,
)
from django_silent_sso.testing.provider import OpenIDProvider

HERE = Situation(provider=OpenIDProvider(), endpoint="token")
ELSEWHERE = Situation(provider=HERE.provider, endpoint="userinfo")


@pytest.fixture
def board() -> Switchboard:
    return Switchboard()


@pytest.fixture
def message(board: Switchboard) -> Message:
    return Message(board, Point.ID_TOKEN)


def seen(board: Switchboard, situation: Situation = HERE) -> Any:
    return board.transform(Point.ID_TOKEN, {"iss": "x", "sub": "y"}, situation)


def always(value: Any, point: Point = Point.DECISION, **options: Any) -> Defect:
    return Defect(str(value), (Change(point, lambda *_: value, **options),))


def test_nothing_on_changes_nothing(board: Switchboard) -> None:
    assert seen(board) == {"iss": "x", "sub": "y"}
    assert board.first(Point.REQUEST, None, HERE) is None


def test_replace_drop_and_change_a_message(board: Switchboard, message: Message) -> None:
    message.replace(iss=lambda iss: f"{iss}1", extra=None, first=lambda old: [old])
    assert seen(board) == {"iss": "x1", "sub": "y", "extra": None, "first": [None]}
    message.drop("sub", "not there")
    assert seen(board) == {"iss": "x1", "extra": None, "first": [None]}
    message.change(lambda claims: list(claims))
    assert seen(board) == ["iss", "extra", "first"]
    message.reset()
    assert seen(board) == {"iss": "x", "sub": "y"}


def test_reset_leaves_named_defects_on(board: Switchboard, message: Message) -> None:
    board.switch_on(Defect("id_token: mine", (dropped(Point.ID_TOKEN, "sub"),)))
    message.replace(iss="z")
    message.reset()
    assert seen(board) == {"iss": "x"}


def test_odd_names(board: Switchboard, message: Message) -> None:
    message.update({"https://x/y": 1})
    assert seen(board)["https://x/y"] == 1


def test_a_number_of_times(board: Switchboard, message: Message) -> None:
    switch = message.update({"iss": "z"}, times=2)
    assert [seen(board)["iss"] for _ in range(3)] == ["z", "z", "x"]
    assert (switch.hits, switch.times) == (2, 2)
    assert repr(switch) == "<Switch id_token: replace iss: 2 times>"


def test_a_block(board: Switchboard, message: Message) -> None:
    with message.drop("sub") as switch:
        assert "sub" not in seen(board)
    assert "sub" in seen(board)
    switch.off()
    assert board.on == []


def test_several_changes_are_counted_each(board: Switchboard) -> None:
    defect = Defect("two", (replaced(Point.ID_TOKEN, {"iss": "z"}), replaced(Point.JWKS, {"keys": []})))
    switch = board.switch_on(defect, times=1)
    assert seen(board)["iss"] == "z"
    assert board.transform(Point.JWKS, {}, HERE) == {"keys": []}
    assert seen(board)["iss"] == "x"
    assert switch.hits == 1


def test_only_at_some_endpoints_and_only_when(board: Switchboard) -> None:
    board.switch_on(always("there", Point.ID_TOKEN, endpoints=frozenset({"userinfo"})), times=1)
    switch = board.switch_on(always("then", Point.ID_TOKEN, when=lambda situation: situation.refreshing))
    assert seen(board) == {"iss": "x", "sub": "y"}
    assert seen(board, ELSEWHERE) == "there"
    assert switch.hits == 0


def test_the_first_with_something_to_say(board: Switchboard) -> None:
    board.switch_on(always("old"))
    board.switch_on(always("new"))
    board.switch_on(always("once"), times=1)
    board.switch_on(always("twice"), times=2)
    board.switch_on(always(None), times=1)
    given = [board.first(Point.DECISION, None, HERE) for _ in range(4)]
    assert given == ["once", "twice", "twice", "new"]


def test_when_off_is_called_once(board: Switchboard) -> None:
    off: list[int] = []
    switch = board.switch_on(Defect("x", (), when_off=lambda: off.append(1)))
    assert switch.hits == 0
    board.clear()
    switch.off()
    assert off == [1]


def test_times_hold_across_threads(board: Switchboard, message: Message) -> None:
    message.update({"iss": "z"}, times=50)
    barrier, results = Barrier(8), []

    def many() -> None:
        barrier.wait()
        for _ in range(50):
            results.append(seen(board)["iss"])

    threads = [Thread(target=many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (results.count("z"), len(results)) == (50, 400)
