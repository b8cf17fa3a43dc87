"""One table of the rows that the chapters measured, in the order of the table of contents."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import nbformat
from docutils import nodes
from jupyter_cache import get_cache
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from replearn.comparison import MIME_TYPE, Row, rows_from_data, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbformat import NotebookNode
    from sphinx.application import Sphinx
    from sphinx.config import Config
    from sphinx.environment import BuildEnvironment

logger = logging.getLogger(__name__)


class comparison_table(nodes.General, nodes.Element):
    """Stands where the table will be, until every page has been read."""


def rows_of_notebook(notebook: NotebookNode) -> list[Row]:
    """The rows in the outputs of an executed notebook, in the order of its cells."""
    rows: list[Row] = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if MIME_TYPE in output.get("data", {}):
                rows += rows_from_data(output.data[MIME_TYPE])
    return rows


def _executed(env: BuildEnvironment) -> NotebookNode | None:
    """The notebook of the page that is being read, with its outputs; None for other pages."""
    myst_nb: dict[str, Any] = vars(env)  # where MyST-NB keeps what it knows
    if "exec_data" not in myst_nb.get("nb_metadata", {}).get(env.docname, {}):
        return None
    config = myst_nb["mystnb_config"]
    # Just written by MyST-NB, but with its outputs only if it was not in the cache before.
    written = nbformat.read(Path(config.output_folder, f"{env.docname}.ipynb"), as_version=4)
    try:
        _, executed = get_cache(config.execution_cache_path).merge_match_into_notebook(written)
    except KeyError:
        return None  # it failed, which is a warning of its own
    return cast("NotebookNode", executed)


def _store(env: BuildEnvironment) -> dict[str, list[Row]]:
    if not hasattr(env, "replearn_rows"):
        env.replearn_rows = {}  # type: ignore[attr-defined]
    rows: dict[str, list[Row]] = env.replearn_rows  # type: ignore[attr-defined]
    return rows


def _collect(app: Sphinx, document: nodes.document) -> None:
    notebook = _executed(app.env)
    rows = [] if notebook is None else rows_of_notebook(notebook)
    if rows:
        _store(app.env)[app.env.docname] = rows


def _purge(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    _store(env).pop(docname, None)


def _merge(app: Sphinx, env: BuildEnvironment, docnames: set[str], other: BuildEnvironment) -> None:
    _store(env).update({name: rows for name, rows in _store(other).items() if name in docnames})


def _in_toc_order(env: BuildEnvironment, page: str) -> Iterator[str]:
    yield page
    for child in env.toctree_includes.get(page, []):
        yield from _in_toc_order(env, child)


def _pages_with_table(env: BuildEnvironment) -> set[str]:
    if not hasattr(env, "replearn_tables"):
        env.replearn_tables = set()  # type: ignore[attr-defined]
    pages: set[str] = env.replearn_tables  # type: ignore[attr-defined]
    return pages


def _outdated(app: Sphinx, env: BuildEnvironment) -> list[str]:
    # Rows may have changed on any page, so a page that gathers them is always written anew.
    return sorted(_pages_with_table(env) & env.found_docs)


def _fill(app: Sphinx, document: nodes.document, docname: str) -> None:
    for place in list(document.findall(comparison_table)):
        pages = _store(app.env)
        rows: list[Row] = []
        links = {}
        for page in _in_toc_order(app.env, app.config.root_doc):
            for row in pages.get(page, []):
                rows.append(row)
                links[row.chapter] = app.builder.get_relative_uri(docname, page)
        names = sorted({row.data for row in rows})
        if len(names) > 1:
            logger.warning(
                f"the rows of the comparison were measured on different data: {', '.join(names)}",
                location=docname,
                type="replearn",
                subtype="comparison",
            )
        if rows:
            place.replace_self(nodes.raw("", table(rows, links=links).to_html(), format="html"))
        else:
            place.replace_self(nodes.paragraph(text="No chapter has measured its method yet."))


def _allow_data(app: Sphinx, config: Config) -> None:
    # MyST-NB warns of each kind of output that it does not render itself, also beside one that it
    # does; an output of which it can show nothing has a warning of its own (mime_priority).
    config.suppress_warnings = [*config.suppress_warnings, "mystnb.unknown_mime_type"]


class ComparisonDirective(SphinxDirective):
    """The place of the table."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        _pages_with_table(self.env).add(self.env.docname)
        return [comparison_table()]


def setup(app: Sphinx) -> None:
    """Register the directive and the events that gather and place the rows."""
    app.add_node(comparison_table)
    app.add_directive("comparison", ComparisonDirective)
    app.connect("config-inited", _allow_data)
    app.connect("doctree-read", _collect)
    app.connect("env-purge-doc", _purge)
    app.connect("env-merge-info", _merge)
    app.connect("env-updated", _outdated)
    app.connect("doctree-resolved", _fill)
