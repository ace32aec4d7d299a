"""The generated part of docs/explanation/browsers.md."""

from __future__ import annotations

import re

from tests.browsers.matrix import CASES, KINDS, TABLES, Case, Table
from tests.browsers.measured import Measured
from tests.repository import DOCS, text

PAGE = DOCS / "explanation/browsers.md"
BEGIN, END = "<!-- browsers:begin -->", "<!-- browsers:end -->"
TIME = re.compile(r"; \d+ ms$")


def without_time(cell: str) -> str:
    """Times differ from machine to machine, and from run to run."""
    return TIME.sub("", cell)


def generated(measured: Measured) -> str:
    versions = ", ".join(f"{browser} {version}" for browser, version in measured.versions.items())
    return "\n\n".join([f"Measured with {versions}.", *(_table(table, measured) for table in TABLES)])


def write(measured: Measured) -> bool:
    """Only a whole table is written; was it?"""
    if set(measured.outcomes) != set(CASES):
        return False
    page = text(PAGE)
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{generated(measured)}\n\n{END}{after}", encoding="utf-8")
    return True


def generated_part() -> str:
    """What the page holds now."""
    return text(PAGE).partition(BEGIN)[2].partition(END)[0]


def published() -> dict[Case, str]:
    """The page's cells."""
    cells = {}
    for table in TABLES:
        shown = generated_part().partition(f"### {table.title}\n")[2].partition("### ")[0]
        lines = [line.strip("| ").split(" | ") for line in shown.splitlines() if line.startswith("| ")]
        rows = {(line[0], line[1]): line[2:] for line in lines}
        for kind in KINDS:
            row = rows.get((kind.browser, kind.setting), [])
            cells.update({Case(kind, table, tried): cell for tried, cell in zip(table.scenarios, row, strict=False)})
    return cells


def _table(table: Table, measured: Measured) -> str:
    heads = ["Browser", "Setting", *(_sentence(scenario.__doc__ or "") for scenario in table.scenarios)]
    lines = [f"### {table.title}", "", _row(heads), "|---" * len(heads) + "|"]
    for kind in KINDS:
        cells = [str(measured.outcomes[Case(kind, table, scenario)]) for scenario in table.scenarios]
        lines.append(_row([kind.browser, kind.setting, *cells]))
    return "\n".join(lines)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
