"""Takes one submission in: finds a student's notebook and reads the file safely.

Only regular files are read, no link is followed, sizes are capped before anything is held in
memory. What is taken from the notebook is the business of :mod:`gradekit.notebook`, which the local
check shares.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Literal

from autograder.assignments.source import Assignment
from autograder.assignments.versions import released_versions
from autograder.course import Course
from autograder.results import Rejected
from gradekit.notebook import (
    NotebookError,
    Submission,
    file_name_notes,
    parse,
    reading,
    shown_names,
    take,
)
from gradekit.text import one_line

# No link is followed and no named pipe waited for (Windows has none of these flags).
_FLAGS = os.O_RDONLY
for _name in ("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"):
    _FLAGS |= getattr(os, _name, 0)
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
        versions = released_versions(course, assignment.name)
        return take(
            notebook, assignment.description, student=student, notes=notes, versions=versions
        )
    except NotebookError as error:
        return rejected("unreadable", str(error))
    except OSError as error:
        return rejected("unreadable", f"{wanted}: {error.strerror or error}")


def read_file(path: Path) -> bytes:
    """Bytes of a regular file, without following a link; NotebookError says why there are none."""
    name = shown_names([path.name])
    before = os.lstat(path)  # first: opening a device can have effects of its own
    if stat.S_ISLNK(before.st_mode):
        raise NotebookError(f"{name} is a link, not a file")
    if not stat.S_ISREG(before.st_mode):
        raise NotebookError(f"{name} is not a regular file")
    with os.fdopen(os.open(path, _FLAGS), "rb") as file:
        info = os.fstat(file.fileno())
        if not stat.S_ISREG(info.st_mode) or not os.path.samestat(before, info):
            raise NotebookError(f"{name} was replaced while it was read")
        # The same file under a second name may be anyone's: the solution, another's work, a file
        # only the grader may read. git, rsync --link-dest and the usual backup programs never add
        # a link to the files they copy, so honest work has one name.
        if info.st_nlink > 1:
            raise NotebookError(f"{name} is a hard link: the same file lies elsewhere too; copy it")
        if info.st_size <= reading.MAX_BYTES:
            content = file.read(reading.MAX_BYTES + 1)  # capped again, as a file can grow meanwhile
            if len(content) <= reading.MAX_BYTES:
                return content
    raise reading.too_large()
