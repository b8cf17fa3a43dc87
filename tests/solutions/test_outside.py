"""Answers of people who saw the students' notebooks only, and no hidden test.

``outside/NAME.json`` holds, for each question, three wrong answers and a right one in another style
from each round of examiners. A wrong one must lose points, a right one none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from autograder.assignments.source import Assignment, find_assignments
from autograder.execution.engine import SandboxEngine
from gradekit.notebook import Submission

FOLDER = Path(__file__).parent / "outside"
ASSIGNMENTS = find_assignments(Path(__file__).resolve().parents[2] / "solutions")


@pytest.fixture(scope="module")
def engine() -> Iterator[SandboxEngine]:
    with closing(SandboxEngine()) as engine:
        yield engine


@pytest.mark.long
@pytest.mark.parametrize("assignment", ASSIGNMENTS, ids=lambda a: a.name)
def test_outsiders_wrong_answers_lose_points_and_right_ones_none(
    engine: SandboxEngine, assignment: Assignment
) -> None:
    path = FOLDER / f"{assignment.name}.json"
    by_question: dict[str, list[dict[str, Any]]] = {}
    for answer in json.loads(path.read_text(encoding="utf-8")):
        assert set(answer["cells"]) <= set(assignment.solutions), answer["name"]
        by_question.setdefault(answer["question"], []).append(answer)
    assert set(by_question) == {q.key for q in assignment.questions if q.names}
    faults = []
    for question, answers in by_question.items():
        submissions = [
            Submission(
                answer["name"],
                assignment.name,
                {**assignment.answers, **answer["cells"]},
                only=(question,),
            )
            for answer in answers
        ]
        results = engine.grade_together(submissions, assignment)
        for answer, result in zip(answers, results, strict=True):
            if all(test.passed for test in result.tests) != (answer["kind"] == "right"):
                faults.append(f"{answer['name']} ({answer['kind']}): {answer['says']}")
    assert faults == []
