"""The generated part of docs/explanation/benchmarks.md, and of other pages with the same marks."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.measure import Numbers
from tests.benchmarks.sites import TITLES, UPSTREAM

PAGE = Path(__file__).resolve().parents[2] / "docs/explanation/benchmarks.md"
BEGIN, END = "<!-- benchmarks:begin -->", "<!-- benchmarks:end -->"

Results = Mapping[str, Sequence[Numbers]]


@dataclass(frozen=True)
class Row:
    title: str
    name: str
    style: str = ".1f"
    compared: bool = True  # with mozilla-django-oidc, as a factor


def table(title: str, words: str, rows: Sequence[Row], results: Results) -> str:
    lines = [
        f"## {title}",
        "",
        words,
        "",
        "| Median (90th percentile) | " + " | ".join(TITLES[kind] for kind in results) + " |",
        "|---|" + "---|" * len(results),
    ]
    for row in rows:
        base = statistics.median(numbers[row.name] for numbers in results[UPSTREAM]) if row.compared else 0
        cells = [_cell(found, row, 0 if kind == UPSTREAM else base) for kind, found in results.items()]
        lines.append(f"| {row.title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(found: Sequence[Numbers], row: Row, base: float) -> str:
    numbers = sorted(numbers[row.name] for numbers in found)
    median = statistics.median(numbers)
    p90 = numbers[min(len(numbers) - 1, int(len(numbers) * 0.9))]
    spread = f" ({p90:{row.style}})" if len(numbers) > 1 and p90 != median else ""
    return f"{median:{row.style}}{spread}" + (f", **x {median / base:.2f}**" if base else "")


def write(text: str, to: Path = PAGE) -> None:
    page = to.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    to.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")
