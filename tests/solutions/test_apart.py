"""A notebook of one assignment is never graded as another's, whatever its student has added."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import pytest

from autograder.assignments.source import Assignment, find_assignments
from gradekit.notebook import KEY
from gradekit.notebook.reading import NotebookError, parse
from gradekit.notebook.submission import take

ASSIGNMENTS = find_assignments(Path(__file__).resolve().parents[2] / "solutions")


def handed_in(assignment: Assignment) -> bytes:
    """All answered, and a cell of each type added."""
    cells = [
        {
            "cell_type": cell.kind,
            "metadata": {"nbgrader": {"grade_id": cell.grade_id}},
            "source": assignment.answers.get(cell.grade_id, cell.public_source),
        }
        for cell in assignment.cells
    ]
    own = [{"cell_type": kind, "metadata": {}, "source": "x = 1"} for kind in ("code", "markdown")]
    metadata = {KEY: assignment.description.as_metadata()}
    return json.dumps({"metadata": metadata, "cells": [*cells, *own]}).encode()


@pytest.mark.parametrize(
    ("one", "other"),
    permutations(ASSIGNMENTS, 2),
    ids=[f"{one.name}-{other.name}" for one, other in permutations(ASSIGNMENTS, 2)],
)
def test_one_assignments_notebook_is_refused_as_anothers(
    one: Assignment, other: Assignment
) -> None:
    with pytest.raises(NotebookError, match=f"^it is a notebook of {one.name}, wanted one of"):
        take(parse(handed_in(one)), other.description)


@pytest.mark.parametrize("assignment", ASSIGNMENTS, ids=lambda assignment: assignment.name)
def test_its_own_notebook_is_taken_whole(assignment: Assignment) -> None:
    taken = take(parse(handed_in(assignment)), assignment.description)
    assert set(taken.answers) == {cell.grade_id for cell in assignment.description.answers}
