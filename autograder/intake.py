"""Takes submissions in: reads one student's notebook, copies an LMS download into the course.

Only regular files are read, no link is followed, sizes are capped. From a notebook come only the
texts of the cells the student may write and of the cells they added; metadata is dropped.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .assignment import Assignment
from .course import Course
from .errors import CourseError
from .results import Extra, Rejected, Submission

MAX_BYTES = 20_000_000
# No link is followed and no named pipe waited for (Windows has neither flag).
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_MAX_CELLS = 2_000
_MAX_ENTRIES = 20_000
_STUDENT = re.compile(r"\w[\w .,@'()+-]{0,99}")

_Found = tuple[str, dict[str, Path]]  # a student, and the notebooks by the name to give them


class _Unreadable(Exception):
    """Why a submission can't be read, as it appears in the status column."""


def read_submission(course: Course, assignment: Assignment, student: str) -> Submission | Rejected:
    """Read a student's submission; what can't be read comes back as Rejected, never raised."""
    folder = course.submitted / student / assignment.name
    wanted = f"{assignment.name}.ipynb"
    try:
        if folder.is_symlink() or folder.parent.is_symlink():
            raise _Unreadable("the folder is a link")
        if not folder.is_dir():
            return Rejected(student, assignment.name, "missing", "nothing handed in")
        notes: tuple[str, ...] = ()
        path = folder / wanted
        if not os.path.lexists(path):
            found = sorted(p.name for p in folder.iterdir() if p.suffix.lower() == ".ipynb")
            if not found:
                others = ", ".join(sorted(_printable(p.name) for p in folder.iterdir())[:3])
                found_text = f"found {others}" if others else "found nothing"
                reason = f"{found_text}, wanted {wanted}"
                return Rejected(student, assignment.name, "missing", reason)
            if len(found) > 1:
                names = ", ".join(_printable(name) for name in found[:3])
                raise _Unreadable(f"found {names}, wanted {wanted}")
            path = folder / found[0]
            notes = (f"found {_printable(found[0])}, wanted {wanted}",)
        return _take(_parse(_read(path)), assignment, student, notes)
    except _Unreadable as error:
        return Rejected(student, assignment.name, "unreadable", str(error))
    except OSError as error:
        reason = f"{wanted}: {error.strerror or error}"
        return Rejected(student, assignment.name, "unreadable", reason)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)[:80]


def _read(path: Path) -> bytes:
    """Bytes of a regular file, without following a link."""
    try:
        handle = os.open(path, _FLAGS)
    except OSError as error:
        if path.is_symlink():
            raise _Unreadable(f"{_printable(path.name)} is a link, not a file") from error
        raise
    with os.fdopen(handle, "rb") as file:
        info = os.fstat(file.fileno())
        if not stat.S_ISREG(info.st_mode):
            raise _Unreadable(f"{_printable(path.name)} is not a regular file")
        if info.st_size > MAX_BYTES:
            raise _Unreadable(f"larger than {MAX_BYTES // 1_000_000} MB")
        return file.read(MAX_BYTES + 1)


def _parse(content: bytes) -> list[dict[str, Any]]:
    if not content.strip():
        raise _Unreadable("the file is empty")
    try:
        notebook = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _Unreadable("not a notebook (it is not valid JSON)") from error
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise _Unreadable("not a notebook of format 4 (it has no list of cells)")
    if len(cells) > _MAX_CELLS:
        raise _Unreadable(f"more than {_MAX_CELLS:,} cells")
    return cells


