"""Every version of an assignment that was ever released is kept, and grading knows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.assignments.demo import make_class
from autograder.assignments.source import load_assignment
from autograder.assignments.versions import keep_version, released_versions
from autograder.course import Course
from autograder.errors import CourseError
from autograder.grading import grade_class
from autograder.submissions.intake import read_submission
from gradekit.notebook import Submission
from tests.autograder.tinycourse import NAME, ScriptedEngine, run

ANN = "student-01"


def mend(solutions: Path) -> None:
    """The author corrects a visible test."""
    path = solutions / NAME / f"{NAME}.md"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("no spread", "a spread of 0"), encoding="utf-8")


def test_an_authors_correction_accuses_nobody(course: Course, solutions: Path) -> None:
    make_class(course, load_assignment(solutions / NAME))
    mend(solutions)
    assert run("release", course=course, solutions=solutions) == 0
    assert len(list((course.versions / NAME).iterdir())) == 2
    assignment = load_assignment(solutions / NAME)
    for student in course.students(NAME):
        taken = read_submission(course, assignment, student)
        assert isinstance(taken, Submission)
        assert taken.notes == ()
        assert taken.extras == ()
    engine = ScriptedEngine()
    grade_class(course, assignment, engine, workers=2, quiet=True)
    assert len(engine.graded) == 20


def test_a_course_of_before_keeps_what_it_released(course: Course, solutions: Path) -> None:
    for path in (course.versions / NAME).iterdir():
        path.unlink()
    mend(solutions)
    assert run("release", course=course, solutions=solutions) == 0
    texts = [
        path.read_text(encoding="utf-8") for path in sorted((course.versions / NAME).iterdir())
    ]
    assert ["no spread" in text for text in texts] == [True, False]


def test_the_same_texts_are_kept_once(course: Course) -> None:
    keep_version(course, NAME)
    (path,) = (course.versions / NAME).iterdir()
    before = path.stat().st_mtime_ns
    keep_version(course, NAME)
    (path,) = (course.versions / NAME).iterdir()
    assert path.stat().st_mtime_ns == before


def test_a_damaged_version_is_said_to_be(course: Course) -> None:
    (path,) = (course.versions / NAME).iterdir()
    (path.parent / "002-0.ipynb").write_text("{", encoding="utf-8")
    with pytest.raises(CourseError, match=r"002-0[.]ipynb is damaged"):
        released_versions(course, NAME)
