"""The executed notebook that nbgrader's formgrader shows to the instructor.

What a student wrote or printed appears in a page with the instructor's rights, so nothing of it may
become an active element there. Outputs are made anew from the few kinds that are only text or
pixels. Markdown stays markdown, but no HTML tag, no address other than http(s) and no element's id
can come out of it, however it is spelled: whatever starts one is broken up by a space, which is
harmless in prose, code and TeX (entities would break TeX).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import md5
from typing import Any

from autograder.reports.pictures import IMAGE_CHARS, KINDS, Pictures, is_image
from gradekit.notebook import Cell
from gradekit.text import visible

# nbconvert's parser takes a time that grows with the square of a hostile text.
_MARKDOWN_CHARS = 20_000  # of one cell
_ADDED_MARKDOWN_CHARS = 100_000  # of all cells that a student added
_CODE_CHARS = 1_000_000
_OUTPUT_CHARS = 100_000  # of one output
_OUTPUTS = 200  # of one cell
_NOTEBOOK_CHARS = 5_000_000  # all outputs of a notebook, its images included
_NOTES, _NOTE_CHARS = 50, 300
_NBSP = "\u00a0"

_ANSI = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, cursor
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # window titles, links
    r"|\x1b[ -/]*[0-~]?"
)
# One that is embedded, or one that is a file: in Markdown, or as the tag that many write.
_IMAGE = re.compile(
    r"!\[(?P<alt>[^\[\]\n]{0,200})\]"
    r"\((?:data:(?P<kind>image/(?:png|jpeg));base64,(?P<data>[A-Za-z0-9+/]+=*)"
    r"|[ \t]*<?(?P<file>[^()<>\n\"]{1,300}?)>?(?:[ \t]+\"[^\"\n]{0,200}\")?[ \t]*)\)"
    r"|<img\b[^<>]{0,300}?\bsrc\s*=\s*(?P<quote>[\"'])(?P<tag>[^<>\"'\n]{1,300})(?P=quote)[^<>]{0,300}>",
)
_HEADING_PREFIX = r"^([ \t>*+\-0-9.):]*)"
# Applied in this order.
_BROKEN: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"<(https?://[^\s<>\"'\\]+)>"), r" \1 "),  # an address on its own
    (re.compile(r"<(?=[A-Za-z/!?])"), "< "),  # tags, comments, declarations, other addresses
    (re.compile(r"!(?=\[)"), "! "),  # images: loaded from elsewhere, or attachments not there
    (re.compile(r"\](?=\()(?!\((?:https?://|#))", re.IGNORECASE), "] "),  # links
    (re.compile(r"\](?=:)(?!:[ \t]*https?://)", re.IGNORECASE), "] "),  # definitions of links
    (re.compile(r"((?:java|vb)script)\s*:", re.IGNORECASE), r"\1 :"),
    (re.compile(r"(data):(?=\s*[\w.+-]+/)", re.IGNORECASE), r"\1 :"),
    (re.compile(r"mermaid", re.IGNORECASE), "diagram"),  # nbconvert passes those unescaped
    (re.compile(r"\\(?:href|url|style|class|cssId|require)(?![A-Za-z])"), r"\\text"),
    # A heading's text becomes its id, and the formgrader finds its fields by theirs.
    (re.compile(_HEADING_PREFIX + r"(#{1,6})(?!#)[ \t]*", re.MULTILINE), rf"\1\2 {_NBSP}"),
    (re.compile(r"^([ \t>:]*)(?=(?:=+|-+)[ \t]*$)", re.MULTILINE), rf"\1{_NBSP}"),
)


def to_notebook(
    cells: Sequence[Cell],
    outputs: Mapping[int, Sequence[Any]],
    *,
    files: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """The executed notebook, as nbformat 4 JSON.

    Parameters
    ----------
    cells : in their order.
    outputs : of each cell by its index, as they came.
    files : what was handed in beside the notebook, in base64 by relative path.
    notes : what was noticed; they stand with the files in a cell at the end, if there is any.
    """
    pictures = Pictures(files or {})
    budget, texts = _Budget(_NOTEBOOK_CHARS), _Budget(_ADDED_MARKDOWN_CHARS)
    made = []
    for index, cell in enumerate(cells):
        source, attachments = _source(cell, texts, pictures)
        shown: dict[str, Any] = {
            "id": f"cell-{index}",
            "cell_type": cell.kind,
            "metadata": _metadata(cell, source),
            "source": source,
        }
        if attachments:
            shown["attachments"] = attachments
        if cell.kind == "code":
            kept = safe_outputs(outputs.get(index, ()), budget)
            shown |= {"execution_count": None, "outputs": kept}
        made.append(shown)
    if files or notes:
        made.append(_closing_cell(f"cell-{len(cells)}", files or {}, notes, pictures))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _closing_cell(
    name: str, files: Mapping[str, str], notes: Sequence[str], pictures: Pictures
) -> dict[str, Any]:
    """What else a person who marks must know: files beside the notebook, and what was noticed.

    It names no student, who may be anonymous to that person. Pictures that no text shows are shown
    here; other files are only named, as some would be active in a browser.
    """
    lines = [f"Noticed: {_broken(visible(note, _NOTE_CHARS))}" for note in notes[:_NOTES]]
    if files:
        names = ", ".join(_broken(visible(name, _NOTE_CHARS)) for name in files)
        lines.append(f"Handed in beside this notebook, and kept where it was submitted: {names}")
    attachments = {}
    for number, (file, (kind, data)) in enumerate(pictures.rest().items(), 1):
        attachments[f"image-{number}"] = {kind: data}
        alt = re.sub(r"[^\w .,]", " ", file)
        lines.append(f"{alt}: ![{alt}](attachment:image-{number})")
    cell: dict[str, Any] = {"id": name, "cell_type": "markdown", "metadata": {}}
    cell["source"] = "\n\n".join(lines)
    return cell | ({"attachments": attachments} if attachments else {})


def _source(
    cell: Cell, texts: _Budget, pictures: Pictures
) -> tuple[str, dict[str, dict[str, str]]]:
    """A cell's text as it is shown, and its attachments; the authors' own is left as it is."""
    if not cell.answer:
        return cell.source, {}
    if cell.kind == "markdown":
        source, attachments = safe_markdown(cell.source, pictures)
        if not cell.added or texts.take(len(source)):
            return source, attachments
        return "(More text than is shown here: it is in the submitted notebook.)", {}
    return visible(cell.source, _CODE_CHARS), {}


def _metadata(cell: Cell, source: str) -> dict[str, Any]:
    if not cell.grade_id:
        return {}
    graded, solution = cell.role in ("test", "manual"), cell.answer
    meta: dict[str, Any] = {
        "schema_version": 3,
        "grade_id": cell.grade_id,
        "grade": graded,
        "solution": solution,
        "locked": not solution and (graded or cell.locked),
        "task": False,
        "cell_type": cell.kind,
    }
    if graded:
        meta["points"] = cell.points
    meta["checksum"] = _checksum(source, cell.kind, meta)
    return {"nbgrader": meta}


def _checksum(source: str, kind: str, meta: dict[str, Any]) -> str:
    """nbgrader's own checksum of a cell (nbgrader.utils.compute_checksum takes 2 s to import)."""
    parts = [source, kind, *(str(meta[k]) for k in ("grade", "solution", "locked"))]
    parts.append(meta["grade_id"])
    if meta["grade"]:
        parts.append(str(float(meta["points"])))
    return md5("".join(parts).encode(), usedforsecurity=False).hexdigest()


