"""Sentences that say which number is larger, tied to the comparison that was asserted in a cell.

A cell calls `replearn.conclusions.conclude("deep-below-pca", deep, "<", pca)`; the sentence ends
with the role {conclusion}`deep-below-pca`, which shows nothing. A figure whose alternative text
rests on it names it in `plotting.show(conclusions=[...])`. A comparison that does not hold fails
in its cell. Here a sentence without a comparison, or a comparison without a sentence, is a warning,
and the directive `conclusions` lists all of them with their numbers.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from docutils import nodes
from myst_nb.ext.glue.crossref import read_glue_cache
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.addnodes import pending_xref
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from replearn.conclusions import GLUE_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stated:
    """A sentence or a figure that rests on a comparison."""

    name: str
    comparison: str
    statement: list[nodes.Node]
    anchor: str


class conclusion_mark(nodes.inline):  # type: ignore[misc]  # docutils has no types
    """Where a sentence names its comparison; shows nothing."""


class conclusions_table(nodes.General, nodes.Element):  # type: ignore[misc]
    """Stands for the list of all conclusions until all pages are read."""


class ConclusionRole(SphinxRole):
    """The end of a sentence: the name of its comparison."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        mark = conclusion_mark(classes=["conclusion"], name=self.text)
        self.set_source_info(mark)
        return [mark], []


class ConclusionsDirective(SphinxDirective):
    """The list of all conclusions, chapter by chapter."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        _pages_with_list(self.env).add(self.env.docname)
        return [conclusions_table()]


def _asserted(env: BuildEnvironment, page: str) -> dict[str, str]:
    """The comparisons that the page's cells have asserted, by name."""
    if not NbMetadataCollector.get_doc_data(env).get(page, {}).get("glue"):
        return {}
    glued = read_glue_cache(env.mystnb_config.output_folder, page)  # type: ignore[attr-defined]
    return {
        key.removeprefix(GLUE_KEY): output["data"]["text/plain"]
        for key, output in glued.items()
        if key.startswith(GLUE_KEY)
    }


def _last_sentence(mark: conclusion_mark) -> list[nodes.Node]:
    """The text before the mark, from the start of its line in the source."""
    before = mark.parent.children[: mark.parent.index(mark)]
    found: list[nodes.Node] = []
    for node in reversed(before):
        if isinstance(node, conclusion_mark):
            continue
        if isinstance(node, nodes.Text) and "\n" in node:
            found.insert(0, nodes.Text(node.rsplit("\n", 1)[1]))
            break
        if isinstance(node, (nodes.Text, nodes.math)):
            found.insert(0, node.deepcopy())
        elif any(True for _ in node.findall(pending_xref)):
            found.insert(0, nodes.Text("…"))  # not yet resolved
        else:
            found.insert(0, nodes.Text(node.astext()))
    return found


def _figures(document: nodes.document) -> Iterator[tuple[nodes.raw, str, str]]:
    """The figures that rest on comparisons: node, names, alternative text."""
    for raw in document.findall(nodes.raw):
        text = raw.astext()
        names = re.search(r'<figure[^>]* data-conclusions="([^"]*)"', text)
        alt = re.search(r'aria-label="([^"]*)"', text)
        if names:
            yield raw, names[1], html.unescape(alt[1]) if alt else ""


def _collect(app: Sphinx, document: nodes.document) -> None:
    """Tie each mark of the page to its comparison, and report those without."""
    page = app.env.docname
    executed = NbMetadataCollector.get_exec_data(app.env, page)
    if executed and not executed["succeeded"]:
        return  # reported at its cell
    asserted = _asserted(app.env, page)
    stated: list[Stated] = []

    def tie(name: str, statement: list[nodes.Node], anchor: str, node: nodes.Element) -> None:
        if name in asserted:
            stated.append(Stated(name, asserted[name], statement, anchor))
            return
        logger.warning(
            f"no cell of this page asserts the conclusion {name!r}: conclude({name!r}, ...)",
            location=(page, node.line or (node.parent.line if node.parent is not None else None)),
            type="replearn",
            subtype="conclusion",
        )

    seen: dict[str, int] = {}
    for mark in list(document.findall(conclusion_mark)):
        name = mark["name"]
        seen[name] = seen.get(name, 0) + 1
        anchor = f"conclusion-{name}" + (f"-{seen[name]}" if seen[name] > 1 else "")
        mark["ids"] = [anchor]
        tie(name, _last_sentence(mark), anchor, mark)
    for raw, names, alt in _figures(document):
        for name in names.split():
            tie(name, [nodes.emphasis(text="Figure: "), nodes.Text(alt)], "", raw)
    for name in sorted(set(asserted) - {entry.name for entry in stated}):
        logger.warning(
            f"no sentence or figure of this page names the conclusion {name!r}",
            location=(page, None),
            type="replearn",
            subtype="conclusion",
        )
    _stored(app.env)[page] = stated


