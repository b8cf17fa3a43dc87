"""What a course holds of a student: folders, stored results, marks in the gradebook."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from autograder.backups import Move
from autograder.course import Course
from autograder.errors import CourseError
from autograder.reports.gradebook import Book
from autograder.submissions.finding import WANTED, usable_name
from gradekit.text import one_line

FOLDERS = ("submitted", "history", "autograded", "feedback")
_NO_STUDENTS = {"index.html"}  # of the feedback


def known_students(course: Course) -> set[str]:
    """Every student a course holds something of."""
    folders = [course.root / step for step in FOLDERS]
    found = {p.name for f in folders if f.is_dir() for p in f.iterdir() if p.name[0] != "."}
    found |= {path.stem for path in course.results.folder.glob("*/*.json")}
    return (found - _NO_STUDENTS) | _in_gradebook(course)


def require_known(course: Course, students: Iterable[str], so: str) -> None:
    """CourseError where a course holds nothing of a student; ``so`` says what was not done."""
    unknown = sorted(set(students) - known_students(course))
    if unknown:
        names = ", ".join(one_line(name, 100) or "''" for name in unknown)
        raise CourseError(f"no student {names} in {course.root}; {so}")


def require_new(course: Course, student: str) -> None:
    """CourseError where a student can't have this name, or has it already."""
    shown = one_line(student, 100)
    if not usable_name(student):
        raise CourseError(f"{shown!r} can't be a student's name; {WANTED}")
    if student in known_students(course):
        raise CourseError(f"there is a student {shown} in {course.root} already; use `merge`")


def results_of(course: Course, student: str) -> dict[str, Path]:
    """A student's stored results, by assignment."""
    paths = sorted(course.results.folder.glob("*/*.json"))
    return {p.parent.name: p for p in paths if p.stem == student and p.parent != course.mutants}


def move_all(source: Path, target: Path) -> list[Move]:
    """Moves of everything in a folder, each of its entries by itself; a link is one entry."""
    if source.is_dir() and not source.is_symlink():
        inside = sorted(source.iterdir())
        if inside:
            return [(path, target / path.name) for path in inside]
    return [(source, target)] if source.is_symlink() or source.exists() else []


def _in_gradebook(course: Course) -> set[str]:
    if not course.db_path.is_file():
        return set()
    with Book(course) as book:
        return {name for name in book.students() if Path(name).name == name != ".."}
