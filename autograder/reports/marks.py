"""A student's marks as plain data: for a person to read, and to be put into the gradebook."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from autograder.errors import CourseError
from autograder.reports import set_aside
from autograder.reports.gradebook import Book
from autograder.reports.set_aside import GONE, Aside

Marks = dict[str, dict[str, dict[str, Any]]]
"""By assignment and cell: score, by_hand, comment, and the parts that nbgrader holds."""


def marks_of(book: Book, student: str) -> Marks:
    """All marks and comments of a student, those laid aside too, as they were earned."""
    found: Marks = {}
    for name in book.assignments():
        entries = book.entries(name).get(student, {})
        comments = book.comments(name).get(student, {})
        aside = {r.cell: r for r in set_aside.find(book.session, assignment=name, student=student)}
        cells = {}
        for cell in [*entries, *sorted({*comments, *aside} - {*entries})]:
            entry, row = entries.get(cell), aside.get(cell)
            manual = entry.manual if entry else None
            extra = entry.extra if entry else None
            auto = row.auto if row and row.why != GONE else entry.auto if entry else None
            awaiting = bool(entry and entry.awaiting)
            if row:
                awaiting = awaiting or (row.awaiting and manual is None)
                manual, extra = row.manual if manual is None else manual, extra or row.extra
            cells[cell] = {
                "score": entry.score if entry else 0.0,
                "by_hand": manual is not None,
                "comment": comments.get(cell, ""),
                "auto": auto,
                "manual": manual,
                "extra_credit": extra,
                "awaiting": awaiting,
            }
        if cells:
            found[name] = cells
    return found


def put_marks(book: Book, student: str, marks: Marks) -> None:
    """Write marks and comments of a student whom the gradebook does not know yet.

    What belongs to a cell that is no longer there is laid aside; an assignment that the gradebook
    does not know is passed over.
    """
    session = book.session
    book.add_student(student)
    for name in set(book.assignments()) & set(marks):
        book.add_submission(student, name)
        notebook = book._book.find_submission_notebook(name, name, student)
        left = dict(marks[name])
        for grade in notebook.grades:
            mark = left.pop(grade.name, None)
            if mark is not None:
                grade.auto_score, grade.manual_score = mark["auto"], mark["manual"]
                grade.extra_credit = mark["extra_credit"]
                grade.needs_manual_grade = mark["awaiting"]
        for comment in notebook.comments:
            if marks[name].get(comment.name, {}).get("comment"):
                comment.manual_comment = marks[name][comment.name]["comment"]
                left.pop(comment.name, None)
        set_aside.lay(
            session,
            [
                Aside(
                    name,
                    student,
                    cell,
                    GONE,
                    manual=mark["manual"],
                    extra=mark["extra_credit"],
                    comment=mark["comment"] or None,
                )
                for cell, mark in left.items()
                if mark["manual"] is not None or mark["extra_credit"] or mark["comment"]
            ],
        )
    session.commit()


def checked(data: object, where: str) -> Marks:
    """Marks as a file holds them, also of before there was extra credit in it.

    CourseError at what is none; ``where`` names the file.
    """
    try:
        if not isinstance(data, dict):
            raise TypeError
        return {
            str(name): {str(cell): _mark(mark) for cell, mark in cells.items()}
            for name, cells in data.items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CourseError(
            f"{where} is damaged: wanted marks by assignment and cell, as `remove` writes them"
        ) from error


def _mark(mark: Mapping[str, Any]) -> dict[str, Any]:
    by_hand = bool(mark["by_hand"])
    score = _number(mark["score"])
    comment = mark["comment"]
    if not isinstance(comment, str):
        raise TypeError
    return {
        "auto": _number(mark.get("auto", None if by_hand else score)),
        "manual": _number(mark.get("manual", score if by_hand else None)),
        "extra_credit": _number(mark.get("extra_credit")),
        "awaiting": bool(mark.get("awaiting", False)),
        "comment": comment,
    }


def _number(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError
    return float(value)
