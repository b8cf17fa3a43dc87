"""Puts an assignment's settings drop, points_for_all and bonus into force in the gradebook.

So nbgrader's own totals are ours. What a cell of drop had, and a mark that points_for_all
outdoes, is laid aside and comes back when the setting goes. Nothing that students wrote is run.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from contextlib import contextmanager

from nbgrader import api

from autograder.assignments.source import Assignment
from autograder.course import Course
from autograder.reports import set_aside
from autograder.reports.gradebook import Book
from autograder.reports.set_aside import DROP, FOR_ALL, Aside


@contextmanager
def as_earned(book: Book, course: Course, assignment: Assignment) -> Iterator[None]:
    """No setting in force inside, so that marks can be written as they were earned."""
    unsettle(book, assignment.name)
    book.session.commit()
    try:
        yield
    finally:
        book.session.rollback()  # of what could not be written
        settle(book, course, assignment)


def settle(book: Book, course: Course, assignment: Assignment) -> None:
    """Put the settings into force as they stand now, in one transaction."""
    unsettle(book, assignment.name)
    handed_in = (
        {
            student
            for student in course.results.students(assignment.name)
            if (stored := course.results.load(assignment.name, student)) and stored[1].handed_in
        }
        if assignment.points_for_all
        else set()
    )
    _put_in_force(book, assignment, handed_in)
    book.session.commit()


def unsettle(book: Book, assignment: str) -> None:
    """Lay everything back; the caller commits."""
    session = book.session
    rows = {
        (row.student, row.cell): row
        for row in set_aside.find(session, assignment=assignment)
        if row.why in (DROP, FOR_ALL)
    }
    if not rows:
        return
    for student, grade in _grades(book, assignment):
        row = rows.get((student, grade.name))
        if row is None:
            continue
        grade.auto_score = row.auto
        # What a person gave meanwhile is newer than what was laid aside.
        grade.needs_manual_grade = row.awaiting and grade.manual_score is None
        if grade.manual_score is None:
            grade.manual_score = row.manual
        grade.extra_credit = grade.extra_credit or row.extra
    for why in (DROP, FOR_ALL):
        set_aside.drop(session, assignment=assignment, why=why)


def _put_in_force(book: Book, assignment: Assignment, handed_in: Set[str]) -> None:
    session = book.session
    cells = (
        session.query(api.GradeCell)
        .join(api.Notebook, api.GradeCell.notebook_id == api.Notebook.id)
        .join(api.Assignment, api.Notebook.assignment_id == api.Assignment.id)
        .filter(api.Assignment.name == assignment.name)
    )
    for cell in cells:
        if cell.name in assignment.counted:
            cell.max_score = float(assignment.counted[cell.name])
    if not assignment.drop and not assignment.points_for_all:
        return
    aside = []
    for student, grade in _grades(book, assignment.name):
        name = grade.name
        if name in assignment.drop:
            why, points = DROP, 0.0
        elif name in assignment.points_for_all and student in handed_in:
            why, points = FOR_ALL, float(assignment.points[name])
            if grade.manual_score is not None and grade.manual_score >= points:
                continue  # a person gave as much or more
        else:
            continue
        extra = grade.extra_credit if why == DROP else None
        aside.append(
            Aside(
                assignment.name,
                student,
                name,
                why,
                grade.auto_score,
                grade.manual_score,
                extra,
                bool(grade.needs_manual_grade),
            )
        )
        grade.auto_score, grade.manual_score, grade.needs_manual_grade = points, None, False
        if why == DROP:
            grade.extra_credit = None
    set_aside.lay(session, aside)


def _grades(book: Book, assignment: str) -> list[tuple[str, api.Grade]]:
    return [(row[0], row[2]) for row in book._rows(api.Grade, assignment, api.Grade)]
