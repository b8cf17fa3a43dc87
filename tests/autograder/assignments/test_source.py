"""What is wrong with a source is said in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.assignments.source import Assignment, load_assignment
from autograder.assignments.variants import load_variants
from autograder.errors import CourseError
from tests.autograder.tinycourse import NAME

Edit = Callable[[str], str]


def swap(old: str, new: str, count: int = 1) -> Edit:
    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, count)

    return edit


def spoil(path: Path, edit: Edit) -> None:
    path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")


def test_the_fixture_loads(assignment: Assignment) -> None:
    assert assignment.points == {
        "q1_small_visible": 1,
        "q1_other_hidden": 2,
        "q2_small_visible": 1,
        "q2_other_hidden": 2,
        "q3_reason": 3,
    }
    assert assignment.max_score == 9
    assert [question.key for question in assignment.questions] == ["q1", "q2", "q3"]
    assert (assignment.cell_seconds, assignment.total_seconds) == (4, 20)


SOURCE_FAULTS = {
    "magic": (swap("import math", "%matplotlib inline"), "'%matplotlib inline' line 1 is not Py"),
    "points": (swap("points: 1", "points: 0"), "must be a positive whole number, got 0"),
    "no points": (swap("  points: 1\n", ""), "must be a positive whole number"),
    "suffix": (swap("q1_small_visible", "q1_small"), "must end in _visible or _hidden"),
    "name": (swap("q1_small_visible", "first_visible"), "must look like q1_centre"),
    "twice": (swap("q2_small_visible", "q1_small_visible"), "two cells have the grade_id"),
    "unhidden": (swap("### BEGIN HIDDEN TESTS\n", ""), "exactly when the whole cell"),
    "hidden": (swap("q1_other_hidden", "q1_other_visible"), "exactly when the whole cell"),
    "f-string": (
        swap('"mean is wrong on', 'f"{secret_values} mean is wrong on'),
        "message in a hidden test must be a plain string",
    ),
    "built name": (
        swap('message = "spread', 'message = str(spread([1.0])) + "spread'),
        "message in a hidden test must be a plain string",
    ),
    "checks": (
        swap("secret_values = [", 'checks.check_close(1, 1, f"{mean([1])}")\nsecret_values = ['),
        "message in a hidden test must be a plain string",
    ),
    "syntax": (swap("secret_values = [", "secret_values = = ["), "q1_other_hidden line 3"),
    "unlocked": (swap("points: 1\n  locked: true", "points: 1\n  locked: false"), "must be locked"),
    "another test's name": (
        swap(
            "### BEGIN HIDDEN TESTS\nmessage = ",
            "### BEGIN HIDDEN TESTS\nsecret_values\nmessage = ",
        ),
        "test q2_other_hidden uses secret_values, which neither it nor a given cell above it makes",
    ),
    "no solution": (swap("solution: true", "solution: false"), "q1 has tests but no solution"),
}


@pytest.mark.parametrize("fault", SOURCE_FAULTS)
def test_a_fault_in_the_source_is_named(solutions: Path, fault: str) -> None:
    edit, message = SOURCE_FAULTS[fault]
    spoil(solutions / NAME / f"{NAME}.md", edit)
    with pytest.raises(CourseError, match=message):
        load_assignment(solutions / NAME)


TOML_FAULTS = {
    "not TOML": (swap("title =", "title"), "not TOML"),
    "unknown": (swap("chapter", "chaptre"), "unknown key 'chaptre'"),
    "no title": (swap('title = "Two', 'chapter2 = "Two'), "unknown key 'chapter2'"),
    "seconds": (swap("cell_seconds = 4", "cell_seconds = -1"), "cell_seconds must be a positive"),
    "hide": (swap('["statistics"]', '"statistics"'), "module names, got 'statistics'"),
    "missing": (swap("[questions.q3]", "[questions.q4]"), "no graded cell of q4"),
    "key": (swap("section", "sektion"), "unknown key 'sektion'"),
    "names": (swap('["mean"]', '"mean"'), "student defines, got 'mean'"),
    "in place": (
        swap('["mean"]', '["mean"]\nin_place = ["men"]'),
        "in_place must be a list of some of the question's names, got",
    ),
    "in place, no list": (swap('["mean"]', '["mean"]\nin_place = 1'), "in_place must be a list"),
}


@pytest.mark.parametrize("fault", TOML_FAULTS)
def test_a_fault_in_the_settings_is_named(solutions: Path, fault: str) -> None:
    edit, message = TOML_FAULTS[fault]
    spoil(solutions / NAME / "assignment.toml", edit)
    with pytest.raises(CourseError, match=message):
        load_assignment(solutions / NAME)


def test_a_question_without_a_table_is_named(solutions: Path) -> None:
    spoil(solutions / NAME / "assignment.toml", lambda text: text.split("[questions.q3]")[0])
    with pytest.raises(CourseError, match=r"\[questions.q3\] is missing"):
        load_assignment(solutions / NAME)


def test_variants_replace_the_named_cells(assignment: Assignment) -> None:
    (mutant, _), (right,) = load_variants(assignment, "mutant"), load_variants(assignment, "right")
    assert mutant.summary == "Divides by one number too few."
    assert mutant.caught_by == ("q1_small_visible", "q1_other_hidden")
    answers = mutant.submission(assignment, "s").answers
    assert answers["q1_mean"].startswith("def mean(values):\n    return sum(values) / (len")
    assert answers["q2_spread"] == assignment.solutions["q2_spread"]
    assert set(right.answers) == {"q1_mean", "q2_spread"}


VARIANT_FAULTS = {
    "docstring": (swap('"""Divides by one number too few."""', ""), "must begin with a docstring"),
    "cell": (swap("# %% q1_mean", "# %% q1_maen"), "'q1_maen' is not a solution cell"),
    "section": (swap("# %% q1_mean", ""), "no '# %% GRADE_ID' section"),
    "caught": (swap("# caught-by", "# caught"), "'# caught-by: GRADE_ID' is missing"),
    "test": (swap("q1_small_visible", "q1_mean"), "'q1_mean', which is not a test cell"),
    "question": (swap("q1_small_visible", "q2_small_visible"), "but the file changes only q1"),
    "syntax": (swap("return sum", "return return sum"), "q1_one_less.py line"),
}


@pytest.mark.parametrize("fault", VARIANT_FAULTS)
def test_a_fault_in_a_variant_is_named(solutions: Path, fault: str) -> None:
    edit, message = VARIANT_FAULTS[fault]
    spoil(solutions / NAME / "mutants" / "q1_one_less.py", edit)
    with pytest.raises(CourseError, match=message):
        load_variants(load_assignment(solutions / NAME), "mutant")
