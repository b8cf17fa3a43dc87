"""Finds the submissions in a download: whose they are, and which files."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from autograder.course import NAME_BYTES
from autograder.errors import CourseError
from autograder.submissions.collected import Collected
from autograder.submissions.download import Download

_NAME_CHARS = 100
_SIGNS = frozenset(" .,@'’()+-_")
WANTED = f"wanted at most {_NAME_CHARS} letters, digits, spaces and .,@'()+-_, no sign but _ first"
# Names of devices on Windows, and of the file that feedback/ holds beside the students' folders.
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?|index\.html", re.IGNORECASE)
# What browsers and mail programs make of a notebook's name.
_ALMOST = re.compile(r"\.ipynb\.(txt|json)$", re.IGNORECASE)


@dataclass
class Found:
    """One student's hand-in: files by the names to give them, as paths in the download."""

    student: str
    notebooks: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


def find(download: Download, assignment: str, done: Collected) -> list[Found]:
    """The submissions in a download, by names that can be a student's.

    Parameters
    ----------
    download : a folder for each student, or flat files; all of it may lie in one more folder.
    assignment : whose submissions are looked for.
    done : where it is noted what names no student.
    """
    top = _unwrapped(download, assignment)
    found: list[Found] = []
    flat: dict[str, Found] = {}
    for name in sorted(_children(download, top)):
        path = f"{top}{name}"
        folder = path in download.folders
        student = name if folder else _student_of_file(name, assignment)
        if not student:
            done.skip(path, "not a notebook")
            continue
        student = unicodedata.normalize("NFC", student)  # as macOS and other systems spell it
        if student == assignment:
            done.skip(path, "names no student")
        elif not usable_name(student):
            why = "a system keeps it for itself" if _RESERVED.fullmatch(student) else WANTED
            done.skip(path, f"not usable as a student's name; {why}")
        elif folder:
            found.append(_in_folder(download, path, student, assignment, done))
        else:
            one = flat.setdefault(student, Found(student))
            if not _is_notebook(name):
                one.files[name] = path
            elif one.notebooks:
                done.skip(path, "a second notebook of the same student; the first was taken")
            else:
                one.notebooks[f"{assignment}.ipynb"] = path
    return [*found, *flat.values()]


def _names(download: Download) -> Iterable[str]:
    yield from download.files
    yield from (name for name in download.damaged if name not in download.files)


def _children(download: Download, top: str) -> set[str]:
    """Names of files and folders right below a folder (with its / at the end)."""
    below = [name for name in (*_names(download), *download.folders) if name.startswith(top)]
    return {name[len(top) :].split("/")[0] for name in below} - {""}


def _unwrapped(download: Download, assignment: str) -> str:
    """The folder that holds the students' folders or files, with / at its end; empty: the top."""
    top = ""
    while True:
        children = _children(download, top)
        if len(children) != 1 or f"{top}{(only := children.pop())}" not in download.folders:
            return top
        inside = f"{top}{only}/"
        if not _wraps(download, inside, assignment):
            return top
        top = inside


def _wraps(download: Download, folder: str, assignment: str) -> bool:
    """Whether the only folder holds the students' work, rather than being one student's."""
    children = _children(download, folder)
    folders = [name for name in children if f"{folder}{name}" in download.folders]
    notebooks = [name for name in children - set(folders) if _is_notebook(name)]
    if assignment in folders or f"{assignment}.ipynb" in notebooks:
        return False
    if not notebooks:
        return bool(folders)
    named = any(name[: -len(".ipynb")].endswith(f"_{assignment}") for name in notebooks)
    deeper = any(
        _is_notebook(name) and name.startswith(tuple(f"{folder}{each}/" for each in folders))
        for name in _names(download)
    )
    return named or len(notebooks) > 1 or (bool(folders) and deeper)


def _is_notebook(name: str) -> bool:
    return name.lower().endswith(".ipynb")


def _student_of_file(name: str, assignment: str) -> str:
    """Whose file it is; empty: it says nothing of that."""
    if _ALMOST.search(name):
        stem = _ALMOST.sub("", name)
    else:
        stem = name.rpartition(".")[0] or name
        own = name.lower().endswith((".ipynb", ".zip")) or stem.endswith(f"_{assignment}")
        if not own:
            return ""
    return stem.removesuffix(f"_{assignment}")


def _in_folder(
    download: Download, folder: str, student: str, assignment: str, done: Collected
) -> Found:
    """What lies in a student's folder, in the assignment's folder in it, or in another in it."""
    found = Found(student)
    names = sorted(name for name in _names(download) if name.startswith(f"{folder}/"))
    base = f"{folder}/{assignment}/"
    own = base[:-1] in download.folders
    if not own:
        base = _base(names, f"{folder}/")
    for path in names:
        inside = path.startswith(base)
        if not inside and own:
            direct = path.count("/") == folder.count("/") + 1
            done.skip(path, f"outside the folder of {assignment}", student, attention=direct)
            continue
        name = path[len(base) if inside else len(folder) + 1 :]
        if _is_notebook(name) and "/" in name:
            done.skip(path, "a notebook in a folder further down", student)
            continue
        printable = "".join(c if c.isprintable() else "_" for c in name)
        target = found.notebooks if _is_notebook(name) else found.files
        spelt = printable if _is_notebook(name) else unicodedata.normalize("NFC", name)
        if spelt in target:
            done.skip(path, "another file has the same name but for signs", student)
        else:
            target[spelt] = path
    return found


def _base(names: list[str], folder: str) -> str:
    """The student's folder, or the one in it that alone holds notebooks."""
    holders = {name.rpartition("/")[0] + "/" for name in names if _is_notebook(name)}
    return holders.pop() if len(holders) == 1 else folder


def usable_name(name: str) -> bool:
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


def check_different(found: list[Found]) -> None:
    """Refuse names that some file systems take for one: one student's work would be lost."""
    spelling: dict[str, str] = {}
    for student in (each.student for each in found):
        key = unicodedata.normalize("NFKC", student).casefold()
        if key in spelling:
            raise CourseError(
                f"the download holds {spelling[key]!r} and {student!r}, which can't be told apart "
                "on every system; rename or remove one of them"
            )
        spelling[key] = student
