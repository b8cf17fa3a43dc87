"""Test cells that stand alone: each passes when it is run twice, in any order, without the others.

A test cell may use what it makes itself, what the given cells above it make, and what its own
question asks the student to define. A name from another test or from another question's answer is
there when the notebook is run from the top, and gone, or something else, when it is not.
"""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from autograder.assignments.questions import Question
from autograder.errors import CourseError
from gradekit.notebook import Cell

_BUILTINS = frozenset(dir(builtins)) | {"__name__"}


def check_independent(cells: Sequence[Cell], questions: Sequence[Question], path: Path) -> None:
    """CourseError at a test cell that uses what another test or another answer makes."""
    own = {question.key: set(question.names) for question in questions}
    given: set[str] = set()
    for cell in cells:
        if cell.kind != "code":
            continue
        if cell.role == "given":
            given |= names_made(cell.source)
        if cell.role != "test":
            continue
        names = own.get(cell.question, set())
        for name in names_used(cell.source):
            if name not in _BUILTINS | given | names:
                raise CourseError(
                    f"{path}: test {cell.grade_id} uses {name}, which neither it nor a given cell "
                    f"above it makes, and which {cell.question} does not ask for"
                )
        for name in sorted(names & names_made(cell.source)):
            raise CourseError(f"{path}: test {cell.grade_id} gives another meaning to {name}")


@lru_cache(maxsize=4096)
def names_used(source: str) -> tuple[str, ...]:
    """Names that a cell reads and that it does not make itself, in alphabetical order."""
    made = names_made(source)
    return tuple(sorted({name for name in _global_names(source) if name not in made}))


@lru_cache(maxsize=4096)
def names_made(source: str) -> frozenset[str]:
    """Names that a cell binds at its own level: assigned, imported, defined."""
    table = symtable.symtable(source, "<cell>", "exec")
    return frozenset(
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
    )


def _global_names(source: str) -> Iterator[str]:
    """All names that are looked up outside of functions' own variables."""
    tables = [symtable.symtable(source, "<cell>", "exec")]
    while tables:
        table = tables.pop()
        top = table.get_type() == "module"
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (top or symbol.is_global()):
                yield symbol.get_name()
        tables += table.get_children()


def functions_called(source: str, names: Sequence[str]) -> list[str]:
    """Those of the names that a cell mentions, in the order of the names."""
    mentioned = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    return [name for name in names if name in mentioned]
