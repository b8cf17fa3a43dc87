"""What nbgrader would do with less care says why it does not, and touches nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from autograder.assignments.source import Assignment
from autograder.course import Course
from autograder.formgrader.settings import GENERATED, USER
from autograder.grading import grade_class
from tests.autograder.tinycourse import NAME, STOCK_AUTOGRADE, ScriptedEngine, run

STUDENT = "student-01"
SECRET = "secret_values"  # of a hidden test


@pytest.fixture
def graded(course: Course, assignment: Assignment) -> Course:
    assert run("demo", course=course) == 0
    grade_class(course, assignment, ScriptedEngine(), workers=2, quiet=True)
    assert run("feedback", course=course) == 0
    return course


def nbgrader(course: Course, command: str, *options: str) -> subprocess.CompletedProcess[str]:
    """A command of nbgrader's, in the course folder."""
    line = [sys.executable, "-m", "nbgrader", command, NAME, *options]
    return subprocess.run(line, cwd=course.root, capture_output=True, text=True)


def contents(course: Course) -> dict[str, bytes]:
    found = {p.relative_to(course.root).as_posix(): p for p in course.root.rglob("*")}
    return {name: path.read_bytes() for name, path in found.items() if path.is_file()}


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("generate_feedback", ["--force"]),
        ("generate_feedback", ["--student", STUDENT]),
        ("release_feedback", ["--course", "autumn"]),
        ("autograde", ["--force"]),
        ("generate_assignment", ["--force"]),
    ],
)
def test_a_command_says_why_not_and_writes_nothing(
    graded: Course, command: str, options: list[str]
) -> None:
    before = contents(graded)
    done = nbgrader(graded, command, *options)
    assert done.returncode == 1
    assert f"nbgrader's {command} is switched off in this course," in done.stderr
    assert "Traceback" not in done.stderr
    assert contents(graded) == before


def test_what_is_wanted_on_purpose_is_had_by_one_line(graded: Course) -> None:
    """The lines of the instructor's guide; and what they protected from."""
    page = graded.feedback / STUDENT / NAME / f"{NAME}.html"
    assert SECRET not in page.read_text(encoding="utf-8")
    who = ["--student", STUDENT, "--force"]
    assert nbgrader(graded, "autograde", *who, STOCK_AUTOGRADE).returncode == 0
    lines = f'load_subconfig("{GENERATED}")\n'
    lines += 'c.GenerateFeedback.exporter_class = "nbconvert.exporters.HTMLExporter"\n'
    (graded.root / USER).write_text(lines, encoding="utf-8")
    done = nbgrader(graded, "generate_feedback", *who)
    assert done.returncode == 0, done.stderr
    assert SECRET in page.read_text(encoding="utf-8")


def test_without_the_grader_they_are_off_all_the_same(graded: Course) -> None:
    """In an environment that lacks our package a command fails, and touches nothing."""
    before = contents(graded)
    blind = (
        "import sys; sys.modules['autograder'] = None; from nbgrader.apps import NbGraderApp; "
        "NbGraderApp.launch_instance()"
    )
    line = [sys.executable, "-c", blind, "generate_feedback", NAME, "--force"]
    done = subprocess.run(line, cwd=graded.root, capture_output=True, text=True)
    assert done.returncode != 0
    assert contents(graded) == before
