"""Students who were taken in under a wrong name, or under two."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.reports.gradebook import Book
from tests.autograder.tinycourse import NAME, ScriptedEngine, read_rows, run

OLD, NEW, OTHER = "student-01", "ada", "student-02"


def mark(course: Course, student: str, score: float, comment: str, extra: float = 0.0) -> None:
    with Book(course) as book:
        grade = book._book.find_grade("q3_reason", NAME, NAME, student)
        grade.manual_score, grade.needs_manual_grade = score, False
        grade.extra_credit = extra or None
        book._book.find_comment("q3_reason", NAME, NAME, student).manual_comment = comment
        book.session.commit()


def write(course: Course, student: str, text: str, time: int) -> None:
    """Change an essay and when the file was written."""
    path = course.notebook("submitted", NAME, student)
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["cells"][-1]["source"] = text
    path.write_text(json.dumps(notebook), encoding="utf-8")
    os.utime(path, (time, time))


@pytest.fixture
def graded(course: Course, monkeypatch: pytest.MonkeyPatch) -> Course:
    """A graded class with an essay marked by hand."""
    monkeypatch.setattr("autograder.execution.engine.SandboxEngine", ScriptedEngine)
    assert run("demo", course=course) == 0
    write(course, OLD, "An essay.", 1_000_000)
    write(course, OTHER, "Another essay.", 2_000_000)
    assert run("grade", course=course) == 0
    mark(course, OLD, 2.5, "Good.", extra=0.25)
    for command in ("feedback", "export"):
        assert run(command, course=course) == 0
    return course


def nothing_is_graded(course: Course, capsys: pytest.CaptureFixture[str], count: int) -> None:
    capsys.readouterr()
    assert run("grade", course=course) == 0
    assert f"{count} submissions, {count} unchanged" in capsys.readouterr().out


def everything(course: Course) -> dict[str, bytes]:
    """All files but backups and the gradebook, and what that holds."""
    found = {
        path.relative_to(course.root).as_posix(): path.read_bytes()
        for path in sorted(course.root.rglob("*"))
        if path.is_file() and not {"backups", "gradebook.db", "logs", ".writing"} & {*path.parts}
    }
    with Book(course) as book:
        marks = sorted(map(str, book.entries(NAME).items())), book.comments(NAME)
    return found | {"marks": repr((marks, sorted(book.students()))).encode()}


def test_all_of_a_student_moves_with_the_name(
    graded: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = read_rows(graded)
    assert run("rename", OLD, NEW, course=graded) == 0
    nothing_is_graded(graded, capsys, 20)
    for command in ("feedback", "export"):
        assert run(command, course=graded) == 0
    after = read_rows(graded)
    assert after.pop(NEW) == rows.pop(OLD) | {"student_id": NEW}
    assert after == rows
    left = [p for p in graded.root.rglob(f"{OLD}*") if "backups" not in p.parts]
    assert left == []
    page = graded.feedback / NEW / NAME / f"{NAME}.html"
    assert "Good." in page.read_text(encoding="utf-8")


def test_restore_takes_a_rename_back(graded: Course, capsys: pytest.CaptureFixture[str]) -> None:
    before = everything(graded)
    assert run("rename", OLD, NEW, course=graded) == 0
    (backup,) = sorted(path.name for path in (graded.root / "backups").iterdir())
    capsys.readouterr()
    assert run("restore", course=graded) == 0
    assert "\n1 backup in" in capsys.readouterr().out
    after = everything(graded)
    assert run("restore", backup, course=graded) == 0
    assert run("release", course=graded) == 0
    assert everything(graded) == before
    nothing_is_graded(graded, capsys, 20)
    second = sorted(path.name for path in (graded.root / "backups").iterdir())[1]
    assert run("restore", second, course=graded) == 0
    assert everything(graded) == after
    capsys.readouterr()
    assert run("restore", course=graded) == 0
    listed = capsys.readouterr().out
    assert f"{backup}  before `rename {OLD} {NEW}`" in listed
    assert "3 backups in" in listed


@pytest.mark.parametrize(
    "name", ["", "=1+1", "<b>", ".x", "a/b", "..", "x\ty", " x", "index.html", "y" * 300]
)
def test_a_name_that_cannot_be_one_is_refused(graded: Course, name: str) -> None:
    before = everything(graded)
    assert run("rename", OLD, name, course=graded) == 2
    assert run("rename", OLD, OTHER, course=graded) == 2
    assert run("rename", "nobody", NEW, course=graded) == 2
    assert run("rename", OLD, OLD, course=graded) == 2
    assert everything(graded) == before
    assert not (graded.root / "backups").exists()


def test_a_name_that_a_student_has_already_is_not_sent_to_merge(
    graded: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run("rename", OLD, OLD, course=graded) == 2
    assert capsys.readouterr().err == f"error: {OLD} was named twice, wanted a new name\n"


def test_the_later_work_counts_and_what_is_by_hand_is_joined(
    graded: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = read_rows(graded)
    assert run("merge", OLD, OTHER, course=graded) == 0
    out = capsys.readouterr().out
    assert f"{NAME}: the later work, of {OTHER}, counts" in out
    nothing_is_graded(graded, capsys, 19)
    assert run("export", course=graded) == 0
    after = read_rows(graded)
    # The mark was given for another text, so a person looks again.
    assert (after[OTHER]["q3"], after[OTHER]["status"]) == ("2.75", "awaiting manual grading")
    assert OLD not in after
    assert {s: r for s, r in after.items() if s != OTHER} == {
        s: r for s, r in rows.items() if s not in (OLD, OTHER)
    }
    (kept,) = (graded.root / "backups").glob("*/aside/submitted/*/*/*.ipynb")
    assert "An essay." in kept.read_text(encoding="utf-8")
    assert kept.parts[-3] == OLD


def test_earlier_work_makes_room_for_later(
    graded: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("merge", OTHER, OLD, course=graded) == 0
    nothing_is_graded(graded, capsys, 19)
    notebook = graded.notebook("submitted", NAME, OLD).read_text(encoding="utf-8")
    assert "Another essay." in notebook
    (kept,) = (graded.root / "backups").glob("*/aside/submitted/*/*/*.ipynb")
    assert "An essay." in kept.read_text(encoding="utf-8")


def test_of_two_marks_the_second_students_is_kept_and_it_is_said(
    graded: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    mark(graded, OTHER, 1.0, "Short.")
    assert run("merge", OLD, OTHER, course=graded) == 0
    out = capsys.readouterr().out
    assert f"{NAME}: q3_reason: 1 of {OTHER} was kept, 2.5 of {OLD} was not" in out
    assert f"the comment of {OTHER} was kept, not {OLD}'s" in out
    with Book(graded) as book:
        entry = book.entries(NAME)[OTHER]["q3_reason"]
        assert (entry.manual, entry.awaiting, entry.extra) == (1.0, False, 0.25)
    (folder,) = (graded.root / "backups").iterdir()
    kept = json.loads((folder / "marks.json").read_text(encoding="utf-8"))
    assert kept[OLD][NAME]["q3_reason"]["manual"] == 2.5
    assert kept[OLD][NAME]["q3_reason"]["comment"] == "Good."


def test_restore_takes_a_merge_back(graded: Course) -> None:
    before = everything(graded)
    assert run("merge", OTHER, OLD, course=graded) == 0
    (backup,) = (path.name for path in (graded.root / "backups").iterdir())
    assert run("restore", backup, course=graded) == 0
    assert everything(graded) == before


@pytest.mark.parametrize("names", [(OLD, OLD), (OLD, "nobody"), ("nobody", OLD)])
def test_a_merge_of_no_two_students_is_refused(graded: Course, names: tuple[str, str]) -> None:
    before = everything(graded)
    assert run("merge", *names, course=graded) == 2
    assert everything(graded) == before


def test_a_link_is_moved_as_a_link(graded: Course, tmp_path: Path) -> None:
    secret = tmp_path / "elsewhere"
    secret.mkdir()
    (graded.submitted / OLD / "more").symlink_to(secret)
    assert run("rename", OLD, NEW, course=graded) == 0
    assert (graded.submitted / NEW / "more").readlink() == secret
