"""The broken versions of a module: those of Cosmic Ray, and a few that it does not make."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

Position = tuple[int, int]


@dataclass(frozen=True)
class Mutant:
    operator: str
    line: int
    before: str
    """the lines that differ, without indentation"""
    after: str
    source: str


def mutants(source: str) -> list[Mutant]:
    """Each of them once, in the order of the lines."""
    whole = _meaning(source)
    found: dict[str, Mutant] = {}
    for operator, line, mutated in (*_of_cosmic_ray(source), *_without_a_statement(source)):
        if mutated not in found and _meaning(mutated) not in (None, whole):
            before, after = _difference(source, mutated)
            found[mutated] = Mutant(operator, line, before, after, mutated)
    return sorted(found.values(), key=lambda mutant: mutant.line)


def _meaning(source: str) -> str | None:
    """None: no Python at all."""
    try:
        return ast.dump(ast.parse(source))
    except SyntaxError:
        return None


def _of_cosmic_ray(source: str) -> Iterator[tuple[str, int, str]]:
    nodes = list(ast_nodes(get_ast(source)))
    never_run = _annotations(source)
    # Cosmic Ray takes the `*` before keyword arguments for a product.
    signs = {node.start_pos for node in nodes if _in_a_signature(node)}
    for name in operator_names():
        kind = get_operator(name)
        if kind.arguments():
            continue  # replaces variables that a configuration would have to name
        operator = kind()
        positions = (span for node in nodes for span in operator.mutation_positions(node))
        for occurrence, (start, _) in enumerate(positions):
            if start not in signs and not any(first <= start < last for first, last in never_run):
                mutated = mutate_code(source, kind(), occurrence)
                if mutated is not None:
                    yield name.partition("/")[2], start[0], mutated


def _in_a_signature(node: Any) -> bool:
    return node.type == "operator" and node.parent.type in ("parameters", "param")


def _annotations(source: str) -> list[tuple[Position, Position]]:
    """Where the types are: with `from __future__ import annotations` nothing runs there, so nothing can be wrong."""
    nodes = list(ast.walk(ast.parse(source)))
    found = [node.annotation for node in nodes if isinstance(node, ast.arg | ast.AnnAssign)]
    found += [node.returns for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [
        ((node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0))
        for node in found
        if node is not None
    ]


def _without_a_statement(source: str) -> Iterator[tuple[str, int, str]]:
    """One `raise`, call, `del` or augmented assignment less: a rule that somebody forgot."""
    lines = source.encode().splitlines(keepends=True)  # columns of `ast` count bytes
    for node in ast.walk(ast.parse(source)):
        is_call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
        if is_call or isinstance(node, ast.Raise | ast.Delete | ast.AugAssign):
            first, last = node.lineno - 1, (node.end_lineno or 0) - 1
            start, end = lines[first][: node.col_offset], lines[last][node.end_col_offset :]
            without = b"".join([*lines[:first], start, b"pass", end, *lines[last + 1 :]])
            yield "RemoveStatement", node.lineno, without.decode()


def _difference(source: str, mutated: str) -> tuple[str, str]:
    before, after = source.splitlines(), mutated.splitlines()
    while before and after and before[0] == after[0]:
        del before[0], after[0]
    while before and after and before[-1] == after[-1]:
        del before[-1], after[-1]
    return " ".join(map(str.strip, before)).strip(), " ".join(map(str.strip, after)).strip()
