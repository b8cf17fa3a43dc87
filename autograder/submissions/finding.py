"""Finds the submissions in a download: whose they are, and which files."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from autograder.course import NAME_BYTES
from autograder.errors import CourseError
from autograder.submissions.collected import Collected

_NAME_CHARS = 100
_SIGNS = frozenset(" .,@'’()+-_")
# Names of devices on Windows, and of the file that feedback/ holds beside the students' folders.
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?|index\.html", re.IGNORECASE)

Found = tuple[str, dict[str, Path]]  # a student, and the notebooks by the name to give them


def find(folder: Path, assignment: str, done: Collected) -> list[Found]:
    """The submissions in a folder, by names that can be a student's."""
    return _named(_entries(folder, assignment, done), assignment, done)


def _entries(folder: Path, assignment: str, done: Collected) -> list[tuple[Path, Found]]:
    """What lies in a download: a student's name and notebooks for each folder and flat file."""
    entries: list[tuple[Path, Found]] = []
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


def _named(entries: list[tuple[Path, Found]], assignment: str, done: Collected) -> list[Found]:
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


def check_different(found: list[Found], source: Path) -> None:
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
