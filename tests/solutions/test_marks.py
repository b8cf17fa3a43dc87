"""Two students with the same code get the same marks, whatever their inputs are drawn from.

A sample here; ``python -m tests.load answers`` tries every answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.assignments.promises import load_promises, unpromised
from autograder.assignments.source import Assignment, find_assignments
from autograder.assignments.variants import Variant, load_variants
from autograder.execution.engine import SandboxEngine
from gradekit.notebook import question_of

ASSIGNMENTS = find_assignments(Path(__file__).resolve().parents[2] / "solutions")
GRADINGS = 20
SAMPLE = 4  # mutants of each assignment

each = pytest.mark.parametrize("assignment", ASSIGNMENTS, ids=lambda a: a.name)


@pytest.fixture(scope="module")
def engine() -> Iterator[SandboxEngine]:
    with closing(SandboxEngine()) as engine:
        yield engine


def sample(assignment: Assignment) -> list[Variant]:
    """Mutants of different questions; which ones changes with the assignment."""
    mutants = load_variants(assignment, "mutant")
    start = int(assignment.digest, 16)
    return [mutants[(start + k * len(mutants) // SAMPLE) % len(mutants)] for k in range(SAMPLE)]


@pytest.mark.long
@each
def test_twenty_gradings_give_the_same_marks(engine: SandboxEngine, assignment: Assignment) -> None:
    answers = []
    for variant in sample(assignment):
        questions = tuple({question_of(name): None for name in variant.answers})
        submission = variant.submission(assignment, variant.name)
        answers.append(replace(submission, only=questions))
        # The reference in the same questions, on the same inputs.
        right = replace(submission, student=f"right {variant.name}", answers=assignment.answers)
        answers.append(replace(right, only=questions))
    first: dict[str, list[bool]] = {}
    for seed in range(GRADINGS):
        for result in engine.grade_together(answers, assignment, seed=seed):
            passed = [test.passed for test in result.tests]
            assert first.setdefault(result.student, passed) == passed, f"{result.student}, {seed}"
    for student, passed in first.items():
        assert all(passed) == student.startswith("right ")


@each
def test_the_table_of_promises_is_complete(assignment: Assignment) -> None:
    """Each question that asks for code promises something, and each hidden test holds a promise."""
    promises = load_promises(assignment, load_variants(assignment, "mutant"))
    assert unpromised(assignment, promises) == []
    asked = {question.key for question in assignment.questions if question.names}
    assert {promise.question for promise in promises} == asked
