"""The grader against stock ``nbgrader autograde`` on the demo class of the first assignment.

Both grade what the same twenty students handed in, each through its command line. Ours gets them
three times over, under other names, with two workers; nbgrader works through its class one by one,
at three to four seconds each, so it gets the twenty alone and its time is multiplied by three.
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
from pathlib import Path

from autograder.__main__ import main
from autograder.course import Course
from tests.benchmarks.case import Case, Goal, Measured
from tests.benchmarks.quick import is_quick, size
from tests.load.large_class import enlarge, watch

ROOT = Path(__file__).resolve().parents[3]
ASSIGNMENT = "ps1_pca"
SIZE, STOCK_SIZE = size(60, 4), size(20, 2)
_MIB = 2**20


def ours() -> Callable[[], object]:
    folder = tempfile.TemporaryDirectory(prefix="bench-")
    base = _class(Path(folder.name) / "base")
    enlarge(base, ASSIGNMENT, SIZE)

    def run() -> Measured:
        def grade(*, sampled: bool) -> Measured:
            course = _copy(base, folder)
            command = ["-m", "autograder", "grade", "--course", str(course.root), "--workers", "2"]
            command += ["--assignments", ASSIGNMENT]  # the only one that was released
            results = course.results.folder / ASSIGNMENT
            return _measure(command, results, "*.json", SIZE, sampled=sampled)

        if is_quick():  # one run shows that it works
            return grade(sampled=True)
        timed, sampled = grade(sampled=False), grade(sampled=True)
        return Measured(timed.seconds, timed.facts | sampled.facts)

    return run


def stock() -> Callable[[], object]:
    folder = tempfile.TemporaryDirectory(prefix="bench-")
    base = _class(Path(folder.name) / "base")

    def run() -> Measured:
        course = _copy(base, folder)
        command = ["-m", "nbgrader", "autograde", ASSIGNMENT, "--course-dir", str(course.root)]
        return _measure(command, course.root / "autograded", "*/*/*.ipynb", STOCK_SIZE)

    return run


def _class(root: Path) -> Course:
    for command in ("release", "demo"):
        options = ["--course", str(root), "--solutions", str(ROOT / "solutions"), "--quiet"]
        assert main([command, *options, "--assignments", ASSIGNMENT]) == 0
    course = Course(root)
    for student in course.students(ASSIGNMENT)[STOCK_SIZE:]:
        shutil.rmtree(course.submitted / student)
    return course


def _copy(base: Course, folder: tempfile.TemporaryDirectory[str]) -> Course:
    root = Path(folder.name) / "course"
    shutil.rmtree(root, ignore_errors=True)
    return Course(Path(shutil.copytree(base.root, root)))


def _measure(
    command: list[str], results: Path, pattern: str, students: int, *, sampled: bool = False
) -> Measured:
    """Seconds for a class of SIZE, and what else is worth knowing.

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
    return Measured(seconds * SIZE / students, facts)


def _computed() -> float:
    """Seconds of computing of the commands that have ended, and of all that they started."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


CASES = [
    Case(
        name="grading",
        title=f"{ASSIGNMENT}: a class of {SIZE}, two workers; stock nbgrader's time is that for "
        f"{STOCK_SIZE}, times {SIZE / STOCK_SIZE:g}",
        implementations={"autograder": ours, "nbgrader autograde": stock},
        goals=[Goal(ours="autograder", peer="nbgrader autograde", at_least=10.0)],
        repeats=1,
    )
]
