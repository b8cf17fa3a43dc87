"""Kills the grader in the middle of its work, runs it again, and says what differs."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.__main__ import main
from autograder.course import Course
from tests.unmeasured import unmeasured

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "tests" / "autograder" / "fixtures"
NAME = "ps0_tiny"
DEATH_SECONDS = 2.0  # after which nothing of a killed grader may be alive
_PATIENCE = 120.0  # seconds for a grading that takes four
_PR_SET_CHILD_SUBREAPER, _PR_GET_CHILD_SUBREAPER = 36, 37


@dataclass(frozen=True)
class Kill:
    """When the grader dies: at a moment of ``killed_process``, or (moment "") from outside.

    From outside: ``seconds`` after its ``count``-th result was stored; count -1: after its start.
    """

    moment: str
    count: int
    seconds: float = 0.0

    def __str__(self) -> str:
        if self.moment:
            return f"{self.moment} {self.count}"
        since = "the start" if self.count < 0 else f"result {self.count}"
        return f"{self.seconds:.3f} s after {since}"


def random_kill(seed: int) -> Kill:
    """A kill from outside: one in four while the grader starts, the others while it grades."""
    draw = random.Random(seed)
    if draw.random() < 0.25:
        return Kill("", -1, draw.uniform(0.0, 3.5))
    return Kill("", draw.randrange(0, 17), draw.uniform(0.0, 0.1))


@contextlib.contextmanager
def workspace() -> Iterator[Path]:
    """A temporary folder into which the user that the sandbox becomes can look."""
    with tempfile.TemporaryDirectory(prefix="killing-") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


def prepare(root: Path, size: int = 20) -> Course:
    """A released course of demo submissions with a secret and its own sources, ungraded."""
    course = Course(root)
    shutil.copytree(TINY, solutions(course))
    for command in ("release", "demo"):
        assert run(command, course) == 0
    for student in course.students(NAME)[size:]:
        shutil.rmtree(course.submitted / student)
    course.secret()
    return course


def solutions(course: Course) -> Path:
    """Where a prepared course has its sources."""
    return course.root / "solutions"


def run(command: str, course: Course) -> int:
    """A command in this process, silently."""
    with open(os.devnull, "w") as null, contextlib.redirect_stdout(null):
        return main(
            [
                command,
                "--course",
                str(course.root),
                "--solutions",
                str(solutions(course)),
                "--quiet",
            ]
        )


def start(
    course: Course,
    *,
    kill: Kill | None = None,
    patience: float | None = None,
    temporary: Path | None = None,
    **popen: Any,
) -> subprocess.Popen[str]:
    """The grader in a process of its own.

    ``patience``: seconds that it is to wait for a locked gradebook. ``temporary``: its folder for
    temporary files, beside the course if it is not named.
    """
    if temporary is None:
        temporary = course.root.parent / "temporary"
        temporary.mkdir(exist_ok=True)
    moment = [kill.moment, str(kill.count)] if kill and kill.moment else ["never", "0"]
    launch = ["-m", "tests.load.killed_process", *moment, str(patience or "")]
    where = ["--course", str(course.root), "--solutions", str(solutions(course))]
    return subprocess.Popen(
        [sys.executable, *launch, "grade", *where, "--workers", "2", "--quiet"],
        cwd=ROOT,
        env={**unmeasured(), "TMPDIR": str(temporary), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **popen,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit status and what was said."""
    try:
        out, err = process.communicate(timeout=_PATIENCE)
    except BaseException:  # too late, or stopped by hand: the grader must not outlive us
        process.kill()
        process.communicate()
        raise
    return process.returncode, out, err


def grade(course: Course, **options: Any) -> tuple[int, str, str]:
    """Grade in a process of its own, to the end."""
    return finish(start(course, **options))


def graded(course: Course) -> int:
    """How many results are stored."""
    return sum(1 for _ in (course.results.folder / NAME).glob("*.json"))


def die(course: Course, kill: Kill) -> list[str]:
    """Start the grader and see it killed; what of it is alive two seconds later."""
    with orphans() as alive:
        process = start(course, kill=kill)
        if not kill.moment:
            _wait_and_kill(process, course, kill)
        status, _, said = finish(process)
        assert status == -signal.SIGKILL, f"not killed ({kill}): status {status}\n{said}"
        deadline = time.monotonic() + DEATH_SECONDS
        while alive() and time.monotonic() < deadline:
            time.sleep(0.02)
        return alive()


