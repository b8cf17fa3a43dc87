"""What the first cell of every assignment does for a student."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from autograder.assignments.source import Assignment, find_assignments

ASSIGNMENTS = find_assignments(Path(__file__).resolve().parents[2] / "solutions")

each = pytest.mark.parametrize("assignment", ASSIGNMENTS, ids=lambda a: a.name)


def setup_of(assignment: Assignment) -> str:
    (cell,) = [c for c in assignment.cells if c.role == "given" and c.grade_id == "setup"]
    return cell.source


@each
def test_a_missing_library_is_said_with_what_to_do(assignment: Assignment) -> None:
    assert "pip install replearn.zip" in setup_of(assignment)


@each
def test_its_test_cells_compare_arguments_as_the_judge_does(assignment: Assignment) -> None:
    """In the last statement, so that no given function counts as the student's."""
    last = ast.parse(setup_of(assignment)).body[-1]
    assert isinstance(last, ast.Expr)
    assert isinstance(last.value, ast.Call)
    assert ast.unparse(last.value.func) == "checks.compare_arguments"
    named = {k.arg: ast.literal_eval(k.value) for k in last.value.keywords}
    assert tuple(named.get("in_place", ())) == assignment.description.in_place
