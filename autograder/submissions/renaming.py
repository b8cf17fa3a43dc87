"""Gives a student another name, or makes one student of two, with all that a course holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.backups import Move, changing
from autograder.course import Course
from autograder.errors import CourseError
from autograder.reports.gradebook import Book
from autograder.reports.owners import hand_over, join
from autograder.results import write_atomically
from autograder.submissions.holdings import (
    FOLDERS,
    move_all,
    require_known,
    require_new,
    results_of,
)
from gradekit.text import one_line


@dataclass(frozen=True)
class Merged:
    """What came of making one student of two.

    Parameters
    ----------
    counts : by assignment of which both had work, whose counts, the later.
    conflicts : in sentences, marks and comments of the one that were not taken.
    backup : where those are kept, and the work that does not count.
    """

    counts: Mapping[str, str]
    conflicts: tuple[str, ...]
    backup: Path


def rename(course: Course, old: str, new: str) -> Path:
    """Give a student another name; returns the backup of before.

    Nothing is graded anew. Raises CourseError for an unknown student, or a name that is taken or
    can't be one.
    """
    require_known(course, [old], "nobody was renamed")
    if old == new:
        raise CourseError(f"{one_line(old, 100)} was named twice, wanted a new name")
    require_new(course, new)

    def plan(_: Path) -> list[Move]:
        root = course.root
        return [m for step in FOLDERS for m in move_all(root / step / old, root / step / new)]

    with changing(course, "rename", f"rename {old} {new}", plan) as backup:
        for path in results_of(course, old).values():
            _rewrite(path, new)
        if course.db_path.is_file():
            with Book(course) as book:
                hand_over(book, old, new)
    return backup


def merge(course: Course, gone: str, into: str) -> Merged:
    """Give all that a course holds of one student to another.

    Of an assignment that both handed in, the later work counts and the other is kept in the backup.
    Of marks and comments that both have for one cell, ``into`` keeps its own. Raises CourseError
    for an unknown student.
    """
    require_known(course, [gone, into], "nobody was merged")
    if gone == into:
        raise CourseError(f"{one_line(gone, 100)} was named twice, wanted two students")
    theirs, ours = results_of(course, gone), results_of(course, into)
    both = _names(course, gone, theirs) | _names(course, into, ours)
    counts = {name: _later(course, name, gone, into, theirs, ours) for name in both}

    def plan(backup: Path) -> list[Move]:
        moves: list[Move] = []
        for step in FOLDERS:
            folder, target = course.root / step / gone, course.root / step / into
            aside = backup / "aside" / step
            for source, end in move_all(folder, target):
                if end == target:  # a link, or empty: nothing to be joined
                    moves.append((source, aside / gone))
                elif counts.get(source.name, into) == gone:
                    if end.exists() or end.is_symlink():
                        moves.append((end, aside / into / end.name))
                    moves.append((source, end))
                elif end.exists() or end.is_symlink() or source.name in counts:
                    moves.append((source, aside / gone / source.name))
                else:
                    moves.append((source, end))
        return moves

    with changing(course, "merge", f"merge {gone} {into}", plan) as backup:
        hashes = {name: (_texts(theirs.get(name)), _texts(ours.get(name))) for name in both}
        for name, path in theirs.items():
            if counts[name] == gone:
                _rewrite(path, into)
            else:
                path.unlink()
        conflicts: list[str] = []
        if course.db_path.is_file():
            with Book(course) as book:
                conflicts = join(book, gone, into, counts, hashes)
    decided = {n: s for n, s in sorted(counts.items()) if n in theirs and n in ours}
    return Merged(decided, tuple(conflicts), backup)


def _names(course: Course, student: str, results: Mapping[str, Path]) -> set[str]:
    """Assignments of which there may be work of a student."""
    folder = course.root / "submitted" / student
    inside = folder.iterdir() if folder.is_dir() and not folder.is_symlink() else ()
    return {path.name for path in inside if path.is_dir()} | set(results)


def _later(
    course: Course,
    assignment: str,
    gone: str,
    into: str,
    theirs: Mapping[str, Path],
    ours: Mapping[str, Path],
) -> str:
    """Whose work of an assignment counts: the later file's; without a file, a result's."""
    ranks = {}
    for student, results in ((into, ours), (gone, theirs)):
        time = _newest(course.submitted / student / assignment)
        ranks[student] = (time is not None, time or 0, assignment in results)
    return gone if ranks[gone] > ranks[into] else into


def _newest(folder: Path) -> int | None:
    """When the newest notebook in a folder was written, in ns; None: there is none."""
    if not folder.is_dir() or folder.is_symlink():
        return None
    files = (path for path in folder.iterdir() if path.suffix.lower() == ".ipynb")
    return max((path.lstat().st_mtime_ns for path in files), default=None)


def _rewrite(path: Path, student: str) -> None:
    """Give a stored result to a student; one that can't be read is only a cache, and goes."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        stored["result"]["student"] = student
    except (ValueError, KeyError, TypeError):
        path.unlink()
        return
    write_atomically(path.with_name(f"{student}.json"), json.dumps(stored, indent=1) + "\n")
    if path.stem != student:
        path.unlink()


def _texts(path: Path | None) -> dict[str, Any]:
    """The hashes of a result's answers by hand."""
    try:
        return (
            dict(json.loads(path.read_text(encoding="utf-8"))["result"]["manual"]) if path else {}
        )
    except (OSError, ValueError, KeyError, TypeError):
        return {}
