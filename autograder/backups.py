"""Copies of the marks before every change of structure, and such changes in one piece.

A backup is a folder under ``backups/`` of the course: the gradebook and the stored results as they
were, the same marks as text, and which files the change then moved. Files that students handed in
are moved, never copied, so a backup is small and going back moves them back.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autograder.course import Course
from autograder.errors import CourseError
from autograder.results import write_atomically
from gradekit.text import one_line

_FACTS = "backup.json"
_JOURNAL = ".changing"
_LOCK_SECONDS = 30.0
_NAME = re.compile(r"[0-9TZ]+-[A-Za-z0-9_-]+")

Move = tuple[Path, Path]
"""From where to where, both in the course folder."""


@dataclass(frozen=True)
class Backup:
    """One backup.

    Parameters
    ----------
    folder : where it lies.
    number : counts up.
    what : the change that came after it, for a person.
    moves : what that change moved, relative to the course folder.
    made : the folder that it made, empty when it made none.
    """

    folder: Path
    number: int
    what: str
    moves: tuple[tuple[str, str], ...]
    made: str = ""


@contextmanager
def changing(
    course: Course,
    why: str,
    what: str,
    plan: Callable[[Path], Sequence[Move]] = lambda _: (),
    *,
    made: Path | None = None,
) -> Iterator[Path]:
    """Back the course up, move files, and do what stands in the block: all of it or nothing.

    The course is locked by the caller. When the block fails the course is put back at once, and
    when the process is killed, by the next command (:func:`recover`).

    Parameters
    ----------
    course : to be changed.
    why : one word, for the backup's name.
    what : a sentence, for its list.
    plan : given the backup's folder, in which things may be kept aside, says what is moved.
    made : a folder that is there only afterwards.
    """
    backup = _make(course, why, what, plan, made)
    write_atomically(course.root / _JOURNAL, backup.folder.name + "\n")
    try:
        for source, target in backup.moves:
            _move(course, source, target)
        yield backup.folder
    except BaseException:
        recover(course)
        raise
    (course.root / _JOURNAL).unlink()


def recover(course: Course) -> str:
    """Put a course back that a change left half done; returns what change, if there was one."""
    journal = course.root / _JOURNAL
    try:
        name = journal.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
    backup = find(course, name)
    for source, target in reversed(backup.moves):
        if not _there(course.root / source):
            _move(course, target, source)
    if backup.made and _there(course.root / backup.made):
        shutil.rmtree(course.root / backup.made)
    _put_back(course, backup.folder, stamps=True)
    journal.unlink()
    return backup.what


def restore(course: Course, name: str) -> Path:
    """Put the marks back as they were in a backup, and files where they lay; all else stays.

    Returns where the state of before is kept, a backup like any other. Raises CourseError where
    there is no such backup.
    """
    backup = find(course, name)
    later = [each for each in listed(course) if each.number >= backup.number]

    def plan(folder: Path) -> list[Move]:
        return _undone(course, later, folder)

    with changing(course, "restore", f"restore {backup.folder.name}", plan) as before:
        _put_back(course, backup.folder, stamps=False)
    return before


def listed(course: Course) -> list[Backup]:
    """All backups, the oldest first; a folder that is none is passed over.

    CourseError where a file stands in their folder's place.
    """
    place = course.root / "backups"
    if place.exists() and not place.is_dir():
        raise CourseError(f"{place} is a file, wanted the folder of backups")
    found = [_read(folder) for folder in place.glob("*-*")]
    return sorted((b for b in found if b is not None), key=lambda backup: backup.number)


def find(course: Course, name: str) -> Backup:
    """The backup of a name; CourseError when there is none."""
    found = _read(course.root / "backups" / name) if _NAME.fullmatch(name) else None
    if found is None:
        known = ", ".join(backup.folder.name for backup in listed(course)[-5:])
        raise CourseError(
            f"no backup {one_line(name, 80)!r} in {course.root / 'backups'}; "
            + (f"the last ones: {known}" if known else "there is none yet")
        )
    return found


def copy_gradebook(source: Path, target: Path) -> None:
    """Copy a gradebook as it is between two transactions, also over one that is in use."""
    try:
        with (
            closing(sqlite3.connect(source, timeout=_LOCK_SECONDS)) as old,
            closing(sqlite3.connect(target, timeout=_LOCK_SECONDS)) as new,
        ):
            old.backup(new)
    except sqlite3.Error as error:
        raise CourseError(f"the gradebook {source} can't be copied to {target}: {error}") from error


def _make(
    course: Course,
    why: str,
    what: str,
    plan: Callable[[Path], Sequence[Move]],
    made: Path | None,
) -> Backup:
    at = datetime.now(UTC)
    before = listed(course)
    number = before[-1].number + 1 if before else 1
    folder = course.root / "backups" / f"{at:%Y%m%dT%H%M%SZ}-{number:03d}-{why}"
    moves = tuple(
        (source.relative_to(course.root).as_posix(), target.relative_to(course.root).as_posix())
        for source, target in plan(folder)
    )
    new = made.relative_to(course.root).as_posix() if made else ""
    half = folder.parent / f".{folder.name}.tmp"
    for stale in folder.parent.glob(".*.tmp"):
        shutil.rmtree(stale)
    half.mkdir(parents=True)
    if course.db_path.is_file():
        copy_gradebook(course.db_path, half / course.db_path.name)
        marks = json.dumps(_marks(Course(half)), indent=1, ensure_ascii=False)
        write_atomically(half / "marks.json", marks + "\n")
    for file in _results(course):
        target = half / "results" / file.relative_to(course.results.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    facts = {
        "number": number,
        "at": at.isoformat(timespec="seconds"),
        "what": what,
        "moves": moves,
        "made": new,
    }
    write_atomically(half / _FACTS, json.dumps(facts, indent=1) + "\n")
    half.rename(folder)
    return Backup(folder, number, what, moves, new)


def _marks(course: Course) -> dict[str, Any]:
    """Everyone's marks and comments as plain data, for a person to read."""
    from autograder.reports.gradebook import Book  # late: nbgrader takes two seconds to import
    from autograder.reports.marks import marks_of

    with Book(course) as book:
        found = {student: marks_of(book, student) for student in sorted(book.students())}
    return {student: marks for student, marks in found.items() if marks}


