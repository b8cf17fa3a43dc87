"""Gives the marks of one student to another, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbgrader import api
from nbgrader.api import MissingEntry

from autograder.reports import set_aside
from autograder.reports.counting import unsettle
from autograder.reports.gradebook import Book

Texts = Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]]
"""By assignment: hashes of the answers by hand of the one student, and of the other."""


def hand_over(book: Book, old: str, new: str) -> None:
    """Give a student another name."""
    session = book.session
    before = _student(book, old)
    if before is not None:
        facts = ("first_name", "last_name", "email", "lms_user_id")
        after = api.Student(id=new, **{name: getattr(before, name) for name in facts})
        session.add(after)
        for submission in list(before.submissions):
            submission.student = after
        session.flush()
        session.expire(before)
        session.delete(before)
    set_aside.hand_over(session, old, new)
    session.commit()


def join(book: Book, gone: str, into: str, counts: Mapping[str, str], texts: Texts) -> list[str]:
    """Give one student's marks to another who may have marks too.

    Returns, in sentences, what of the first was not taken because the other has it already. A mark
    of a text that is not the one that counts is put up for review.

    Parameters
    ----------
    book : settings are taken out of force in it.
    gone, into : the students.
    counts : by assignment, whose automatic marks count.
    texts : of both, to see whether a marked text is the one that counts.
    """
    session = book.session
    for name in book.assignments():
        unsettle(book, name)
    session.flush()
    first = _student(book, gone)
    if first is None:
        session.commit()
        return []
    second = _student(book, into)
    if second is None:
        hand_over(book, gone, into)
        return []
    conflicts: list[str] = []
    for submission in list(first.submissions):
        name = submission.assignment.name
        other = next((s for s in second.submissions if s.assignment.name == name), None)
        if other is None:
            submission.student = second
            continue
        one = book._book.find_submission_notebook(name, name, gone)
        two = book._book.find_submission_notebook(name, name, into)
        theirs_counts = counts.get(name, into) == gone
        if theirs_counts:
            other.timestamp, other.extension = submission.timestamp, submission.extension
        hashes = texts.get(name, ({}, {}))
        same = {cell for cell, text in hashes[0].items() if hashes[1].get(cell) == text}
        conflicts += [
            f"{name}: {what}" for what in _join(session, one, two, gone, into, theirs_counts, same)
        ]
        session.delete(submission)
    session.flush()
    session.expire(first)
    session.delete(first)
    set_aside.hand_over(session, gone, into)
    session.commit()
    return conflicts


def _join(
    session: Any, one: Any, two: Any, gone: str, into: str, theirs: bool, same: set[str]
) -> list[str]:
    """Give the marks of one notebook to another; ``theirs``: the first one's text counts."""
    conflicts = []
    firsts = {grade.cell_id: grade for grade in one.grades}
    for grade in two.grades:
        first = firsts.get(grade.cell_id)
        if first is None:
            continue
        by_ours = grade.manual_score is not None
        by_theirs = first.manual_score is not None
        if by_ours and by_theirs and grade.manual_score != first.manual_score:
            conflicts.append(
                f"{grade.name}: {grade.manual_score:g} of {into} was kept, "
                f"{first.manual_score:g} of {gone} was not"
            )
        if grade.extra_credit and first.extra_credit and grade.extra_credit != first.extra_credit:
            conflicts.append(
                f"{grade.name}: extra credit {grade.extra_credit:g} of {into} was kept, "
                f"{first.extra_credit:g} of {gone} was not"
            )
        counting = first if theirs else grade
        auto, awaiting = counting.auto_score, bool(counting.needs_manual_grade)
        if by_ours or by_theirs:
            marked = grade if by_ours else first
            changed = first.auto_score != grade.auto_score or (
                first.auto_score is None and grade.name not in same
            )
            awaiting = bool(marked.needs_manual_grade) or (marked is not counting and changed)
            grade.manual_score = marked.manual_score
        grade.auto_score, grade.needs_manual_grade = auto, awaiting
        grade.extra_credit = grade.extra_credit or first.extra_credit
    comments = {comment.cell_id: comment for comment in one.comments}
    for comment in two.comments:
        other = comments.get(comment.cell_id)
        if other is None:
            continue
        if theirs:
            comment.auto_comment = other.auto_comment
        if comment.manual_comment and other.manual_comment:
            if comment.manual_comment != other.manual_comment:
                conflicts.append(f"{comment.name}: the comment of {into} was kept, not {gone}'s")
        else:
            comment.manual_comment = comment.manual_comment or other.manual_comment
    for row in (*one.grades, *one.comments):
        session.delete(row)
    session.delete(one)
    return conflicts


def _student(book: Book, name: str) -> Any | None:
    try:
        return book._book.find_student(name)
    except MissingEntry:
        return None
