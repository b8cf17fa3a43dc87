"""The gradebook's file: as nbgrader itself would have made it."""

from __future__ import annotations

import os
import sqlite3
import sys
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from autograder.course import Course
from autograder.reports.gradebook import Book


def content(file: Path) -> tuple[list[tuple[str]], list[tuple[str]]]:
    book = sqlite3.connect(file)
    try:
        # Not set_aside's own table, which nbgrader doesn't look at.
        tables = "SELECT sql FROM sqlite_master WHERE name NOT LIKE '%set_aside%' ORDER BY name"
        return (
            book.execute(tables).fetchall(),
            book.execute("SELECT version_num FROM alembic_version").fetchall(),
        )
    finally:
        book.close()


@pytest.mark.parametrize("there", [False, True])
def test_a_new_gradebook_is_the_one_that_nbgrader_makes(
    there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where an empty file stands already, and none of the environment's programs is found."""
    course = Course(tmp_path / "course")
    if there:
        course.root.mkdir()
        course.db_path.touch()
    with monkeypatch.context() as nowhere:
        nowhere.setenv("PATH", "")
        with Book(course):
            pass
    programs = str(Path(sys.executable).parent)  # nbgrader calls alembic by name
    monkeypatch.setenv("PATH", os.pathsep.join([programs, os.environ["PATH"]]))
    theirs = tmp_path / "theirs.db"
    Gradebook(f"sqlite:///{theirs}").close()
    made, version = content(course.db_path)
    wanted, wanted_version = content(theirs)
    assert version == wanted_version
    assert [table.split() for (table,) in made if table] == [
        table.split() for (table,) in wanted if table
    ]
