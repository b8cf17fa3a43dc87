"""From a file's bytes to cells, within bounds."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote

from gradekit.notebook.cells import Cell, Kind, grade_id_of, role_of

MAX_BYTES = 20_000_000
MAX_CELLS = 2_000
MAX_CHARACTERS = 1_000_000  # of one cell, its images apart
MAX_CONTAINERS = 500_000  # lists and objects of the JSON: each takes far more memory than bytes

_KINDS = ("code", "markdown", "raw")
_IMAGE = re.compile(r"data:image/(?:png|jpeg);base64,[A-Za-z0-9+/]+=*")
_ATTACHMENT = re.compile(r"\]\(attachment:([^()\s]{1,200})\)")
_NO_STRUCTURE = bytes(set(range(256)) - set(b'"[{'))
_STRING = re.compile(rb'"[^"]*"?')
_NO_CELLS = "not a notebook of format 4 (it has no list of cells)"


class NotebookError(Exception):
    """Why a notebook can't be taken, in one sentence: the same when it is checked and graded."""


@dataclass(frozen=True)
class Notebook:
    """What is read of a notebook: its cells, the images attached to each, its own metadata."""

    cells: tuple[Cell, ...]
    attachments: tuple[Mapping[str, Any], ...]
    metadata: Mapping[str, Any]

    def with_images(self, index: int) -> str:
        """The text of a cell with the images attached to it written into it.

        An answer by hand is often a photograph, and only the text of a cell is taken.
        """
        text, attached = self.cells[index].source, self.attachments[index]
        if not attached:
            return text
        taken: set[str] = set()

        def image(match: re.Match[str]) -> str:
            name = match[1] if match[1] in attached else unquote(match[1])
            address = "" if name in taken else _address(attached.get(name))
            if not address:
                return match[0]  # shown once, so that a notebook can't grow
            taken.add(name)
            return f"]({address})"

        text = _ATTACHMENT.sub(image, text)
        # One that no text shows is seen by nobody, and may be all that was handed in.
        rest = {name: _address(bundle) for name, bundle in attached.items() if name not in taken}
        shown = [f"![]({address})" for address in rest.values() if address]
        return "\n\n".join([text, *shown])


def _address(bundle: object) -> str:
    """An attached image as an address that holds it; empty when it is none."""
    for kind in ("image/png", "image/jpeg"):
        data = bundle.get(kind) if isinstance(bundle, dict) else None
        address = f"data:{kind};base64,{''.join(data.split())}" if type(data) is str else ""
        if _IMAGE.fullmatch(address):
            return address
    return ""


def megabytes(count: int) -> str:
    """A limit in bytes, as people say it."""
    return f"{count // 1_000_000} MB"


def too_large(limit: int | None = None) -> NotebookError:
    """What is said of a file over a limit; None: over that of a notebook."""
    return NotebookError(f"larger than {megabytes(MAX_BYTES if limit is None else limit)}")


def parse(content: bytes) -> Notebook:
    """Read a notebook of format 4.

    Parameters
    ----------
    content : the bytes of the file.

    Raises
    ------
    NotebookError : it is none, or is over one of the limits above.
    """
    notebook = _notebook(content)
    cells = notebook["cells"]
    attachments = [cell.get("attachments") for cell in cells]
    metadata = notebook.get("metadata")
    return Notebook(
        tuple(_cell(cell, index) for index, cell in enumerate(cells)),
        tuple(found if isinstance(found, dict) else {} for found in attachments),
        metadata if isinstance(metadata, dict) else {},
    )


def _notebook(content: bytes) -> dict[str, Any]:
    if len(content) > MAX_BYTES:
        raise too_large()
    if not content.strip():
        raise NotebookError("the file is empty")
    if _containers(content) > MAX_CONTAINERS:
        raise NotebookError(
            f"not a notebook (it has more than {MAX_CONTAINERS:,} lists and objects)"
        )
    try:
        notebook = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise NotebookError("not a notebook (it is not valid JSON)") from error
    if not isinstance(notebook, dict):
        raise NotebookError(_NO_CELLS)
    cells = notebook.get("cells")
    if not isinstance(cells, list) and isinstance(notebook.get("worksheets"), list):
        raise NotebookError(
            "a notebook of format 3 or older, wanted format 4: open it in Jupyter and save it"
        )
    if not isinstance(cells, list) or not all(isinstance(cell, dict | None) for cell in cells):
        raise NotebookError(_NO_CELLS)
    if len(cells) > MAX_CELLS:
        raise NotebookError(f"more than {MAX_CELLS:,} cells")
    # Some programs leave null for what is empty: it costs nobody the rest of the work.
    return notebook | {"cells": [cell or {} for cell in cells]}


def _containers(content: bytes) -> int:
    """How many lists and objects JSON holds, at most; brackets in texts are none."""
    count = content.count(b"[") + content.count(b"{")
    if count > MAX_CONTAINERS:  # else it is no use to look closer
        bare = content.replace(b"\\\\", b"").replace(b'\\"', b"")  # escaped: ends no text
        bare = bare.translate(None, _NO_STRUCTURE).replace(b'""', b"")
        count = sum(map(len, _STRING.split(bare)))
    return count


def _cell(cell: dict[str, Any], index: int) -> Cell:
    kind = cell.get("cell_type")
    known = isinstance(kind, str) and kind in _KINDS
    return Cell(
        kind=cast(Kind, kind) if known else "raw",
        source=_text(cell.get("source", ""), index),
        role=role_of(cell),
        grade_id=grade_id_of(cell),
    )


def _text(source: object, index: int) -> str:
    if source is None:
        return ""
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise NotebookError(f"cell {index + 1} has no text")
    if len(source) > MAX_CHARACTERS and len(_IMAGE.sub("", source)) > MAX_CHARACTERS:
        raise NotebookError(f"cell {index + 1} holds more than {MAX_CHARACTERS:,} characters")
    # Lone surrogates and NUL can be written neither to a kernel nor to a database.
    return source.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")
