"""No numbered fault is forgotten."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.rows import ELSEWHERE, LEFT_OUT, NUMBERS
from tests.repository import ROOT, text

# A name carries a number, or several ("c19_to_c21" is all three); with one figure it may be written c7 or c07.
NUMBER = re.compile(r"(?:\btest_|\b|_)c(\d{1,3})(?:_to_c(\d{1,3}))?(?=_|\b)")
HERE = Path(__file__).parent


def numbers_in(source: str, *, names_only: bool) -> Iterator[int]:
    """Numbers in the names of tests, and of their parameters where other words are not likely to look like one."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            name = node.name if not names_only or node.name.startswith("test_") else ""
        else:
            name = "" if names_only else getattr(node, "value", "")
        if isinstance(name, str):
            for first, last in NUMBER.findall(name):
                yield from range(int(first), int(last or first) + 1)


def numbers_of_the_tests() -> Iterator[int]:
    for path in HERE.glob("*.py"):
        yield from numbers_in(text(path), names_only=False)
    for place in ELSEWHERE:
        found = [ROOT / place] if place.endswith(".py") else sorted((ROOT / place).glob("test_*.py"))
        assert found, place
        for path in found:
            yield from numbers_in(text(path), names_only=True)


def test_every_number_is_tested_or_left_out_with_a_reason() -> None:
    found = set(numbers_of_the_tests()) & NUMBERS
    assert found | set(LEFT_OUT) == NUMBERS
    assert found & set(LEFT_OUT) == set(), "tested all the same"


def test_reasons_are_given_for_rows_that_exist() -> None:
    assert set(LEFT_OUT) - NUMBERS == set()


@pytest.mark.parametrize(
    ("source", "names_only", "numbers"),
    [
        ("def test_c19_to_c21_a_token(): ...", True, [19, 20, 21]),
        ("async def test_f14_c7_c08_a_page(): ...", True, [7, 8]),
        ("def c19_a_helper(): ...", True, []),
        ("param('c88_back_button')", False, [88]),
        ("param('c88_back_button')", True, []),
        ("def test_abc12_c(): 'c1234'", False, []),
    ],
)
def test_where_a_number_counts(source: str, names_only: bool, numbers: list[int]) -> None:
    assert list(numbers_in(source, names_only=names_only)) == numbers
