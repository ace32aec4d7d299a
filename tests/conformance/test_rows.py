"""Every module of the suite has a test named after it, or a reason why not; and the docs say the same."""

from __future__ import annotations

import re

from tests.conformance.rows import NOT_HERE, ROWS
from tests.repository import ROOT, text

TESTED = {
    int(number)
    for folder in ("conformance", "browser")
    for path in (ROOT / "tests" / folder).glob("test_*.py")
    for number in re.findall(r"^def test_a(\d+)_", path.read_text(encoding="utf-8"), re.MULTILINE)
}


def test_every_module_is_tested_or_has_a_reason() -> None:
    assert TESTED | NOT_HERE.keys() == set(ROWS)
    assert TESTED & NOT_HERE.keys() == set()
    assert all(NOT_HERE.values())


def numbers_in(section: str) -> set[int]:
    """The rows that the tables of this section of the page speak of: `A1`, `A78 to A85`, several with commas."""
    page = text("docs/explanation/conformance.md").partition(f"## {section}\n")[2].partition("\n## ")[0]
    found: set[int] = set()
    for cell in re.findall(r"^\| (A[^|]*) \|", page, re.MULTILINE):
        for first, last in re.findall(r"A(\d+)(?: to A(\d+))?", cell):
            found |= set(range(int(first), int(last or first) + 1))
    return found


def test_the_docs_say_which_modules_hold_and_which_do_not_apply() -> None:
    assert numbers_in("Modules that hold") == TESTED
    assert numbers_in("Modules that do not apply") == NOT_HERE.keys()
