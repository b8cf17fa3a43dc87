"""Files beside a notebook that go with it: own modules, data, pictures.

They are plain files in a student's hand, so names, kinds, sizes and counts are bounded. The grader
and the local check share this, so that a file which is there in one is there in the other.
"""

from __future__ import annotations

import base64
import os
import stat
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from gradekit.notebook.reading import NotebookError, megabytes
from gradekit.notebook.regular import read_file
from gradekit.notebook.submission import Submission
from gradekit.text import one_line

MAX_FILES = 50
MAX_BYTES = 5_000_000  # of one
MAX_TOTAL = 20_000_000  # of all together
MAX_DEPTH = 4  # folders and the file itself
_SCANNED = 2_000  # a notebook may lie in a folder with all that its student ever saved
_NAME_BYTES = 120
_SIGNS = frozenset(" .,@'’()+-_#&=~[]{}!")
_WINDOWS = frozenset({"con", "prn", "aux", "nul"})
_OF_PROGRAMS = frozenset({"__pycache__", "__MACOSX", "Thumbs.db", "desktop.ini"})
_SHOWN = 60
_SHADOWED = sys.stdlib_module_names | {"numpy", "IPython", "gradekit"}


@dataclass(frozen=True)
class Beside:
    """The files that go with a notebook, and why others don't."""

    files: Mapping[str, bytes]  # by relative path with /
    left_out: tuple[tuple[str, str], ...]  # name and reason


def of_programs(name: str) -> bool:
    """Whether a file is one that programs and systems leave behind: nobody handed it in."""
    return name.startswith(".") or name in _OF_PROGRAMS or name.lower().endswith(".pyc")


def safe_path(path: str) -> bool:
    """Whether a relative path (with /) can be written on every system and shown to people."""
    parts = path.split("/")
    return len(parts) <= MAX_DEPTH and all(map(_safe, parts))


def _safe(name: str) -> bool:
    return (
        bool(name)
        and len(name.encode("utf-8", "surrogateescape")) <= _NAME_BYTES
        and (name[0].isalnum() or name[0] in "_([{")
        and name[-1] not in " ."
        and all(c in _SIGNS or unicodedata.category(c)[0] in "LMN" for c in name)
        and name.split(".")[0].lower() not in _WINDOWS
    )


def find_beside(folder: Path, *, mentioned: str = "") -> Beside:
    """Read the files beside a notebook, other notebooks apart.

    Over a limit, files whose names the notebook mentions go first, then those that come first by
    name.

    Parameters
    ----------
    folder : where the notebook lies.
    mentioned : the texts of the notebook.

    Raises
    ------
    OSError : the folder can't be read.
    """
    found: dict[str, Path] = {}
    left: list[tuple[str, str]] = []
    for count, (name, path) in enumerate(_walk(folder, "", 1)):
        shown = one_line(name, _SHOWN)
        if count >= _SCANNED:
            left.append((shown, f"not among the first {_SCANNED:,} files"))
            break
        wanted = unicodedata.normalize("NFC", name)  # as macOS and other systems spell it
        if wanted in found:
            left.append((shown, "another file has the same name but for its spelling"))
        elif not safe_path(wanted):
            left.append((shown, "its name can't be used"))
        else:
            found[wanted] = path
    files: dict[str, bytes] = {}
    room = MAX_TOTAL
    for name in sorted(found, key=lambda name: (not _is_mentioned(name, mentioned), name)):
        try:
            if len(files) == MAX_FILES:
                raise NotebookError(f"more than {MAX_FILES} files")
            content = read_file(found[name], MAX_BYTES)
            if len(content) > room:
                raise NotebookError(f"all files together are larger than {megabytes(MAX_TOTAL)}")
        except NotebookError as error:
            left.append((one_line(name, _SHOWN), str(error)))
        except OSError as error:
            left.append((one_line(name, _SHOWN), error.strerror or "it can't be read"))
        else:
            files[name] = content
            room -= len(content)
    return Beside({name: files[name] for name in sorted(files)}, tuple(sorted(left)))


def _walk(folder: Path, prefix: str, depth: int) -> Iterator[tuple[str, Path]]:
    """Files below a folder by their relative path: those of a folder before those further down."""
    folders = []
    for path in sorted(folder.iterdir()):
        if of_programs(path.name) or path.suffix.lower() == ".ipynb":
            continue
        if stat.S_ISDIR(os.lstat(path).st_mode):
            folders.append(path)
        else:
            yield prefix + path.name, path
    for path in folders:
        if depth < MAX_DEPTH:
            yield from _walk(path, f"{prefix}{path.name}/", depth + 1)
        else:
            yield prefix + path.name, path  # refused: a folder is no regular file


def _is_mentioned(name: str, text: str) -> bool:
    path = PurePosixPath(name)
    return path.name in text or path.stem in text


def with_files(submission: Submission, folder: Path) -> Submission:
    """A submission with the files beside its notebook, and notes on those that are not taken."""
    texts = [*submission.answers.values(), *(extra.source for extra in submission.extras)]
    beside = find_beside(folder, mentioned="\n".join(texts))
    return replace(
        submission,
        files={name: base64.b64encode(data).decode() for name, data in beside.files.items()},
        left_out=tuple(name for name, _ in beside.left_out),
        notes=(*submission.notes, *_notes(beside)),
    )


def _notes(beside: Beside) -> list[str]:
    notes = [f"{name} beside the notebook was left out: {why}" for name, why in beside.left_out]
    if len(notes) > 3:
        names = ", ".join(name for name, _ in beside.left_out[:3])
        notes = [
            f"{len(notes)} files beside the notebook were left out, as {names} "
            f"({beside.left_out[0][1]})"
        ]
    modules = {PurePosixPath(name).parts[0].removesuffix(".py"): name for name in beside.files}
    shadowed = [
        name
        for module, name in modules.items()
        if module in _SHADOWED and name.lower().endswith(".py")
    ]
    notes += [
        f"{name} has the name of a module that was there before: that one is imported; rename yours"
        for name in shadowed[:3]
    ]
    return notes
