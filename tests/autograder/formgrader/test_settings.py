"""Settings for nbgrader: the instructor's are kept, ours are apart, and both use one gradebook."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.errors import CourseError
from autograder.formgrader.settings import GENERATED, USER
from autograder.reports.gradebook import Book
from tests.autograder.tinycourse import NAME, run

LOAD = f'load_subconfig("{GENERATED}")'
#: What `release` wrote, byte for byte, before there were two files.
BEFORE = '''"""Configuration for stock nbgrader; `release` of the autograder \
copies it into the course folder.

There nbgrader's own commands (`nbgrader autograde ps1_pca --course-dir _build/course`) and
JupyterLab's Formgrader find it. Beware of `nbgrader autograde`: it runs students' code as you, with
the hidden tests in the same process, and one submission can change other students' marks.
"""

from pathlib import Path

from traitlets.config import get_config

c = get_config()

_course = Path(__file__).resolve().parent
c.CourseDirectory.root = str(_course)
c.CourseDirectory.db_url = f"sqlite:///{_course / 'gradebook.db'}"
c.Execute.timeout = 60
'''
POSTGRES = 'c.CourseDirectory.db_url = "postgresql://ta:ge/heim@db.example/autumn"\n'


def settings(course: Course, text: str) -> Path:
    path = course.root / USER
    path.write_text(text, encoding="utf-8")
    return path


def released(course: Course, capsys: pytest.CaptureFixture[str]) -> str:
    """What `release` says, on a course where nothing is to do."""
    capsys.readouterr()
    assert run("release", course=course) == 0
    return capsys.readouterr().out


def test_a_first_release_writes_both_files(course: Course) -> None:
    assert LOAD in (course.root / USER).read_text(encoding="utf-8")
    assert "do not edit" in (course.root / GENERATED).read_text(encoding="utf-8")


def test_the_instructors_settings_are_never_written(
    course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"{LOAD}\nc.NbGraderAPI.timezone = 'Europe/Berlin'\nc.NbGrader.logfile = 'log'\n"
    path = settings(course, text)
    (course.root / GENERATED).write_text("of another version", encoding="utf-8")
    assert "note" not in released(course, capsys)
    assert run("release", course=course) == 0
    assert path.read_text(encoding="utf-8") == text
    assert "of another version" not in (course.root / GENERATED).read_text(encoding="utf-8")


def test_a_link_that_leads_nowhere_is_the_instructors_too(
    course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    path = course.root / USER
    path.unlink()
    path.symlink_to(course.root / "not mounted.py")
    assert "note" in released(course, capsys)
    assert path.is_symlink()


def test_a_course_of_before_is_brought_forward(
    course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    path = settings(course, BEFORE)
    (course.root / GENERATED).unlink()
    assert "note" not in released(course, capsys)
    assert LOAD in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("text", [BEFORE + "# mine\n", "", "c.Execute.timeout = 30\n"])
def test_who_does_not_load_ours_is_told_the_line(
    course: Course, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = settings(course, text)
    said = released(course, capsys)
    assert f"please add the line {LOAD} at its top" in said
    assert path.read_text(encoding="utf-8") == text
    settings(course, f"{LOAD}\n{text}")
    assert "note" not in released(course, capsys)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (POSTGRES, "db_url"),
        ("c.CourseDirectory.db_url = 'sqlite:///other.db'", "db_url"),
        ("c.NbGrader.db_url = 'sqlite:////tmp/other.db'", "db_url"),
        ("c.CourseDirectory.root = '/tmp'", "root"),
        ("c.CourseDirectory.feedback_directory = 'pages'", "feedback_directory"),
        ("c.CourseDirectory.autograded_directory = 'done'", "autograded_directory"),
        ("c.CourseDirectory.directory_structure = '{student_id}/{nbgrader_step}'", "directory"),
    ],
)
@pytest.mark.parametrize("first", [f"{LOAD}\n", BEFORE, ""])
def test_another_gradebook_or_folder_is_refused(
    course: Course, first: str, line: str, name: str
) -> None:
    settings(course, f"{first}{line}\n")
    with pytest.raises(CourseError, match=rf"sets c\.CourseDirectory\.{name}") as caught:
        Book(course)
    assert "heim" not in str(caught.value)


@pytest.mark.parametrize("command", ["release", "feedback", "export"])
def test_no_command_uses_a_gradebook_that_formgrader_does_not(
    course: Course, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (course.results.folder / NAME).mkdir()
    (course.results.folder / NAME / "ada.json").write_text("{}", encoding="utf-8")
    settings(course, f"{LOAD}\n{POSTGRES}")
    assert run(command, course=course) == 2
    said = capsys.readouterr().err
    assert "sets c.CourseDirectory.db_url to postgresql://...@db.example/autumn, wanted" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    "line",
    [
        "c.CourseDirectory.db_url = 'sqlite:///gradebook.db'",
        "c.CourseDirectory.db_url = f'sqlite:///{_here}/gradebook.db?timeout=60'",
        "c.CourseDirectory.root = '.'",
        "c.CourseDirectory.root = _here",
        "c.CourseDirectory.course_id = 'autumn'",
        "c.NbGrader.course_directory = _here",
    ],
)
def test_other_words_for_the_same_place_pass(course: Course, line: str) -> None:
    settings(course, f"import os\n_here = os.path.dirname(__file__)\n{LOAD}\n{line}\n")
    with Book(course) as book:
        assert book.assignments() == [NAME]


def test_settings_in_json_count_too(course: Course) -> None:
    path = course.root / "nbgrader_config.json"
    path.write_text('{"CourseDirectory": {"db_url": "sqlite:///other.db"}}', encoding="utf-8")
    with pytest.raises(CourseError, match="db_url"):
        Book(course)


@pytest.mark.parametrize(
    "text", ["c.CourseDirectory.", "1 / 0", "import nothing_of_this_name", "raise SystemExit(3)"]
)
def test_settings_that_cannot_be_read_are_named(
    course: Course, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings(course, text)
    assert run("release", course=course) == 2
    said = capsys.readouterr().err
    assert f"{course.root / USER} can't be read" in said
    assert said.count("\n") == 1


def test_a_course_without_settings_or_that_was_moved_works(course: Course, tmp_path: Path) -> None:
    moved = Course(Path(shutil.move(course.root, tmp_path / "a class of mine")))
    with Book(moved) as book:
        assert book.assignments() == [NAME]
    for name in (USER, GENERATED):
        (moved.root / name).unlink()
    with Book(moved) as book:
        assert book.assignments() == [NAME]


def test_nbgrader_reads_what_we_read(course: Course, tmp_path: Path) -> None:
    """nbgrader, started elsewhere, uses this course's gradebook."""
    command = [sys.executable, "-m", "nbgrader", "db", "student", "add", "ada"]
    done = subprocess.run(
        [*command, "--course-dir", str(course.root)], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    with closing(sqlite3.connect(course.db_path)) as book:
        assert book.execute("SELECT id FROM student").fetchall() == [("ada",)]
    assert list(tmp_path.glob("*.db")) == []
