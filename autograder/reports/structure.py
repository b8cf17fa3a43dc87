"""The cells that the gradebook knows of an assignment, changed without losing a mark.

nbgrader itself can't add or remove cells of an assignment that has recorded submissions. Here every
cell that stays keeps its marks and comments; what a person gave for one that goes is laid aside,
and is there again when the cell comes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nbgrader import api
from nbgrader.api import MissingEntry

from autograder.reports import set_aside
from autograder.reports.gradebook import Book
from autograder.reports.set_aside import GONE, Aside


@dataclass(frozen=True)
class Structure:
    """An assignment's cells as nbgrader's release writes them, each kind by name.

    Parameters
    ----------
    kernelspec : JSON.
    graded : points and type of each cell.
    answers : names of the cells that students write in.
    sources : type, lock, text and checksum of each cell.
    """

    kernelspec: str
    graded: Mapping[str, Mapping[str, Any]]
    answers: frozenset[str]
    sources: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Reshaped:
    """What became of marks given by hand.

    Parameters
    ----------
    marks, comments : of cells that are gone, how many were laid aside, by cell.
    above : by cell whose points have changed, the students and marks above what it gives now.
    """

    marks: Mapping[str, int] = field(default_factory=dict)
    comments: Mapping[str, int] = field(default_factory=dict)
    above: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def read_structure(book: Book, assignment: str) -> Structure:
    """An assignment's cells in a gradebook that nbgrader's release has filled."""
    notebook = book._book.find_notebook(assignment, assignment)
    parts = ("cell_type", "locked", "source", "checksum")
    return Structure(
        notebook.kernelspec,
        {
            cell.name: {"max_score": cell.max_score, "cell_type": cell.cell_type}
            for cell in notebook.grade_cells
        },
        frozenset(cell.name for cell in notebook.solution_cells),
        {
            cell.name: {part: getattr(cell, part) for part in parts}
            for cell in notebook.source_cells
        },
    )


def has_marks(book: Book, assignment: str) -> bool:
    """Whether anyone's marks of an assignment are recorded."""
    notebook = _notebook(book, assignment)
    return notebook is not None and len(notebook.submissions) > 0


def changes(book: Book, assignment: str, wanted: Structure) -> bool:
    """Whether cells are to be added or removed, or give other points."""
    notebook = _notebook(book, assignment)
    if notebook is None:
        return True
    now = {cell.name: cell.max_score for cell in notebook.grade_cells}
    then = {name: facts["max_score"] for name, facts in wanted.graded.items()}
    answers = {cell.name for cell in notebook.solution_cells}
    return now != then or answers != wanted.answers


def reshape(book: Book, assignment: str, wanted: Structure) -> Reshaped:
    """Give an assignment these cells, in one transaction.

    Where cells or points change, no setting may be in force (:mod:`autograder.reports.counting`).
    """
    session = book.session
    notebook = _notebook(book, assignment)
    if notebook is None:
        notebook = _new_notebook(book, assignment)
    notebook.kernelspec = wanted.kernelspec
    before = {cell.name: cell.max_score for cell in notebook.grade_cells}
    marks, comments = _lay_aside(session, assignment, notebook, wanted)
    _keep(session, notebook, api.GradeCell, notebook.grade_cells, wanted.graded)
    answers: dict[str, dict[str, Any]] = {name: {} for name in wanted.answers}
    _keep(session, notebook, api.SolutionCell, notebook.solution_cells, answers)
    _keep(session, notebook, api.TaskCell, notebook.task_cells, {})
    _keep(session, notebook, api.SourceCell, notebook.source_cells, wanted.sources)
    session.flush()
    session.expire_all()
    _fill(session, notebook)
    session.flush()
    _lay_back(session, assignment, notebook)
    session.commit()
    changed = {n for n, facts in wanted.graded.items() if before.get(n, -1) != facts["max_score"]}
    above: dict[str, dict[str, float]] = {}
    for student, entries in book.entries(assignment).items():
        for name in changed & set(entries):
            manual = entries[name].manual
            if manual is not None and manual > wanted.graded[name]["max_score"]:
                above.setdefault(name, {})[student] = manual
    return Reshaped(marks, comments, above)


