"""The one writer into nbgrader's gradebook.

Marks given by hand (formgrader) are never overwritten; a cell is put up for review again when the
text that was marked has changed.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nbgrader
from alembic.script import ScriptDirectory
from nbgrader import api
from nbgrader.api import Gradebook, InvalidEntry
from sqlalchemy import create_engine, inspect
from sqlalchemy.exc import SAWarning, SQLAlchemyError
from sqlalchemy.orm import joinedload

from autograder.course import Course
from autograder.errors import CourseError
from autograder.reports import set_aside
from autograder.words import counted

_HEADER = 100  # bytes at the start of every SQLite file; of a shorter one it makes an empty one
LOCK_SECONDS = 30.0  # how long another program may keep the gradebook locked

_TROUBLES = {  # what SQLite says, and what that means for whoever runs us
    "database is locked": "is locked by another program; let that finish, or close it",
    "database or disk is full": "can't be written: the disk is full; make room",
    "disk I/O error": "can't be read or written (disk I/O error); see to the disk",
    "readonly database": "can't be written: it is read-only; give yourself the right to write it",
    "unable to open database file": "can't be opened; see to it and its folder",
    "file is not a database": "is damaged: it is no SQLite file; put a copy of yours in its place",
    "database disk image is malformed": "is damaged; put a copy of yours in its place",
}


@dataclass(frozen=True)
class Entry:
    """What the gradebook holds for one graded cell of one student."""

    auto: float | None
    manual: float | None
    score: float
    awaiting: bool
    extra: float | None = None

    @property
    def by_hand(self) -> bool:
        """Whether a person gave it, or something on top of it."""
        return self.manual is not None or bool(self.extra)


class Book:
    """An open gradebook; use it in a with statement."""

    def __init__(self, course: Course) -> None:
        course.root.mkdir(parents=True, exist_ok=True)
        self._path = course.db_path
        new = not self._path.exists()
        if (
            not new
            and self._path.stat().st_size < _HEADER
            and any(course.results.folder.glob("*/*.json"))
        ):
            raise CourseError(
                f"the gradebook {self._path} is damaged: it is empty; put a copy of yours in its "
                "place, or delete it and run `release` and `grade`"
            )
        try:
            url = f"{course.db_url}?timeout={LOCK_SECONDS}"
            _make(url)
            self._book: Any = Gradebook(url)
            set_aside.make_table(self.session)
        except BaseException as error:
            if new:  # half made
                self._path.unlink(missing_ok=True)
            self._explain(error)
            raise

    @property
    def session(self) -> Any:
        """SQLAlchemy's, for the modules beside this one that write marks too."""
        return self._book.db

    def __enter__(self) -> Book:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._book.close()
        self._explain(error)

    def _explain(self, error: BaseException | None) -> None:
        """Raise what SQLite could not do as one sentence; nbgrader turns some into InvalidEntry."""
        if isinstance(error, (SQLAlchemyError, InvalidEntry)):
            for said, trouble in _TROUBLES.items():
                if said in str(error):
                    raise CourseError(
                        f"the gradebook {self._path} {trouble}, then run the same command again"
                    ) from error

    def _rows(self, table: Any, assignment: str, *columns: Any) -> list[Any]:
        """Rows of a table of graded cells or comments, with the student's and the cell's name."""
        query = (
            self._book.db.query(api.Student.id, api.BaseCell.name, *columns)
            .select_from(table)
            .join(api.BaseCell, table.cell_id == api.BaseCell.id)
            .join(api.SubmittedNotebook, table.notebook_id == api.SubmittedNotebook.id)
            .join(
                api.SubmittedAssignment,
                api.SubmittedNotebook.assignment_id == api.SubmittedAssignment.id,
            )
            .join(api.Student, api.SubmittedAssignment.student_id == api.Student.id)
            .join(api.Assignment, api.SubmittedAssignment.assignment_id == api.Assignment.id)
            .filter(api.Assignment.name == assignment)
        )
        return list(query.all())

    def entries(self, assignment: str) -> dict[str, dict[str, Entry]]:
        """Every mark of an assignment, by student and grade_id."""
        grade = api.Grade
        rows = self._rows(
            grade,
            assignment,
            grade.auto_score,
            grade.manual_score,
            grade.score,
            grade.needs_manual_grade,
            grade.extra_credit,
        )
        found: dict[str, dict[str, Entry]] = {}
        for student, cell, *values in rows:
            found.setdefault(student, {})[cell] = Entry(*values)
        return found

    def require_marks(self, course: Course, assignment: str) -> dict[str, dict[str, Entry]]:
        """The entries; CourseError where they hold nothing of students who were graded.

        As when the gradebook was lost, emptied or begun anew: nobody gets a zero for that.
        """
        found = self.entries(assignment)
        lost = [
            student
            for student in course.results.students(assignment)
            if student not in found
            and (stored := course.results.load(assignment, student))
            and stored[1].outcome == "complete"
        ]
        if lost:
            raise CourseError(
                f"the gradebook {course.db_path} holds no marks of "
                f"{counted(len(lost), 'student')} graded in {assignment}; put a copy of yours in "
                "its place, or run `release` and `grade`, and `restore` for marks given by hand"
            )
        return found

    def comments(self, assignment: str) -> dict[str, dict[str, str]]:
        """Every comment written by hand, by student and grade_id, of cells that are gone too."""
        found: dict[str, dict[str, str]] = {}
        aside = set_aside.find(self.session, assignment=assignment)
        rows = [(row.student, row.cell, row.comment) for row in aside]
        rows += self._rows(api.Comment, assignment, api.Comment.manual_comment)
        for student, cell, text in rows:
            if text:
                found.setdefault(student, {})[cell] = text
        return found

    def record(
        self,
        student: str,
        assignment: str,
        marks: Mapping[str, float | None],
        changed: Set[str] = frozenset(),
    ) -> None:
        """Write a student's automatic marks in one transaction; None: to be marked by hand.

        ``changed`` names the manual cells whose text is not the one that was marked before.
        """
        self.add_submission(student, assignment)
        notebook = self._book.find_submission_notebook(assignment, assignment, student).id
        for grade in self._of_cells(api.Grade, notebook):
            mark = marks[grade.name]
            marked = grade.manual_score is not None
            review = grade.name in changed or (mark is not None and mark != grade.auto_score)
            if marked:  # a person's mark stands, but the person should look again
                grade.needs_manual_grade = bool(grade.needs_manual_grade) or review
            else:
                grade.needs_manual_grade = mark is None
            grade.auto_score = mark
        for comment in self._of_cells(api.Comment, notebook):
            if comment.name in marks:
                empty = marks[comment.name] is not None
                comment.auto_comment = "No response." if empty else None
        self._book.db.commit()

    def _of_cells(self, table: Any, notebook: str) -> list[Any]:
        """Grades or comments of a submitted notebook; their cells, for the names, come at once."""
        query = self.session.query(table).filter(table.notebook_id == notebook)
        return list(query.options(joinedload(table.cell)).all())

    def max_score(self, assignment: str) -> float:
        """What nbgrader says that an assignment gives at most."""
        return float(self._book.find_assignment(assignment).max_score)

    def add_student(self, student: str) -> None:
        """Have the gradebook know a student."""
        with _raised_not_logged():
            self._book.update_or_create_student(student)

    def add_submission(self, student: str, assignment: str) -> None:
        """Have the gradebook hold a mark, empty still, for each cell of a student's submission."""
        self.add_student(student)
        with warnings.catch_warnings(), _raised_not_logged():
            warnings.simplefilter("ignore", SAWarning)  # nbgrader under SQLAlchemy 2.1: noise
            self._book.update_or_create_submission(assignment, student)

    def students(self) -> set[str]:
        """Everyone the gradebook knows."""
        return {student.id for student in self._book.students}

    def assignments(self) -> list[str]:
        """Names of the assignments the gradebook knows."""
        return [assignment.name for assignment in self._book.assignments]

    def drop(self, student: str) -> None:
        """Remove a student with all marks, if the gradebook has them."""
        set_aside.drop(self.session, student=student)
        if student in self.students():
            self._book.remove_student(student)
        self.session.commit()


