"""Feedback pages: one self-contained HTML file per student and assignment, and an index.

A page shows the tests' names, points and the authors' messages, never a test's source, its values
or a traceback. Messages and notes can hold text of the student's: everything is escaped and capped,
what can't be seen is replaced by a mark, and the page forbids scripts.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from autograder.assignments.questions import Question
from autograder.assignments.source import Assignment
from autograder.course import Course
from autograder.reports.counting import settle
from autograder.reports.gradebook import Book, Entry
from autograder.reports.stale import require_current
from autograder.results import UNSAFE, Result, TestResult, write_atomically
from gradekit.notebook import Cell
from gradekit.text import one_line, visible

# From feedback/STUDENT/ASSIGNMENT/ in a course folder under _build to the book beside it.
_BESIDE = "../../../../html/"
# Characters of a message; the shorter ones when the page would be too big with the first.
_MESSAGE_CHARS = (1_000, 200, 0)
_COMMENT_CHARS = 10_000  # written by a person who marks: not shortened
_NOTES, _NOTE_CHARS = 20, 300
_PAGE_BYTES = 300_000


_BANNER = UNSAFE.capitalize()


def default_book_url(course: Course) -> str:
    """The book beside the course folder, as a feedback page sees it; empty if there is none."""
    beside = course.root.resolve().parent / "html" / "index.html"
    return _BESIDE if beside.is_file() else ""


@dataclass(frozen=True)
class _Line:
    """One test, one manual mark, or a person's words on another cell, on a page."""

    name: str
    state: str  # passed, failed, waiting, marked, set, given, dropped, said
    score: str
    points: int
    message: str
    hidden: bool = False
    comment: str = ""
    bonus: bool = False


@dataclass(frozen=True)
class _Block:
    """A question on a page."""

    key: str
    title: str
    link: str
    score: str
    points: int
    lines: tuple[_Line, ...]
    misconception: str

    @property
    def failed(self) -> bool:
        return any(line.state == "failed" for line in self.lines)


