"""What is known of each module (`results.json`), and the generated part of docs/explanation/mutation.md."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.mutation.modules import MODULES, source_of
from tests.mutation.survivors import KINDS, explanation
from tests.repository import ROOT, text

PAGE = ROOT / "docs/explanation/mutation.md"
RESULTS = Path(__file__).with_name("results.json")
BEGIN, END = "<!-- mutation:begin -->", "<!-- mutation:end -->"


@dataclass(frozen=True)
class Survivor:
    operator: str
    before: str
    after: str


@dataclass(frozen=True)
class Result:
    source: str
    """the module's text, as a digest"""
    mutants: int
    survivors: tuple[Survivor, ...]

    @property
    def score(self) -> float:
        """Percent, cut and not rounded: 100 means all."""
        return int(1000 * (self.mutants - len(self.survivors)) / max(self.mutants, 1)) / 10


def digest_of(module: str) -> str:
    return hashlib.sha256(text(source_of(module)).encode()).hexdigest()


def read() -> dict[str, Result]:
    found = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    return {
        module: Result(one["source"], one["mutants"], tuple(Survivor(**each) for each in one["survivors"]))
        for module, one in found.items()
        if module in MODULES
    }


def write(results: dict[str, Result]) -> None:
    known = {module: asdict(results[module]) for module in MODULES if module in results}
    RESULTS.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{generated(results)}\n\n{END}{after}", encoding="utf-8")


def generated(results: dict[str, Result]) -> str:
    shown = {module: results[module] for module in MODULES if module in results}
    lines = ["| Module | Mutants | Killed | Alive | Score |", "|---|---|---|---|---|"]
    for module in MODULES:
        lines.append(_row(f"`{module}`", shown[module]) if module in shown else f"| `{module}` | not run yet | | | |")
    everything = Result(
        "", sum(one.mutants for one in shown.values()), sum((one.survivors for one in shown.values()), ())
    )
    lines.append(_row("together", everything))
    kinds: dict[str | None, list[str]] = {kind: [] for kind in (*KINDS, None)}
    for module, one in shown.items():
        for each in one.survivors:
            kind = explanation(module, each.operator, each.before, each.after)
            kinds[kind].append(f"- `{module}`: {_code(each.before)} → {_code(each.after)}")
    for kind, found in kinds.items():
        if found:
            title = "Not explained: a test is missing." if kind is None else KINDS[kind]
            lines += ["", f"**{len(found)}.** {title}", "", *found]
    return "\n".join(lines)


def generated_part() -> str:
    """What the page holds now."""
    return PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0].strip()


def _row(name: str, one: Result) -> str:
    alive = len(one.survivors)
    return f"| {name} | {one.mutants} | {one.mutants - alive} | {alive} | {one.score} % |"


def _code(line: str) -> str:
    return f"`{line}`" if line else "nothing"
