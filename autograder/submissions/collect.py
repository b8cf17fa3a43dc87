"""Copies an LMS download of submissions, a folder or a zip file, into the course.

Nothing outside the download is read and nothing outside the course's submitted/ is written: links
and names that point elsewhere stay out, and what is unpacked is counted as it is written, whatever
the zip file says of itself.
"""

from __future__ import annotations

import contextlib
import re
import stat
import struct
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from autograder.assignments.source import Assignment
from autograder.course import NAME_BYTES, Course
from autograder.errors import CourseError
from autograder.submissions.intake import read_file
from gradekit.notebook import NotebookError, parse, reading, take
from gradekit.text import one_line

_MAX_ENTRIES = 20_000
_MAX_DEPTH = 5
_MAX_TOTAL = 4_000_000_000  # bytes unpacked: two hundred notebooks of the largest size
_MAX_RATIO = 200  # of unpacked to packed bytes, beyond the first million; notebooks reach 20
_CHUNK = 2**16
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack without bounds
_BAD_ENTRY = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError)
_NAME_CHARS = 100
_SHOWN_CHARS = 80
_SIGNS = frozenset(" .,@'’()+-_")
# Names of devices on Windows, and of the file that feedback/ holds beside the students' folders.
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?|index\.html", re.IGNORECASE)

_Found = tuple[str, dict[str, Path]]  # a student, and the notebooks by the name to give them


@dataclass
class Collected:
    """What an import from a folder or zip file did."""

    students: set[str] = field(default_factory=set)
    skipped: list[str] = field(default_factory=list)

    def skip(self, name: str, reason: object) -> None:
        """Note what was left out, and why."""
        self.skipped.append(f"{_shown(name)}: {one_line(str(reason), 120)}")


def _shown(name: str) -> str:
    return one_line(name, _SHOWN_CHARS)


def collect(source: Path, course: Course, assignment: Assignment) -> Collected:
    """Copy submissions into the course folder's submitted/.

    ``source`` is a folder or zip file that holds one folder per student (with the notebook in it
    or in a folder named like the assignment) or flat files ``student.ipynb`` or
    ``student_<assignment>.ipynb``. CourseError, before anything is copied, when none of them holds
    an answer cell of the assignment, when two students' names can't be told apart, or when
    ``source`` and the course folder overlap.
    """
    _check_apart(source, course)
    done, name = Collected(), assignment.name
    with _as_folder(source, done) as folder:
        found = _named(_entries(folder, name, done), name, done)
        if not found:
            raise CourseError(
                f"no submissions in {source}: wanted one folder per student, or files "
                f"student.ipynb or student_{name}.ipynb"
            )
        _check_different(found, source)
        files = (file for _, notebooks in found for file in notebooks.values())
        if not any(_answers_something(file, assignment) for file in files):
            raise CourseError(
                f"nothing was taken in from {source}: no notebook in it can be read and "
                f"holds an answer cell of {name}"
            )
        for student, notebooks in found:
            try:
                _add(student, notebooks, course, name, done)
            except OSError as error:
                done.skip(student, error.strerror or error)
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


def _entries(folder: Path, assignment: str, done: Collected) -> list[tuple[Path, _Found]]:
    """What lies in a download: a student's name and notebooks for each folder and flat file."""
    entries: list[tuple[Path, _Found]] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "__MACOSX")):
            continue
        if path.is_symlink():
            done.skip(path.name, "a link")
        elif path.is_dir():
            try:
                notebooks = _notebooks(path, assignment, done)
            except OSError as error:
                done.skip(path.name, error.strerror or error)
                continue
            entries.append((path, (path.name, notebooks)))
        elif path.suffix.lower() == ".ipynb":
            student = path.stem.removesuffix(f"_{assignment}")
            entries.append((path, (student, {f"{assignment}.ipynb": path})))
        else:
            done.skip(path.name, "not a notebook")
    return entries


def _notebooks(folder: Path, assignment: str, done: Collected) -> dict[str, Path]:
    """Notebooks in a student's folder, or in the assignment's folder in it."""
    inner = folder / assignment
    if inner.is_symlink():
        done.skip(f"{folder.name}/{assignment}", "a link")
        return {}
    found = (inner if inner.is_dir() else folder).iterdir()
    notebooks = [path for path in sorted(found) if path.suffix.lower() == ".ipynb"]
    names: dict[str, Path] = {}
    for path in notebooks:
        name = "".join(c if c.isprintable() else "_" for c in path.name)
        if name in names:
            done.skip(f"{folder.name}/{path.name}", "another file has the same name but for signs")
        else:
            names[name] = path
    return names


def _named(entries: list[tuple[Path, _Found]], assignment: str, done: Collected) -> list[_Found]:
    """The entries whose name can be a student's."""
    good = []
    for path, (raw, notebooks) in entries:
        student = unicodedata.normalize("NFC", raw)  # as macOS and other systems spell it
        if student == assignment:
            done.skip(path.name, "names no student")
        elif not _usable(student):
            done.skip(raw, "not usable as a student's name")
        else:
            good.append((student, notebooks))
    return good


