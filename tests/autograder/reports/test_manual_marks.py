"""Marks given by hand in nbgrader's gradebook."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from autograder.assignments.source import Assignment
from autograder.course import Course
from autograder.grading import grade_class
from autograder.results import Result
from gradekit.notebook import Submission
from tests.autograder.tinycourse import NAME, STOCK_AUTOGRADE, ScriptedEngine, read_rows, run

STUDENT = "student-01"


def grade(course: Course, assignment: Assignment) -> ScriptedEngine:
    engine = ScriptedEngine()
    grade_class(course, assignment, engine, workers=2, quiet=True)
    return engine


def mark_by_hand(course: Course, score: float, comment: str) -> None:
    from nbgrader.api import Gradebook

    with Gradebook(course.db_url) as book:
        mark = book.find_grade("q3_reason", NAME, NAME, STUDENT)
        mark.manual_score, mark.needs_manual_grade = score, False
        book.find_comment("q3_reason", NAME, NAME, STUDENT).manual_comment = comment
        book.db.commit()


def override(course: Course, name: str, score: float) -> None:
    from nbgrader.api import Gradebook

    with Gradebook(course.db_url) as book:
        book.find_grade(name, NAME, NAME, STUDENT).manual_score = score
        book.db.commit()


def rewrite(course: Course, name: str, text: str) -> None:
    path = course.notebook("submitted", NAME, STUDENT)
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == name:
            cell["source"] = text
    path.write_text(json.dumps(notebook), encoding="utf-8")


def row_and_page(course: Course) -> tuple[dict[str, str], str]:
    assert run("export", course=course) == 0
    assert run("feedback", course=course) == 0
    page = course.feedback / STUDENT / NAME / f"{NAME}.html"
    return read_rows(course)[STUDENT], page.read_text(encoding="utf-8")


@pytest.fixture
def marked(course: Course, assignment: Assignment) -> Course:
    assert run("demo", course=course) == 0
    grade(course, assignment)
    mark_by_hand(course, 2.5, "Say <why> n > 0.")
    return course


def test_a_manual_mark_counts_in_csv_and_feedback(marked: Course) -> None:
    row, page = row_and_page(marked)
    assert (row["q3"], row["score"], row["status"]) == ("2.5", "8.5", "graded")
    assert "2.5 / 3" in page
    assert "Say &lt;why&gt; n &gt; 0." in page


def test_a_manual_mark_survives_grading_again(marked: Course, assignment: Assignment) -> None:
    rewrite(marked, "q1_mean", "def mean(values):\n    return 0")
    assert grade(marked, assignment).graded == [STUDENT]
    row, _ = row_and_page(marked)
    assert (row["q1"], row["q3"], row["score"], row["status"]) == ("0", "2.5", "5.5", "graded")


def test_a_score_set_by_hand_on_a_test_is_said_to_be(
    marked: Course, assignment: Assignment
) -> None:
    rewrite(marked, "q1_mean", "def mean(values):\n    return 0")
    grade(marked, assignment)
    override(marked, "q1_other_hidden", 1.5)
    row, page = row_and_page(marked)
    assert row["q1"] == "1.5"
    assert (
        page.count('<p class="message" dir="auto">wrong</p>') == 1
    )  # of the test that nobody touched
    assert re.search(r"set by hand</span>: other.*?1\.5 / 2", page, re.DOTALL)
    assert page.count("not passed") == 1


def test_a_changed_text_is_put_up_for_review_with_its_mark_kept(
    marked: Course, assignment: Assignment
) -> None:
    rewrite(marked, "q3_reason", "Because it is a distance.")
    grade(marked, assignment)
    row, _ = row_and_page(marked)
    assert (row["q3"], row["score"], row["status"]) == ("2.5", "8.5", "awaiting manual grading")


class NotingEngine(ScriptedEngine):
    """Keeps the notes on a submission, as the engine with kernels does."""

    def grade(self, submission: Submission, assignment: Assignment) -> Result:
        return replace(super().grade(submission, assignment), notes=submission.notes)


STUB = "YOUR ANSWER HERE"
NOTHING = "q3_reason: nothing was written in its cell; text stands elsewhere, a person must look"
GONE = "q3_reason: its cell is gone, a person must look"


@pytest.mark.parametrize(
    ("text", "added", "note"),
    [
        (STUB, None, ""),
        (f"\r\n{STUB} \r\n", None, ""),
        ("", None, ""),
        (STUB, ("code", "x = 1"), ""),
        (STUB, ("markdown", " "), ""),
        (STUB, ("markdown", STUB), ""),
        (STUB, ("markdown", "Squares."), NOTHING),
        ("", ("markdown", "Squares."), NOTHING),
        (STUB, ("raw", "Squares."), NOTHING),
        (None, ("markdown", "Squares."), NOTHING),
        (None, None, GONE),
    ],
)
def test_no_zero_where_an_answer_may_stand_elsewhere(
    course: Course,
    assignment: Assignment,
    text: str | None,
    added: tuple[str, str] | None,
    note: str,
) -> None:
    """A stub that nobody touched gets 0; for all else a person looks first."""
    assert run("demo", course=course) == 0
    rewrite(course, "q3_reason", text or "")
    path = course.notebook("submitted", NAME, STUDENT)
    notebook = json.loads(path.read_text(encoding="utf-8"))
    if text is None:
        del notebook["cells"][-1]
    if added:
        cell = {"cell_type": added[0], "metadata": {}, "source": added[1]}
        notebook["cells"].insert(0, cell)
    path.write_text(json.dumps(notebook), encoding="utf-8")
    grade_class(course, assignment, NotingEngine(), workers=2, quiet=True)
    row, page = row_and_page(course)
    assert row["status"] == ("awaiting manual grading" if note else "graded")
    assert row["score"] == "6"
    assert [n for n in (NOTHING, GONE) if n in page] == ([note] if note else [])


def test_a_marked_text_elsewhere_is_put_up_again_when_it_changes(
    course: Course, assignment: Assignment
) -> None:
    assert run("demo", course=course) == 0
    rewrite(course, "q3_reason", STUB)
    path = course.notebook("submitted", NAME, STUDENT)
    for text, status in (("Squares.", "graded"), ("No, roots.", "awaiting manual grading")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cell = {"cell_type": "markdown", "metadata": {"mine": True}, "source": text}
        old = [c for c in notebook["cells"] if "mine" not in c["metadata"]]
        path.write_text(json.dumps({**notebook, "cells": [cell, *old]}), encoding="utf-8")
        grade(course, assignment)
        if text == "Squares.":
            mark_by_hand(course, 2, "")
        row, _ = row_and_page(course)
        assert (row["q3"], row["status"]) == ("2", status)


def test_a_lost_gradebook_is_filled_from_the_stored_results(
    marked: Course, assignment: Assignment
) -> None:
    before, _ = row_and_page(marked)
    from nbgrader.api import Gradebook

    with Gradebook(marked.db_url) as book:
        book.remove_submission(NAME, STUDENT)
    assert grade(marked, assignment).graded == []
    row, _ = row_and_page(marked)
    assert (row["q1"], row["q2"], row["q3"]) == (before["q1"], before["q2"], "0")
    assert row["status"] == "awaiting manual grading"


def test_stock_nbgrader_works_on_the_same_course(marked: Course, assignment: Assignment) -> None:
    before, _ = row_and_page(marked)
    where = ["--course-dir", str(marked.root), "--student", STUDENT, "--force", STOCK_AUTOGRADE]
    command = [sys.executable, "-m", "nbgrader", "autograde", NAME, *where]
    done = subprocess.run(command, capture_output=True, text=True, cwd=marked.root.parent)
    assert done.returncode == 0, done.stderr
    row, _ = row_and_page(marked)
    assert (row["q1"], row["q2"], row["q3"]) == (before["q1"], before["q2"], "2.5")
    assert grade(marked, assignment).graded == []
