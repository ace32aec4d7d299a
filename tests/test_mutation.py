"""The page "Mutation testing" shows the bench as it is. Nothing is broken here, and nothing installed."""

from __future__ import annotations

import re

import pytest

from tests.mutation.modules import MODULES, source_of
from tests.mutation.page import generated, generated_part, read
from tests.mutation.survivors import EXPLAINED, KINDS, explanation
from tests.repository import ROOT

RESULTS = read()


@pytest.mark.parametrize("module", MODULES)
def test_a_module_and_its_tests_exist(module: str) -> None:
    assert (ROOT / source_of(module)).exists()
    assert MODULES[module]
    assert [name for name in MODULES[module] if not (ROOT / name).exists()] == []
    assert len(set(MODULES[module])) == len(MODULES[module])


def test_the_page_shows_the_results() -> None:
    assert len(RESULTS) > 5
    assert generated_part() == generated(RESULTS)


@pytest.mark.parametrize("module", RESULTS)
def test_what_is_alive_is_explained(module: str) -> None:
    result = RESULTS[module]
    assert result.mutants > 4
    assert result.score > 90
    for one in result.survivors:
        assert explanation(module, one.operator, one.before, one.after) in KINDS, one


def test_nineteen_of_twenty_are_noticed() -> None:
    mutants = sum(result.mutants for result in RESULTS.values())
    assert sum(len(result.survivors) for result in RESULTS.values()) * 20 <= mutants


def test_no_explanation_is_left_over() -> None:
    alive = {(module, one.before, one.after) for module, result in RESULTS.items() for one in result.survivors}
    explained = [
        (module, before, after)
        for module, found in EXPLAINED.items()
        for before, after, _ in found
        if module in RESULTS
    ]
    assert [each for each in explained if each not in alive] == []
    assert len(set(explained)) == len(explained)


def test_kinds_are_sentences() -> None:
    for words in KINDS.values():
        assert re.fullmatch(r"[A-Z].+\.", words)
