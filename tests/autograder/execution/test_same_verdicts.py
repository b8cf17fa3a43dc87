"""What ``python -m gradekit check`` tells a student is what the grader says of visible tests."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autograder.assignments.demo import fill_in
from autograder.assignments.release import release
from autograder.assignments.source import Assignment, load_assignment
from autograder.assignments.variants import load_variants
from autograder.course import Course
from autograder.execution.engine import SandboxEngine
from gradekit.notebook import KEY, file_name_notes, parse, take
from gradekit.notebook.file import read
from gradekit.report import check, run_visible_tests
from tests.autograder.tinycourse import NAME

CALL_SECONDS, CELL_SECONDS = 1.0, 2.0
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def engine() -> Iterator[SandboxEngine]:
    with closing(SandboxEngine()) as engine:
        yield engine


@pytest.fixture(scope="module")
def quick(assignment: Assignment) -> Assignment:
    return replace(assignment, call_seconds=CALL_SECONDS, cell_seconds=CELL_SECONDS)


@pytest.fixture(scope="module")
def released(released_course: Course) -> dict[str, Any]:
    """The tiny release, with the seconds of ``quick``."""
    path = released_course.notebook("release", NAME)
    notebook = dict(json.loads(path.read_text(encoding="utf-8")))
    notebook["metadata"][KEY]["seconds"] |= {"call": CALL_SECONDS, "cell": CELL_SECONDS}
    return notebook


def of_student(source: str) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "source": source}


def compare(path: Path, text: str, engine: SandboxEngine, assignment: Assignment) -> dict[str, str]:
    """Check and grade a notebook; the messages of the visible tests, which are the same."""
    path.write_text(text, encoding="utf-8")
    description, taken = read(path)
    here = run_visible_tests(description, taken)
    notes = file_name_notes(path.name, assignment.name)
    submission = take(parse(text.encode()), assignment.description, student="ada", notes=notes)
    there = engine.grade(submission, assignment)
    visible = {cell.grade_id for cell in assignment.tests if not cell.hidden}
    messages = {name: (v.passed, v.message) for name, v in here.verdicts.items()}
    assert messages == {
        test.grade_id: (test.passed, test.message)
        for test in there.tests
        if test.grade_id in visible
    }
    if there.outcome == "complete":  # after a crash or so the hidden tests may go on otherwise
        assert here.outcome == "complete"
    assert {*taken.notes, *here.notes} <= set(there.notes)
    return {name: verdict.message for name, verdict in here.verdicts.items()}


MEAN, SPREAD = "q1_small_visible", "q2_small_visible"
# What is written, and the beginning of the messages of the two visible tests ("": passed).
ANSWERS: dict[str, tuple[dict[str, str], str, str]] = {
    "reference": ({}, "", ""),
    "half done": ({"q2_spread": "raise NotImplementedError()"}, "", "NameError: name 'spread'"),
    "stub": (
        {"q1_mean": "def mean(values):\n    raise NotImplementedError()"},
        "Not written yet: the code still raises NotImplementedError.",
        "",
    ),
    "exception": ({"q1_mean": "def mean(values):\n    return values[9]"}, "IndexError: list", ""),
    "not Python": ({"q1_mean": "def mean(values)\n    pass"}, "NameError: name 'mean' is not", ""),
    "endless": (
        {"q2_spread": "def spread(values):\n    while True: pass"},
        "",
        "Stopped: q2_small",
    ),
    "endless cell": ({"q1_mean": "while True: pass"}, "Not run: q1_mean did not end in time", ""),
    "ends": (
        {"q2_spread": "import os\ndef spread(values):\n    os._exit(0)"},
        "",
        "The process died in q2_small_visible.",
    ),
    "hidden module": (
        {"q1_mean": "from statistics import mean"},
        "NameError: name 'mean' is not defined",
        "",
    ),
    "no value": ({"q1_mean": "def mean(values):\n    return object()"}, "TypeError: ", ""),
    "magics": (
        {"q1_mean": "%timeit -n1 -r1 1\n!true\ndef mean(v):\n    return sum(v) / 3"},
        "",
        "",
    ),
    "await": (
        {
            "q1_mean": "import asyncio\nawait asyncio.sleep(0)\n"
            "three = await asyncio.sleep(0, 3.0)\ndef mean(v):\n    return three"
        },
        "",
        "",
    ),
    "prints": ({"q1_mean": "def mean(v):\n    print(input())\n    return 3.0"}, "EOFError", ""),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_both_say_the_same(
    kind: str,
    engine: SandboxEngine,
    quick: Assignment,
    released: dict[str, Any],
    tmp_path: Path,
) -> None:
    answers, mean, spread = ANSWERS[kind]
    text = fill_in(copy.deepcopy(released), {**quick.answers, **answers})
    messages = compare(tmp_path / "ps.ipynb", text, engine, quick)
    for message, beginning in ((messages[MEAN], mean), (messages[SPREAD], spread)):
        assert message.startswith(beginning)
        assert bool(message) == bool(beginning)


def test_both_say_the_same_of_wrong_and_right_answers(
    engine: SandboxEngine, quick: Assignment, released: dict[str, Any], tmp_path: Path
) -> None:
    failed = 0
    for variant in (*load_variants(quick, "mutant"), *load_variants(quick, "right")):
        text = fill_in(copy.deepcopy(released), {**quick.answers, **variant.answers})
        failed += any(compare(tmp_path / "ps.ipynb", text, engine, quick).values())
    assert failed == 1  # the visible test sees one of the two mutants


def test_both_say_the_same_of_a_student_with_cells_of_their_own(
    engine: SandboxEngine, quick: Assignment, released: dict[str, Any], tmp_path: Path
) -> None:
    """Cells before, between and behind; one fails, one ends the process, one edits a test."""
    notebook = copy.deepcopy(released)
    text = "def mean(values):\n    return total(values) / len(values)"
    notebook = json.loads(fill_in(notebook, {**quick.answers, "q1_mean": text}))
    cells = notebook["cells"]
    ids = [cell["metadata"].get("nbgrader", {}).get("grade_id") for cell in cells]
    cells[ids.index(SPREAD)]["source"] = "assert False"
    cells[ids.index(MEAN) :] = [of_student("1 / 0"), *cells[ids.index(MEAN) :]]
    cells[:0] = [of_student("total = sum"), of_student("import os; os._exit(1)")]
    cells.append(of_student("%%time\nmean([1.0])"))
    messages = compare(tmp_path / "ps.ipynb", json.dumps(notebook), engine, quick)
    assert messages == {MEAN: "", SPREAD: ""}


def without_cell_metadata(text: str) -> dict[str, Any]:
    """The same notebook, its cells in the order they have, with their types and texts only."""
    notebook: dict[str, Any] = json.loads(text)
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        cell.pop("id", None)
    return notebook


def test_right_work_without_cell_metadata_passes_in_both(
    engine: SandboxEngine, quick: Assignment, released: dict[str, Any], tmp_path: Path
) -> None:
    text = fill_in(copy.deepcopy(released), quick.answers)
    notebook = without_cell_metadata(text)
    messages = compare(tmp_path / "ps.ipynb", json.dumps(notebook), engine, quick)
    assert messages == {MEAN: "", SPREAD: ""}


def test_right_work_without_any_metadata_is_graded_and_not_checked(
    engine: SandboxEngine,
    quick: Assignment,
    released: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The local check can't know what the assignment asks for; it says so and claims nothing."""
    notebook = without_cell_metadata(fill_in(copy.deepcopy(released), quick.answers))
    del notebook["metadata"]
    path = tmp_path / f"{NAME}.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert check(path) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith(f"error: {NAME}.ipynb: the notebook holds nothing of")
    submission = take(parse(path.read_bytes()), quick.description)
    assert submission.answers.keys() == quick.answers.keys()
    (note,) = submission.notes
    assert note == (
        "the cells have lost their metadata; these answers were recognised by what they define "
        "and where they stand: q1_mean, q2_spread, q3_reason"
    )
    result = engine.grade(submission, quick)
    assert all(test.passed for test in result.tests)
    assert len(result.tests) == 4


