"""From the source to what students get: nbgrader's own GenerateAssignment, then a leak check."""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from nbformat.v4 import new_code_cell, new_markdown_cell
from traitlets.config import Config

from autograder.assignments.source import Assignment, read_source
from autograder.assignments.versions import keep_version
from autograder.backups import changing
from autograder.course import Course
from autograder.errors import CourseError
from autograder.results import write_atomically
from gradekit import notebook as notebooks
from gradekit.text import one_line

_REGIONS = ("SOLUTION", "HIDDEN TESTS", "MARK SCHEME")


@dataclass(frozen=True)
class Released:
    """What releasing did.

    Parameters
    ----------
    made : False when everything was up to date.
    said : what became of marks given by hand, in sentences.
    """

    made: bool
    said: tuple[str, ...] = ()


def release(course: Course, assignment: Assignment) -> Released:
    """Make source/, release/ and the gradebook's entry.

    Marks given by hand and comments stay with the cells they were given for. Raises CourseError
    when nbgrader refuses the source, or when the release would leak.
    """
    if _is_current(course, assignment):
        return Released(made=False)
    keep_version(course, assignment.name)  # one that was released before versions were kept
    # From here on the released notebook is not what a stamp of before says.
    _stamp(course, assignment).unlink(missing_ok=True)
    notebook = read_source(assignment.folder / f"{assignment.name}.md")
    source = course.notebook("source", assignment.name)
    write_atomically(source, json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")
    released = course.notebook("release", assignment.name)
    with tempfile.TemporaryDirectory(prefix="release-") as folder:
        # The gradebook itself is changed only when all else is well, and by us: see reshape.
        scratch = Course(Path(folder))
        try:
            _generate(course, assignment.name, scratch)
            _describe(released, assignment)
            leaks = find_leaks(notebook.cells, _cells(released))
            if leaks:
                raise CourseError(
                    f"{assignment.name} was not released, because the students' notebook would "
                    f"still hold {leaks[0]!r}"
                    + (f" and {len(leaks) - 1} more such lines" if len(leaks) > 1 else "")
                )
        except CourseError:
            shutil.rmtree(released.parent, ignore_errors=True)
            raise
        keep_version(course, assignment.name)
        said = _change_gradebook(course, assignment, scratch)
    write_atomically(_stamp(course, assignment), _digest(assignment))
    return Released(made=True, said=said)


def is_released(course: Course, assignment: Assignment) -> bool:
    """Whether the assignment was ever released into the course."""
    return _stamp(course, assignment).is_file()


def require_release(course: Course, assignment: Assignment) -> None:
    """CourseError unless this very source was released into the course."""
    if not is_released(course, assignment):
        raise CourseError(
            f"{assignment.name} is not released in {course.root}; run `release` first"
        )
    course.require_gradebook()
    if not _is_current(course, assignment):
        raise CourseError(
            f"{assignment.name} has changed since it was released; run `release` again"
        )


def stub_answers(assignment: Assignment) -> dict[str, str]:
    """What the student finds in each answer cell (by nbgrader's ClearSolutions)."""
    from nbgrader.preprocessors import ClearSolutions

    clear, resources = ClearSolutions(), {"language": "python"}
    stubs = {}
    for cell in assignment.cells:
        if cell.answer:
            make: Any = new_code_cell if cell.kind == "code" else new_markdown_cell
            node = make(cell.source, metadata={"nbgrader": {"solution": True}})
            stubs[cell.grade_id] = str(clear.preprocess_cell(node, resources, 0)[0].source)
    return stubs


def find_leaks(source: Sequence[Any], released: Sequence[Any]) -> list[str]:
    """Lines of solutions, hidden tests and rubrics (and their marks) that the release still holds.

    A line that also stands in the open part of the source is no leak.
    """
    secret: set[str] = set()
    public: set[str] = set()
    for cell in source:
        meta = cell["metadata"].get("nbgrader", {})
        marked = any(f"BEGIN {name}" in cell["source"] for name in _REGIONS)
        inside = bool(meta.get("solution")) and not marked
        for line in map(str.strip, cell["source"].splitlines()):
            if any(f"BEGIN {name}" in line for name in _REGIONS):
                inside = True
            elif any(f"END {name}" in line for name in _REGIONS):
                inside = False
            else:
                (secret if inside else public).add(line)
    secret = {line for line in secret - public if len(line) > 3}  # ")" or "" tell nothing
    lines = [line.strip() for cell in released for line in cell["source"].splitlines()]
    marks = [f"{edge} {name}" for edge in ("BEGIN", "END") for name in _REGIONS]
    return [line for line in lines if line in secret or any(mark in line for mark in marks)]


def _describe(released: Path, assignment: Assignment) -> None:
    """Write into the released notebook's metadata what `python -m gradekit check` needs."""
    notebook = json.loads(released.read_text(encoding="utf-8"))
    notebook["metadata"][notebooks.KEY] = assignment.description.as_metadata()
    write_atomically(released, json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")


def _cells(path: Path) -> list[dict[str, Any]]:
    """All texts of a released notebook, those in its metadata too."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = [*notebook["cells"], *notebook["metadata"].get(notebooks.KEY, {}).get("cells", ())]
    return [{"source": "".join(cell["source"])} for cell in cells]


def _stamp(course: Course, assignment: Assignment) -> Path:
    return course.results.folder / f"{assignment.name}.released"


def _digest(assignment: Assignment) -> str:
    own = (Path(__file__), *sorted(Path(notebooks.__file__).parent.glob("*.py")))
    files = (assignment.folder / f"{assignment.name}.md", *own)
    metadata = json.dumps(assignment.description.as_metadata(), sort_keys=True).encode()
    return sha256(b"".join(file.read_bytes() for file in files) + metadata).hexdigest()


def _is_current(course: Course, assignment: Assignment) -> bool:
    stamp = _stamp(course, assignment)
    made = [course.notebook(step, assignment.name) for step in ("source", "release")]
    return all(path.is_file() for path in (stamp, course.db_path, *made)) and stamp.read_text(
        encoding="utf-8"
    ) == _digest(assignment)


def _change_gradebook(course: Course, assignment: Assignment, scratch: Course) -> tuple[str, ...]:
    """Have the gradebook know the cells of a release; says what became of marks given by hand."""
    # Late, like all of nbgrader: it takes two seconds to import.
    from autograder.reports.counting import as_earned, settle
    from autograder.reports.gradebook import Book
    from autograder.reports.structure import changes, has_marks, read_structure, reshape

    name = assignment.name
    with Book(scratch) as made:
        wanted = read_structure(made, name)
    with Book(course) as book:
        if not has_marks(book, name) or not changes(book, name, wanted):
            reshape(book, name, wanted)
            settle(book, course, assignment)
            return ()
    with (
        changing(course, f"release-{name}", f"release {name}") as backup,
        Book(course) as book,
        as_earned(book, course, assignment),
    ):
        done = reshape(book, name, wanted)
    place = backup.relative_to(course.root)
    kept = [
        f"{_count(number, what)} of {cell}, which is no longer there, "
        f"{'is' if number == 1 else 'are'} kept in {place}, and come back with the cell"
        for what, by_cell in (("mark by hand", done.marks), ("comment", done.comments))
        for cell, number in by_cell.items()
    ]
    return (*kept, *(_above(assignment, cell, marks) for cell, marks in done.above.items()))


def _count(number: int, what: str) -> str:
    first, _, rest = what.partition(" ")
    plural = "" if number == 1 else "s"
    return " ".join(filter(None, (str(number), first + plural, rest)))


def _above(assignment: Assignment, cell: str, marks: Mapping[str, float]) -> str:
    some = [f"{one_line(student, 60)} {mark:g}" for student, mark in sorted(marks.items())]
    more = f" and {len(some) - 5} more" if len(some) > 5 else ""
    return (
        f"{cell} now gives {assignment.points[cell]} points, and these marks by hand are above "
        f"that and stay as they are: {', '.join(some[:5])}{more}"
    )


class _Messages(logging.Handler):
    """Keeps what nbgrader logs, to quote it when it fails."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += [line for line in record.getMessage().splitlines() if line.strip()]


def _generate(course: Course, name: str, scratch: Course) -> None:
    """nbgrader's own release, with the gradebook of a scratch course."""
    from nbgrader.converters import GenerateAssignment
    from nbgrader.converters.base import NbGraderException
    from nbgrader.coursedir import CourseDirectory
    from traitlets.log import get_logger

    from autograder.reports.gradebook import Book

    config = Config()
    config.CourseDirectory.root = str(course.root.resolve())
    config.CourseDirectory.assignment_id = name
    config.CourseDirectory.db_url = scratch.db_url
    config.BaseConverter.force = True
    with Book(scratch):
        pass  # made by us: nbgrader by itself needs its programs on the path
    messages, logger = _Messages(), logging.getLogger(get_logger().name)
    others, logger.handlers = logger.handlers, [messages]
    propagate, logger.propagate = logger.propagate, False
    try:
        directory = CourseDirectory(config=config)
        GenerateAssignment(coursedir=directory, config=config).start()
    except NbGraderException as error:
        reasons = [line for line in messages.lines if "Error: " in line] or messages.lines
        reason = reasons[-1] if reasons else str(error)
        raise CourseError(f"nbgrader could not make the release of {name}: {reason}") from error
    finally:
        logger.handlers, logger.propagate = others, propagate