def safe_markdown(
    text: str, pictures: Pictures | None = None
) -> tuple[str, dict[str, dict[str, str]]]:
    """A student's markdown with nothing active in it, and its images as attachments.

    A text that is too long ends in an ellipsis.

    Parameters
    ----------
    text : what the student wrote.
    pictures : files beside the notebook, which a text shows by their names.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    attachments: dict[str, dict[str, str]] = {}
    parts: list[str] = []
    left = _MARKDOWN_CHARS
    start = 0
    for match in _IMAGE.finditer(text):
        picture = _picture(match, pictures)
        if picture is None:
            continue
        parts.append(_broken(visible(text[start : match.start()], left)))
        left = max(left - (match.start() - start), 0)
        start = match.end()
        name = f"image-{len(attachments) + 1}"
        attachments[name] = {picture[0]: picture[1]}
        alt = re.sub(r"[^\w .,]", " ", match["alt"] or match["tag"] or "")
        parts.append(f" ![{alt}](attachment:{name}) ")
    parts.append(_broken(visible(text[start:], left)))
    return "".join(parts), attachments


def _picture(match: re.Match[str], pictures: Pictures | None) -> tuple[str, str] | None:
    """Type and data of the picture that stands there, if it is one that may be shown."""
    if match["data"]:
        return (match["kind"], match["data"]) if is_image(match["kind"], match["data"]) else None
    return pictures.find(match["file"] or match["tag"]) if pictures else None


def _broken(text: str) -> str:
    for pattern, replacement in _BROKEN:
        text = pattern.sub(replacement, text)
    return text


class _Budget:
    """Characters that the outputs, or the added texts, of a notebook may still take."""

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self, wanted: int) -> bool:
        fits = wanted <= self.left
        self.left -= wanted if fits else 0
        return fits


def safe_outputs(outputs: Sequence[Any], budget: _Budget) -> list[dict[str, Any]]:
    """Outputs made anew from whatever came: text, errors and pixels; a line for what is dropped."""
    shown: list[dict[str, Any]] = []
    for output in outputs[:_OUTPUTS]:
        made = _output(output) if isinstance(output, dict) else _note("an output of no known kind")
        if not budget.take(_size(made)):
            return [*shown, _note("more output than is kept")]
        shown.append(made)
    if len(outputs) > _OUTPUTS:
        shown.append(_note(f"more than {_OUTPUTS} outputs"))
    return shown


def _output(output: dict[Any, Any]) -> dict[str, Any]:
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return {"output_type": "stream", "name": name, "text": plain(output.get("text"))}
    if kind == "error":
        lines = output.get("traceback")
        lines = list(lines[:_OUTPUTS]) if isinstance(lines, (list, tuple)) else []
        return {
            "output_type": "error",
            "ename": plain(output.get("ename"))[:200],
            "evalue": plain(output.get("evalue")),
            "traceback": plain("\n".join(x for x in lines if isinstance(x, str))).split("\n"),
        }
    data = output.get("data")
    if kind in ("display_data", "execute_result") and isinstance(data, dict):
        kept = _data(data)
        if kept:
            return {"output_type": "display_data", "data": kept, "metadata": {}}
        kinds = ", ".join(sorted(visible(str(k), 40) for k in list(data)[:5])) or "nothing"
        return _note(f"an output of {kinds}".replace("\n", " "))
    return _note("an output of no known kind")


def _data(data: dict[Any, Any]) -> dict[str, str]:
    """What is kept of one display: plain text and pixels; TeX and markdown as plain text."""
    kept = {}
    for kind in ("text/plain", "text/markdown", "text/latex"):
        if isinstance(data.get(kind), (str, list)):
            kept["text/plain"] = plain(data[kind])
            break
    for kind in KINDS:
        picture = data.get(kind)
        if isinstance(picture, str) and len(picture) <= 2 * IMAGE_CHARS:
            picture = "".join(picture.split())
            if is_image(kind, picture):
                kept[kind] = picture
    return kept


def _note(what: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": f"[{what} is not shown]\n"}


def _size(output: dict[str, Any]) -> int:
    texts = [output.get("text", ""), output.get("evalue", ""), *output.get("traceback", ())]
    return sum(len(text) for text in (*texts, *output.get("data", {}).values()))


def plain(text: object) -> str:
    """Printed text: without terminal codes, of a line written over the last state, capped."""
    if isinstance(text, (list, tuple)):
        text = "".join(part for part in text if isinstance(part, str))
    if not isinstance(text, str):
        return ""
    text = _ANSI.sub("", text[: 2 * _OUTPUT_CHARS])
    lines = (line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return visible("\n".join(lines), _OUTPUT_CHARS)