def test_a_variable_of_a_test_is_out_of_sight_in_both(
    engine: SandboxEngine, quick: Assignment, released: dict[str, Any], tmp_path: Path
) -> None:
    """In Jupyter the function would find it."""
    small = next(cell for cell in quick.cells if cell.grade_id == MEAN)
    source = "sample = [1.0, 2.0, 6.0]\nassert mean(sample) == 3.0"
    cells = [replace(cell, source=source) if cell is small else cell for cell in quick.cells]
    changed = replace(quick, cells=tuple(cells))
    notebook = copy.deepcopy(released)
    for part in notebook["metadata"][KEY]["cells"]:
        if part["grade_id"] == MEAN:
            part["source"] = source
    leak = "def mean(values):\n    return sum(sample) / 3"
    text = fill_in(notebook, {**quick.answers, "q1_mean": leak})
    assert compare(tmp_path / "ps.ipynb", text, engine, changed)[MEAN] == (
        "NameError: name 'sample' is not defined. Is it a variable of a test? Your functions "
        "don't see those: give it to the function as an argument."
    )


def test_an_undefined_answer_gets_no_such_hint(
    engine: SandboxEngine, quick: Assignment, released: dict[str, Any], tmp_path: Path
) -> None:
    text = fill_in(copy.deepcopy(released), {**quick.answers, "q1_mean": ""})
    messages = compare(tmp_path / "ps.ipynb", text, engine, quick)
    assert messages[MEAN] == "NameError: name 'mean' is not defined"


