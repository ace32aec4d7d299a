"""What a page may demand of the user's sign-in, and what is known of it after several ID Tokens."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_silent_sso.protocol.step_up import Authentication, Demand, latest

NOW = 1_800_000_000.0
LEEWAY = 60


@pytest.mark.parametrize(
    ("acr", "acr_values", "classes"),
    [
        (None, (), None),
        ("gold", ("gold",), "gold"),
        (" urn:x:gold  silver ", ("urn:x:gold", "silver"), "urn:x:gold silver"),
        (["gold", "silver"], ("gold", "silver"), "gold silver"),
        (iter(["gold"]), ("gold",), "gold"),
    ],
)
def test_a_demand_as_a_view_says_it(acr: Any, acr_values: tuple[str, ...], classes: str | None) -> None:
    demand = Demand.of(300, acr)
    assert demand == Demand(300, acr_values)
    assert demand.classes == classes


@pytest.mark.parametrize(
    ("max_age", "acr"),
    [
        *[(age, None) for age in (-1, 1.5, "300", True, None, 10**9)],
        *[(300, acr) for acr in ("", " ", [], [""], ["two words"], ["a\x00"], ["a\n"], [None], [1], "x" * 201)],
        *[(300, [acr]) for acr in (" gold", "gold ", "\u2003gold")],
    ],
)
def test_what_no_op_can_be_asked_for_is_refused_at_once(max_age: Any, acr: Any) -> None:
    with pytest.raises(ValueError, match=r"max_age|acr"):
        Demand.of(max_age, acr)


def test_classes_of_two_hundred_characters_can_be_asked_for() -> None:
    assert Demand.of(300, ["g" * 99, "s" * 100]).classes == "g" * 99 + " " + "s" * 100


@pytest.mark.parametrize("max_age", [0, 1, 999_999_999])
def test_ages_that_can_be_asked_for(max_age: int) -> None:
    assert Demand.of(max_age, None).max_age == max_age


@pytest.mark.parametrize(
    ("found", "met"),
    [
        pytest.param((NOW, "gold"), True, id="just now"),
        pytest.param((NOW - 300 - LEEWAY, "gold"), True, id="as old as allowed"),
        pytest.param((NOW - 301 - LEEWAY, "gold"), False, id="T18 too old"),
        pytest.param((NOW + LEEWAY, "gold"), True, id="a clock that is ahead"),
        pytest.param((NOW + LEEWAY + 1, "gold"), False, id="T18 still to come"),
        pytest.param((None, "gold"), False, id="T18 not told"),
        pytest.param((0, "gold"), False, id="T18 zero (Glewlwyd)"),
        pytest.param((NOW - 0.5, "silver"), True, id="the other class"),
        pytest.param((NOW, "bronze"), False, id="T19 another class"),
        pytest.param((NOW, "gold silver"), False, id="T19 a list is no class"),
        pytest.param((NOW, None), False, id="T19 not told"),
    ],
)
def test_a_demand_is_met_by(found: tuple[Any, Any], met: bool) -> None:
    assert Demand(300, ("gold", "silver")).is_met_by(Authentication(*found), NOW, LEEWAY) is met


def test_without_acr_any_will_do() -> None:
    assert Demand(300).is_met_by(Authentication(NOW, None), NOW, 0)
    assert not Demand(300).is_met_by(Authentication(), NOW, 0)


# -- in a link ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("demand", [Demand(0), Demand(300, ("gold", "urn:x:silver")), Demand(999_999_999)])
def test_a_link_brings_back_what_was_put_into_it(demand: Demand) -> None:
    assert Demand.from_query(demand.to_query()) == demand


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"acr": "gold"},
        *[{"recent": age} for age in ("", "-1", "+1", "1.5", "soon", "\u0663", "1_0", "9" * 10, "9" * 5000)],
        {"recent": "300", "acr": "a\x00b"},
        {"recent": "300", "acr": "x" * 201},
        {"max_age": "300", "acr_values": "gold"},
    ],
)
def test_a_link_with_anything_else_demands_nothing(query: dict[str, str]) -> None:
    assert Demand.from_query(query) is None


# -- after several ID Tokens -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "told", "after"),
    [
        pytest.param((100, "gold"), (200, "silver"), (200, "silver"), id="a newer one wins"),
        pytest.param((100, "gold"), (None, None), (100, "gold"), id="an OP that says nothing takes nothing away"),
        pytest.param((100, "gold"), (0, "0"), (100, "gold"), id="zero (Glewlwyd) is older"),
        pytest.param((200, "gold"), (100, "silver"), (200, "gold"), id="an older one takes nothing away"),
        pytest.param((None, None), (100, "gold"), (100, "gold"), id="the first that is told"),
        pytest.param((None, "silver"), (None, "gold"), (None, "gold"), id="classes alone: the newer"),
        pytest.param((None, "silver"), (None, None), (None, "silver"), id="classes alone: what is known stays"),
        pytest.param((100, "gold"), (200, None), (200, None), id="U16 no old second factor with a new password"),
        pytest.param((100, "silver"), (None, "gold"), (100, "silver"), id="U16 no class of an unknown time"),
        pytest.param((100, "silver"), (100, "gold"), (100, "gold"), id="the same sign-in, stronger since"),
        pytest.param((100, "gold"), (100, None), (100, "gold"), id="the same sign-in, told of in fewer words"),
        pytest.param((10**9, "gold"), (1e9, None), (10**9, "gold"), id="the same, however the number is written"),
        pytest.param((NOW + 61, "gold"), (200, "silver"), (200, "silver"), id="a time still to come is no time"),
        pytest.param((100, "gold"), (NOW + 61, "silver"), (100, "gold"), id="neither is a new one"),
        pytest.param((100, "gold"), (NOW + 60, "silver"), (NOW + 60, "silver"), id="but for the clocks"),
    ],
)
def test_what_is_known_after_another_token(known: Any, told: Any, after: Any) -> None:
    assert latest(Authentication(*known), Authentication(*told), NOW, LEEWAY) == after


TIMES = st.none() | st.integers(0, 3) | st.just(int(NOW) + 999)
TOLD = st.builds(Authentication, TIMES, st.sampled_from([None, "gold", "silver"]))


@given(tokens=st.lists(TOLD, max_size=5))
def test_u16_time_and_class_were_told_together_by_one_token(tokens: list[Authentication]) -> None:
    known = Authentication()
    for told in tokens:
        known = latest(known, told, NOW, LEEWAY)
    if known.auth_time is not None:
        assert known.auth_time == max(t.auth_time for t in tokens if t.auth_time is not None and t.auth_time <= NOW)
        assert known.acr in {token.acr for token in tokens if token.auth_time == known.auth_time}
