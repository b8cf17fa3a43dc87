"""A notebook from the page's parts and the cells that were executed for it."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from replearn_book.takealong.code import CodeCell, for_reader
from replearn_book.takealong.page import Cell, Heading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbformat import NotebookNode

    from replearn_book.takealong.page import Part

LIBRARY = "replearn.zip"
INSTALL = f"""\
# The code below needs the book's library. If it is not installed, this cell installs it from
# {LIBRARY}, which the download menu of the chapter's page offers; put it beside this notebook.
import importlib
import importlib.util
from pathlib import Path

installed = importlib.util.find_spec("replearn")
if installed is None or installed.origin is None:  # a mere folder of that name has no origin
    found = [name for name in ("{LIBRARY}", "replearn") if Path(name).exists()]
    if not found:
        raise FileNotFoundError(
            "{LIBRARY} is not beside this notebook: take it from the download menu of the "
            "chapter's page, put it into the same folder and run this cell again"
        )
    library = Path(found[0]).resolve()
    %pip install --quiet "{{library}}"
    importlib.invalidate_caches()"""
ABOUT = """\
*A chapter of the book \u201c{book}\u201d.
The first cell installs what the code needs.
Numbers in the text and the stored outputs are those of the book's page: \
run the cells on other data, and the outputs change while the text does not.
The text is licensed under CC BY 4.0, the code under the BSD-3-Clause licence.*"""
# The kinds of output that notebook programs know; others are notes of the build.
_KINDS = ("text/plain", "text/html", "text/markdown", "text/latex", "image/png", "image/jpeg")


def notebook_of(book: str, parts: Sequence[Part], executed: Sequence[NotebookNode]) -> NotebookNode:
    """The notebook of a chapter.

    Parameters
    ----------
    book : the book's title.
    parts : the page (:func:`replearn_book.takealong.page.parts_of`).
    executed : all code cells of the chapter with their outputs, those that the page leaves out
        included.

    Raises
    ------
    ValueError
        The page and the cells don't belong together, or code is kept that needs the build.
    """
    rest = list(parts)
    title = f"# {book}"
    if rest and isinstance(rest[0], Heading):
        title = rest[0].text
        del rest[0]
    cells = [new_markdown_cell(f"{title}\n\n{ABOUT.format(book=book)}"), new_code_cell(INSTALL)]
    code = _cells_of_page(executed)
    shown = [part.html for part in rest if isinstance(part, Cell)]
    if len(shown) != len(code):
        raise ValueError(f"the page shows {len(shown)} cells, and {len(code)} were executed for it")
    groups = iter([_with_html(group, html) for group, html in zip(code, shown, strict=True)])
    prose: list[str] = []
    for part in rest:
        if isinstance(part, Cell | Heading) and prose:
            cells.append(new_markdown_cell("\n\n".join(prose)))
            prose = []
        if isinstance(part, Cell):
            cells += next(groups)
        else:
            prose.append(part.text)
    if prose:
        cells.append(new_markdown_cell("\n\n".join(prose)))
    notebook: NotebookNode = new_notebook(
        cells=cells,
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
    )
    stable_ids(notebook)
    nbformat.validate(notebook)
    return notebook


def stable_ids(notebook: NotebookNode) -> None:
    """Name each cell by its content, so that an unchanged cell keeps its id."""
    seen: Counter[str] = Counter()
    for cell in notebook.cells:
        digest = hashlib.sha256(f"{cell.cell_type}\0{cell.source}".encode()).hexdigest()[:12]
        cell.id = f"{digest}-{seen[digest]}"
        seen[digest] += 1


def _tags(cell: NotebookNode) -> set[str]:
    """The tags that say what the page shows of a cell, which are written with - or _."""
    return {tag.replace("_", "-") for tag in cell.metadata.get("tags", [])}


def _cells_of_page(executed: Sequence[NotebookNode]) -> list[list[NotebookNode]]:
    """For each cell of the page the cells of the notebook.

    What is left of a cell that the page leaves out follows the cell before it.
    """
    written = [cell for cell in executed if cell.source.strip()]
    removed = ["remove-cell" in _tags(cell) for cell in written]
    texts = for_reader(list(map(CodeCell, (cell.source for cell in written), removed)))
    groups: list[list[NotebookNode]] = []
    early: list[NotebookNode] = []  # before the first cell of the page
    for cell, text, is_removed in zip(written, texts, removed, strict=True):
        if not is_removed:
            groups.append(early)
            early = []
        if text is not None:
            (groups[-1] if groups else early).append(_code_cell(cell, text, hidden=is_removed))
    return groups


def _code_cell(cell: NotebookNode, text: str, *, hidden: bool) -> NotebookNode:
    tags = _tags(cell)
    new: NotebookNode = new_code_cell(text)
    if hidden or tags & {"hide-input", "hide-cell", "remove-input"}:
        new.metadata.jupyter = {"source_hidden": True}
    if not hidden and "remove-output" not in tags:
        new.outputs = list(_outputs(cell))
    return new


def _outputs(cell: NotebookNode) -> Iterator[NotebookNode]:
    """What the page shows: no errors' stream, and what is printed in one piece."""
    printed = ""
    for output in cell.outputs:
        if output.output_type == "stream":
            printed += output.text if output.name == "stdout" else ""
            continue
        if output.output_type == "error":
            new = nbformat.from_dict(dict(output))
        else:
            data = {kind: output.data[kind] for kind in _KINDS if kind in output.data}
            if not data:
                continue
            new = new_output("display_data", data)
        if printed:
            yield new_output("stream", name="stdout", text=printed)
            printed = ""
        yield new
    if printed:
        yield new_output("stream", name="stdout", text=printed)


def _with_html(cells: list[NotebookNode], html: Sequence[str]) -> list[NotebookNode]:
    """Cells with HTML as it is on the page: with numbers, and with pictures as pictures."""
    outputs = [
        output for cell in cells for output in cell.outputs if "text/html" in output.get("data", {})
    ]
    if len(outputs) != len(html):
        raise ValueError(f"the page shows {len(html)} outputs of {len(outputs)} that are HTML")
    for output, text in zip(outputs, html, strict=True):
        output.data["text/html"] = text
    return cells
