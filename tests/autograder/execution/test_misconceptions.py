"""Which mutant an answer behaves like, and how few are asked to find out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autograder.assignments.source import Assignment
from autograder.assignments.variants import Variant, load_variants
from autograder.execution.misconceptions import Catalogue, Values
from gradekit.notebook import Step

RETURNED = {"one": 1.0, "two": 2.0, "three": 3.0}  # by mutant


def call(number: float) -> list[list[object]]:
    return [["f", ["float"], [number]]]


class Asked:
    """Stands for the engine: what each mutant returns, and which were asked."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.tests: list[Step] = []

    def __call__(self, assignment: Assignment, steps: list[Step]) -> Values:
        self.tests = [step for step in steps if step.role == "test"]
        (name,) = {step.question for step in self.tests}
        self.names.append(name)
        return {name: call(RETURNED[name])}


@pytest.fixture
def mutants(monkeypatch: pytest.MonkeyPatch, assignment: Assignment) -> list[Variant]:
    """Three mutants of the second question."""
    found = [v for v in load_variants(assignment, "mutant") if v.name.startswith("q2")][:1]
    made = [replace(found[0], name=name, summary=f"{name}.") for name in RETURNED]
    monkeypatch.setattr("autograder.execution.misconceptions.load_variants", lambda *_: made)
    return made


@pytest.mark.usefixtures("mutants")
def test_mutants_are_asked_until_one_matches(assignment: Assignment) -> None:
    asked = Asked()
    catalogue = Catalogue(asked, None)
    assert catalogue.matches(assignment, {"q2": call(2.0)}) == {"q2": "two."}
    assert asked.names == ["one", "two"]
    assert catalogue.matches(assignment, {"q2": call(9.0)}) == {}
    assert asked.names == ["one", "two", "three"]  # each once
    assert catalogue.matches(assignment, {"q2": call(3.0)}) == {"q2": "three."}
    assert len(asked.names) == 3


@pytest.mark.usefixtures("mutants")
def test_a_mutant_is_asked_by_its_questions_tests_alone(assignment: Assignment) -> None:
    asked = Asked()
    Catalogue(asked, None).matches(assignment, {"q2": call(1.0)})
    wanted = {cell.grade_id for cell in assignment.tests if cell.question == "q2"}
    assert {step.name for step in asked.tests} == wanted


@pytest.mark.usefixtures("mutants")
def test_what_is_known_outlives_the_run(assignment: Assignment, tmp_path: Path) -> None:
    first, second = Asked(), Asked()
    Catalogue(first, tmp_path).matches(assignment, {"q2": call(2.0)})
    Catalogue(second, tmp_path).matches(assignment, {"q2": call(3.0)})
    assert (first.names, second.names) == (["one", "two"], ["three"])
    for path in tmp_path.rglob("values-q2.json"):
        path.write_text("damaged")
    third = Asked()
    Catalogue(third, tmp_path).matches(assignment, {"q2": call(1.0)})
    assert third.names == ["one"]


@pytest.mark.usefixtures("mutants")
def test_an_answer_that_only_raises_is_compared_with_none(assignment: Assignment) -> None:
    asked = Asked()
    raised = [["f", ["raised ValueError"], []]]
    assert Catalogue(asked, None).matches(assignment, {"q2": raised}) == {}
    assert asked.names == []
