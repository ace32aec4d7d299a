"""The repository as the tests that hold the house together see it: modules, files, reference pages."""

from __future__ import annotations

import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "django_silent_sso"
DOCS = ROOT / "docs"

# Folders that tools make and nobody checks in (.gitignore says the same, but needs Git to be read).
MADE_BY_TOOLS = re.compile(
    r"\.git|\.venv.*|\..*cache|\.hypothesis|__pycache__|node_modules|_build|build|dist|htmlcov|.*\.egg-info"
)


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name inside the package; packages by theirs."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def files(*suffixes: str) -> list[Path]:
    """Every file of the repository with one of these suffixes; without suffixes, every file."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if not MADE_BY_TOOLS.fullmatch(name))
        found += [Path(folder, name) for name in sorted(names)]
    return [path for path in found if not suffixes or path.suffix in suffixes]


def text(path: Path | str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def documented(page: str, pattern: str) -> list[str]:
    """The names in code quotes that open a table row, a list item or a heading of a reference page."""
    return re.findall(rf"^(?:\| |- |#+ )`({pattern})", text(DOCS / "reference" / page), re.MULTILINE)
