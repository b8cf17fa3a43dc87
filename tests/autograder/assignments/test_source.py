"""What is wrong with a source is said in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.assignments.source import Assignment, load_assignment
from autograder.assignments.variants import load_variants
from autograder.course import Course
from autograder.errors import CourseError
from tests.autograder.tinycourse import NAME, run

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


def second(code: str) -> Edit:
    """Put code into a visible test, behind its first line."""
    line = 'assert spread([1.0, 1.0]) == 0.0, "equal numbers have no spread"'
    return swap(line, code)


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
    "duplicate argument": (
        second("def k(a, a): pass"),
        "q2_small_visible line 2 is not Python: du",
    ),
    "nonlocal": (second("nonlocal a"), "q2_small_visible line 2 is not Python: nonlocal declarat"),
    "late global": (
        second("a = 1\ndef k():\n    print(a)\n    global a"),
        "line 5 is not Python: ",
    ),
    "star in a function": (second("def k():\n    from math import *"), "line 3 is not Python: "),
    "walrus": (second("[x := 1 for x in range(3)]"), "line 2 is not Python: assignment expression"),
    "return": (second("return 3"), "q2_small_visible line 2 is not Python: 'return' outside func"),
    "break": (second("break"), "q2_small_visible line 2 is not Python: 'break' outside loop"),
    "yield": (second("yield 3"), "q2_small_visible line 2 is not Python: 'yield' outside function"),
    "await": (second("await k"), "q2_small_visible line 2 is not Python: 'await' outside function"),
    "given": (swap("import math", "import math\nbreak"), "'import math' line 2 is not Python: 'br"),
    "deep": (second("a = a" + ".b" * 5000), "q2_small_visible is nested too deep"),
    "no end": (swap("    ### END SOLUTION\n", ""), "q1_mean has 'BEGIN SOLUTION' without 'END SOL"),
    "nested": (
        swap("### BEGIN SOLUTION\n", "### BEGIN SOLUTION\n    ### BEGIN SOLUTION\n"),
        "q1_mean line 4 has a second 'BEGIN SOLUTION' before 'END SOLUTION'",
    ),
    "no beginning": (
        swap("    ### BEGIN SOLUTION\n", ""),
        "q1_mean line 5 has 'END SOLUTION' without 'BEGIN SOLUTION'",
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
    "names, nowhere": (
        swap('["mean"]', '["mean", "men"]'),
        "q1.: names has 'men', which no solution cell and no given cell defines",
    ),
    "total": (
        swap("cell_seconds = 4", "call_seconds = 9\ncell_seconds = 4\ntotal_seconds = 8"),
        r"total_seconds \(8\) must not be less than call_seconds \(9\)",
    ),
    "no such module": (
        swap('"statistics"', '"sklearn.decompositoin"'),
        "hide names 'sklearn.decompositoin', but sklearn has no module decompositoin",
    ),
    "no package": (swap('"statistics"', '"this.that"'), "hide names 'this.that', but this has no"),
    "no module's name": (swap('"statistics"', '"a-b"'), "hide must be names of modules, got 'a-b'"),
    "in place, no list": (swap('["mean"]', '["mean"]\nin_place = 1'), "in_place must be a list"),
}


@pytest.mark.parametrize("fault", TOML_FAULTS)
def test_a_fault_in_the_settings_is_named(solutions: Path, fault: str) -> None:
    edit, message = TOML_FAULTS[fault]
    spoil(solutions / NAME / "assignment.toml", edit)
    with pytest.raises(CourseError, match=message):
        load_assignment(solutions / NAME)


def test_modules_that_are_there_or_may_be_are_hidden(solutions: Path) -> None:
    names = '["statistics", "os.path", "sklearn.decomposition", "not_installed", "not_installed.a"]'
    spoil(solutions / NAME / "assignment.toml", swap('["statistics"]', names))
    assert len(load_assignment(solutions / NAME).hide) == 5


def test_the_notebook_compares_arguments_as_the_settings_say(solutions: Path) -> None:
    call = "import math\nfrom gradekit import checks\nchecks.compare_arguments(in_place=['mean'])"
    spoil(solutions / NAME / f"{NAME}.md", swap("import math", call))
    with pytest.raises(CourseError, match=r"in_place is \[\], and compare_arguments in the cell '"):
        load_assignment(solutions / NAME)
    spoil(solutions / NAME / "assignment.toml", swap('["mean"]', '["mean"]\nin_place = ["mean"]'))
    load_assignment(solutions / NAME)
    spoil(solutions / NAME / f"{NAME}.md", swap("in_place=['mean']", ""))
    with pytest.raises(CourseError, match=r"called with \[\]; they must be the same"):
        load_assignment(solutions / NAME)


def test_every_command_ends_with_the_sentence(
    tmp_path: Path, solutions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(solutions / NAME / f"{NAME}.md", second("nonlocal a"))
    for command in ("mutants", "release", "grade"):
        assert run(command, course=Course(tmp_path), solutions=solutions) == 2
        assert "line 2 is not Python: nonlocal declaration" in capsys.readouterr().err


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
