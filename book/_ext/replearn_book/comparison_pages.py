"""One table of the rows that the chapters measured, in the order of the table of contents."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from replearn.comparison import DATA_ATTRIBUTE, Row, rows_from_json, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

logger = logging.getLogger(__name__)


class comparison_table(nodes.General, nodes.Element):
    """Stands where the table will be, until every page has been read."""


class _Rows(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Row] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        text = dict(attrs).get(DATA_ATTRIBUTE)
        if text:
            self.rows += rows_from_json(text)


def _rows_of_page(document: nodes.document) -> list[Row]:
    parser = _Rows()
    for raw in document.findall(nodes.raw):
        if "html" in raw.get("format", "").split() and DATA_ATTRIBUTE in raw.astext():
            parser.feed(raw.astext())
    return parser.rows


def _store(env: BuildEnvironment) -> dict[str, list[Row]]:
    if not hasattr(env, "replearn_rows"):
        env.replearn_rows = {}  # type: ignore[attr-defined]
    rows: dict[str, list[Row]] = env.replearn_rows  # type: ignore[attr-defined]
    return rows


def _collect(app: Sphinx, document: nodes.document) -> None:
    rows = _rows_of_page(document)
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
            place.replace_self(nodes.raw("", table(rows, links=links)._repr_html_(), format="html"))
        else:
            place.replace_self(nodes.paragraph(text="No chapter has measured its method yet."))


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
    app.connect("doctree-read", _collect)
    app.connect("env-purge-doc", _purge)
    app.connect("env-merge-info", _merge)
    app.connect("env-updated", _outdated)
    app.connect("doctree-resolved", _fill)
