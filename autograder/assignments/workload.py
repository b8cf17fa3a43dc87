"""How long an assignment takes a student, computed from its source by a stated rule.

Reading at 120 words a minute with a pencil, half a minute for a displayed formula, 40 seconds for
each line that the reference needs, a minute for each visible test and what it says, and what is
marked by hand written at 20 words a minute. The rule was fitted to nothing but its author's
experience; it makes the times of all assignments comparable.
"""

from __future__ import annotations

import ast
import re

from autograder.assignments.release import stub_answers
from autograder.assignments.source import Assignment
from gradekit.notebook import Cell, question_of

_DISPLAYED = re.compile(r"\$\$.*?\$\$", re.DOTALL)
_BEGIN, _END = "### BEGIN SOLUTION", "### END SOLUTION"
_RUBRIC = "**Rubric"
_ROUNDED_TO = 5


def minutes(assignment: Assignment) -> int:
    """Minutes for the whole assignment, rounded to five."""
    total = sum(question_minutes(assignment).values())
    return _ROUNDED_TO * round(total / _ROUNDED_TO)


def question_minutes(assignment: Assignment) -> dict[str, float]:
    """Minutes for each question, by its key."""
    stubs = stub_answers(assignment)
    spent = {question.key: 0.0 for question in assignment.questions}
    for cell in assignment.cells:
        key = question_of(cell.grade_id)
        if key in spent:
            spent[key] += _minutes(cell, stubs)
    return spent


def _minutes(cell: Cell, stubs: dict[str, str]) -> float:
    match cell.role:
        case "solution":
            return len(stubs[cell.grade_id].split()) / 120 + lines_needed(cell.source) * 2 / 3
        case "manual":
            return words_written(cell.source) / 20
        case "test":
            return 0.0 if cell.hidden else 1.0
        case _ if cell.kind == "markdown":
            formulas = len(_DISPLAYED.findall(cell.source))
            return len(_DISPLAYED.sub(" ", cell.source).split()) / 120 + formulas / 2
        case _:
            return 0.0


def lines_needed(source: str) -> int:
    """Lines of code between the marks of a reference answer."""
    lines = source.splitlines()
    told = _docstring_lines(source)
    return sum(
        bool(lines[number].strip())
        and not lines[number].strip().startswith("#")
        and number not in told
        for number in _between_marks(lines)
    )


def words_written(source: str) -> int:
    """Words of a reference answer in prose; the rubric after it is for those who mark."""
    words = 0
    lines = source.splitlines()
    for number in _between_marks(lines):
        if lines[number].startswith(_RUBRIC):
            break
        words += len(lines[number].split())
    return words


def _between_marks(lines: list[str]) -> list[int]:
    """Positions of the lines between the marks."""
    inside, positions = False, []
    for number, line in enumerate(lines):
        if line.strip() in (_BEGIN, _END):
            inside = line.strip() == _BEGIN
        elif inside:
            positions.append(number)
    return positions


def _docstring_lines(source: str) -> set[int]:
    """Positions of the lines that a string on its own takes."""
    return {
        line - 1
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
