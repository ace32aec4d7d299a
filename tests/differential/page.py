"""The generated part of docs/explanation/comparison.md."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.differential.candidates import CANDIDATES, Candidate
from tests.differential.rows import GROUPS
from tests.differential.verdicts import Outcome, Row, Verdict

PAGE = Path(__file__).resolve().parents[2] / "docs/explanation/comparison.md"
BEGIN, END = "<!-- differential:begin -->", "<!-- differential:end -->"

Results = Mapping[str, Mapping[str, Outcome]]
"""by candidate's kind, by row's number"""


def generated(results: Results, versions: Mapping[str, Mapping[str, str]]) -> str:
    shown = [candidate for candidate in CANDIDATES if candidate.kind in results]
    parts = [_candidates(shown, versions), _totals(shown, results)]
    parts += [_table(title, rows, shown, results) for title, rows in GROUPS.items()]
    return "\n\n".join(parts)


def write(text: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def generated_part() -> str:
    """What the page holds now."""
    return PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]


def _candidates(shown: Sequence[Candidate], versions: Mapping[str, Mapping[str, str]]) -> str:
    lines = ["## What was compared", "", "| Column | Versions | Settings |", "|---|---|---|"]
    for candidate in shown:
        named = ", ".join(f"{name} {versions[candidate.kind][name]}" for name in candidate.packages)
        lines.append(f"| {candidate.title} | {named} | {candidate.settings} |")
    shared = versions[shown[0].kind]
    lines += ["", f"All of them with Django {shared['Django']} and PyJWT {shared['PyJWT']}."]
    return "\n".join(lines)


def _totals(shown: Sequence[Candidate], results: Results) -> str:
    lines = ["## Totals", "", "| Rows | " + " | ".join(verdict for verdict in Verdict) + " |"]
    lines.append("|---|" + "---|" * len(Verdict))
    for candidate in shown:
        counts = Counter(outcome.verdict for outcome in results[candidate.kind].values())
        cells = " | ".join(str(counts[verdict]) for verdict in Verdict)
        lines.append(f"| {candidate.title} | {cells} |")
    return "\n".join(lines)


def _table(title: str, rows: Sequence[Row], shown: Sequence[Candidate], results: Results) -> str:
    lines = [f"## {title}", "", "| Row | What is done | What a site should do | "]
    lines[-1] += " | ".join(candidate.title for candidate in shown) + " |"
    lines.append("|---|---|---|" + "---|" * len(shown))
    for row in rows:
        cells = " | ".join(_cell(results[candidate.kind][row.number]) for candidate in shown)
        lines.append(f"| {row.number} | {row.done} | {row.expected} | {cells} |")
    return "\n".join(lines)


def _cell(outcome: Outcome) -> str:
    words = re.sub(r"[|<>]", " ", outcome.words)
    return f"**{outcome.verdict}**: {words}"