def _notebook(book: Book, assignment: str) -> Any | None:
    try:
        return book._book.find_notebook(assignment, assignment)
    except MissingEntry:
        return None


def _new_notebook(book: Book, assignment: str) -> Any:
    found = book._book.update_or_create_assignment(assignment)
    notebook = api.Notebook(name=assignment, assignment=found)
    book.session.add(notebook)
    for submission in found.submissions:
        api.SubmittedNotebook(notebook=notebook, assignment=submission)
    return notebook


def _lay_aside(
    session: Any, assignment: str, notebook: Any, wanted: Structure
) -> tuple[dict[str, int], dict[str, int]]:
    """What a person gave for cells that go, laid aside; marks and comments counted by cell."""
    kept: dict[tuple[str, str], dict[str, Any]] = {}
    marks: dict[str, int] = {}
    comments: dict[str, int] = {}
    for submission in notebook.submissions:
        student = submission.student.id
        for grade in submission.grades:
            given = grade.manual_score is not None or grade.extra_credit
            if given and grade.name not in wanted.graded:
                values = {"manual": grade.manual_score, "extra": grade.extra_credit}
                kept.setdefault((student, grade.name), {}).update(values)
                marks[grade.name] = marks.get(grade.name, 0) + 1
        for comment in submission.comments:
            if comment.manual_comment and comment.name not in wanted.answers:
                text = comment.manual_comment
                kept.setdefault((student, comment.name), {})["comment"] = text
                comments[comment.name] = comments.get(comment.name, 0) + 1
    set_aside.lay(
        session,
        [Aside(assignment, *key, why=GONE, **values) for key, values in kept.items()],
    )
    return marks, comments


def _keep(
    session: Any, notebook: Any, kind: Any, cells: Any, wanted: Mapping[str, Mapping[str, Any]]
) -> None:
    """Of one kind of cell, those that are wanted, with these facts."""
    there = {cell.name: cell for cell in cells}
    for name, cell in there.items():
        if name in wanted:
            continue
        if kind is not api.SourceCell:
            for table in (api.Grade, api.Comment):
                for row in session.query(table).filter(table.cell_id == cell.id):
                    session.delete(row)
            session.flush()
        session.delete(cell)
    for name, facts in wanted.items():
        if name not in there:
            session.add(kind(name=name, notebook=notebook, **facts))
            continue
        for key, value in facts.items():
            setattr(there[name], key, value)


def _fill(session: Any, notebook: Any) -> None:
    """A mark or comment, empty still, for each cell that a submission has none for."""
    for submission in notebook.submissions:
        marked = {grade.cell_id for grade in submission.grades}
        for cell in notebook.grade_cells:
            if cell.id not in marked:
                # Waiting for nobody: `grade` writes the mark, or says that a person must.
                session.add(
                    api.Grade(cell_id=cell.id, notebook=submission, needs_manual_grade=False)
                )
        commented = {comment.cell_id for comment in submission.comments}
        for cell in notebook.solution_cells:
            if cell.id not in commented:
                session.add(api.Comment(cell_id=cell.id, notebook=submission))


def _lay_back(session: Any, assignment: str, notebook: Any) -> None:
    """What was laid aside of cells that are there again."""
    rows = {
        (r.student, r.cell): r for r in set_aside.find(session, assignment=assignment, why=GONE)
    }
    if not rows:
        return
    session.expire_all()
    graded = {cell.name for cell in notebook.grade_cells}
    answers = {cell.name for cell in notebook.solution_cells}
    for submission in notebook.submissions:
        student = submission.student.id
        for grade in submission.grades:
            row = rows.get((student, grade.name))
            if row and grade.manual_score is None:
                grade.manual_score, grade.needs_manual_grade = row.manual, row.awaiting
            if row and not grade.extra_credit:
                grade.extra_credit = row.extra
        for comment in submission.comments:
            row = rows.get((student, comment.name))
            if row and row.comment and not comment.manual_comment:
                comment.manual_comment = row.comment
    for row in rows.values():
        marked = row.manual is not None or bool(row.extra)
        if (row.cell in graded or not marked) and (row.cell in answers or not row.comment):
            names = {"student": row.student, "cell": row.cell, "why": GONE}
            set_aside.drop(session, assignment=assignment, **names)
