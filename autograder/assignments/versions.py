"""Keeps every released version of the students' notebooks: by content, never overwritten."""

from __future__ import annotations

import json
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from autograder.course import Course
from autograder.errors import CourseError
from autograder.results import write_atomically
from gradekit.notebook import Cell, NotebookError, Versions, parse

_DIGITS = 16  # of the hash, in a file's name


def keep_version(course: Course, assignment: str) -> None:
    """Keep the released notebook, if there is one, beside the versions of before.

    A file is named by its number and a hash of the cells' texts: a release that gives students the
    same texts is no other version.
    """
    path = course.notebook("release", assignment)
    if not path.is_file():
        return
    text = path.read_text(encoding="utf-8")
    cells = [(cell.grade_id, cell.role, cell.lines) for cell in _cells(path)]
    digest = sha256(json.dumps(cells).encode()).hexdigest()[:_DIGITS]
    kept = _kept(course, assignment)
    if any(file.stem.partition("-")[2] == digest for file in kept):
        return
    number = int(kept[-1].name.partition("-")[0]) + 1 if kept else 1
    write_atomically(course.versions / assignment / f"{number:03d}-{digest}.ipynb", text)


def released_versions(course: Course, assignment: str) -> Versions:
    """What students were ever given of an assignment."""
    return _read(tuple(_kept(course, assignment)))


def _kept(course: Course, assignment: str) -> list[Path]:
    found = (course.versions / assignment).glob("[0-9][0-9][0-9]-*.ipynb")
    return sorted(found, key=lambda path: (int(path.name.partition("-")[0]), path.name))


@lru_cache(maxsize=32)
def _read(paths: tuple[Path, ...]) -> Versions:
    """Read once for a class: a file never changes."""
    return Versions(tuple(_cells(path) for path in paths))


def _cells(path: Path) -> tuple[Cell, ...]:
    try:
        return parse(path.read_bytes()).cells
    except NotebookError as error:
        raise CourseError(
            f"{path} is damaged ({error}); put a copy of yours in its place"
        ) from error