@contextlib.contextmanager
def _raised_not_logged() -> Iterator[None]:
    """nbgrader logs a database error with its traceback, then raises it: the latter is enough."""
    log = logging.getLogger("tornado.application")
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before


def _make(db_url: str) -> None:
    """The tables of a gradebook that has none, as nbgrader makes them.

    It would start a program to number them, by a name that need not be on the PATH.
    """
    engine = create_engine(db_url)
    numbers = "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"
    try:
        if inspect(engine).get_table_names():
            return
        with engine.begin() as connection:
            api.Base.metadata.create_all(connection)
            connection.exec_driver_sql(numbers)
            connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (_version(),))
    finally:
        engine.dispose()


@cache
def _version() -> str | None:
    """The newest of the migrations that nbgrader brings: its gradebooks' version."""
    return ScriptDirectory(str(Path(nbgrader.__file__).parent / "alembic")).get_current_head()


def in_step(entries: Mapping[str, Entry] | None, marks: Mapping[str, float | None]) -> bool:
    """Whether the gradebook already holds exactly these automatic marks."""
    if entries is None or set(entries) != set(marks):
        return False
    return all(
        entries[name].auto == mark
        and (mark is not None or entries[name].manual is not None or entries[name].awaiting)
        for name, mark in marks.items()
    )