def _text(cell: dict[str, Any], index: int) -> str:
    source = cell.get("source", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise _Unreadable(f"cell {index + 1} has no text")
    # Lone surrogates and NUL can be written neither to a kernel nor to a database.
    return source.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")


def _grade_id(cell: dict[str, Any]) -> str:
    meta = cell.get("metadata")
    meta = meta.get("nbgrader") if isinstance(meta, dict) else None
    name = meta.get("grade_id") if isinstance(meta, dict) else None
    return name if isinstance(name, str) else ""


def _noted(names: list[str], one: str, many: str) -> list[str]:
    """A note for each cell; one for all of them when they are more than three."""
    if len(names) > 3:
        return [many.format(len(names), ", ".join(names))]
    return [one.format(name) for name in names]


def _take(
    cells: list[dict[str, Any]], assignment: Assignment, student: str, notes: tuple[str, ...]
) -> Submission:
    """Pick the student's texts out of the cells of a notebook."""
    position = {c.grade_id: i for i, c in enumerate(assignment.cells) if c.grade_id}
    given = {c.source.strip(): i for i, c in enumerate(assignment.cells) if not c.grade_id}
    texts = [_text(cell, index) for index, cell in enumerate(cells)]
    last = {_grade_id(cell): index for index, cell in enumerate(cells)}
    twice: list[str] = []
    answers: dict[str, str] = {}
    extras: list[Extra] = []
    after = -1
    for index, (cell, text) in enumerate(zip(cells, texts, strict=True)):
        name = _grade_id(cell)
        if name in position and last[name] == index:
            after = position[name]
            if name in assignment.answers:
                answers[name] = text
        elif name in position and name not in assignment.answers:
            continue  # a second copy of a test or of given text
        elif not name and text.strip() in given:
            after = given[text.strip()]
        elif text.strip() and cell.get("cell_type") in ("code", "markdown"):
            extras.append(Extra(after, cell["cell_type"], text))
            if name in position:
                twice.append(name)
    if not answers:
        raise _Unreadable(
            f"none of the answer cells of {assignment.name} is in it; "
            "is it another assignment's notebook?"
        )
    missing = [name for name in assignment.answers if name not in answers]
    deleted: list[str] = []
    changed: list[str] = []
    for source in assignment.cells:
        name = source.grade_id
        if not name or name in assignment.answers or source.kind != "code":
            continue
        if name not in last:
            deleted.append(name)
        elif not source.hidden and texts[last[name]].strip() != source.source.strip():
            changed.append(name)
    all_notes = (
        *notes,
        *_noted(
            twice,
            "{} appears more than once; the last one counts",
            "{} answer cells appear more than once; the last of each counts: {}",
        ),
        *_noted(
            missing,
            "{} is missing from the notebook",
            "{} answer cells are missing from the notebook: {}",
        ),
        *_noted(
            deleted,
            "{} was deleted; the original was run",
            "{} given cells were deleted; the originals were run",
        ),
        *_noted(
            changed,
            "{} was changed; the original was run",
            "{} given cells were changed; the originals were run",
        ),
    )
    return Submission(student, assignment.name, answers, tuple(extras), all_notes)


@dataclass
class Collected:
    """What an import from a folder or zip file did."""

    students: set[str] = field(default_factory=set)
    skipped: list[str] = field(default_factory=list)


def collect(source: Path, course: Course, assignment: Assignment) -> Collected:
    """Copy submissions into the course folder's submitted/.

    ``source`` is a folder or zip file that holds one folder per student (with the notebook in it
    or in a folder named like the assignment) or flat files ``student.ipynb`` or
    ``student_<assignment>.ipynb``. CourseError, before anything is copied, when none of them holds
    an answer cell of the assignment, or when ``source`` and the course folder overlap.
    """
    _check_apart(source, course)
    done, name = Collected(), assignment.name
    entries: list[tuple[Path, _Found]] = []
    with _as_folder(source, done) as folder:
        for path in sorted(folder.iterdir()):
            if path.name.startswith((".", "__MACOSX")):
                continue
            if path.is_symlink():
                done.skipped.append(f"{path.name}: a link")
            elif path.is_dir():
                inner = path / name
                inner = inner if inner.is_dir() and not inner.is_symlink() else path
                notebooks = [p for p in sorted(inner.iterdir()) if p.suffix.lower() == ".ipynb"]
                entries.append((path, (path.name, {p.name: p for p in notebooks})))
            elif path.suffix.lower() == ".ipynb":
                student = path.stem.removesuffix(f"_{name}")
                entries.append((path, (student, {f"{name}.ipynb": path})))
            else:
                done.skipped.append(f"{path.name}: not a notebook")
        found = _named(entries, name, done)
        if not found:
            raise CourseError(
                f"no submissions in {source}: wanted one folder per student, or files "
                f"student.ipynb or student_{name}.ipynb"
            )
        files = (file for _, notebooks in found for file in notebooks.values())
        if not any(_answers_something(file, assignment) for file in files):
            raise CourseError(
                f"nothing was taken in from {source}: no notebook in it can be read and "
                f"holds an answer cell of {name}"
            )
        for entry in found:
            _add(*entry, course, name, done)
    return done


def _check_apart(source: Path, course: Course) -> None:
    """Refuse to take a course's own folders for a download."""
    inside, root = source.resolve(), course.root.resolve()
    if inside == root:
        raise CourseError(f"{source} is the course folder itself, wanted a download of submissions")
    if root in inside.parents or inside in root.parents:
        raise CourseError(
            f"{source} and the course folder {course.root} lie inside one another; "
            "put the download elsewhere"
        )


def _named(entries: list[tuple[Path, _Found]], assignment: str, done: Collected) -> list[_Found]:
    """The entries whose name can be a student's."""
    good = []
    for path, (student, notebooks) in entries:
        if student == assignment:
            done.skipped.append(f"{path.name}: names no student")
        elif not _STUDENT.fullmatch(student):
            done.skipped.append(f"{student!r}: not usable as a student's name")
        else:
            good.append((student, notebooks))
    return good


def _answers_something(path: Path, assignment: Assignment) -> bool:
    try:
        _take(_parse(_read(path)), assignment, "", ())
    except (_Unreadable, OSError):
        return False
    return True


def _add(
    student: str, notebooks: dict[str, Path], course: Course, assignment: str, done: Collected
) -> None:
    target = course.submitted / student / assignment
    target.mkdir(parents=True, exist_ok=True)
    done.students.add(student)
    for old in target.glob("*.ipynb"):  # an earlier hand-in under another name
        if old.name not in notebooks:
            old.unlink()
    for name, path in notebooks.items():
        try:
            content = _read(path)
        except (_Unreadable, OSError) as error:
            done.skipped.append(f"{student}/{path.name}: {error}")
            (target / name).unlink(missing_ok=True)
            continue
        (target / name).unlink(missing_ok=True)
        (target / name).write_bytes(content)


@contextlib.contextmanager
def _as_folder(source: Path, done: Collected) -> Iterator[Path]:
    if source.is_dir():
        yield source
    elif source.is_file() and zipfile.is_zipfile(source):
        with tempfile.TemporaryDirectory(prefix="collect-") as name:
            folder = Path(name)
            _unpack(source, folder, done)
            yield _unwrapped(folder)
    elif source.is_file() and source.suffix.lower() == ".ipynb":
        raise CourseError(
            f"{source} is a single notebook; give the folder that holds it, with a folder or "
            "file named after each student"
        )
    else:
        raise CourseError(f"{source} is neither a folder nor a zip file of submissions")


def _unpack(source: Path, folder: Path, done: Collected) -> None:
    """Unpack the notebooks of a zip file; entries that point elsewhere or are too big stay out."""
    with zipfile.ZipFile(source) as archive:
        entries = archive.infolist()
        if len(entries) > _MAX_ENTRIES:
            raise CourseError(f"{source}: more than {_MAX_ENTRIES:,} entries")
        for entry in entries:
            parts = Path(entry.filename.replace("\\", "/")).parts
            link = stat.S_ISLNK(entry.external_attr >> 16)
            if entry.is_dir() or not entry.filename.lower().endswith(".ipynb"):
                continue
            if link or ".." in parts or Path(entry.filename).is_absolute() or len(parts) > 5:
                done.skipped.append(f"{_printable(entry.filename)}: not a plain file")
                continue
            if entry.file_size > MAX_BYTES:
                done.skipped.append(f"{_printable(entry.filename)}: larger than 20 MB")
                continue
            target = folder.joinpath(*parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with archive.open(entry) as packed, open(target, "wb") as file:
                    shutil.copyfileobj(packed, file)
            except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
                target.unlink(missing_ok=True)
                done.skipped.append(f"{_printable(entry.filename)}: {error}")


def _unwrapped(folder: Path) -> Path:
    """The folder inside, when the zip file holds just one that holds the students' folders."""
    inside = [path for path in folder.iterdir() if path.name != "__MACOSX"]
    if len(inside) == 1 and inside[0].is_dir():
        notebooks = list(inside[0].rglob("*.ipynb"))
        if len(notebooks) > 1:
            return inside[0]
    return folder
