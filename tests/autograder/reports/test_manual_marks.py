"""Marks given by hand in nbgrader's gradebook."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from typing import Any

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
    row, page = row_and_page(marked)
    assert (row["q3"], row["score"], row["status"]) == ("2.5", "8.5", "awaiting manual grading")
    assert "A person will look at it again." in page
    assert "not marked yet" not in page  # the mark that stands is on the page


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


def cell(kind: str, source: str, name: str = "", **more: Any) -> dict[str, Any]:
    metadata = {"nbgrader": {"grade_id": name}} if name else {}
    return {"cell_type": kind, "metadata": metadata, "source": source, **more}


PHOTO = {"a.png": {"image/png": "iVBORw0KGgo="}}
PROOF = "A root is never negative."
ADDED: dict[str, list[dict[str, Any]]] = {
    "a comment": [cell("code", f"# {PROOF}")],
    "a short comment": [cell("code", "x = 1  # squares")],
    "text shown by code": [cell("code", f"display(Markdown('{PROOF}'))")],
    "text printed": [cell("code", f'print(f"{PROOF} {{1}}")')],
    "text as code": [cell("code", PROOF)],
    "a cell magic": [cell("code", "%%latex\n$x$")],
    "a cell magic with a word": [cell("code", "%%markdown\nSquares")],
    "a cell of no known type": [cell("heading", PROOF)],
    "a name that nobody knows": [cell("markdown", PROOF, "q9_mine")],
    "an older copy of the cell": [cell("markdown", PROOF, "q3_reason")],
    "the question": [cell("markdown", f"## Question 3: why\n\n{PROOF}", "q3_text")],
    "the question again": [cell("markdown", "Nothing.", "q3_text"), cell("raw", "", "q3_text")],
    "a picture in the question": [cell("markdown", "![](attachment:a.png)", "q3_text")],
    "a test": [cell("code", f"# {PROOF}\npass", "q2_small_visible")],
    "a picture that no text shows": [cell("markdown", "", "", attachments=PHOTO)],
}


def with_cells(course: Course, *cells: dict[str, Any], drop: str = "") -> None:
    """Put cells in front, in place of those of the same names; the answer by hand is a stub."""
    rewrite(course, "q3_reason", STUB)
    path = course.notebook("submitted", NAME, STUDENT)
    notebook = json.loads(path.read_text(encoding="utf-8"))
    names = {c["metadata"].get("nbgrader", {}).get("grade_id") for c in cells} - {"q3_reason"}
    kept = [
        c
        for c in notebook["cells"]
        if (name := c["metadata"].get("nbgrader", {}).get("grade_id")) is None
        or name not in names | {drop}
    ]
    path.write_text(json.dumps({**notebook, "cells": [*cells, *kept]}), encoding="utf-8")


@pytest.mark.parametrize("way", ADDED)
def test_no_zero_wherever_in_the_notebook_an_answer_stands(
    way: str, course: Course, assignment: Assignment
) -> None:
    assert run("demo", course=course) == 0
    with_cells(course, *ADDED[way])
    grade_class(course, assignment, NotingEngine(), workers=2, quiet=True)
    row, page = row_and_page(course)
    assert (row["status"], row["score"]) == ("awaiting manual grading", "6")
    assert NOTHING in page


@pytest.mark.parametrize("kind", ["code", "raw", "markdown"])
def test_no_zero_for_an_answer_whose_cell_was_changed(
    kind: str, course: Course, assignment: Assignment
) -> None:
    """Another type of cell, with a picture for a text, without metadata."""
    assert run("demo", course=course) == 0
    for answer in (
        cell(kind, PROOF, "q3_reason"),
        cell(kind, PROOF),
        cell("markdown", STUB, "q3_reason", attachments=PHOTO),
    ):
        with_cells(course, answer, drop="q3_reason")
        grade_class(course, assignment, NotingEngine(), workers=2, quiet=True)
        row, _ = row_and_page(course)
        assert row["status"] == "awaiting manual grading"


def test_no_zero_for_an_answer_in_the_code_of_another(
    course: Course, assignment: Assignment
) -> None:
    assert run("demo", course=course) == 0
    rewrite(course, "q3_reason", STUB)
    for text, waits in (
        (f"def mean(v):\n    # {PROOF}\n    return 0", True),
        (f'def mean(v):\n    """A\n{PROOF}\n"""', True),
        (PROOF, True),
        ("def mean(v):\n    # as asked\n    return 0", False),
    ):
        rewrite(course, "q1_mean", text)
        grade_class(course, assignment, NotingEngine(), workers=2, quiet=True)
        row, page = row_and_page(course)
        assert (row["status"] == "awaiting manual grading") == waits, text
        assert ("(in the code of q1_mean)" in page) == waits


def test_every_place_where_an_answer_may_stand_is_named(
    course: Course, assignment: Assignment
) -> None:
    """A text cell beside a code cell too: whoever marks would look only where the note says."""
    assert run("demo", course=course) == 0
    rewrite(course, "q1_mean", f"def mean(v):\n    # {PROOF}\n    return 0")
    with_cells(course, cell("markdown", PROOF), cell("code", f"# {PROOF}"))
    for name in ("a.txt", "b.txt"):
        (course.submitted / STUDENT / NAME / name).write_text("why", encoding="utf-8")
    grade_class(course, assignment, NotingEngine(), workers=2, quiet=True)
    _, page = row_and_page(course)
    assert f"{NOTHING} (in a text cell, a code cell, the code of q1_mean and 2 more places)" in page


FILES = {
    "proof.pdf": (b"%PDF-1.4", True),
    "proof.png": (b"no picture", True),
    "notes.txt": (b"why", True),
    "answers/essay.docx": (b"PK", True),
    "helper.py": (f"# {PROOF}".encode(), True),
    "large.pdf": (b"0" * 5_000_001, True),
    "plain.py": (b"two = 2", False),
    "points.csv": (b"1,2", False),
    "large.csv": (b"0" * 5_000_001, False),
}


@pytest.mark.parametrize("name", FILES)
def test_no_zero_where_a_file_may_be_the_answer(
    name: str, course: Course, assignment: Assignment
) -> None:
    assert run("demo", course=course) == 0
    rewrite(course, "q3_reason", STUB)
    content, waits = FILES[name]
    path = course.submitted / STUDENT / NAME / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    grade_class(course, assignment, NotingEngine(), workers=2, quiet=True)
    row, page = row_and_page(course)
    assert row["status"] == ("awaiting manual grading" if waits else "graded")
    assert (f"{NOTHING} (in {name})" in page) == waits


def test_what_an_earlier_release_said_is_no_answer(course: Course, assignment: Assignment) -> None:
    """A question that was mended does not have every student wait."""
    assert run("demo", course=course) == 0
    earlier = "## Question 3: wy it is never negative (3 pionts)"
    with_cells(course, cell("markdown", earlier, "q3_text"))
    path = course.notebook("submitted", NAME, STUDENT)
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for described in notebook["metadata"]["gradekit"]["cells"]:
        if described["grade_id"] == "q3_text":
            described["source"] = earlier
    path.write_text(json.dumps(notebook), encoding="utf-8")
    grade(course, assignment)
    assert row_and_page(course)[0]["status"] == "graded"


def test_a_marked_picture_is_put_up_again_when_it_changes(
    course: Course, assignment: Assignment
) -> None:
    assert run("demo", course=course) == 0
    rewrite(course, "q3_reason", "![](proof.png)")
    path = course.submitted / STUDENT / NAME / "proof.png"
    for content, status in ((b"1", "graded"), (b"2", "awaiting manual grading")):
        path.write_bytes(content)
        grade(course, assignment)
        if content == b"1":
            mark_by_hand(course, 2, "")
        row, _ = row_and_page(course)
        assert (row["q3"], row["status"]) == ("2", status)


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
