"""The same work gets the same score: twice, in any order, on any worker, and under stock nbgrader.

Stock nbgrader takes four seconds and more for each student, so these tests have a file of their
own, and the class is a part of the demo class.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.assignments.demo import fill_in
from autograder.assignments.source import Assignment, load_assignment
from autograder.assignments.variants import load_variants
from autograder.course import Course
from autograder.execution.engine import SandboxEngine
from autograder.grading import grade_class, run_jobs
from autograder.results import Result
from gradekit.notebook import Submission, question_of
from tests.autograder.tinycourse import NAME, STOCK_AUTOGRADE, run
from tests.unmeasured import unmeasured

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[3]
SECRET = b"the same for all"
REAL, SIZE = "ps1_pca", 8

NOISY = '''
import random
def mean(values):
    """What it says depends on everything that may differ from one process to the next."""
    raise ValueError(f"{random.random()} {hash('a')} {set('abcdef')}")
'''


def results(jobs: list[tuple[Submission, Assignment]], workers: int) -> dict[str, Result]:
    """Results of a new engine by student (the last one of each), without their times."""
    with closing(SandboxEngine(secret=SECRET, compare=True)) as engine:
        runs = run_jobs(engine, jobs, workers=workers, label="", quiet=True)
        found: dict[str, Result] = {}
        for (submission, _), result in runs:
            result = replace(result, seconds=0.0)
            assert result.outcome != "not graded", result
            assert found.setdefault(submission.student, result) == result
        return found


def test_twice_in_any_order_on_any_worker_after_a_restart(assignment: Assignment) -> None:
    answers = [assignment.answers, {}]
    answers += [v.answers | {"q3_reason": v.name} for v in load_variants(assignment, "mutant")]
    loop = "def spread(values):\n    while True:\n        pass"
    answers += [{**assignment.answers, "q2_spread": loop}]
    jobs = [(Submission(f"s{i}", NAME, a), assignment) for i, a in enumerate(answers)]
    once = results(jobs, 1)
    assert len({tuple(test.points for test in result.tests) for result in once.values()}) >= 4
    assert results(jobs[::-1], 2) == once
    shuffled = jobs * 2
    random.Random(0).shuffle(shuffled)
    assert results(shuffled, 4) == once


def test_nothing_of_chance_is_left_to_a_student(assignment: Assignment) -> None:
    jobs = [(Submission("ann", NAME, {**assignment.answers, "q1_mean": NOISY}), assignment)]
    assert results(jobs * 2, 1) == results(jobs, 1)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first real assignment, as it is now: an edit meanwhile changes nothing."""
    folder = tmp_path_factory.mktemp("sources")
    shutil.copytree(ROOT / "solutions" / REAL, folder / REAL)
    return folder


@pytest.fixture(scope="module")
def pca(sources: Path) -> Assignment:
    return load_assignment(sources / REAL)


def test_order_and_company_change_no_result(pca: Assignment) -> None:
    right, mutant = load_variants(pca, "right")[0], load_variants(pca, "mutant")[0]
    jobs = [(variant.submission(pca, variant.name), pca) for variant in (right, mutant)]
    once = results(jobs, 1)
    assert {test.passed for test in once[right.name].tests} == {True}
    assert {test.passed for test in once[mutant.name].tests} == {True, False}
    assert results([*jobs[::-1], *jobs], 2) == once


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, sources: Path) -> Course:
    """A right answer, the stub, half an answer and five mutants of the first real assignment."""
    course = Course(tmp_path_factory.mktemp("demo") / "course")
    for command in ("release", "demo"):
        assert run(command, course=course, solutions=sources) == 0
    students = course.students(REAL)
    for student in {*students} - {*students[4 : 4 + SIZE]}:
        shutil.rmtree(course.submitted / student)
    released = json.loads(course.notebook("release", REAL).read_text(encoding="utf-8"))
    text = fill_in(released, changing_answers(load_assignment(sources / REAL)))
    course.notebook("submitted", REAL, students[4]).write_text(text, encoding="utf-8")
    return course


CHANGING = """
import functools

def _changing(function):
    @functools.wraps(function)
    def called(*args):
        result = function(*args)
        for value in args:
            if isinstance(value, torch.Tensor):
                value.add_(1)
        return result
    return called

"""


def changing_answers(assignment: Assignment) -> dict[str, str]:
    """Right answers, each of which then changes what it was given."""
    answers = dict(assignment.answers)
    for question in assignment.questions:
        for name, text in assignment.solutions.items():
            if question_of(name) == question.key:
                wraps = [f"{f} = _changing({f})" for f in question.names if f"def {f}(" in text]
                answers[name] = "\n".join([text, CHANGING, *wraps])
    return answers


def test_stock_nbgrader_gives_the_same_score_in_every_test(
    demo: Course, pca: Assignment, tmp_path: Path
) -> None:
    stock = Course(Path(shutil.copytree(demo.root, tmp_path / "stock")))
    programs = str(Path(sys.executable).parent)  # nbgrader calls alembic by name
    options = ["--course-dir", str(stock.root), STOCK_AUTOGRADE]
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "autograde", pca.name, *options],
        env={**unmeasured(), "PATH": os.pathsep.join([programs, os.environ["PATH"]])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    with closing(SandboxEngine(secret=SECRET)) as engine:
        report = grade_class(demo, pca, engine, workers=2, quiet=True)
    ours = {
        (result.student, test.grade_id): float(test.points)
        for result in report.results
        for test in result.tests
    }
    tests = {cell.grade_id for cell in pca.tests}
    theirs = {key: score for key, score in scores(stock).items() if key[1] in tests}
    assert len(ours) == SIZE * len(tests)
    changing = min(student for student, _ in ours)
    assert not any(points for (student, _), points in ours.items() if student == changing)
    assert set(ours.values()) != {0.0}
    assert theirs == ours


def scores(course: Course) -> dict[tuple[str, str], float]:
    """Automatic score of each graded cell, by student and grade_id."""
    query = """
        SELECT submitted_assignment.student_id, base_cell.name, grade.auto_score FROM grade
        JOIN base_cell ON base_cell.id = grade.cell_id
        JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
        JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
    """
    with closing(sqlite3.connect(course.db_path)) as book:
        return {(student, cell): score for student, cell, score in book.execute(query)}
