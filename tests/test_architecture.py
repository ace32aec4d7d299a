"""The wall between the layers: what the table in `docs/explanation/architecture.md` says about imports is so.

A module may import every layer below its own; of its own layer, and of other people's packages, what its row
names. A row without a layer number may import only what it names. `testing.*` names all modules of that folder.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator

import pytest

from tests.repository import PACKAGE, ROOT, files, modules, text

LONGEST_FILE = 300
ROW = re.compile(r"^\| (\d|-) \| `([\w.]+)` \| (.*?) *\|$", re.MULTILINE)
LATE = {
    "apps": "Django forbids it to import models, and so our checks, before ready()",
    "testing.ageing": "a conftest may import it before Django is set up",
    "testing.pytest_plugin": "pytest loads it at start-up, before coverage and Django",
}
IMPORT = ast.Import | ast.ImportFrom

MODULES = modules()
TREES = {name: ast.parse(path.read_bytes(), str(path)) for name, path in MODULES.items()}
TABLE = {
    module: (int(layer) if layer.isdigit() else None, set(re.findall(r"`([\w.*]+)`", named)))
    for layer, module, named in ROW.findall(text("docs/explanation/architecture.md"))
}


def needs_a_row(module: str) -> bool:
    """A package's own file needs none while it imports nothing."""
    is_package = MODULES[module].name == "__init__.py"
    return not is_package or any(isinstance(node, IMPORT) for node in ast.walk(TREES[module]))


def imported(module: str) -> Iterator[str]:
    """What `module` imports: ours by the name in the table, others by the name of their package."""
    package = MODULES[module].relative_to(ROOT).parent.parts
    for node in ast.walk(TREES[module]):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) + 1 - node.level] if node.level else ()
            base = ".".join([*start, *filter(None, [node.module])])
            names = [f"{base}.{alias.name}" for alias in node.names]
        for name in names:
            top, _, rest = name.partition(".")
            if top == PACKAGE.name:
                yield rest if rest in MODULES else rest.rpartition(".")[0]
            elif top not in sys.stdlib_module_names:
                yield top


def covers(named: str, other: str) -> bool:
    return other == named or (named.endswith(".*") and other.startswith(named[:-1]))


def may_import(module: str, other: str) -> bool:
    layer, named = TABLE[module]
    below = TABLE.get(other, (None, set()))[0]
    is_below = layer is not None and below is not None and below < layer
    return is_below or any(covers(name, other) for name in named)


def test_table_has_a_row_for_every_module_and_no_other() -> None:
    assert len(TABLE) > 20
    assert set(TABLE) == {module for module in MODULES if needs_a_row(module)}


@pytest.mark.parametrize("module", sorted(set(TABLE) & set(MODULES)))
def test_module_imports_what_its_row_allows_and_its_row_names_no_more(module: str) -> None:
    found = set(imported(module))
    assert {other for other in found if not may_import(module, other)} == set()
    needless = {name for name in TABLE[module][1] if not any(covers(name, other) for other in found)}
    assert needless == set(), "named in the table, but not imported"


@pytest.mark.parametrize("module", sorted(MODULES))
def test_module_imports_at_its_top(module: str) -> None:
    """An import inside a function hides an arrow that goes the wrong way."""
    function = ast.FunctionDef | ast.AsyncFunctionDef
    inside = [node for outer in ast.walk(TREES[module]) if isinstance(outer, function) for node in ast.walk(outer)]
    assert bool([node for node in inside if isinstance(node, IMPORT)]) == (module in LATE)


def test_no_file_is_longer_than_a_reader_s_patience() -> None:
    lengths = {path: len(text(path).splitlines()) for path in files(".py", ".js")}
    assert len(lengths) > 50
    assert {str(path): length for path, length in lengths.items() if length > LONGEST_FILE} == {}
