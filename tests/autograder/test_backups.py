"""Backups, and changes of a course that are killed half way."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder import backups
from autograder.backups import changing, copy_gradebook, find, listed, recover
from autograder.course import Course
from autograder.errors import CourseError
from autograder.reports.gradebook import Book
from tests.autograder.tinycourse import FIXTURES, NAME, ScriptedEngine, run

OLD, NEW, OTHER = "student-01", "ada", "student-02"

KILL = """
import os, sys
from autograder import backups
from autograder.__main__ import main
from autograder.submissions import renaming
name, count = sys.argv[1], int(sys.argv[2])
module = renaming if hasattr(renaming, name) else backups
real = getattr(module, name)
def dies(*arguments, **named):
    global count
    count -= 1
    if count < 0:
        os._exit(9)
    return real(*arguments, **named)
setattr(module, name, dies)
sys.exit(main(sys.argv[3:]))
"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, released_course: Course) -> Course:
    """A small graded class; copy it before changing it."""
    course = Course(tmp_path_factory.mktemp("kept") / "course")
    shutil.copytree(released_course.root, course.root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autograder.execution.engine.SandboxEngine", ScriptedEngine)
        assert run("demo", course=course) == 0
        for folder in course.submitted.iterdir():
            if folder.name > "student-03":
                shutil.rmtree(folder)
        for command in ("grade", "feedback", "export"):
            assert run(command, course=course) == 0
    return course


@pytest.fixture
def graded(kept: Course, tmp_path: Path) -> Course:
    return Course(Path(shutil.copytree(kept.root, tmp_path / "graded")))


def state(course: Course) -> dict[str, str]:
    """What a change may change: who has which files, results and marks."""
    found = {
        path.relative_to(course.root).as_posix(): path.read_text(encoding="utf-8")
        for path in course.root.rglob("*")
        if path.is_file()
        and not {"backups", "gradebook.db", "grades.csv", ".writing", ".changing"} & {*path.parts}
        and path.suffix != ".zip"
    }
    with Book(course) as book:
        return found | {"": repr((sorted(book.students()), sorted(book.entries(NAME).items())))}


@pytest.mark.parametrize(
    ("function", "count", "command"),
    [
        ("_make", 0, ["rename", OLD, NEW]),
        ("_move", 0, ["rename", OLD, NEW]),
        ("_move", 2, ["rename", OLD, NEW]),
        ("_move", 2, ["merge", OLD, OTHER]),
        ("_move", 1, ["remove", OLD]),
        ("_move", 3, ["remove", OLD]),
        ("hand_over", 0, ["rename", OLD, NEW]),
    ],
)
def test_a_change_that_is_killed_has_not_happened(
    graded: Course, function: str, count: int, command: list[str]
) -> None:
    before = state(graded)
    where = ["--course", str(graded.root), "--solutions", str(FIXTURES)]
    arguments = [sys.executable, "-c", KILL, function, str(count), *command, *where]
    assert subprocess.run(arguments).returncode == 9
    assert run("export", course=graded) == 0
    assert state(graded) == before
    assert run(*command, course=graded) == 0
    assert state(graded) != before


@pytest.mark.parametrize(("function", "count"), [("_put_back", 0), ("copy_gradebook", 1)])
def test_a_restore_that_is_killed_has_not_happened(
    graded: Course, function: str, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("rename", OLD, NEW, course=graded) == 0
    (name,) = (backup.folder.name for backup in listed(graded))
    before = state(graded)
    where = ["--course", str(graded.root), "--solutions", str(FIXTURES)]
    arguments = [sys.executable, "-c", KILL, function, str(count), "restore", name, *where]
    assert subprocess.run(arguments).returncode == 9
    capsys.readouterr()
    assert run("export", course=graded) == 0
    assert f"`restore {name}` was stopped half way" in capsys.readouterr().out
    assert state(graded) == before


def test_restore_goes_back_over_several_changes(graded: Course) -> None:
    before = state(graded)
    for command in (["rename", OLD, NEW], ["remove", OTHER], ["merge", NEW, "student-03"]):
        assert run(*command, course=graded) == 0
    first = listed(graded)[0].folder.name
    # A new hand-in under the old name is kept aside, not lost.
    late = graded.submitted / OLD / NAME / "late.ipynb"
    late.parent.mkdir(parents=True)
    late.write_text("{}", encoding="utf-8")
    assert run("restore", first, course=graded) == 0
    assert state(graded) == before
    (kept,) = (graded.root / "backups").glob("*/aside/**/late.ipynb")
    assert kept.read_text(encoding="utf-8") == "{}"


def test_a_backup_holds_the_marks_as_text(graded: Course) -> None:
    with changing(graded, "test", "test") as folder:
        pass
    marks = json.loads((folder / "marks.json").read_text(encoding="utf-8"))
    assert marks[OLD][NAME]["q1_small_visible"]["score"] == 1.0
    assert (folder / "results" / NAME / f"{OLD}.json").is_file()
    assert [backup.what for backup in listed(graded)] == ["test"]


def test_what_fails_inside_is_undone_and_passed_on(graded: Course) -> None:
    before = state(graded)
    moves = [(graded.submitted / OLD / NAME, graded.submitted / NEW / NAME)]

    def fail() -> None:
        with changing(graded, "test", "test", lambda _: moves), Book(graded) as book:
            assert (graded.submitted / NEW).is_dir()
            book.drop(OLD)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert state(graded) == before
    assert recover(graded) == ""


@pytest.mark.parametrize(
    "name", ["x", "../results", "", ".", "20260101T000000Z-001-x/..", "\x1b[2J"]
)
def test_a_backup_that_is_none_is_refused(graded: Course, name: str) -> None:
    with pytest.raises(CourseError, match="no backup ") as refused:
        find(graded, name)
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize(
    "facts", ["", "[]", '{"number": 1, "what": "", "made": "", "moves": [["../a", "b"]]}']
)
def test_a_damaged_backup_is_none(graded: Course, facts: str) -> None:
    folder = graded.root / "backups" / "20260101T000000Z-001-test"
    folder.mkdir(parents=True)
    (folder / "backup.json").write_text(facts, encoding="utf-8")
    assert listed(graded) == []


def test_a_gradebook_that_is_none_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("no gradebook", encoding="utf-8")
    with pytest.raises(CourseError, match="can't be copied to"):
        copy_gradebook(tmp_path / "a", tmp_path / "b")
    assert backups.listed(Course(tmp_path)) == []
