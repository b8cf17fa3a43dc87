"""What the settings would change in the marks, tried on a copy of the gradebook."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.assignments.source import Assignment
from autograder.backups import copy_gradebook
from autograder.course import Course
from autograder.reports.counting import settle
from autograder.reports.gradebook import Book
from autograder.reports.stale import require_current


@dataclass(frozen=True)
class Change:
    """A student's score of an assignment in the gradebook now, and as the settings have it."""

    student: str
    before: float
    after: float


@dataclass(frozen=True)
class Preview:
    """What would become of an assignment: its maximum, and every score that would change."""

    assignment: str
    students: int
    max_before: float
    max_after: float
    changes: tuple[Change, ...]


def preview(course: Course, assignments: Sequence[Assignment]) -> list[Preview]:
    """Put the settings into force in a copy, and compare; the course is left as it is.

    Raises CourseError for an assignment without results, or with some of other cells or points.
    """
    found = []
    require_current(course, assignments)
    with tempfile.TemporaryDirectory(prefix="preview-") as folder:
        copy = Course(Path(folder))
        copy_gradebook(course.db_path, copy.db_path)
        with Book(copy) as book:
            for assignment in assignments:
                name = assignment.name
                before, most = _scores(book, name), book.max_score(name)
                settle(book, course, assignment)
                after = _scores(book, name)
                changes = [
                    Change(student, score, after[student])
                    for student, score in sorted(before.items())
                    if score != after[student]
                ]
                total = book.max_score(name)
                found.append(Preview(name, len(before), most, total, tuple(changes)))
    return found


def _scores(book: Book, assignment: str) -> dict[str, float]:
    return {
        student: sum(entry.score for entry in entries.values())
        for student, entries in book.entries(assignment).items()
    }
