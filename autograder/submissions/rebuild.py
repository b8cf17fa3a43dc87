"""The notebook to grade: the source's cells with the student's texts in them.

Given cells and tests always come from the source, so a deleted or edited test cell is restored and
no metadata of the submission survives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from autograder.assignments.source import Assignment, Cell
from autograder.results import Submission
from gradekit import runner


@dataclass(frozen=True)
class Step:
    """One cell to run; ``cell`` is the source's cell, None for a cell the student added."""

    kind: str
    source: str
    cell: Cell | None = None


def rebuild(assignment: Assignment, submission: Submission) -> list[Step]:
    """Cells in the order of the source, the student's own ones behind the cell they followed."""
    extras: dict[int, list[Step]] = {}
    for extra in submission.extras:
        extras.setdefault(extra.after, []).append(Step(extra.kind, extra.source))
    steps = extras.get(-1, [])
    for index, cell in enumerate(assignment.cells):
        source = cell.source
        if cell.role in ("solution", "manual"):
            source = submission.answers.get(cell.grade_id, "")
        steps = [*steps, Step(cell.kind, source, cell), *extras.get(index, [])]
    return steps


def code_steps(steps: Sequence[Step], assignment: Assignment) -> Iterator[runner.Step]:
    """The code cells as the judge takes them."""
    names = {question.key: question.names for question in assignment.questions}
    for index, step in enumerate(steps):
        if step.kind != "code":
            continue
        cell = step.cell
        role: Literal["given", "student", "test"] = "student"
        if cell is not None and cell.role in ("given", "test"):
            role = cell.role
        yield runner.Step(
            index=index,
            role=role,
            source=step.source,
            name=cell.grade_id if cell else "",
            question=cell.question if cell and cell.grade_id else "",
            hidden=bool(cell and cell.hidden),
            names=names.get(cell.question, ()) if cell and role == "test" else (),
        )
