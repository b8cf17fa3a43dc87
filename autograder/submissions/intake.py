"""Takes one submission in: reads a student's notebook and picks the texts out of it.

Only regular files are read, no link is followed, sizes are capped before anything is held in
memory. From a notebook come only the texts of the cells the student may write and of the cells they
added, with the images attached to them; all other metadata is dropped.
"""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

from autograder.assignments.source import Assignment, Cell
from autograder.course import Course
from autograder.results import Extra, Rejected, Submission
from autograder.text import one_line

MAX_BYTES = 20_000_000
# No link is followed and no named pipe waited for (Windows has none of these flags).
_FLAGS = os.O_RDONLY
for _name in ("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"):
    _FLAGS |= getattr(os, _name, 0)
_MAX_CELLS = 2_000
_MAX_TEXT = 1_000_000  # characters of one cell, its images apart
_MAX_PARTS = 500_000  # lists and objects of the JSON: each takes far more memory than bytes
_REASON_CHARS = 190
_NAME_CHARS = 40
_IMAGE = re.compile(r"data:image/(?:png|jpeg);base64,[A-Za-z0-9+/]+=*")
_ATTACHMENT = re.compile(r"\]\(attachment:([^()\s]{1,200})\)")


class Unreadable(Exception):
    """Why a submission can't be read, as it appears in the status column."""


def read_submission(course: Course, assignment: Assignment, student: str) -> Submission | Rejected:
    """Read a student's submission; what can't be read comes back as Rejected, never raised."""

    def rejected(outcome: Literal["unreadable", "missing"], reason: str) -> Rejected:
        return Rejected(student, assignment.name, outcome, one_line(reason, _REASON_CHARS))

    folder = course.submitted / student / assignment.name
    wanted = f"{assignment.name}.ipynb"
    try:
        if folder.is_symlink() or folder.parent.is_symlink():
            raise Unreadable("the folder is a link")
        if not folder.is_dir():
            return rejected("missing", "nothing handed in")
        notes: tuple[str, ...] = ()
        path = folder / wanted
        if not os.path.lexists(path):
            found = sorted(p.name for p in folder.iterdir() if p.suffix.lower() == ".ipynb")
            if not found:
                others = _names(sorted(p.name for p in folder.iterdir())) or "nothing"
                return rejected("missing", f"found {others}, wanted {wanted}")
            if len(found) > 1:
                raise Unreadable(f"found {_names(found)}, wanted {wanted}")
            path = folder / found[0]
            notes = (f"found {_names(found)}, wanted {wanted}",)
        return take(read_file(path), assignment, student, notes)
    except Unreadable as error:
        return rejected("unreadable", str(error))
    except OSError as error:
        return rejected("unreadable", f"{wanted}: {error.strerror or error}")


def _names(names: list[str]) -> str:
    """The first three of some files' names."""
    return ", ".join(one_line(name, _NAME_CHARS) for name in names[:3])


def read_file(path: Path) -> bytes:
    """Bytes of a regular file, without following a link; Unreadable says why there are none."""
    name = one_line(path.name, _NAME_CHARS)
    before = os.lstat(path)  # first: opening a device can have effects of its own
    if stat.S_ISLNK(before.st_mode):
        raise Unreadable(f"{name} is a link, not a file")
    if not stat.S_ISREG(before.st_mode):
        raise Unreadable(f"{name} is not a regular file")
    with os.fdopen(os.open(path, _FLAGS), "rb") as file:
        info = os.fstat(file.fileno())
        if not stat.S_ISREG(info.st_mode) or not os.path.samestat(before, info):
            raise Unreadable(f"{name} was replaced while it was read")
        # The same file under a second name may be anyone's: the solution, another's work, a file
        # only the grader may read. git, rsync --link-dest and the usual backup programs never add
        # a link to the files they copy, so honest work has one name.
        if info.st_nlink > 1:
            raise Unreadable(f"{name} is a hard link: the same file lies elsewhere too; copy it")
        if info.st_size <= MAX_BYTES:
            content = file.read(MAX_BYTES + 1)  # capped again, as a file can grow meanwhile
            if len(content) <= MAX_BYTES:
                return content
    raise Unreadable(f"larger than {MAX_BYTES // 1_000_000} MB")


def take(
    content: bytes, assignment: Assignment, student: str, notes: tuple[str, ...] = ()
) -> Submission:
    """The submission in a notebook's bytes; Unreadable when there is none."""
    return _take(_parse(content), assignment, student, notes)


