"""How long an assignment takes a student, computed from its source by a stated rule.

Reading at 120 words a minute with a pencil, half a minute for a displayed formula, 40 seconds for
each line that the reference needs, a minute for each visible test and what it says, and what is
marked by hand written at 20 words a minute. The rule was fitted to nothing but its author's
experience; it makes the times of all assignments comparable.
"""

from __future__ import annotations

import re

from autograder.assignments.release import stub_answers
from autograder.assignments.source import Assignment
from gradekit.notebook import Cell, question_of

_DISPLAYED = re.compile(r"\$\$.*?\$\$", re.DOTALL)
_SOLUTION = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL)
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
            return len(cell.source.split()) / 20
        case "test":
            return 0.0 if cell.hidden else 1.0
        case _ if cell.kind == "markdown":
            formulas = len(_DISPLAYED.findall(cell.source))
            return len(_DISPLAYED.sub(" ", cell.source).split()) / 120 + formulas / 2
        case _:
            return 0.0


def lines_needed(source: str) -> int:
    """Lines of code between the marks of a reference answer."""
    return sum(
        bool(line.strip()) and not line.strip().startswith("#")
        for part in _SOLUTION.findall(source)
        for line in part.splitlines()
    )