def _results(course: Course) -> list[Path]:
    """Stored results, and what `release` notes beside them."""
    folder = course.results.folder
    inside = [p for p in folder.glob("*/*.json") if p.parent != course.mutants]
    return [path for path in (*inside, *folder.glob("*.released")) if path.is_file()]


def _read(folder: Path) -> Backup | None:
    try:
        facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        moves = tuple((_inside(source), _inside(target)) for source, target in facts["moves"])
        made = _inside(facts["made"])
        return Backup(folder, int(facts["number"]), str(facts["what"]), moves, made)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _inside(path: object) -> str:
    if not isinstance(path, str) or path.startswith("/") or ".." in path.split("/"):
        raise ValueError("wanted a path in the course folder")
    return path


def _undone(course: Course, backups: Sequence[Backup], folder: Path) -> list[Move]:
    """What undoes all moves of these changes; what lies in the way is kept in ``folder``."""
    moves: list[Move] = []
    there: dict[Path, bool] = {}

    def move(source: Path, target: Path) -> None:
        moves.append((source, target))
        there[source], there[target] = False, True

    for backup in reversed(backups):
        for start, end in reversed(backup.moves):
            source, target = course.root / start, course.root / end
            if not there.get(target, _there(target)):
                continue
            if there.get(source, _there(source)):
                move(source, folder / "aside" / str(len(moves)) / start)
            move(target, source)
        made = course.root / backup.made
        if backup.made and there.get(made, _there(made)):
            move(made, folder / "aside" / str(len(moves)) / backup.made)
    return moves


def _put_back(course: Course, folder: Path, *, stamps: bool) -> None:
    """Gradebook and results of a backup in place of the present ones.

    A release's stamp is put back only on request: else it stays where it says the same, and goes
    where it does not, because the released notebooks are not put back with it.
    """
    if (folder / course.db_path.name).is_file():
        copy_gradebook(folder / course.db_path.name, course.db_path)
    old = folder / "results"
    wanted = {path.relative_to(old): path for path in old.rglob("*") if path.is_file()}
    for file in _results(course):
        name = file.relative_to(course.results.folder)
        if name not in wanted:
            file.unlink()
    for name, path in wanted.items():
        target, text = course.results.folder / name, path.read_text(encoding="utf-8")
        same = target.is_file() and target.read_text(encoding="utf-8") == text
        if path.suffix == ".released" and not stamps:
            if not same:
                target.unlink(missing_ok=True)
        elif not same:
            write_atomically(target, text)


def _move(course: Course, start: str, end: str) -> None:
    """Move what is there, by paths in the course folder; a folder that is empty then goes."""
    source, target = course.root / start, course.root / end
    if not _there(source):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)
    for parent in source.parents:
        if course.root in (parent, parent.parent) or any(parent.iterdir()):
            return
        parent.rmdir()


def _there(path: Path) -> bool:
    return path.is_symlink() or path.exists()
