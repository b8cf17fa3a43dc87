"""Taking a student out of a course without losing anything."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.reports.gradebook import Book
from tests.autograder.tinycourse import NAME, ScriptedEngine, read_rows, run

GONE = "student-01"


@pytest.fixture
def reported(course: Course, monkeypatch: pytest.MonkeyPatch) -> Course:
    """A class that was graded and reported, with one mark given by hand."""
    monkeypatch.setattr("autograder.execution.engine.SandboxEngine", ScriptedEngine)
    for command in ("demo", "grade"):
        assert run(command, course=course) == 0
    with Book(course) as book:
        mark = book._book.find_grade("q3_reason", NAME, NAME, GONE)
        mark.manual_score, mark.needs_manual_grade = 2.5, False
        book._book.find_comment("q3_reason", NAME, NAME, GONE).manual_comment = "Good."
        book._book.db.commit()
    for command in ("feedback", "export"):
        assert run(command, course=course) == 0
    return course


def test_a_removed_student_is_gone_from_everywhere(reported: Course) -> None:
    kept = {student: row for student, row in read_rows(reported).items() if student != GONE}
    assert run("remove", GONE, course=reported) == 0
    with Book(reported) as book:
        assert GONE not in book.entries(NAME)
        assert GONE not in book.students()
    for command in ("grade", "feedback", "export"):
        assert run(command, course=reported) == 0
    assert read_rows(reported) == kept
    assert len(kept) == 19
    assert GONE not in (reported.feedback / "index.html").read_text(encoding="utf-8")
    left = [p for p in reported.root.rglob(f"{GONE}*") if not {"removed", "backups"} & {*p.parts}]
    assert left == []


def test_nothing_of_a_removed_student_is_lost(reported: Course) -> None:
    before = reported.notebook("submitted", NAME, GONE).read_bytes()
    assert run("remove", GONE, course=reported) == 0
    kept = reported.root / "removed" / GONE
    assert (kept / "submitted" / NAME / f"{NAME}.ipynb").read_bytes() == before
    assert (kept / "feedback" / NAME / f"{NAME}.html").is_file()
    assert (kept / "autograded" / NAME / f"{NAME}.ipynb").is_file()
    marks = json.loads((kept / "marks.json").read_text(encoding="utf-8"))
    essay, test = marks[NAME]["q3_reason"], marks[NAME]["q1_small_visible"]
    assert (essay["score"], essay["by_hand"], essay["comment"]) == (2.5, True, "Good.")
    assert (test["score"], test["by_hand"], test["comment"]) == (1.0, False, "")


def test_a_student_removed_twice_is_kept_twice(reported: Course) -> None:
    copy = reported.submitted / GONE
    saved = Path(shutil.copytree(copy, reported.root.parent / "saved"))
    assert run("remove", GONE, course=reported) == 0
    shutil.copytree(saved, copy)
    assert run("remove", GONE, course=reported) == 0
    assert sorted(p.name for p in (reported.root / "removed").iterdir()) == [GONE, f"{GONE} (2)"]


def test_a_student_whose_folder_was_deleted_can_be_removed(
    reported: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(reported.submitted / GONE)
    capsys.readouterr()
    assert run("grade", course=reported) == 0
    assert f"no folder under submitted/, results kept: {GONE}" in capsys.readouterr().out
    assert run("remove", GONE, course=reported) == 0
    assert run("export", course=reported) == 0
    assert GONE not in read_rows(reported)


def test_one_unknown_name_removes_nobody(
    reported: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run("remove", GONE, "nobody", course=reported) == 2
    assert "no student nobody in" in capsys.readouterr().err
    assert (reported.submitted / GONE).is_dir()
    assert not (reported.root / "removed").exists()


def test_a_removed_student_comes_back_whole(
    reported: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    """With work, marks, comments and extra credit; nothing is graded again."""
    with Book(reported) as book:
        book._book.find_grade("q1_small_visible", NAME, NAME, GONE).extra_credit = 0.5
        book._book.find_comment("q1_mean", NAME, NAME, GONE).manual_comment = "Neat."
        book._book.db.commit()
        before = book.entries(NAME)[GONE], book.comments(NAME)[GONE]
    assert run("export", course=reported) == 0
    rows = read_rows(reported)
    assert run("remove", GONE, course=reported) == 0
    assert run("readmit", GONE, course=reported) == 0
    with Book(reported) as book:
        assert (book.entries(NAME)[GONE], book.comments(NAME)[GONE]) == before
    capsys.readouterr()
    assert run("grade", course=reported) == 0
    assert "20 submissions, 20 unchanged" in capsys.readouterr().out
    assert run("export", course=reported) == 0
    assert read_rows(reported) == rows
    assert not (reported.root / "removed" / GONE).exists()


def test_marks_of_an_earlier_version_come_back(reported: Course) -> None:
    assert run("remove", GONE, course=reported) == 0
    path = reported.root / "removed" / GONE / "marks.json"
    marks = {
        "q3_reason": {"score": 2.5, "by_hand": True, "comment": "Good."},
        "q1_small_visible": {"score": 1.0, "by_hand": False, "comment": ""},
        "q9_gone": {"score": 4, "by_hand": True, "comment": "Of a cell that is no more."},
    }
    path.write_text(json.dumps({NAME: marks}), encoding="utf-8")
    assert run("readmit", GONE, course=reported) == 0
    with Book(reported) as book:
        entry = book.entries(NAME)[GONE]["q3_reason"]
        assert (entry.manual, entry.awaiting) == (2.5, False)
        assert book.comments(NAME)[GONE] == {
            "q3_reason": "Good.",
            "q9_gone": "Of a cell that is no more.",
        }


@pytest.mark.parametrize(
    "text", ["", "[]", '{"ps0_tiny": 3}', '{"ps0_tiny": {"q3_reason": {"score": "2"}}}']
)
def test_damaged_marks_are_refused_before_anything_is_moved(
    reported: Course, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("remove", GONE, course=reported) == 0
    (reported.root / "removed" / GONE / "marks.json").write_text(text, encoding="utf-8")
    capsys.readouterr()
    assert run("readmit", GONE, course=reported) == 2
    assert "marks.json is damaged: " in capsys.readouterr().err
    assert not (reported.submitted / GONE).exists()


def test_who_is_in_the_course_or_was_never_removed_is_not_brought_back(
    reported: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("readmit", "nobody", course=reported) == 2
    saved = Path(shutil.copytree(reported.submitted / GONE, reported.root.parent / "saved"))
    assert run("remove", GONE, course=reported) == 0
    shutil.copytree(saved, reported.submitted / GONE)
    assert run("readmit", GONE, course=reported) == 2
    error = capsys.readouterr().err
    assert "there is no nobody in" in error
    assert f"{GONE} is in the course again" in error
