"""The generated part of docs/explanation/browsers.md."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.browsers.matrix import CASES, KINDS, TABLES, Case, Table
from tests.browsers.measured import Measured
from tests.repository import DOCS, text

PAGE = DOCS / "explanation/browsers.md"
BEGIN, END = "<!-- browsers:begin -->", "<!-- browsers:end -->"
MEASURED = "Measured with "
TIME = re.compile(r"; \d+ ms$")


def without_time(cell: str) -> str:
    """Times differ from machine to machine, and from run to run."""
    return TIME.sub("", cell)


def generated(cells: Mapping[Case, str], versions: Mapping[str, str]) -> str:
    named = ", ".join(f"{browser} {version}" for browser, version in versions.items())
    return "\n\n".join([f"{MEASURED}{named}.", *(_table(table, cells) for table in TABLES)])


def write(measured: Measured) -> bool:
    """What was measured, and the page's own cells for the rest. Nothing is written if some are missing then."""
    cells = published() | {case: str(outcome) for case, outcome in measured.outcomes.items()}
    if set(cells) != set(CASES):
        return False
    page = text(PAGE)
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    tables = generated(cells, versions() | measured.versions)
    PAGE.write_text(f"{before}{BEGIN}\n\n{tables}\n\n{END}{after}", encoding="utf-8")
    return True


def versions() -> dict[str, str]:
    """The browsers that the page names."""
    named = generated_part().strip().partition("\n")[0].removeprefix(MEASURED).rstrip(".")
    return dict(part.split(" ") for part in named.split(", ")) if named else {}


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


def _table(table: Table, cells: Mapping[Case, str]) -> str:
    heads = ["Browser", "Setting", *(_sentence(scenario.__doc__ or "") for scenario in table.scenarios)]
    lines = [f"### {table.title}", "", _row(heads), "|---" * len(heads) + "|"]
    for kind in KINDS:
        shown = [cells[Case(kind, table, scenario)] for scenario in table.scenarios]
        lines.append(_row([kind.browser, kind.setting, *shown]))
    return "\n".join(lines)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
