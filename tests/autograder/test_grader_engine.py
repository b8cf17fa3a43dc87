"""The kernel engine: what a result says, and what becomes of failures of the infrastructure."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tinycourse import NAME, ScriptedEngine

from autograder.assignment import Assignment
from autograder.course import Course
from autograder.demo import make_class
from autograder.engine import EngineError, KernelEngine
from autograder.export import export
from autograder.grading import environment, grade_class
from autograder.results import Extra, Result, Submission


def answer(assignment: Assignment, *extras: Extra, **answers: str) -> Submission:
    return Submission("s", NAME, {**assignment.answers, **answers}, extras)


def by_name(result: Result) -> dict[str, str]:
    return {test.grade_id: test.message for test in result.tests}


def test_values_of_hidden_tests_do_not_leave(assignment: Assignment) -> None:
    """Neither in an exception of the student's nor in an AssertionError of the student's."""
    spies = answer(
        assignment,
        q1_mean="def mean(values):\n    raise ValueError(values)",
        q2_spread="def spread(values):\n    raise AssertionError(values)",
    )
    result = KernelEngine().grade(spies, assignment)
    messages = by_name(result)
    assert "1.0" in messages["q1_small_visible"]
    assert messages["q1_other_hidden"] == "ValueError was raised while this hidden test ran."
    assert messages["q2_other_hidden"] == "This hidden test failed."


def test_the_run_ends_with_the_deadline_of_the_whole_notebook(assignment: Assignment) -> None:
    slow = answer(assignment, q1_mean="import time\ndef mean(values):\n    time.sleep(60)")
    result = KernelEngine().grade(slow, replace(assignment, total_seconds=1.5))
    assert (result.outcome, result.detail) == ("timed out", "q1_small_visible")
    messages = by_name(result)
    assert messages["q1_small_visible"] == "Stopped: the notebook took longer than 1.5 seconds."
    assert messages["q2_other_hidden"] == "Not run: the notebook took longer than 1.5 seconds."


def test_an_error_in_a_students_cell_is_told(assignment: Assignment, tmp_path: Path) -> None:
    code = f"import os\nopen({str(tmp_path / 'cwd')!r}, 'w').write(str(os.listdir()))"
    broken = answer(assignment, Extra(-1, "code", code), q1_mean="def mean(values)\n    pass")
    result = KernelEngine().grade(broken, assignment)
    assert any(
        note.startswith("q1_mean stopped with an error: SyntaxError") for note in result.notes
    )
    assert "NameError" in by_name(result)["q1_small_visible"]
    assert (tmp_path / "cwd").read_text() == "[]"  # the kernel's working folder is empty
    assert sum(test.points for test in result.tests) == 3


def test_a_stopped_engine_starts_no_kernel(assignment: Assignment) -> None:
    engine = KernelEngine()
    engine.close()
    with pytest.raises(EngineError, match="the grader was stopped"):
        engine.grade(answer(assignment), assignment)


def test_a_kernel_that_cannot_start_is_no_verdict(
    assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.engine.sys.executable", "/nonexistent/python")
    with pytest.raises(EngineError, match="no kernel could be started"):
        KernelEngine().grade(answer(assignment), assignment)


@pytest.fixture
def demo(course: Course, assignment: Assignment) -> Course:
    make_class(course, assignment)
    return course


def scores(course: Course, assignment: Assignment) -> dict[str, list[str]]:
    export(course, [assignment], course.grades)
    lines = course.grades.read_text(encoding="utf-8").splitlines()[1:]
    return {line.split(",")[0]: line.split(",") for line in lines}


def test_the_infrastructure_is_tried_twice(demo: Course, assignment: Assignment) -> None:
    engine = ScriptedEngine()
    engine.failures = {"student-01": [EngineError("no kernel")]}
    report = grade_class(demo, assignment, engine, workers=2, quiet=True)
    assert engine.graded.count("student-01") == 2
    assert report.results[0].outcome == "complete"


@pytest.mark.parametrize("fault", [EngineError("no kernel"), RuntimeError("a bug")])
def test_a_failed_infrastructure_is_reported_and_never_a_zero(
    demo: Course, assignment: Assignment, fault: Exception
) -> None:
    engine = ScriptedEngine()
    engine.failures = {"student-01": [fault, fault]}
    report = grade_class(demo, assignment, engine, workers=2, quiet=True)
    assert report.results[0].outcome == "not graded"
    row = scores(demo, assignment)["student-01"]
    assert row[2:6] == ["", "", "", ""]
    assert row[7].startswith("not graded: ")
    assert scores(demo, assignment)["student-02"][5] != ""

    again = ScriptedEngine()
    grade_class(demo, assignment, again, workers=2, quiet=True)
    assert again.graded == ["student-01"]  # and only that one
    assert scores(demo, assignment)["student-01"][5] == "6"


def test_a_killed_run_goes_on_where_it_was(demo: Course, assignment: Assignment) -> None:
    class Killed(ScriptedEngine):
        def grade(self, submission: Submission, assignment: Assignment) -> Result:
            if len(self.graded) == 5:
                raise KeyboardInterrupt
            return super().grade(submission, assignment)

    first, second = Killed(), ScriptedEngine()
    with pytest.raises(KeyboardInterrupt):
        grade_class(demo, assignment, first, workers=1, quiet=True)
    grade_class(demo, assignment, second, workers=1, quiet=True)
    done = {path.stem for path in (demo.root / "results" / NAME).glob("*.json")}
    assert len(done) == 20
    assert 0 < len(second.graded) < 20
    assert not set(second.graded) & set(first.graded[:4])


def test_results_depend_on_the_librarys_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "replearn" / "checks.py"
    module.parent.mkdir()
    (module.parent / "__init__.py").touch()
    module.write_text("one")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "replearn", raising=False)
    before = environment()
    assert environment() == before
    module.write_text("two")
    assert environment() != before
