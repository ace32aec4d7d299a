"""No numbered fault is forgotten."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.faults.rows import LEFT_OUT, NUMBERS
from tests.repository import ROOT


def numbers_of_the_tests() -> Iterator[int]:
    """Numbers in the names of tests ("c19_to_c21" is all three) and of their parameters."""
    for path in Path(__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = node.name if isinstance(node, ast.FunctionDef) else getattr(node, "value", None)
            if not isinstance(name, str):
                continue
            for first, last in re.findall(r"(?:\btest_|\b|_)c(\d{2,3})(?:_to_c(\d{2,3}))?(?=_|\b)", name):
                yield from range(int(first), int(last or first) + 1)


def test_every_number_is_tested_or_left_out_with_a_reason() -> None:
    found = set(numbers_of_the_tests()) & NUMBERS
    assert found | set(LEFT_OUT) == NUMBERS
    assert found & set(LEFT_OUT) == set(), "tested all the same"


def test_the_reasons_name_files_that_exist() -> None:
    named = [name for reason in LEFT_OUT.values() for name in re.findall(r"tests/\S+\.py", reason)]
    assert len(named) > 5
    assert [name for name in named if not (ROOT / name).exists()] == []
