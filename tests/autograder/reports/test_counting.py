"""The settings drop, points_for_all and bonus: in the CSV, on the pages, in nbgrader's totals."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from autograder.assignments.source import load_assignment
from autograder.course import Course
from autograder.errors import CourseError
from autograder.reports.gradebook import Book
from tests.autograder.tinycourse import FIXTURES, NAME, ScriptedEngine, read_rows, run

ANN, NOTHING = "student-01", "student-11"
STUB = "student-03"  # of the demo class: has written nothing, and gets no points


def settings(solutions: Path, *lines: str) -> None:
    path = solutions / NAME / "assignment.toml"
    original = (FIXTURES / NAME / "assignment.toml").read_text(encoding="utf-8")
    path.write_text("\n".join([*lines, original]), encoding="utf-8")


@pytest.fixture
def graded(course: Course, solutions: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    """A graded class, one of whom handed in nothing, and an essay marked by hand."""
    monkeypatch.setattr("autograder.execution.engine.SandboxEngine", ScriptedEngine)
    assert run("demo", course=course, solutions=solutions) == 0
    course.notebook("submitted", NAME, NOTHING).unlink()
    assert run("grade", course=course, solutions=solutions) == 0
    with Book(course) as book:
        grade = book._book.find_grade("q3_reason", NAME, NAME, ANN)
        grade.manual_score, grade.extra_credit, grade.needs_manual_grade = 2.5, 0.5, False
        book._book.find_comment("q3_reason", NAME, NAME, ANN).manual_comment = "Good."
        book.session.commit()
    return course


def exported(course: Course, solutions: Path) -> dict[str, dict[str, str]]:
    """Rows of the CSV, after it was seen that nbgrader's own exporter gives the same totals."""
    from nbgrader.plugins import CsvExportPlugin

    assert run("export", course=course, solutions=solutions) == 0
    rows = read_rows(course)
    path = course.root.parent / "stock.csv"
    with Book(course) as book:
        CsvExportPlugin(to=str(path)).export(book._book)
    with open(path, encoding="utf-8", newline="") as file:
        stock = {row["student_id"]: row for row in csv.DictReader(file)}
    for student, row in rows.items():
        assert float(stock[student]["score"]) == float(row["score"])
        assert float(stock[student]["max_score"]) == float(row["max_score"])
    return rows


def page(course: Course, solutions: Path, student: str = ANN) -> str:
    assert run("feedback", course=course, solutions=solutions) == 0
    return (course.feedback / student / NAME / f"{NAME}.html").read_text(encoding="utf-8")


def facts(row: dict[str, str]) -> tuple[str, str, str]:
    return row["score"], row["max_score"], row["status"]


def test_a_dropped_question_counts_for_nothing_and_comes_back(
    graded: Course, solutions: Path
) -> None:
    before = exported(graded, solutions)
    assert facts(before[ANN]) == ("9", "9", "graded")
    settings(solutions, 'drop = ["q3", "q1_other_hidden"]')
    rows = exported(graded, solutions)
    dropped = "graded; not counted: q1_other_hidden, q3_reason"
    assert facts(rows[ANN]) == ("4", "4", dropped)
    assert facts(rows[STUB]) == ("0", "4", dropped)
    text = page(graded, solutions)
    assert text.count('<span class="quiet">not counted</span>') == 2
    assert "Good." in text
    settings(solutions)
    assert exported(graded, solutions) == before


def test_points_for_all_are_for_who_handed_in(graded: Course, solutions: Path) -> None:
    before = exported(graded, solutions)
    settings(solutions, 'points_for_all = ["q1_other_hidden", "q3_reason"]')
    rows = exported(graded, solutions)
    said = "points for all: q1_other_hidden, q3_reason"
    assert facts(rows[STUB]) == ("5", "9", f"graded; {said}")
    assert facts(rows[ANN]) == ("9.5", "9", f"graded; {said}")  # with the extra credit of before
    assert rows[NOTHING]["score"] == "0"
    assert "points for all" in page(graded, solutions, STUB)
    settings(solutions)
    assert exported(graded, solutions) == before


