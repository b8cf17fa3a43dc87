"""Takes one submission in: finds a student's notebook and reads the file safely.

Only regular files are read, no link is followed, sizes are capped before anything is held in
memory. What is taken from the notebook is the business of :mod:`gradekit.notebook`, which the local
check shares.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from autograder.assignments.source import Assignment
from autograder.assignments.versions import released_versions
from autograder.course import Course
from autograder.results import Rejected
from gradekit.notebook import (
    NotebookError,
    Submission,
    Versions,
    file_name_notes,
    parse,
    read_file,
    shown_names,
    take,
    with_files,
)
from gradekit.text import one_line

_REASON_CHARS = 190


UNREADABLE = ".unreadable"
"""A file in place of a notebook that did not come whole out of a download: it says why."""
_MARK_BYTES = 1_000


def read_submission(course: Course, assignment: Assignment, student: str) -> Submission | Rejected:
    """Read a student's submission; what can't be read comes back as Rejected, never raised."""
    folder = course.submitted / student / assignment.name
    if folder.parent.is_symlink():
        return _rejected(assignment, student, "unreadable", "the folder is a link")
    versions = released_versions(course, assignment.name)
    return read_folder(folder, assignment, student, versions)


def read_folder(
    folder: Path, assignment: Assignment, student: str, versions: Versions | None = None
) -> Submission | Rejected:
    """The same of a folder that holds a student's work on the assignment.

    ``versions``: what students were given earlier.
    """
    wanted = f"{assignment.name}.ipynb"
    try:
        if folder.is_symlink():
            raise NotebookError("the folder is a link")
        if not folder.is_dir():
            return _rejected(assignment, student, "missing", "nothing handed in")
        notes: tuple[str, ...] = ()
        path = folder / wanted
        if not os.path.lexists(path):
            found = sorted(p.name for p in folder.iterdir() if p.suffix.lower() == ".ipynb")
            if not found:
                return _without_notebook(folder, assignment, student)
            if len(found) > 1:
                raise NotebookError(f"found {shown_names(found)}, wanted {wanted}")
            path = folder / found[0]
            notes = file_name_notes(path.name, assignment.name)
        notebook = parse(read_file(path))
        submission = take(
            notebook, assignment.description, student=student, notes=notes, versions=versions
        )
        return with_files(submission, folder)
    except NotebookError as error:
        return _rejected(assignment, student, "unreadable", str(error))
    except OSError as error:
        return _rejected(assignment, student, "unreadable", f"{wanted}: {error.strerror or error}")


def _without_notebook(folder: Path, assignment: Assignment, student: str) -> Rejected:
    mark = folder / UNREADABLE
    if os.path.lexists(mark):
        reason = read_file(mark, _MARK_BYTES).decode("utf-8", "replace")
        return _rejected(assignment, student, "unreadable", reason)
    names = sorted(p.name for p in folder.iterdir() if p.name[0] != ".")
    reason = f"found {shown_names(names) or 'nothing'}, wanted {assignment.name}.ipynb"
    return _rejected(assignment, student, "missing", reason)


def _rejected(
    assignment: Assignment,
    student: str,
    outcome: Literal["unreadable", "missing"],
    reason: str,
) -> Rejected:
    return Rejected(student, assignment.name, outcome, one_line(reason, _REASON_CHARS))