def _parse(content: bytes) -> list[dict[str, Any]]:
    if not content.strip():
        raise Unreadable("the file is empty")
    if content.count(b"[") + content.count(b"{") > _MAX_PARTS:
        raise Unreadable(f"not a notebook (it has more than {_MAX_PARTS:,} lists and objects)")
    try:
        notebook = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise Unreadable("not a notebook (it is not valid JSON)") from error
    if not isinstance(notebook, dict):
        raise Unreadable("not a notebook of format 4 (it has no list of cells)")
    cells = notebook.get("cells")
    if not isinstance(cells, list) and isinstance(notebook.get("worksheets"), list):
        raise Unreadable(
            "a notebook of format 3 or older, wanted format 4: open it in Jupyter, save it "
            "and hand it in again"
        )
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise Unreadable("not a notebook of format 4 (it has no list of cells)")
    if len(cells) > _MAX_CELLS:
        raise Unreadable(f"more than {_MAX_CELLS:,} cells")
    return cells


def _text(cell: dict[str, Any], index: int) -> str:
    source = cell.get("source", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise Unreadable(f"cell {index + 1} has no text")
    if len(source) > _MAX_TEXT and len(_IMAGE.sub("", source)) > _MAX_TEXT:
        raise Unreadable(f"cell {index + 1} holds more than {_MAX_TEXT:,} characters")
    # Lone surrogates and NUL can be written neither to a kernel nor to a database.
    return source.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")


def _with_images(text: str, cell: dict[str, Any]) -> str:
    """A markdown text with the images attached to its cell written into it.

    An answer by hand is often a photograph, and only the text of a cell is taken.
    """
    attached = cell.get("attachments")
    if not isinstance(attached, dict) or "](attachment:" not in text:
        return text
    taken: set[str] = set()

    def image(match: re.Match[str]) -> str:
        bundle = attached.get(match[1]) or attached.get(unquote(match[1]))
        if match[1] in taken or not isinstance(bundle, dict):
            return match[0]  # shown once, so that a notebook can't grow
        for kind in ("image/png", "image/jpeg"):
            data = bundle.get(kind)
            address = f"data:{kind};base64,{''.join(data.split())}" if type(data) is str else ""
            if _IMAGE.fullmatch(address):
                taken.add(match[1])
                return f"]({address})"
        return match[0]

    return _ATTACHMENT.sub(image, text)


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
    retyped: list[str] = []
    answers: dict[str, str] = {}
    extras: list[Extra] = []
    after = -1
    for index, (cell, text) in enumerate(zip(cells, texts, strict=True)):
        name = _grade_id(cell)
        kind = cell.get("cell_type")
        if name in position and last[name] == index:
            after = position[name]
            if name in assignment.answers:
                wanted = assignment.cells[after].kind
                answers[name] = _with_images(text, cell) if wanted == "markdown" else text
                if kind != wanted:
                    retyped.append(name)
        elif name in position and name not in assignment.answers:
            continue  # a second copy of a test or of given text
        elif not name and text.strip() in given:
            after = given[text.strip()]
        elif text.strip() and kind in ("code", "markdown"):
            shown = _with_images(text, cell) if kind == "markdown" else text
            extras.append(Extra(after, kind, shown))
            if name in position:
                twice.append(name)
    if not answers:
        raise Unreadable(
            f"none of the answer cells of {assignment.name} is in it; "
            "is it another assignment's notebook?"
        )
    missing = [name for name in assignment.answers if name not in answers]
    all_notes = (
        *notes,
        *_noted(
            twice,
            "{} appears more than once; the last one counts",
            "{} answer cells appear more than once; the last of each counts: {}",
        ),
        *_noted(
            retyped,
            "{} has another cell type; its text was taken as the answer",
            "{} answer cells have another cell type; their texts were taken as the answers: {}",
        ),
        *_noted(
            missing,
            "{} is missing from the notebook",
            "{} answer cells are missing from the notebook: {}",
        ),
        *_about_given(assignment.cells, texts, last),
    )
    return Submission(student, assignment.name, answers, tuple(extras), all_notes)


def _about_given(cells: tuple[Cell, ...], texts: list[str], last: dict[str, int]) -> list[str]:
    """Notes about given code and tests that the student deleted or changed."""
    deleted: list[str] = []
    changed: list[str] = []
    for source in cells:
        name = source.grade_id
        if not name or source.role in ("solution", "manual") or source.kind != "code":
            continue
        if name not in last:
            deleted.append(name)
        elif not source.hidden and texts[last[name]].strip() != source.source.strip():
            changed.append(name)
    return [
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
    ]
