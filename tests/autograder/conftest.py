"""A tiny assignment without torch, and one graded class that most tests look at."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.assignments.source import Assignment, load_assignment
from autograder.course import Course
from autograder.execution.probe import require_sandbox
from tests.autograder.tinycourse import FIXTURES, NAME, Graded, read_rows, run, spoil


@pytest.fixture(scope="session", autouse=True)
def settled() -> Iterator[None]:
    """Results depend on the grader's sources; in these tests they don't, even if those change."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autograder.keys.hash_of_grader", lambda _: "settled")
        # The trial of the sandbox has tests of its own; one in each process is enough for the rest.
        patch.setattr(
            "autograder.execution.engine.require_sandbox", functools.cache(require_sandbox)
        )
        yield


@pytest.fixture
def solutions(tmp_path: Path) -> Path:
    """A copy of the sources that a test may spoil."""
    return Path(shutil.copytree(FIXTURES, tmp_path / "solutions"))


@pytest.fixture(scope="session")
def assignment() -> Assignment:
    return load_assignment(FIXTURES / NAME)


@pytest.fixture(scope="session")
def graded(tmp_path_factory: pytest.TempPathFactory, assignment: Assignment) -> Graded:
    """The class run: twenty students, fifteen of them broken, through the command line."""
    course = Course(tmp_path_factory.mktemp("class") / "course")
    for command in ("release", "demo"):
        assert run(command, course=course) == 0
    spoil(course, assignment)
    book = course.root.parent / "html" / "index.html"  # where `make course` puts it
    book.parent.mkdir()
    book.touch()
    for command in ("grade", "feedback", "export"):
        assert run(command, course=course) == 0
    return Graded(course, read_rows(course))


@pytest.fixture(scope="session")
def released_course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A released course with nothing handed in; copy it before changing it."""
    course = Course(tmp_path_factory.mktemp("released") / "course")
    assert run("release", course=course) == 0
    return course


@pytest.fixture
def course(released_course: Course, tmp_path: Path) -> Course:
    """A released course of the test's own."""
    return Course(Path(shutil.copytree(released_course.root, tmp_path / "course")))
