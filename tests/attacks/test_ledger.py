"""Every attack of the ledger has a test that carries its number, or a reason why it has none.

A test carries a number in its name (`test_s04_s18_...`) or at the beginning of a parameter's id (`"T08 exp ..."`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.ledger import LEFT_OUT, ROWS
from tests.repository import ROOT, text

NUMBER = re.compile(r"(?:BC|FC|DS|[STKIUFROMPHNLG])\d\d|3P\d", re.IGNORECASE)
IN_A_NAME = re.compile(rf"(?<=_)(?:{NUMBER.pattern})(?=_|$)", re.IGNORECASE)
FIRST_IN_AN_ID = re.compile(rf"(?:{NUMBER.pattern})(?:[,/_ ]+(?:{NUMBER.pattern}))*(?=[ _:-]|$)", re.IGNORECASE)
KNOWN = {number for group in ROWS.values() for number in group}


def numbers_in(source: str) -> Iterator[str]:
    nodes = list(ast.walk(ast.parse(source)))
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield from IN_A_NAME.findall(node.name)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            match = FIRST_IN_AN_ID.match(node.value)
            if match is not None:
                yield from NUMBER.findall(match[0])


def files_by_number() -> dict[str, set[str]]:
    """The files that hold a test, by the number it carries."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "tests").rglob("*.py")):
        if path.name not in ("ledger.py", Path(__file__).name):
            for number in numbers_in(text(path)):
                found.setdefault(number.upper(), set()).add(str(path.relative_to(ROOT)))
    return {number: files for number, files in found.items() if number in KNOWN}


TESTED = files_by_number()


@pytest.mark.parametrize("group", ROWS)
def test_every_row_has_a_test_or_a_reason(group: str) -> None:
    missing = [number for number in ROWS[group] if number not in TESTED and number not in LEFT_OUT]
    assert missing == []


def test_no_reason_remains_for_a_row_that_has_a_test() -> None:
    assert {number: TESTED[number] for number in LEFT_OUT if number in TESTED} == {}


def test_reasons_are_given_for_rows_that_exist_and_say_something() -> None:
    assert set(LEFT_OUT) - KNOWN == set()
    assert [number for number, reason in LEFT_OUT.items() if len(reason) < 10] == []


def test_no_number_stands_twice() -> None:
    assert sum(len(group) for group in ROWS.values()) == len(KNOWN)


@pytest.mark.parametrize(
    ("source", "numbers"),
    [
        ("def test_s04_s18_an_answer(): ...", ["s04", "s18"]),
        ("def test_the_way_of_3p1(): ...", ["3p1"]),
        ("def helper_s04_(): ...", []),
        ("param(1, id='T08 exp')", ["T08"]),
        ("param(1, id='U06, U07 a name')", ["U06", "U07"]),
        ("param(1, id='s02-silent')", ["s02"]),
        ("param(1, id='the T08')", []),
        ("x = 'p0 s044 b64'", []),
        ("def test_it(): 'U06: words about it'", []),
    ],
)
def test_where_a_number_counts(source: str, numbers: list[str]) -> None:
    assert list(numbers_in(source)) == numbers


def test_the_files_of_this_folder_are_read() -> None:
    assert Path(__file__).name == "test_ledger.py"
    assert any(file.startswith("tests/protocol/") for files in TESTED.values() for file in files)
