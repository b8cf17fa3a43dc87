"""The grader against stock ``nbgrader autograde`` on the demo class of each assignment.

Both grade what the same students handed in, each through its command line. Ours gets them three
times over, under other names, with two workers; nbgrader works through its class one by one, at
several seconds each, so it gets them once and its time is multiplied by three. Of the first
assignment it is the class of twenty, of the others its first five.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from autograder.__main__ import main
from autograder.course import Course
from tests.autograder.tinycourse import FIXTURES, NAME, STOCK_AUTOGRADE
from tests.benchmarks.case import Case, Goal, Measured
from tests.benchmarks.quick import is_quick, size
from tests.load.large_class import enlarge, watch

ROOT = Path(__file__).resolve().parents[3]
FIRST, *OTHERS = sorted(path.parent.name for path in (ROOT / "solutions").glob("*/assignment.toml"))
_MIB = 2**20


def _sizes(assignment: str) -> tuple[int, int]:
    """How many submissions we get, and how many of them stock nbgrader gets."""
    return (size(60, 4), size(20, 2)) if assignment == FIRST else (size(15, 4), size(5, 2))


def _source(assignment: str) -> tuple[str, Path]:
    """The assignment and the folder of its sources; to see that it works, a tiny one."""
    return (NAME, FIXTURES) if is_quick() else (assignment, ROOT / "solutions")


def ours(assignment: str) -> Callable[[], object]:
    folder = tempfile.TemporaryDirectory(prefix="bench-")
    most, few = _sizes(assignment)
    assignment, sources = _source(assignment)
    base = _class(Path(folder.name) / "base", assignment, sources, few)
    enlarge(base, assignment, most)

    def run() -> Measured:
        def grade(*, sampled: bool) -> Measured:
            course = _copy(base, folder)
            command = ["-m", "autograder", "grade", "--course", str(course.root), "--workers", "2"]
            command += ["--assignments", assignment, "--solutions", str(sources)]
            results = course.results.folder / assignment
            return _measure(command, results, "*.json", most, most, sampled=sampled)

        if is_quick():  # one run shows that it works
            return grade(sampled=True)
        timed, sampled = grade(sampled=False), grade(sampled=True)
        return Measured(timed.seconds, timed.facts | sampled.facts)

    return run


def stock(assignment: str) -> Callable[[], object]:
    folder = tempfile.TemporaryDirectory(prefix="bench-")
    most, few = _sizes(assignment)
    assignment, sources = _source(assignment)
    base = _class(Path(folder.name) / "base", assignment, sources, few)

    def run() -> Measured:
        course = _copy(base, folder)
        command = ["-m", "nbgrader", "autograde", assignment, "--course-dir", str(course.root)]
        command += [STOCK_AUTOGRADE, "--Execute.timeout=300"]
        return _measure(command, course.root / "autograded", "*/*/*.ipynb", most, few)

    return run


def _class(root: Path, assignment: str, sources: Path, students: int) -> Course:
    for command in ("release", "demo"):
        options = ["--course", str(root), "--solutions", str(sources), "--quiet"]
        assert main([command, *options, "--assignments", assignment]) == 0
    course = Course(root)
    for student in course.students(assignment)[students:]:
        shutil.rmtree(course.submitted / student)
    return course


def _copy(base: Course, folder: tempfile.TemporaryDirectory[str]) -> Course:
    root = Path(folder.name) / "course"
    shutil.rmtree(root, ignore_errors=True)
    return Course(Path(shutil.copytree(base.root, root)))


def _measure(
    command: list[str],
    results: Path,
    pattern: str,
    class_size: int,
    students: int,
    *,
    sampled: bool = False,
) -> Measured:
    """Seconds for a whole class, from those for some of its students, and what else there is.

    ``sampled``: memory too, which costs so much that it has a run of its own.
    """
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    began, clock, before = time.time(), time.perf_counter(), _computed()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env={**os.environ, "PATH": programs},
            stdout=said,
            stderr=said,
        )
        memory = watch(process) if sampled else None
        process.wait()
        seconds = time.perf_counter() - clock
        said.seek(0)
        assert process.returncode == 0, said.read()[-2000:]
    done = sorted(path.stat().st_mtime for path in results.glob(pattern))
    assert len(done) == students, f"{len(done)} of {students} graded"
    steady = (done[-1] - done[0]) / (students - 1)
    facts = {
        "submissions a minute": 60 * students / seconds,
        "submissions a minute after the first": 60 / steady,
        "seconds of computing a submission": (_computed() - before) / students,
        "seconds to the first result": done[0] - began,
    }
    if memory is not None:
        facts = {
            "MiB in all": max(memory.total) / _MIB,
            "MiB of the command itself": max(memory.grader) / _MIB,
            "MiB of warm processes": max(memory.warm) / _MIB,
            "MiB of a submission in work": memory.worker / _MIB,
        }
    return Measured(seconds * class_size / students, facts)


def _computed() -> float:
    """Seconds of computing of the commands that have ended, and of all that they started."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _case(assignment: str) -> Case:
    most, few = _sizes(assignment)
    return Case(
        name="grading" if assignment == FIRST else f"grading-{assignment.partition('_')[0]}",
        title=f"{assignment}: a class of {most}, two workers; stock nbgrader's time is that for "
        f"{few}, times {most / few:g}",
        implementations={
            "autograder": partial(ours, assignment),
            "nbgrader autograde": partial(stock, assignment),
        },
        goals=[Goal(ours="autograder", peer="nbgrader autograde", at_least=12.0)]
        if assignment == FIRST
        else [],
        repeats=1,
    )


CASES = [_case(assignment) for assignment in (FIRST, *OTHERS)]
