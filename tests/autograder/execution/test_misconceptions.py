"""Which mutant an answer behaves like, and what is kept of what they return."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.assignments.source import Assignment
from autograder.assignments.variants import Variant, load_variants
from autograder.execution.misconceptions import Catalogue, Values
from gradekit.notebook import Step

RETURNED = {"one": 1.0, "two": 2.0, "three": 3.0}  # by mutant
ASKED = ["reference", *RETURNED]


def call(number: float) -> list[list[object]]:
    return [["q2_small_visible f", ["numbers ()"], [number]]]


class Asked:
    """Stands for the engine: what each mutant returns, and which were asked."""

    def __init__(self, *, together: tuple[str, ...] = (), alone: tuple[str, ...] = ()) -> None:
        self.together, self.alone = together, alone  # what does not come to its end
        self.names: list[str] = []
        self.tests: list[Step] = []

    def __call__(
        self, assignment: Assignment, steps: list[Step], groups: list[list[Step]]
    ) -> tuple[Values, list[str]]:
        assert {step.role for step in steps} == {"given", "student"}
        self.tests = [step for group in groups for step in group if step.role == "test"]
        names = list(dict.fromkeys(step.question for step in self.tests))
        self.names += names
        lost = self.together if len(names) > 1 else self.alone
        returned = RETURNED | {"reference": 0.0}
        found = {name: [] if name in lost else call(returned[name]) for name in names}
        return found, [name for name in names if name in lost]


@pytest.fixture
def mutants(monkeypatch: pytest.MonkeyPatch, assignment: Assignment) -> list[Variant]:
    """Three mutants of the second question."""
    found = [v for v in load_variants(assignment, "mutant") if v.name.startswith("q2")][:1]
    made = [replace(found[0], name=name, summary=f"{name}.") for name in RETURNED]
    monkeypatch.setattr("autograder.execution.misconceptions.load_variants", lambda *_: made)
    return made


@pytest.mark.usefixtures("mutants")
def test_each_mutant_is_asked_once(assignment: Assignment) -> None:
    asked = Asked()
    catalogue = Catalogue(asked, None)
    assert catalogue.matches(assignment, {"q2": call(2.0)}) == {"q2": "two."}
    assert catalogue.matches(assignment, {"q2": call(9.0)}) == {}
    assert catalogue.matches(assignment, {"q2": call(3.0)}) == {"q2": "three."}
    assert asked.names == ASKED


@pytest.mark.usefixtures("mutants")
def test_an_answer_like_two_mutants_is_called_neither(
    assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RETURNED, "three", RETURNED["two"])
    catalogue = Catalogue(Asked(), None)
    assert catalogue.matches(assignment, {"q2": call(2.0)}) == {}
    assert catalogue.matches(assignment, {"q2": call(1.0)}) == {"q2": "one."}


MUTANTS = {  # what each returns in two calls of f and one of g; the reference: 0, 0 and 0
    "f_at_once": (1.0, 1.0, 0.0),
    "f_later": (0.0, 5.0, 0.0),
    "f_and_g": (7.0, 0.0, 7.0),
    "g_alone": (0.0, 0.0, 3.0),
    "g_again": (0.0, 0.0, 2.0),
    "g_once_more": (0.0, 0.0, 2.0),
}


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ((1.0, 1.0, 0.0), "f_at_once"),
        ((1.0, 1.0, 9.0), "f_at_once"),  # g has a fault of its own
        ((1.0,), "f_at_once"),  # the test ended there
        ((0.0, 5.0, 0.0), "f_later"),
        ((7.0, 0.0, 7.0), "f_and_g"),
        ((9.0, 9.0, 7.0), "f_and_g"),  # f has another fault
        ((1.0, 1.0, 3.0), "f_at_once g_alone"),
        ((1.0, 1.0, 2.0), "f_at_once"),  # g is like two
        ((1.0, 5.0, 0.0), ""),  # at first like one, then like another
        ((0.0, 0.0, 0.0), ""),
        ((0.0,), ""),
    ],
)
def test_each_function_is_compared_by_itself(
    assignment: Assignment,
    monkeypatch: pytest.MonkeyPatch,
    answer: tuple[float, ...],
    found: str,
) -> None:
    def calls(numbers: tuple[float, ...]) -> list[list[object]]:
        names = ("q2_small_visible f", "q2_other_hidden f", "q2_other_hidden g")
        return [[name, ["numbers ()"], [x]] for name, x in zip(names, numbers, strict=False)]

    def run(_: Assignment, steps: list[Step], groups: list[list[Step]]) -> tuple[Values, list[str]]:
        names = [group[-1].question for group in groups]
        return {name: calls(MUTANTS.get(name, (0.0, 0.0, 0.0))) for name in names}, []

    first = next(v for v in load_variants(assignment, "mutant") if v.name.startswith("q2"))
    made = [replace(first, name=name, summary=name) for name in MUTANTS]
    monkeypatch.setattr("autograder.execution.misconceptions.load_variants", lambda *_: made)
    matched = Catalogue(run, None).matches(assignment, {"q2": calls(answer)})
    assert matched == ({"q2": found} if found else {})


@pytest.mark.usefixtures("mutants")
def test_a_mutant_is_asked_by_its_questions_tests_alone(assignment: Assignment) -> None:
    asked = Asked()
    Catalogue(asked, None).matches(assignment, {"q2": call(1.0)})
    wanted = {cell.grade_id for cell in assignment.tests if cell.question == "q2"}
    assert {step.name for step in asked.tests} == wanted


@pytest.mark.usefixtures("mutants")
def test_what_is_known_outlives_the_run(assignment: Assignment, tmp_path: Path) -> None:
    first, second = Asked(), Asked()
    for asked in (first, second):
        found = Catalogue(asked, tmp_path).matches(assignment, {"q2": call(2.0)})
        assert found == {"q2": "two."}
    assert (first.names, second.names) == (ASKED, [])


def spoil(text: str, values: object) -> str:
    return json.dumps(json.loads(text) | {"values": values})


DAMAGE = {
    "cut": lambda text: text[:40],
    "deep": lambda _: "[" * 200_000,
    "list": lambda _: "[]",
    "no values": lambda text: spoil(text, None),
    "null": lambda text: spoil(text, {"two": None}),
    "short call": lambda text: spoil(text, {"two": [["mean"], [1]]}),
    "a number beyond all": lambda text: spoil(text, {"two": [["f", ["float"], [10**400]]]}),
    "text": lambda text: spoil(text, {"two": [["mean", ["float"], ["1"]]]}),
}


@pytest.mark.usefixtures("mutants")
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_as_none(
    assignment: Assignment, tmp_path: Path, damage: Callable[[str], str]
) -> None:
    Catalogue(Asked(), tmp_path).matches(assignment, {"q2": call(2.0)})
    (path,) = tmp_path.rglob("values-q2.json")
    path.write_text(damage(path.read_text()))
    asked = Asked()
    assert Catalogue(asked, tmp_path).matches(assignment, {"q2": call(1.0)}) == {"q2": "one."}
    assert asked.names == ASKED


@pytest.mark.usefixtures("mutants")
def test_a_file_that_cannot_be_written_costs_nobody_the_sentence(
    assignment: Assignment, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    cache.write_text("in the way")
    with pytest.warns(UserWarning, match=r"values-q2.json can't be written \(") as said:
        found = Catalogue(Asked(), cache).matches(assignment, {"q2": call(2.0)})
    assert found == {"q2": "two."}
    assert len(said) == 1


@pytest.mark.usefixtures("mutants")
def test_mutants_that_had_no_time_together_are_asked_alone(
    assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RETURNED, "three", RETURNED["two"])
    asked = Asked(together=("one", "three"))
    catalogue = Catalogue(asked, None)
    assert catalogue.matches(assignment, {"q2": call(1.0)}) == {"q2": "one."}
    # Like two, one of which was lost.
    assert catalogue.matches(assignment, {"q2": call(2.0)}) == {}
    assert asked.names == [*ASKED, "one", "three"]


@pytest.mark.usefixtures("mutants")
def test_a_mutant_that_never_ends_is_left_out_and_asked_again_another_time(
    assignment: Assignment, tmp_path: Path
) -> None:
    endless, asked = Asked(together=("three",), alone=("three",)), Asked()
    catalogue = Catalogue(endless, tmp_path)
    for _ in range(2):
        assert catalogue.matches(assignment, {"q2": call(2.0)}) == {"q2": "two."}
        assert catalogue.matches(assignment, {"q2": call(3.0)}) == {}
    assert endless.names == [*ASKED, "three"]
    found = Catalogue(asked, tmp_path).matches(assignment, {"q2": call(3.0)})
    assert (found, asked.names) == ({"q2": "three."}, ["three"])


def test_a_new_sentence_is_another_version(assignment: Assignment, mutants: list[Variant]) -> None:
    before = Catalogue(Asked(), None).version(assignment)
    assert Catalogue(Asked(), None).version(assignment) == before
    mutants[0] = replace(mutants[0], summary="Another sentence.")
    assert Catalogue(Asked(), None).version(assignment) != before


@pytest.mark.usefixtures("mutants")
def test_an_answer_that_only_raises_is_compared_with_none(assignment: Assignment) -> None:
    asked = Asked()
    raised = [["f", ["raised ValueError"], []]]
    assert Catalogue(asked, None).matches(assignment, {"q2": raised}) == {}
    assert asked.names == []
