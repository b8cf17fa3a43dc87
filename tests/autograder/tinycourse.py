"""What the tests of the autograder share: an engine without kernels, broken submissions."""

from __future__ import annotations

import csv
import json
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.__main__ import main
from autograder.assignments.demo import fill_in
from autograder.assignments.source import Assignment
from autograder.course import Course
from autograder.results import Result, TestResult
from gradekit.notebook import Submission

FIXTURES = Path(__file__).parent / "fixtures"
NAME = "ps0_tiny"
# The instructor's guide: how to have nbgrader's own autograde on purpose.
STOCK_AUTOGRADE = "--Autograde.exporter_class=nbconvert.exporters.NotebookExporter"


class ScriptedEngine:
    """Starts no kernel: a test passes when its question's answers are the reference's."""

    def version(self, assignment: Assignment) -> str:
        del assignment
        return "scripted-1"

    def __init__(self, **_: object) -> None:
        self.graded: list[str] = []
        self.failures: dict[str, list[Exception]] = {}
        self.lock = threading.Lock()

    memory_rule = "memory: not limited, as nothing runs"

    def open(self) -> None:
        pass

    def warm(self, assignment: Assignment) -> None:
        pass

    def grade_together(
        self, submissions: Sequence[Submission], assignment: Assignment, *, seed: int = 0
    ) -> list[Result]:
        return [self.grade(submission, assignment) for submission in submissions]

    def grade(self, submission: Submission, assignment: Assignment) -> Result:
        with self.lock:
            self.graded.append(submission.student)
        if self.failures.get(submission.student):
            raise self.failures[submission.student].pop()
        wrong = {
            name.split("_")[0]
            for name, text in assignment.solutions.items()
            if plain(submission.answers.get(name, "")) != plain(text)
        }
        tests = tuple(
            TestResult(
                cell.grade_id,
                cell.question,
                0 if cell.question in wrong else cell.points,
                cell.points,
                cell.question not in wrong,
                "wrong" if cell.question in wrong else "",
            )
            for cell in assignment.tests
        )
        empty = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        return Result(submission.student, assignment.name, "complete", tests=tests, notebook=empty)

    def close(self) -> None:
        pass


def plain(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if "SOLUTION" not in line).strip()


def run(*arguments: object, course: Course | None = None, solutions: Path = FIXTURES) -> int:
    """The command line, in this process."""
    command, *rest = map(str, arguments)
    where = ["--course", str(course.root)] if course else []
    return main([command, *where, "--solutions", str(solutions), "--quiet", *rest])


@dataclass(frozen=True)
class Graded:
    """A class after release, demo, spoiling, grade, feedback and export."""

    course: Course
    rows: dict[str, dict[str, str]]

    def page(self, student: str) -> str:
        path = self.course.feedback / student / NAME / f"{NAME}.html"
        return path.read_text(encoding="utf-8")

    def notebook(self, student: str) -> dict[str, Any]:
        text = self.course.notebook("autograded", NAME, student).read_text(encoding="utf-8")
        return dict(json.loads(text))


def read_rows(course: Course) -> dict[str, dict[str, str]]:
    with open(course.grades, encoding="utf-8", newline="") as file:
        return {row["student_id"]: row for row in csv.DictReader(file)}


WARNS = (
    "import sys, warnings\n"
    "def mean(values):\n"
    "    warnings.warn('look out')\n"
    "    print('on stderr', file=sys.stderr)\n"
    "    return sum(values) / len(values)\n"
    "17\n"
)
SCRIPT = "<script>alert('x')</script>"


def spoil(course: Course, assignment: Assignment) -> None:
    """Turn students 05 to 19 of the demo class into one broken submission of each kind."""
    released = course.notebook("release", NAME).read_text(encoding="utf-8")
    reference = assignment.answers

    def notebook(**answers: str) -> dict[str, Any]:
        return dict(json.loads(fill_in(json.loads(released), {**reference, **answers})))

    def folder(number: int) -> Path:
        return course.submitted / f"student-{number:02d}" / NAME

    def write(number: int, content: object, name: str = f"{NAME}.ipynb") -> None:
        shutil.rmtree(folder(number), ignore_errors=True)
        folder(number).mkdir(parents=True)
        text = content if isinstance(content, str) else json.dumps(content)
        (folder(number) / name).write_text(text, encoding="utf-8")

    def index(cells: list[dict[str, Any]], name: str) -> int:
        ids = [cell["metadata"].get("nbgrader", {}).get("grade_id") for cell in cells]
        return ids.index(name)

    write(5, "{ not JSON")
    write(6, notebook(), name="my homework.ipynb")
    deleted = notebook()
    del deleted["cells"][index(deleted["cells"], "q1_small_visible")]
    write(7, deleted)
    edited = notebook(q1_mean="def mean(values):\n    return 0")
    edited["cells"][index(edited["cells"], "q1_small_visible")]["source"] = "pass"
    edited["cells"][index(edited["cells"], "q1_other_hidden")]["source"] = "pass"
    write(8, edited)
    write(9, notebook(q2_spread="def spread(values):\n    while True:\n        pass"))
    write(10, notebook(q2_spread="import os\ndef spread(values):\n    os._exit(0)"))
    shutil.rmtree(folder(11))
    folder(11).mkdir()
    write(12, notebook(q1_mean=WARNS))
    strange = notebook()
    for cell in strange["cells"]:
        cell["metadata"]["weight"] = float("nan")
        cell["metadata"]["tags"] = ["skip-execution"]
        cell["metadata"].get("nbgrader", {})["schema_version"] = 99
    write(13, strange)
    write(14, notebook(q1_mean=f'def mean(values):\n    raise ValueError("{SCRIPT}")'))
    stubborn = (
        "def spread(values):\n    while True:\n        try:\n            while True: pass\n"
        "        except BaseException: pass"
    )
    write(15, notebook(q2_spread=stubborn))
    write(16, notebook(q1_mean="from statistics import mean"))
    write(17, notebook(), name="a.ipynb")
    (folder(17) / "b.ipynb").write_text("{}", encoding="utf-8")
    write(18, notebook())
    secret = course.root / "elsewhere.ipynb"
    (folder(18) / f"{NAME}.ipynb").rename(secret)
    (folder(18) / f"{NAME}.ipynb").symlink_to(secret)
    own = notebook(q1_mean="raise NotImplementedError()", q3_reason="=because")
    code = {
        "cell_type": "code",
        "metadata": {},
        "source": ["def mean(v):\n", " return sum(v) / n(v)"],
    }
    helper = {"cell_type": "code", "metadata": {}, "source": "n = len"}
    place = index(own["cells"], "q1_mean")
    own["cells"][place + 1 : place + 1] = [code]
    own["cells"][place:place] = [helper]
    write(19, own)