def test_a_bonus_is_on_top_of_the_maximum(graded: Course, solutions: Path) -> None:
    settings(solutions, 'bonus = ["q2"]')
    rows = exported(graded, solutions)
    assert facts(rows[ANN]) == ("9", "6", "graded; bonus: q2_small_visible, q2_other_hidden")
    assert page(graded, solutions).count("(bonus)") == 2


@pytest.mark.parametrize("lines", [(), ('drop = ["q2"]', 'points_for_all = ["q1"]')])
def test_settings_run_nothing_and_survive_grading(
    graded: Course, solutions: Path, lines: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    settings(solutions, *lines)
    rows = exported(graded, solutions)
    capsys.readouterr()
    assert run("grade", course=graded, solutions=solutions) == 0
    assert "20 submissions, 20 unchanged" in capsys.readouterr().out
    assert exported(graded, solutions) == rows


def test_a_mark_given_while_a_cell_is_dropped_is_not_lost(graded: Course, solutions: Path) -> None:
    settings(solutions, 'drop = ["q3"]')
    exported(graded, solutions)
    with Book(graded) as book:
        grade = book._book.find_grade("q3_reason", NAME, NAME, ANN)
        assert (grade.score, grade.max_score) == (0.0, 0.0)
        grade.manual_score = 1.5
        book.session.commit()
    assert exported(graded, solutions)[ANN]["score"] == "6"
    settings(solutions)
    assert exported(graded, solutions)[ANN]["q3"] == "2"  # 1.5, and the extra credit of before


def test_preview_says_what_would_change_and_changes_nothing(
    graded: Course, solutions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exported(graded, solutions)
    before = graded.db_path.read_bytes()
    settings(solutions, 'points_for_all = ["q1"]', 'drop = ["q3"]')
    capsys.readouterr()
    assert run("preview", "--assignments", NAME, course=graded, solutions=solutions) == 0
    out = capsys.readouterr().out
    assert f"{NAME}: maximum 9 -> 6, " in out
    assert f"  {STUB}: 0 -> 3 (+3)\n" in out
    assert f"  {ANN}: 9 -> 6 (-3)\n" in out
    assert NOTHING not in out
    assert graded.db_path.read_bytes() == before


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (['drop = ["q9"]'], "drop names 'q9', wanted a graded cell or question"),
        (['bonus = ["q1_mean"]'], "bonus names 'q1_mean'"),
        (['drop = "q1"'], "drop must be a list of graded cells or questions"),
        (['drop = ["q1"]', 'bonus = ["q1_other_hidden"]'], "q1_other_hidden stands under drop and"),
    ],
)
def test_settings_that_say_nothing_clear_are_refused(
    solutions: Path, lines: list[str], says: str
) -> None:
    settings(solutions, *lines)
    with pytest.raises(CourseError, match=says):
        load_assignment(solutions / NAME)


@pytest.mark.parametrize("body", ["pass", "# nothing", '"""words"""', "..."])
def test_an_empty_test_is_refused_unless_its_points_are_for_all(solutions: Path, body: str) -> None:
    source = solutions / NAME / f"{NAME}.md"
    text = source.read_text(encoding="utf-8")
    start = text.index("assert mean([1.0")
    empty = text[:start] + body + text[text.index("\n```", start) :]
    source.write_text(empty, encoding="utf-8")
    with pytest.raises(CourseError, match="q1_small_visible is empty, so everyone would get"):
        load_assignment(solutions / NAME)
    settings(solutions, 'points_for_all = ["q1_small_visible"]')
    assert load_assignment(solutions / NAME).points["q1_small_visible"] == 1


def test_no_result_depends_on_the_settings(solutions: Path) -> None:
    before = load_assignment(solutions / NAME).digest
    settings(solutions, 'drop = ["q1"]', 'bonus = ["q2"]')
    assert load_assignment(solutions / NAME).digest == before


def test_programs_read_the_same_status_as_the_csv(
    graded: Course, solutions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings(solutions, 'drop = ["q1"]', 'bonus = ["q2"]')
    capsys.readouterr()
    assert run("grade", "--json", course=graded, solutions=solutions) == 0
    (told,) = json.loads(capsys.readouterr().out)["assignments"]
    rows = exported(graded, solutions)
    assert "not counted: q1_" in rows[ANN]["status"]
    assert {each["student"]: each["status"] for each in told["students"]} == {
        student: row["status"] for student, row in rows.items()
    }