def _usable(name: str) -> bool:
    """Whether a name can name a folder anywhere, and be shown: letters, digits and a few signs."""
    return (
        bool(name)
        and len(name) <= _NAME_CHARS
        and (name[0].isalnum() or name[0] == "_")
        and not name.endswith(" ")
        and all(c in _SIGNS or unicodedata.category(c)[0] in "LMN" for c in name)
        and len(name.encode()) <= NAME_BYTES
        and not _RESERVED.fullmatch(name)
    )


def _check_different(found: list[_Found], source: Path) -> None:
    """Refuse names that some file systems take for one: one student's work would be lost."""
    spelling: dict[str, str] = {}
    for student, _ in found:
        key = unicodedata.normalize("NFKC", student).casefold()
        if key in spelling:
            raise CourseError(
                f"{source} holds {spelling[key]!r} and {student!r}, which can't be told apart on "
                "every system; rename or remove one of them"
            )
        spelling[key] = student


def _answers_something(path: Path, assignment: Assignment) -> bool:
    try:
        take(parse(read_file(path)), assignment.description)
    except (NotebookError, OSError):
        return False
    return True


def _add(
    student: str, notebooks: dict[str, Path], course: Course, assignment: str, done: Collected
) -> None:
    target = course.submitted / student / assignment
    if target.is_symlink() or target.parent.is_symlink():
        done.skip(student, "its folder under submitted is a link")
        return
    target.mkdir(parents=True, exist_ok=True)
    done.students.add(student)
    for old in target.glob("*.ipynb"):  # an earlier hand-in under another name
        if old.name not in notebooks:
            old.unlink()
    for name, path in notebooks.items():
        try:
            content = read_file(path)
        except (NotebookError, OSError) as error:
            done.skip(f"{student}/{path.name}", error)
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
    try:
        archive = zipfile.ZipFile(source)
    except (*_BAD_ENTRY, OSError) as error:
        reason = one_line(str(error), _SHOWN_CHARS)
        raise CourseError(f"{source} can't be read as a zip file ({reason})") from error
    with archive:
        entries = archive.infolist()
        if len(entries) > _MAX_ENTRIES:
            raise CourseError(f"{source}: more than {_MAX_ENTRIES:,} entries")
        total = 0
        for entry in entries:
            name = entry.filename.replace("\\", "/")
            if name.lower().endswith(".zip"):
                done.skip(name, "a zip file inside the zip file; unpack it first")
            if not name.lower().endswith(".ipynb"):
                continue
            reason = _refused(entry, name)
            if reason:
                done.skip(name, reason)
                continue
            try:
                total += _extract(archive, entry, folder.joinpath(*PurePosixPath(name).parts))
            except FileExistsError:
                done.skip(name, "its name appears more than once; the first was taken")
            except NotebookError as error:
                total += reading.MAX_BYTES  # nothing is kept of it, but it was work
                done.skip(name, error)
            except _BAD_ENTRY as error:
                done.skip(name, error)
            except OSError as error:
                done.skip(name, error.strerror or error)
            if total > _MAX_TOTAL:
                raise CourseError(f"{source}: unpacks to more than {_MAX_TOTAL // 10**9} GB")


def _refused(entry: zipfile.ZipInfo, name: str) -> str:
    """Why an entry is not even opened."""
    path = PurePosixPath(name)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    plain = kind in (0, stat.S_IFREG) and not path.is_absolute() and len(path.parts) <= _MAX_DEPTH
    # A colon: a drive (or a file's hidden stream) on Windows.
    if not plain or any(part == ".." or ":" in part for part in path.parts):
        return "not a plain file"
    if entry.flag_bits & 1:
        return "encrypted"
    if entry.compress_type not in _PACKINGS:
        return "packed in a way that is not read (wanted deflate)"
    if entry.file_size > reading.MAX_BYTES:
        return str(reading.too_large())
    return ""


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> int:
    """Write an entry, counting what comes out of it; returns the bytes written."""
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with open(target, "xb") as file:
        try:
            with archive.open(entry) as packed:
                while chunk := packed.read(_CHUNK):
                    written += len(chunk)
                    if written > reading.MAX_BYTES:
                        raise reading.too_large()
                    if written > max(1_000_000, _MAX_RATIO * entry.compress_size):
                        raise NotebookError(f"packed more than {_MAX_RATIO} times")
                    file.write(chunk)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
    return written


def _unwrapped(folder: Path) -> Path:
    """The folder inside, when the zip file holds just one that holds the students' folders."""
    inside = [path for path in folder.iterdir() if path.name != "__MACOSX"]
    if len(inside) == 1 and inside[0].is_dir():
        notebooks = list(inside[0].rglob("*.ipynb"))
        if len(notebooks) > 1:
            return inside[0]
    return folder
