"""Takes students out of a course, keeping all that is theirs aside, and back in again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from glob import escape
from pathlib import Path

from autograder.backups import Move, changing
from autograder.course import Course
from autograder.errors import CourseError
from autograder.reports.gradebook import Book
from autograder.reports.marks import Marks, checked, marks_of, put_marks
from autograder.results import write_atomically
from autograder.submissions.holdings import (
    FOLDERS,
    known_students,
    move_all,
    require_known,
    results_of,
)

_MARKS = "marks.json"


def remove(course: Course, students: Iterable[str]) -> list[Path]:
    """Move all a course holds of some students to its folder removed/; returns where it lies now.

    Raises CourseError, before anything is moved, when a name is unknown.
    """
    names = list(dict.fromkeys(students))
    require_known(course, names, "nobody was removed")
    return [_remove(course, name) for name in names]


def _remove(course: Course, student: str) -> Path:
    target = _free(course.root / "removed", student)

    def plan(_: Path) -> list[Move]:
        moves = [
            m for step in FOLDERS for m in move_all(course.root / step / student, target / step)
        ]
        results = results_of(course, student).items()
        return moves + [(path, target / "results" / name / path.name) for name, path in results]

    with changing(course, "remove", f"remove {student}", plan, made=target):
        target.mkdir(parents=True, exist_ok=True)
        if course.db_path.is_file():
            with Book(course) as book:
                text = json.dumps(marks_of(book, student), indent=1, ensure_ascii=False)
                write_atomically(target / _MARKS, text + "\n")
                book.drop(student)
    return target


def readmit(course: Course, students: Iterable[str]) -> list[str]:
    """Bring removed students back with work, results, marks and comments; returns their names.

    Of one who was removed more than once, what was removed last comes back. Raises CourseError,
    before anything is moved, when there is nothing to bring back, or the course knows the student
    again.
    """
    found = []
    for name in dict.fromkeys(students):
        folder = _last(course.root / "removed", name)
        if folder is None:
            raise CourseError(f"there is no {name} in {course.root / 'removed'}")
        if name in known_students(course):
            raise CourseError(
                f"{name} is in the course again; remove or rename that one first, then readmit"
            )
        found.append((name, folder, _read(folder / _MARKS)))
    for name, folder, marks in found:
        _readmit(course, name, folder, marks)
    return [name for name, _, _ in found]


def _readmit(course: Course, student: str, folder: Path, marks: Marks) -> None:
    def plan(backup: Path) -> list[Move]:
        moves = [
            m for step in FOLDERS for m in move_all(folder / step, course.root / step / student)
        ]
        results = sorted((folder / "results").glob(f"*/{escape(student)}.json"))
        moves += [(p, course.results.path(p.parent.name, student)) for p in results]
        return [*moves, (folder, backup / "aside" / "removed" / folder.name)]

    with changing(course, "readmit", f"readmit {student}", plan), Book(course) as book:
        put_marks(book, student, marks)


def _read(path: Path) -> Marks:
    try:
        return checked(json.loads(path.read_text(encoding="utf-8")), str(path))
    except FileNotFoundError:
        return {}  # removed before anything was graded
    except ValueError as error:
        raise CourseError(f"{path} is damaged: it is not JSON; put a copy in its place") from error


def _free(folder: Path, student: str) -> Path:
    """A path that is not taken, for a student who was removed before."""
    path, count = folder / student, 1
    while path.exists():
        count += 1
        path = folder / f"{student} ({count})"
    return path


def _last(folder: Path, student: str) -> Path | None:
    """Where what was removed last of a student lies."""
    path, count, found = folder / student, 1, None
    while path.is_dir():
        found, count = path, count + 1
        path = folder / f"{student} ({count})"
    return found