def write_feedback(course: Course, assignments: Sequence[Assignment], book_url: str) -> int:
    """Write every student's page and the index; returns the number of pages."""
    environment = Environment(
        loader=PackageLoader("autograder.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page, index = (environment.get_template(name) for name in ("page.html", "index.html"))
    book_url = book_url.rstrip("/") + "/" if book_url else ""
    rows = []
    students = require_current(course, assignments)
    with Book(course) as book:
        for assignment in assignments:
            settle(book, course, assignment)
            entries = book.require_marks(course, assignment.name)
            comments = book.comments(assignment.name)
            for student in students[assignment.name]:
                stored = course.results.load(assignment.name, student)
                if stored is None:
                    continue
                result, marks = stored[1], entries.get(student, {})
                known = result.outcome != "not graded"
                score = sum(entry.score for entry in marks.values()) if known else 0.0
                status = result.status(awaiting=any(e.awaiting for e in marks.values()))
                facts = {
                    "student": visible(student, _NOTE_CHARS),
                    "assignment": assignment,
                    "score": f"{score:g}" if known else "",
                    "status": one_line(status, _NOTE_CHARS),
                    "banner": "" if result.sandboxed else _BANNER,
                }
                path = _path(course, assignment.name, student)
                said = comments.get(student, {})
                for limit in _MESSAGE_CHARS:
                    blocks = _blocks(assignment, result, marks, said, book_url, limit)
                    others = _other_comments(assignment, said)
                    text = page.render(**facts, blocks=blocks, notes=_notes(result), others=others)
                    if len(text.encode()) <= _PAGE_BYTES:
                        break
                write_atomically(path, text)
                place = path.relative_to(course.feedback).as_posix()
                rows.append(facts | {"link": quote(os.fsencode(place))})
    rows.sort(key=lambda row: (str(row["student"]), str(row["link"])))
    banner = _BANNER if any(row["banner"] for row in rows) else ""
    text = index.render(rows=rows, banner=banner)
    write_atomically(course.feedback / "index.html", text)
    return len(rows)


def _notes(result: Result) -> list[str]:
    notes = [visible(note, _NOTE_CHARS) for note in result.notes[:_NOTES]]
    more = len(result.notes) - len(notes)
    return [*notes, f"And {more} more."] if more else notes


def _path(course: Course, assignment: str, student: str) -> Path:
    return course.feedback / student / assignment / f"{assignment}.html"


def _blocks(
    assignment: Assignment,
    result: Result,
    marks: dict[str, Entry],
    comments: dict[str, str],
    book_url: str,
    limit: int,
) -> list[_Block]:
    tests = {test.grade_id: test for test in result.tests}
    blocks = []
    for question in assignment.questions:
        cells = [cell for cell in assignment.cells if cell.question == question.key]
        lines = tuple(
            _line(assignment, cell, tests.get(cell.grade_id), marks.get(cell.grade_id), said, limit)
            for cell in cells
            if (said := _words(comments.get(cell.grade_id))) or cell.grade_id in assignment.points
        )
        score = sum(marks[cell.grade_id].score for cell in cells if cell.grade_id in marks)
        blocks.append(
            _Block(
                question.key,
                question.title,
                _link(question, book_url),
                f"{score:g}",
                sum(assignment.counted.get(cell.grade_id, 0) for cell in cells),
                lines,
                visible(result.misconceptions.get(question.key, ""), _MESSAGE_CHARS[0]),
            )
        )
    return blocks


def _other_comments(assignment: Assignment, comments: dict[str, str]) -> list[tuple[str, str]]:
    """Comments on cells that belong to no question any more, with the cells' names."""
    keys = {question.key for question in assignment.questions}
    here = {cell.grade_id for cell in assignment.cells if cell.question in keys}
    return [
        (one_line(name, _NOTE_CHARS), _words(text))
        for name, text in sorted(comments.items())
        if name not in here
    ]


def _words(comment: str | None) -> str:
    return visible((comment or "").strip(), _COMMENT_CHARS)


def _link(question: Question, book_url: str) -> str:
    return book_url + question.section if book_url and question.section else ""


def _line(
    assignment: Assignment,
    cell: Cell,
    test: TestResult | None,
    mark: Entry | None,
    comment: str,
    limit: int,
) -> _Line:
    """A graded cell, or a person's words on one that is not; both where there are both."""
    name = cell.grade_id
    if name not in assignment.points:
        return _Line(_spoken(cell), "said", "", 0, "", comment=comment)
    if name in assignment.drop:
        return _Line(_spoken(cell), "dropped", "", 0, "", cell.hidden, comment)
    if name in assignment.points_for_all and mark and mark.manual is None and mark.score:
        return _Line(
            _spoken(cell), "given", f"{mark.score:g}", cell.points, "", cell.hidden, comment
        )
    by_test = cell.role == "test"
    line = _test_line(cell, test, mark, limit) if by_test else _manual_line(cell, mark)
    return replace(line, comment=comment, bonus=name in assignment.bonus)


def _test_line(cell: Cell, test: TestResult | None, mark: Entry | None, limit: int) -> _Line:
    if mark and mark.manual is not None:  # what the test said may be wrong: a person overrode it
        return _Line(_spoken(cell), "set", f"{mark.score:g}", cell.points, "", cell.hidden)
    if test is None:
        return _Line(_spoken(cell), "failed", "0", cell.points, "Not run.", cell.hidden)
    score = f"{mark.score if mark else test.points:g}"
    state = "passed" if test.passed else "failed"
    message = visible(test.message, limit) if limit else ""
    return _Line(_spoken(cell), state, score, cell.points, message, cell.hidden)


def _manual_line(cell: Cell, mark: Entry | None) -> _Line:
    if mark and mark.awaiting and mark.manual is None:
        return _Line(_spoken(cell), "waiting", "", cell.points, "Waits to be marked by a person.")
    if mark and mark.awaiting:
        again = "A person will look at it again."
        return _Line(_spoken(cell), "marked", f"{mark.score:g}", cell.points, again)
    if mark and (mark.manual is not None or mark.score):
        return _Line(_spoken(cell), "marked", f"{mark.score:g}", cell.points, "")
    return _Line(_spoken(cell), "failed", "0", cell.points, "No answer was handed in.")


def _spoken(cell: Cell) -> str:
    """q1_zero_mean_visible -> zero mean."""
    name = cell.grade_id.partition("_")[2] or cell.grade_id
    return name.removesuffix("_visible").removesuffix("_hidden").replace("_", " ")