def test_the_release_carries_what_the_check_needs_and_nothing_hidden(
    released_course: Course, assignment: Assignment
) -> None:
    text = released_course.notebook("release", NAME).read_text(encoding="utf-8")
    data = json.loads(text)["metadata"][KEY]
    assert data["assignment"] == NAME
    assert data["names"] == {"q1": ["mean"], "q2": ["spread"], "q3": []}
    assert data["hide"] == ["statistics"]
    assert data["seconds"] == {"call": 2.0, "cell": 4.0, "total": 20.0}
    sources = {cell["grade_id"]: cell["source"] for cell in data["cells"]}
    assert sources["q1_mean"] == sources["q3_reason"] == sources["q2_other_hidden"] == ""
    assert sources["q1_other_hidden"].startswith("# Hidden test, 2 points: runs when the work is")
    assert "secret_values" not in text
    assert "the mean of 1, 2, 6 is 3" in sources[MEAN]


def test_what_the_release_says_is_part_of_what_makes_it_current(
    course: Course, solutions: Path
) -> None:
    settings = solutions / NAME / "assignment.toml"
    assert not release(course, load_assignment(solutions / NAME)).made
    text = settings.read_text(encoding="utf-8").replace("cell_seconds = 4", "cell_seconds = 5")
    settings.write_text(text, encoding="utf-8")
    assert release(course, load_assignment(solutions / NAME)).made
    notebook = json.loads(course.notebook("release", NAME).read_text(encoding="utf-8"))
    assert notebook["metadata"][KEY]["seconds"]["cell"] == 5.0


@pytest.fixture(scope="module")
def ps1(tmp_path_factory: pytest.TempPathFactory) -> tuple[Assignment, dict[str, Any]]:
    assignment = load_assignment(ROOT / "solutions" / "ps1_pca")
    course = Course(tmp_path_factory.mktemp("ps1") / "course")
    release(course, assignment)
    text = course.notebook("release", assignment.name).read_text(encoding="utf-8")
    return assignment, json.loads(text)


def test_both_say_the_same_of_problem_set_1(
    engine: SandboxEngine,
    ps1: tuple[Assignment, dict[str, Any]],
    tmp_path: Path,
) -> None:
    """One notebook with something of each kind, as a process with torch takes seconds."""
    assignment, notebook = ps1
    mutants = {variant.name: variant for variant in load_variants(assignment, "mutant")}
    wrong = ("q1_standardises", "q3_not_centred", "q5_error_off_by_one", "q7_transposed")
    answers = dict(assignment.answers)
    for name in wrong:
        answers |= mutants[name].answers
    (whiten,) = [name for name in assignment.solutions if name.startswith("q6_")]
    del answers[whiten]
    text = fill_in(notebook, answers)
    messages = compare(tmp_path / "ps1_pca.ipynb", text, engine, assignment)
    failed = {name.split("_")[0] for name, message in messages.items() if message}
    assert failed == {"q1", "q3", "q5", "q6", "q7"}
    assert messages["q6_whiten_visible"].startswith("Not written yet")


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "solutions").glob("ps*")))
def test_the_reference_passes(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assignment = load_assignment(ROOT / "solutions" / name)
    course = Course(tmp_path / "course")
    release(course, assignment)
    released = json.loads(course.notebook("release", name).read_text(encoding="utf-8"))
    path = tmp_path / f"{name}.ipynb"
    path.write_text(fill_in(released, assignment.answers), encoding="utf-8")
    assert check(path) == 0
    points = sum(cell.points for cell in assignment.tests if not cell.hidden)
    assert f"{points:g} of {points:g} points on visible tests;" in capsys.readouterr().out