def _wait_and_kill(process: subprocess.Popen[str], course: Course, kill: Kill) -> None:
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and graded(course) < kill.count and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(kill.seconds)
    process.kill()


@contextlib.contextmanager
def orphans() -> Iterator[Any]:
    """Inside, what loses its parent becomes our child: gives a function that lists those alive."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = ctypes.c_int()
    libc.prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(before), 0, 0, 0)
    ours = set(_children())
    assert libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0

    def alive() -> list[str]:
        living = []
        for pid, (state, name) in _children().items():
            if pid in ours:
                continue
            if state == "Z":
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
            else:
                living.append(f"{name} ({pid})")
        return living

    try:
        yield alive
    finally:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, before.value, 0, 0, 0)


def _children() -> dict[int, tuple[str, str]]:
    """State and command line of each child of this process."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            head, _, tail = (folder / "stat").read_text(errors="replace").rpartition(")")
            state, parent = tail.split()[:2]
            if int(parent) == os.getpid():
                found[int(folder.name)] = (state, head.partition("(")[2])
    return found


def state(course: Course) -> dict[str, Any]:
    """All that a graded class is: CSV, pages, results, executed notebooks, rows, stray files."""
    for command in ("export", "feedback"):
        assert run(command, course) == 0
    found: dict[str, Any] = {"csv": course.grades.read_text(encoding="utf-8")}
    for kind, pattern in (("feedback", "*.html"), ("autograded", "*.ipynb")):
        for path in sorted((course.root / kind).rglob(pattern)):
            found[str(path.relative_to(course.root))] = path.read_text(encoding="utf-8")
    for path in sorted((course.results.folder / NAME).glob("*.json")):
        stored = json.loads(path.read_text(encoding="utf-8"))
        del stored["result"]["seconds"]
        found[str(path.relative_to(course.root))] = stored
    found |= rows(course)
    found["half-written files"] = [str(path) for path in course.root.rglob("*.tmp")]
    temporary = course.root.parent / "temporary"
    found["sandbox's folders"] = [path.name for path in temporary.glob("grade-*")]
    return found


def rows(course: Course) -> dict[str, Any]:
    """What stands in the gradebook, row by row."""
    with contextlib.closing(sqlite3.connect(course.db_path)) as book:
        tables = ("student", "submitted_assignment", "submitted_notebook", "grade", "comment")
        counts = {t: book.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in tables}
        marks = book.execute(
            """SELECT submitted_assignment.student_id, base_cell.name, grade.auto_score,
                      grade.manual_score, grade.needs_manual_grade
               FROM grade JOIN base_cell ON base_cell.id = grade.cell_id
               JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
               JOIN submitted_assignment
                 ON submitted_assignment.id = submitted_notebook.assignment_id
               ORDER BY 1, 2"""
        ).fetchall()
        sound = book.execute("PRAGMA integrity_check").fetchone()[0]
    return {"rows": counts, "marks": marks, "integrity": sound}


def undisturbed(course: Course, folder: Path) -> dict[str, Any]:
    """The state of a copy of the course that is graded in one go."""
    copy = fresh(course, folder)
    status, _, said = grade(copy)
    assert (status, said) == (0, ""), said
    return state(copy)


def fresh(course: Course, folder: Path) -> Course:
    """A copy of a prepared course in a new folder."""
    folder.mkdir(parents=True)
    return Course(Path(shutil.copytree(course.root, folder / "course")))


def differences(found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """Names of what is not equal."""
    return sorted(k for k in found.keys() | wanted.keys() if found.get(k) != wanted.get(k))


def trial(course: Course, kill: Kill, wanted: dict[str, Any]) -> list[str]:
    """Kill, run again, compare: what is wrong, in words (nothing, if all is well)."""
    alive = die(course, kill)
    done = graded(course)
    status, out, said = grade(course)
    wrong = [f"alive after {DEATH_SECONDS:.0f} s: {name}" for name in alive]
    if (status, said) != (0, ""):
        wrong.append(f"the next run ended with {status}: {said}")
    if f"{wanted['rows']['student']} submissions, {done} unchanged" not in out:
        wrong.append(f"{done} results were stored, and the next run said: {out}")
    wrong += [f"differs: {name}" for name in differences(state(course), wanted)]
    return [f"{kill}: {text}" for text in wrong]
