"""Locks: between processes, and gone with the process that held one."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.errors import CourseError
from autograder.lock import exclusive, only_writer
from tests.autograder.tinycourse import FIXTURES, run

HOLD = """
import sys
from pathlib import Path
from autograder.lock import exclusive
with exclusive(Path(sys.argv[1]), wait="waiting"):
    print("in", flush=True)
    sys.stdin.read()
"""


@contextmanager
def process(path: Path, code: str = HOLD) -> Iterator[subprocess.Popen[str]]:
    """Another process that asks for a lock and holds it until its input ends."""
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
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


NOBODY = {"command": "grade", "user": "ada", "host": platform.node(), "process": 2**22 + 1}


@pytest.mark.parametrize(
    "left",
    ["", "{", "[1]", "5" * 10_000, json.dumps(NOBODY | {"started": "1", "since": "2026-01-02"})],
)
def test_a_course_with_a_writer_is_refused(tmp_path: Path, left: str) -> None:
    """What a process that is no more has left in the file is not believed."""
    course = Course(tmp_path / "course")
    with process(course.root / ".writing") as other:
        assert said(other) == "in"
        (course.root / ".writing").write_text(left, encoding="utf-8")
        with pytest.raises(CourseError, match="another command is at work in"), only_writer(course):
            raise AssertionError("two writers")


WRITE = """
import sys
from pathlib import Path
from autograder.course import Course
from autograder.lock import only_writer
with only_writer(Course(Path(sys.argv[1])), "grade", wait=True):
    print("in", flush=True)
    sys.stdin.read()
"""


def test_who_is_refused_is_told_who_is_at_work(course: Course) -> None:
    with process(course.root, WRITE) as other:
        assert said(other) == "in"
        who = rf"grade, started \d\d:\d\d by \S+ \(process {other.pid}\), is at work in "
        with pytest.raises(CourseError, match=who), only_writer(course, "export"):
            raise AssertionError("two writers")
        other.kill()
        other.wait()
        with only_writer(course, "export"):
            assert "export" in (course.root / ".writing").read_text(encoding="utf-8")
    assert (course.root / ".writing").read_text(encoding="utf-8") == ""


def test_a_holder_on_another_machine_is_named_with_it(course: Course) -> None:
    facts = {"command": "grade\x1b[2J", "user": "ada", "host": "elsewhere", "process": 4711}
    facts |= {"started": "1", "since": "2026-01-02T14:02:00+00:00"}
    with process(course.root / ".writing") as other:
        assert said(other) == "in"
        (course.root / ".writing").write_text(json.dumps(facts), encoding="utf-8")
        with pytest.raises(CourseError) as refused, only_writer(course):
            raise AssertionError("two writers")
    text = str(refused.value)
    assert "by ada (process 4711 on elsewhere), is at work" in text
    assert "\x1b" not in text


@pytest.mark.parametrize("command", ["export", "feedback"])
def test_no_report_is_written_while_a_command_is_at_work(
    course: Course, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with process(course.root, WRITE) as other:
        assert said(other) == "in"
        assert run(command, course=course) == 2
    assert capsys.readouterr().err.startswith("error: grade, started ")
    assert not course.grades.exists()


def test_a_report_can_wait(course: Course) -> None:
    where = ["--wait", "--course", str(course.root), "--solutions", str(FIXTURES)]
    command = [sys.executable, "-m", "autograder", "export", *where]
    with process(course.root, WRITE) as other:
        assert said(other) == "in"
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as waiting:
            assert waiting.stderr
            assert waiting.stderr.readline().endswith("; waiting until it has ended\n")
            assert waiting.poll() is None
            other.kill()
            assert "has not been graded" in waiting.stderr.readline()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_costs_only_the_name_of_the_holder(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to("/dev/full")
    with exclusive(tmp_path / "lock", about="grade"):
        pass


def test_what_goes_wrong_inside_is_not_taken_for_a_lock(tmp_path: Path) -> None:
    with pytest.raises(BlockingIOError, match="mine"), only_writer(Course(tmp_path)):
        raise BlockingIOError("mine")
