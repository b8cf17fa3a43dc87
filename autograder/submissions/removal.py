"""Takes students out of a course; what they handed in and their marks are kept aside."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from autograder.course import Course
from autograder.errors import CourseError
from autograder.reports.gradebook import Book
from autograder.results import write_atomically

_FOLDERS = ("submitted", "autograded", "feedback")


def remove(course: Course, students: Iterable[str]) -> list[Path]:
    """Move all a course holds of some students to its folder removed/; returns where it lies now.

    Raises CourseError, before anything is moved, when a name is unknown.
    """
    names = list(dict.fromkeys(students))
    unknown = sorted(set(names) - _in_files(course) - _in_gradebook(course))
    if unknown:
        raise CourseError(f"no student {', '.join(unknown)} in {course.root}; nobody was removed")
    return [_remove(course, name) for name in names]


def _in_files(course: Course) -> set[str]:
    folders = [course.root / step for step in _FOLDERS]
    found = {p.name for f in folders if f.is_dir() for p in f.iterdir() if p.name[0] != "."}
    found -= {"index.html"}  # of the feedback
    return found | {path.stem for path in course.results.folder.glob("*/*.json")}


def _in_gradebook(course: Course) -> set[str]:
    if not course.db_path.is_file():
        return set()
    with Book(course) as book:
        return {name for name in book.students() if Path(name).name == name != ".."}


def _remove(course: Course, student: str) -> Path:
    """Gradebook last, so that a run killed in between can be repeated."""
    target = _free(course.root / "removed", student)
    target.mkdir(parents=True)
    if course.db_path.is_file():
        with Book(course) as book:
            marks = {name: _marks(book, name, student) for name in book.assignments()}
        text = json.dumps({k: v for k, v in marks.items() if v}, indent=1, ensure_ascii=False)
        write_atomically(target / "marks.json", text + "\n")
    for path in course.results.folder.glob("*/*.json"):
        if path.stem == student:
            _move(path, target / "results" / path.parent.name / path.name)
    for step in _FOLDERS:
        _move(course.root / step / student, target / step)
    if course.db_path.is_file():
        with Book(course) as book:
            book.drop(student)
    return target


def _marks(book: Book, assignment: str, student: str) -> dict[str, dict[str, object]]:
    """A student's marks as plain data, for a person to read."""
    comments = book.comments(assignment).get(student, {})
    return {
        name: {
            "score": entry.score,
            "by_hand": entry.manual is not None,
            "comment": comments.get(name, ""),
        }
        for name, entry in book.entries(assignment).get(student, {}).items()
    }


def _free(folder: Path, student: str) -> Path:
    """A path that is not taken, for a student who was removed before."""
    path, count = folder / student, 1
    while path.exists():
        count += 1
        path = folder / f"{student} ({count})"
    return path


def _move(path: Path, target: Path) -> None:
    if path.is_symlink() or path.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, target)
