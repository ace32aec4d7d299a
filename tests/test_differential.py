"""The page "Beside other packages" shows the bench as it is. Nothing is run here, and nothing installed."""

from __future__ import annotations

import re

import pytest

from tests.differential.candidates import CANDIDATES
from tests.differential.page import generated_part
from tests.differential.rows import GROUPS, ROWS
from tests.differential.run import PACKAGES
from tests.differential.site_settings import _KINDS
from tests.differential.verdicts import Row, Verdict

SHOWN = generated_part()


def cells(first: str) -> list[list[str]]:
    """The tables' rows that begin with this cell."""
    lines = [line for line in SHOWN.splitlines() if line.startswith(f"| {first} |")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_every_number_is_one_row() -> None:
    numbers = [row.number for row in ROWS]
    assert len(numbers) > 40
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.number)
def test_the_page_shows_every_row_with_a_verdict_for_each_package(row: Row) -> None:
    (shown,) = cells(row.number)
    assert shown[1:3] == [row.done, row.expected]
    assert len(shown[3:]) == len(CANDIDATES)
    for cell in shown[3:]:
        verdict = re.match(r"\*\*(.+?)\*\*: .", cell)
        assert verdict is not None
        assert Verdict(verdict[1])


def test_the_page_shows_no_row_that_is_gone() -> None:
    tables = SHOWN.partition("## Totals")[2].partition("\n## ")[2]
    shown = re.findall(r"^\| ([A-Z]+\d+[a-z]?) \|", tables, re.MULTILINE)
    assert shown == [row.number for row in ROWS]
    assert [title for title in GROUPS if f"## {title}\n" not in SHOWN] == []


def test_the_page_names_the_versions_that_were_asked_for() -> None:
    pinned = {name: version for name, _, version in (re.sub(r"\[.*\]", "", p).partition("==") for p in PACKAGES)}
    for candidate in CANDIDATES:
        (shown, _) = cells(candidate.title)
        assert shown[2] == candidate.settings
        for package in candidate.packages:
            version = pinned.get(package, "")
            assert re.search(rf"{re.escape(package)} {re.escape(version) or r'[0-9.]+'}(,|$)", shown[1]), package


def test_the_totals_are_those_of_the_tables() -> None:
    for column, candidate in enumerate(CANDIDATES, start=3):
        (_, totals) = cells(candidate.title)
        verdicts = [cells(row.number)[0][column].split("**")[1] for row in ROWS]
        assert totals[1:] == [str(verdicts.count(verdict)) for verdict in Verdict]


def test_every_package_has_settings() -> None:
    assert {candidate.kind for candidate in CANDIDATES} == set(_KINDS)