def _stored(env: BuildEnvironment) -> dict[str, list[Stated]]:
    if not hasattr(env, "replearn_conclusions"):
        env.replearn_conclusions = {}  # type: ignore[attr-defined]
    return env.replearn_conclusions  # type: ignore[attr-defined,no-any-return]


def _pages_with_list(env: BuildEnvironment) -> set[str]:
    if not hasattr(env, "replearn_conclusion_lists"):
        env.replearn_conclusion_lists = set()  # type: ignore[attr-defined]
    return env.replearn_conclusion_lists  # type: ignore[attr-defined,no-any-return]


def _purge(app: Sphinx, env: BuildEnvironment, page: str) -> None:
    _stored(env).pop(page, None)
    _pages_with_list(env).discard(page)


def _merge(app: Sphinx, env: BuildEnvironment, pages: set[str], other: BuildEnvironment) -> None:
    _stored(env).update({page: _stored(other)[page] for page in pages if page in _stored(other)})
    _pages_with_list(env).update(_pages_with_list(other) & set(pages))


def _report(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Print how many comparisons each page asserted; have the pages that list them written anew."""
    counts = {
        page: len({entry.name for entry in stated})
        for page, stated in sorted(_stored(env).items())
        if stated
    }
    each = ", ".join(f"{page.rsplit('/', 1)[-1]} {count}" for page, count in counts.items())
    if counts:
        logger.info("conclusions asserted: %d (%s)", sum(counts.values()), each)
    lists = sorted(_pages_with_list(env) & env.found_docs)
    for page in lists:  # their formulas come after reading, too late for Sphinx to notice
        env.get_domain("math").data["has_equations"][page] = True
    return lists


def _table(app: Sphinx, page: str, stated: list[Stated], source: str) -> nodes.Element:
    """One page's conclusions: what is said, and the comparison that bears it out."""
    table = nodes.table()
    group = nodes.tgroup(cols=2)
    group += [nodes.colspec(colwidth=3), nodes.colspec(colwidth=2)]
    head = nodes.row()
    for title in ("what is said", "what was asserted"):
        head += nodes.entry("", nodes.paragraph(text=title))
    group += nodes.thead("", head)
    body = nodes.tbody()
    for entry in stated:
        address = app.builder.get_relative_uri(source, page)
        if entry.anchor:
            address += f"#{entry.anchor}"
        said = nodes.paragraph("", "", *(node.deepcopy() for node in entry.statement))
        link = nodes.reference("", entry.name, internal=True, refuri=address)
        numbers = nodes.literal(text=entry.comparison)
        shown = nodes.paragraph("", "", link, nodes.Text(": "), numbers)
        body += nodes.row("", nodes.entry("", said), nodes.entry("", shown))
    group += body
    table += group
    return table


def _fill(app: Sphinx, document: nodes.document, source: str) -> None:
    for place in list(document.findall(conclusions_table)):
        filled: list[nodes.Node] = []
        for page, stated in sorted(_stored(app.env).items()):
            if not stated:
                continue
            title = app.env.titles[page].astext()
            section = nodes.section(ids=[f"conclusions-of-{page.rsplit('/', 1)[-1]}"])
            section += nodes.title(text=title)
            section += _table(app, page, stated, source)
            filled.append(section)
        if not filled:
            filled = [nodes.paragraph(text="No page of this book draws a conclusion yet.")]
        place.replace_self(filled)


def _visit_mark(writer: Any, node: conclusion_mark) -> None:
    writer.visit_inline(node)


def _depart_mark(writer: Any, node: conclusion_mark) -> None:
    writer.depart_inline(node)


def setup(app: Sphinx) -> None:
    """Register the role, the directive and the checks."""
    for kind in (conclusion_mark, conclusions_table):
        app.add_node(kind, html=(_visit_mark, _depart_mark))
    app.add_role("conclusion", ConclusionRole())
    app.add_directive("conclusions", ConclusionsDirective)
    app.connect("doctree-read", _collect)
    app.connect("doctree-resolved", _fill)
    app.connect("env-purge-doc", _purge)
    app.connect("env-merge-info", _merge)
    app.connect("env-updated", _report)
