"""One class run end to end: a broken submission of every kind between honest neighbours."""

from __future__ import annotations

import os
import re
from pathlib import Path

import psutil
import pytest

from autograder.assignments.source import Assignment
from autograder.reports.gradebook import Book
from tests.autograder.tinycourse import NAME, SCRIPT, Graded, read_rows, run

WAITING = "awaiting manual grading"
EXPECTED = {  # student: q1, q2, score without the manual mark, status
    1: ("3", "3", "6", WAITING),
    2: ("3", "3", "6", WAITING),
    3: ("0", "0", "0", "graded"),
    4: ("3", "3", "6", "graded"),
    5: ("0", "0", "0", "unreadable: not a notebook (it is not valid JSON)"),
    6: ("3", "3", "6", f"{WAITING}; found my homework.ipynb, wanted {NAME}.ipynb"),
    7: ("3", "3", "6", WAITING),
    8: ("0", "3", "3", WAITING),
    9: ("3", "0", "3", f"timed out in q2_small_visible; {WAITING}"),
    10: ("3", "0", "3", f"stopped (process died) in q2_small_visible; {WAITING}"),
    11: ("0", "0", "0", f"missing: found nothing, wanted {NAME}.ipynb"),
    12: ("3", "3", "6", WAITING),
    13: ("3", "3", "6", WAITING),
    14: ("0", "3", "3", WAITING),
    15: ("3", "0", "3", f"timed out in q2_small_visible; {WAITING}"),
    16: ("0", "3", "3", WAITING),
    17: ("0", "0", "0", f"unreadable: found a.ipynb, b.ipynb, wanted {NAME}.ipynb"),
    18: ("0", "0", "0", f"unreadable: {NAME}.ipynb is a link, not a file"),
    19: ("3", "3", "6", WAITING),
    20: ("3", "1", "4", WAITING),
}


@pytest.mark.parametrize("number", EXPECTED)
def test_score_and_status_of_each_student(graded: Graded, number: int) -> None:
    row = graded.rows[f"student-{number:02d}"]
    assert (row["q1"], row["q2"], row["score"], row["status"]) == EXPECTED[number]
    assert (row["assignment"], row["q3"], row["max_score"]) == (NAME, "0", "9")


def test_the_csv_has_the_documented_columns_and_order(graded: Graded) -> None:
    lines = graded.course.grades.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "student_id,assignment,q1,q2,q3,score,max_score,status"
    assert [line.split(",")[0] for line in lines[1:]] == sorted(graded.rows)
    assert len(graded.rows) == 20


def test_a_restored_test_cell_is_mentioned_and_run(graded: Graded) -> None:
    assert "q1_small_visible was deleted; the original was run" in graded.page("student-07")
    assert "q1_small_visible was changed; the original was run" in graded.page("student-08")
    sources = "\n".join(cell["source"] for cell in graded.notebook("student-08")["cells"])
    assert "secret_values" in sources


def test_the_executed_notebook_carries_outputs_and_nbgrader_metadata(
    graded: Graded, assignment: Assignment
) -> None:
    cells = graded.notebook("student-12")["cells"]
    ids = [cell["metadata"].get("nbgrader", {}).get("grade_id", "") for cell in cells]
    assert set(assignment.points) <= set(ids)
    outputs = [out for cell in cells for out in cell.get("outputs", [])]
    assert any("look out" in out.get("text", "") for out in outputs)
    assert not any("weight" in c["metadata"] for c in graded.notebook("student-13")["cells"])


def test_feedback_escapes_what_the_student_wrote(graded: Graded) -> None:
    page = graded.page("student-14")
    assert SCRIPT not in page
    assert "ValueError: &lt;script&gt;" in page


def test_feedback_never_shows_hidden_tests(graded: Graded) -> None:
    pages = [graded.page(student) for student in graded.rows]
    assert not [
        page for page in pages if re.search(r"secret_values|417\.25|1234\.5|Traceback", page)
    ]
    assert "ValueError was raised while this hidden test ran." in graded.page("student-14")
    assert "mean is wrong on other numbers: divide by how many" in graded.page("student-08")


def test_feedback_names_author_messages_and_the_section(graded: Graded) -> None:
    page = graded.page("student-08")
    assert "the mean of 1, 2, 6 is 3, not 0" in page
    assert 'href="../../../../html/lectures/00_tiny.html#the-mean"' in page
    assert "Not written yet" in graded.page("student-03")
    assert "can&#39;t be imported while grading" in graded.page("student-16")


def test_feedback_is_self_contained(graded: Graded) -> None:
    pages = [graded.page(student) for student in graded.rows]
    pages.append((graded.course.feedback / "index.html").read_text(encoding="utf-8"))
    for page in pages:
        assert not re.search(r"<script|<link|<img|@import|url\(|https?://", page)
        assert "prefers-color-scheme: dark" in page
    assert pages[-1].count("<tr><td>") == 20


def test_nothing_is_left_behind(graded: Graded) -> None:
    def command(process: psutil.Process) -> str:
        try:
            return " ".join(process.cmdline())
        except (psutil.ZombieProcess, psutil.NoSuchProcess):  # it has ended since it was listed
            return ""

    mine = psutil.Process(os.getpid())
    assert not [p for p in mine.children(recursive=True) if "ipykernel" in command(p)]
    strays = [path for path in graded.course.root.rglob("*") if path.name.endswith(".tmp")]
    assert strays == []


def test_an_unchanged_class_is_not_graded_again(
    graded: Graded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a kernel was started")

    monkeypatch.setattr("autograder.execution.engine.SandboxEngine.grade", refuse)
    before = graded.course.grades.read_bytes()
    assert run("grade", course=graded.course) == 0
    assert run("export", course=graded.course) == 0
    assert graded.course.grades.read_bytes() == before


def test_nbgrader_finds_the_class_for_manual_grading(graded: Graded) -> None:
    """What formgrader lists: submissions whose executed notebook is there and waits for a mark."""
    from nbgrader.apps.api import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import Config

    config = Config()
    config.CourseDirectory.root = str(graded.course.root)
    api = NbGraderAPI(CourseDirectory(config=config), config=config)
    listed = {row["student"]: row for row in api.get_notebook_submissions(NAME, NAME)}
    waiting = {student for student, row in listed.items() if row["needs_manual_grade"]}
    assert waiting == {s for s, row in graded.rows.items() if WAITING in row["status"]}
    assert listed["student-09"]["score"] == 3


def test_stock_export_agrees(graded: Graded, tmp_path: Path) -> None:
    from nbgrader.plugins import CsvExportPlugin

    with Book(graded.course) as book:
        CsvExportPlugin(to=str(tmp_path / "stock.csv")).export(book._book)
    lines = (tmp_path / "stock.csv").read_text(encoding="utf-8").splitlines()
    header = lines[0].split(",")
    stock = [dict(zip(header, line.split(","), strict=True)) for line in lines[1:]]
    scores = {row["student_id"]: float(row["score"]) for row in stock}
    assert scores == {s: float(row["score"]) for s, row in read_rows(graded.course).items()}
