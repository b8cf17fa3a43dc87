"""Offer the notebook of a chapter, and the library that it imports, in the page's download menu.

The theme links a notebook only where it also offers to launch one on a server, so the link and
the file are placed here. The notebook is made of the page (:mod:`replearn_book.takealong`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.readers import get_reader
from sphinx.util import logging

from autograder.assignments.student_zip import LIBRARY, write_zip
from replearn_book.cache import READER, folder_of
from replearn_book.takealong.assemble import notebook_of
from replearn_book.takealong.page import parts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docutils import nodes
    from nbformat import NotebookNode
    from sphinx.application import Sphinx

logger = logging.getLogger(__name__)
_LIBRARY = f"_downloads/{LIBRARY.file}"


def _executed(app: Sphinx, page: str) -> Sequence[NotebookNode]:
    """The code cells of a page with their outputs; none where nothing was executed."""
    folder = folder_of(app.env, page)
    if folder is None:
        return []
    cache = get_cache(folder)
    source = get_reader(READER)(app.env.doc2path(page))
    try:
        record = cache.match_cache_notebook(source)
    except KeyError:  # a cell failed, which is reported
        return []
    cells: list[NotebookNode] = cache.get_cache_bundle(record.pk).nb.cells
    return [cell for cell in cells if cell.cell_type == "code"]


def _offer(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    if doctree is None or app.builder.format != "html":
        return
    executed = _executed(app, pagename)
    if not executed:
        return
    images = {name: Path(app.srcdir) / source for source, name in app.builder.images.items()}
    try:
        notebook = notebook_of(app.config.html_title, parts_of(context["body"], images), executed)
    except ValueError as error:
        logger.warning(
            "the page's notebook can't be made: %s",
            error,
            location=pagename,
            type="replearn",
            subtype="takealong",
        )
        return
    target = Path(app.outdir) / "_sources" / f"{pagename}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    context["ipynb_source"] = f"{pagename}.ipynb"


def _offer_library(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    if not context.get("ipynb_source"):
        return
    for group in context["header_buttons"]:
        if group.get("label") == "download-buttons":
            button = {
                "type": "link",
                "url": context["pathto"](_LIBRARY, 1),
                "text": LIBRARY.file,
                "icon": "fas fa-box",
                "tooltip": "Download the library that the notebook imports",
                "label": "download-library-button",
            }
            group["buttons"].insert(1, button)


def _write_library(app: Sphinx) -> None:
    if app.builder.format == "html":
        write_zip(Path(app.outdir) / _LIBRARY, LIBRARY)


def setup(app: Sphinx) -> None:
    """Come before the theme makes its buttons (priority 501), and after it."""
    app.connect("builder-inited", _write_library)
    app.connect("html-page-context", _offer, priority=500)
    app.connect("html-page-context", _offer_library, priority=502)
