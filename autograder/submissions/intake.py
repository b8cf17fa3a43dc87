"""Takes one submission in: finds a student's notebook and reads the file safely.

Only regular files are read, no link is followed, sizes are capped before anything is held in
memory. What is taken from the notebook is the business of :mod:`gradekit.notebook`, which the local
check shares.
"""

from __future__ import annotations

import os
from typing import Literal

from autograder.assignments.source import Assignment
from autograder.course import Course
from autograder.results import Rejected
from gradekit.notebook import (
    NotebookError,
    Submission,
    file_name_notes,
    parse,
    read_file,
    shown_names,
    take,
    with_files,
)
from gradekit.text import one_line

_REASON_CHARS = 190


def read_submission(course: Course, assignment: Assignment, student: str) -> Submission | Rejected:
    """Read a student's submission; what can't be read comes back as Rejected, never raised."""

    def rejected(outcome: Literal["unreadable", "missing"], reason: str) -> Rejected:
        return Rejected(student, assignment.name, outcome, one_line(reason, _REASON_CHARS))

    folder = course.submitted / student / assignment.name
    wanted = f"{assignment.name}.ipynb"
    try:
        if folder.is_symlink() or folder.parent.is_symlink():
            raise NotebookError("the folder is a link")
        if not folder.is_dir():
            return rejected("missing", "nothing handed in")
        notes: tuple[str, ...] = ()
        path = folder / wanted
        if not os.path.lexists(path):
            found = sorted(p.name for p in folder.iterdir() if p.suffix.lower() == ".ipynb")
            if not found:
                others = shown_names(sorted(p.name for p in folder.iterdir())) or "nothing"
                return rejected("missing", f"found {others}, wanted {wanted}")
            if len(found) > 1:
                raise NotebookError(f"found {shown_names(found)}, wanted {wanted}")
            path = folder / found[0]
            notes = file_name_notes(path.name, assignment.name)
        notebook = parse(read_file(path))
        submission = take(notebook, assignment.description, student=student, notes=notes)
        return with_files(submission, folder)
    except NotebookError as error:
        return rejected("unreadable", str(error))
    except OSError as error:
        return rejected("unreadable", f"{wanted}: {error.strerror or error}")
