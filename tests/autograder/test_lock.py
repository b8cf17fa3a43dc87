"""Locks: between processes, and gone with the process that held one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.errors import CourseError
from autograder.lock import exclusive, only_writer

HOLD = """
import sys
from pathlib import Path
from autograder.lock import exclusive
with exclusive(Path(sys.argv[1]), wait="waiting"):
    print("in", flush=True)
    sys.stdin.read()
"""


@contextmanager
def process(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that asks for a lock and holds it until its input ends."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        yield other
        other.kill()


def said(other: subprocess.Popen[str]) -> str:
    assert other.stdout
    return other.stdout.readline().strip()


def test_a_lock_that_another_process_holds_is_refused_until_that_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "lock"
    with process(path) as other:
        assert said(other) == "in"
        with pytest.raises(BlockingIOError), exclusive(path):
            raise AssertionError("the lock was given twice")
        other.kill()
        other.wait()
        with exclusive(path):
            pass


def test_who_waits_says_so_and_comes_next(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with ExitStack() as stack:
        with exclusive(path):
            other = stack.enter_context(process(path))
            assert said(other) == "waiting"
        assert said(other) == "in"


def test_a_course_with_a_writer_is_refused(tmp_path: Path) -> None:
    course = Course(tmp_path / "course")
    with process(course.root / ".writing") as other:
        assert said(other) == "in"
        with pytest.raises(CourseError, match="another command is at work in"), only_writer(course):
            raise AssertionError("two writers")


def test_what_goes_wrong_inside_is_not_taken_for_a_lock(tmp_path: Path) -> None:
    with pytest.raises(BlockingIOError, match="mine"), only_writer(Course(tmp_path)):
        raise BlockingIOError("mine")
