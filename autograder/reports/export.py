"""grades.csv: one row per student and assignment, marks given by hand included."""

from __future__ import annotations

import codecs
import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path

from autograder.assignments.source import Assignment
from autograder.course import Course
from autograder.reports.counting import settle
from autograder.reports.gradebook import Book, Entry
from autograder.reports.stale import fits, require_current
from autograder.results import Result, write_atomically
from gradekit.notebook import question_of
from gradekit.text import no_formula, one_line

_STATUS_CHARS = 500
_START_BYTES = 100
_FIRST = b"student_id"  # what every export begins with


def export(course: Course, assignments: Sequence[Assignment], path: Path) -> int:
    """Write the CSV; returns the number of rows. A submission the grader failed on has no score."""
    students = require_current(course, assignments)
    questions = sorted(
        {question_of(name) for a in assignments for name in a.points}, key=lambda q: int(q[1:])
    )
    columns = ["student_id", "assignment", *questions, "score", "max_score", "status"]
    rows: list[dict[str, str]] = []
    with Book(course) as book:
        for assignment in assignments:
            settle(book, course, assignment)
            entries = book.require_marks(course, assignment.name)
            rows += [
                _row(course, assignment, s, entries.get(s, {})) for s in students[assignment.name]
            ]
    rows.sort(key=lambda row: (row["student_id"], row["assignment"]))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(path, text.getvalue())
    return len(rows)


def replaceable(path: Path) -> bool:
    """Whether an export may be written here: nothing, or nothing but an earlier export, is there.

    The marks' own file and what students handed in are one slip of the keyboard away.
    """
    if not path.is_file():
        return not os.path.lexists(path)
    with open(path, "rb") as file:
        start = file.read(_START_BYTES)
    return not start or start.removeprefix(codecs.BOM_UTF8).lstrip(b'"').startswith(_FIRST)


def _row(
    course: Course, assignment: Assignment, student: str, entries: dict[str, Entry]
) -> dict[str, str]:
    stored = course.results.load(assignment.name, student)
    row = {
        "student_id": no_formula(student),
        "assignment": assignment.name,
        "max_score": str(assignment.max_score),
    }
    if stored is None:
        return row | {"status": "not graded: the stored result is damaged"}
    row["status"] = shown_status(assignment, stored[1], awaiting=_awaiting(entries))
    if stored[1].outcome == "not graded":
        return row
    scores: dict[str, float] = {}
    for name in assignment.points:
        key = question_of(name)
        scores[key] = scores.get(key, 0.0) + (entries[name].score if name in entries else 0.0)
    return row | {
        **{key: f"{score:g}" for key, score in scores.items()},
        "score": f"{sum(scores.values()):g}",
    }


def shown_status(assignment: Assignment, result: Result, *, awaiting: bool) -> str:
    """The status column of a result; ``awaiting``: a cell marked by hand has no mark yet."""
    said = [result.status(awaiting=awaiting)]
    if result.outcome != "not graded":
        said += _counts_otherwise(assignment)
        if not fits(result, assignment):
            said.append("graded with other cells or points than now")
    return no_formula(one_line("; ".join(said), _STATUS_CHARS))


def _counts_otherwise(assignment: Assignment) -> list[str]:
    """What the settings say of how cells count, in words for a status."""
    said = (
        ("not counted", assignment.drop),
        ("points for all", assignment.points_for_all),
        ("bonus", assignment.bonus),
    )
    return [f"{words}: {', '.join(names)}" for words, names in said if names]


def _awaiting(entries: dict[str, Entry]) -> bool:
    return any(entry.awaiting for entry in entries.values())
