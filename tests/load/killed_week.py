"""A week of a course, killed at any moment: a new release, a download, grading, pages, marks.

The course was graded and marked by hand before. Whenever one of the commands is killed, running all
of them again must lead to the same course as a week that nobody disturbed: same marks and comments,
same pages and CSV, and every notebook that was ever handed in.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook

from autograder.course import Course
from tests.load import fault_injection
from tests.load.fault_injection import NAME, ROOT
from tests.unmeasured import unmeasured

_SIZE = 8
_PATIENCE = 180.0


@dataclass(frozen=True)
class Week:
    """What happens in the course: the same each time."""

    course: Course
    download: Path

    def commands(self) -> list[list[str]]:
        """The week's commands, in their order."""
        taken = ["grade", "--from", str(self.download), "--assignments", NAME, "--workers", "2"]
        return [["release"], taken, ["feedback"], ["export"]]


def prepare(root: Path) -> Week:
    """A course that was graded and marked by hand, changed sources, and a download for it."""
    course = fault_injection.prepare(root / "course", _SIZE)
    for command in ("grade", "feedback", "export"):
        assert fault_injection.run(command, course) == 0
    _mark(course)
    download = root / "download.zip"
    _hand_in_again(course, download)
    for source in (fault_injection.solutions(course) / NAME).rglob("*.*"):
        text = source.read_text(encoding="utf-8")
        source.write_text(text.replace("q1_other_hidden", "q1_another_hidden"), encoding="utf-8")
    return Week(course, download)


def _mark(course: Course) -> None:
    with Gradebook(course.db_url) as book:
        for number, student in enumerate(course.students(NAME)):
            grade = book.find_grade("q3_reason", NAME, NAME, student)
            grade.manual_score, grade.extra_credit = number % 4, number % 2
            grade.needs_manual_grade = False
            comment = book.find_comment("q3_reason", NAME, NAME, student)
            comment.manual_comment = f"comment {number}"
        book.db.commit()


def _hand_in_again(course: Course, download: Path) -> None:
    """Some hand in anew, one of them a file that is damaged, and one for the first time."""
    students = course.students(NAME)
    with zipfile.ZipFile(download, "w") as archive:
        for student in (*students[:3], "late"):
            path = course.notebook("submitted", NAME, students[0] if student == "late" else student)
            notebook = json.loads(path.read_text(encoding="utf-8"))
            extra = {"cell_type": "code", "metadata": {}, "source": f"again = {student!r}"}
            notebook["cells"].append(extra | {"execution_count": None, "outputs": []})
            archive.writestr(f"{student}/{NAME}.ipynb", json.dumps(notebook))
        archive.writestr(f"{students[3]}/{NAME}.ipynb", '{"cells": [')


def fresh(week: Week, folder: Path) -> Week:
    """A copy of it in a new folder."""
    return Week(fault_injection.fresh(week.course, folder), week.download)


def live(week: Week, *, killed_after: float | None = None) -> tuple[float, list[str]]:
    """Run the commands; seconds that they took, and what went wrong.

    With ``killed_after`` the one that runs after so many seconds is killed, and none follows.
    """
    course = week.course
    temporary = course.root.parent / "temporary"
    temporary.mkdir(exist_ok=True)
    where = ["--course", str(course.root), "--solutions", str(fault_injection.solutions(course))]
    began = time.monotonic()
    for command in week.commands():
        line = ["-m", "tests.load.killed_process", "never", "0", "", *command, *where, "--quiet"]
        process = subprocess.Popen(
            [sys.executable, *line],
            cwd=ROOT,
            env={**unmeasured(), "TMPDIR": str(temporary), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        left = _PATIENCE
        if killed_after is not None:
            left = max(killed_after - (time.monotonic() - began), 0.0)
        try:
            _, said = process.communicate(timeout=left)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            if killed_after is not None:
                return time.monotonic() - began, []
            return time.monotonic() - began, [f"`{command[0]}` did not end"]
        if process.returncode != 0:
            return time.monotonic() - began, [f"`{command[0]}` ended with an error: {said}"]
    return time.monotonic() - began, []


def state(week: Week) -> dict[str, Any]:
    """All that must be the same afterwards."""
    incoming = [str(path) for path in (week.course.root / "incoming").rglob("*")]
    return fault_injection.state(week.course) | kept(week) | {"incoming": incoming}


def kept(week: Week) -> dict[str, Any]:
    """What people made and no command can make again: marks by hand, comments, notebooks."""
    course = week.course
    found: dict[str, Any] = {}
    with Gradebook(course.db_url) as book:
        for submission in book.assignment_submissions(NAME):
            (notebook,) = submission.notebooks
            found[f"by hand: {submission.student.id}"] = (
                sorted((g.name, g.manual_score, g.extra_credit) for g in notebook.grades),
                sorted((c.name, c.manual_comment) for c in notebook.comments),
            )
    for folder in ("submitted", "history"):
        for path in sorted((course.root / folder).rglob("*.ipynb")):
            student = path.relative_to(course.root / folder).parts[0]
            text = sha256(path.read_bytes()).hexdigest()
            found[f"{folder}: {student}: {text}"] = True
    return found


def trial(week: Week, seconds: float, wanted: dict[str, Any]) -> list[str]:
    """Kill it after some seconds, run all again, compare: what is wrong, in words."""
    live(week, killed_after=seconds)
    _, wrong = live(week)
    if not wrong:
        found = state(week)
        wrong = [f"differs: {name}" for name in fault_injection.differences(found, wanted)]
    return [f"killed after {seconds:.2f} s: {text}" for text in wrong]


def moment(seed: int, whole: float) -> float:
    """A moment of a week that takes so many seconds."""
    return random.Random(seed).uniform(0.0, whole)


def remove(week: Week) -> None:
    """Give back the disk space of a copy."""
    shutil.rmtree(week.course.root.parent)
