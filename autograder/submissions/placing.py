"""Puts one student's files into the course, and keeps what they replace.

A hand-in is written whole beside submitted/, in incoming/, and then put in place by renaming. Both
renamings can be done again: a grader that is killed in between finishes them when it next runs.
What was there before goes to history/STUDENT/ASSIGNMENT/TIME, which grading does not look at.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from autograder.course import Course
from gradekit.notebook import NotebookError, read_file

_INCOMING, _HISTORY = "incoming", "history"
_UNFINISHED = ".unfinished-"


def stage(course: Course, files: Mapping[str, bytes]) -> Path:
    """Write a hand-in into a new folder, which has no place yet."""
    incoming = course.root / _INCOMING
    incoming.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=incoming))
    folder.chmod(0o755)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    return folder


def place(course: Course, folder: Path, student: str, assignment: str) -> Path | None:
    """Give a staged hand-in its place; returns where that of before lies now, if there was one."""
    ready = course.root / _INCOMING / student / assignment
    ready.parent.mkdir(parents=True, exist_ok=True)
    os.rename(folder, ready)  # from here on it will be put in place, whoever is killed
    return _put(course, ready)


def _put(course: Course, ready: Path) -> Path | None:
    student, assignment = ready.parent.name, ready.name
    target = course.submitted / student / assignment
    before = None
    if os.path.lexists(target):
        before = free(course, student, assignment)
        before.parent.mkdir(parents=True, exist_ok=True)
        os.rename(target, before)
    target.parent.mkdir(parents=True, exist_ok=True)
    os.rename(ready, target)
    _tidy(course)
    return before


def keep_aside(course: Course, folder: Path, student: str, assignment: str) -> Path:
    """Keep a staged hand-in that is not taken; the same one only once. Returns where it lies."""
    content = contents(folder)
    history = free(course, student, assignment).parent
    for kept in sorted(history.iterdir()) if history.is_dir() else []:
        if contents(kept) == content:
            return kept
    target = free(course, student, assignment, "-not-taken")
    target.parent.mkdir(parents=True, exist_ok=True)
    os.rename(folder, target)
    _tidy(course)
    return target


def discard(course: Course, folder: Path) -> None:
    """Remove a staged hand-in that was given no place."""
    shutil.rmtree(folder, ignore_errors=True)
    _tidy(course)


def finish(course: Course) -> None:
    """Do what a grader that was killed had left to do: hand-ins that are whole get their place."""
    incoming = course.root / _INCOMING
    if not incoming.is_dir() or incoming.is_symlink():
        return
    for student in _folders(incoming):
        if student.name.startswith(_UNFINISHED):
            shutil.rmtree(student, ignore_errors=True)
            continue
        for ready in _folders(student):
            _put(course, ready)
    _tidy(course)


def _folders(folder: Path) -> list[Path]:
    """Those that a grader may have made; a file browser leaves files of its own beside them."""
    return [path for path in sorted(folder.iterdir()) if path.is_dir() and not path.is_symlink()]


def _tidy(course: Course) -> None:
    """Remove the empty folders of what is done."""
    incoming = course.root / _INCOMING
    for folder in (*incoming.glob("*"), incoming):
        with suppress(OSError):  # not empty
            folder.rmdir()


def free(course: Course, student: str, assignment: str, end: str = "") -> Path:
    """A folder in history/ that is not taken, named by the time."""
    folder = course.root / _HISTORY / student / assignment
    stem = time.strftime("%Y-%m-%d_%H-%M-%S") + end
    path, count = folder / stem, 1
    while os.path.lexists(path):
        count += 1
        path = folder / f"{stem}_{count}"
    return path


def contents(folder: Path) -> dict[str, str] | None:
    """Hashes of the files below a folder by their relative paths; None: some can't be read."""
    try:
        return {
            path.relative_to(folder).as_posix(): sha256(read_file(path)).hexdigest()
            for path in _files(folder)
        }
    except (NotebookError, OSError):
        return None


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            yield from _files(path)
        else:
            yield path
