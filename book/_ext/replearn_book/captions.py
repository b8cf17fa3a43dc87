"""Number the figures and tables that cells show, and let the text refer to them.

`replearn.plotting.show` and the tables of `replearn.comparison` are HTML in the outputs of cells.
Each becomes a node that Sphinx numbers like a figure or table of the text, in the order of the
pages and within the chapter. The number is written before the caption when the page is written. A
figure's `data-label` is a label like any other: ``{numref}`that-label` `` reads "Figure 7.2".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Any, cast

from docutils import nodes
from sphinx.util import logging

from replearn_book.permalinks import permalink_html

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docutils.nodes import Element
    from sphinx.application import Sphinx
    from sphinx.domains import Domain
    from sphinx.domains.std import StandardDomain
    from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)


class shown_figure(nodes.General, nodes.Element):
    """A figure in the output of a cell; its only child is the raw HTML."""


class shown_table(nodes.General, nodes.Element):
    """A table in the output of a cell; its only child is the raw HTML."""


@dataclass(frozen=True)
class _Kind:
    """How one kind of output is written in HTML."""

    name: str  # Sphinx's name of the counter
    node: type[nodes.Element]
    start: re.Pattern[str]  # the tag that gets the id
    caption: str  # the tag of the caption
    place: re.Pattern[str]  # where the caption is put if there is none


def _tag(name: str, cls: str) -> re.Pattern[str]:
    """A start tag with this class among its classes."""
    return re.compile(rf'<{name}\b[^>]*\bclass="(?:[^"]*\s)?{cls}(?:\s[^"]*)?"[^>]*>')


_KINDS = (
    _Kind(
        "figure",
        shown_figure,
        _tag("figure", "replearn-figure"),
        "figcaption",
        re.compile(r"(?=</figure>\s*$)"),
    ),
    _Kind(
        "table",
        shown_table,
        _tag("div", "replearn-table"),
        "caption",
        re.compile(r"(?<=>)(?=\s*<(?:thead|tbody|tr)\b)"),
    ),
)


def label_of(start: str) -> str:
    """The label in a start tag, empty where there is none.

    >>> label_of('<figure class="replearn-figure" data-label="fig-spectrum">')
    'fig-spectrum'
    """
    match = re.search(r'\sdata-label="([^"]*)"', start)
    return "" if match is None else unescape(match[1])


def with_number(kind: _Kind, html: str, ids: list[str], number: str, link: str) -> str:
    """The output with its ids, its number before its caption and `link` behind it."""
    first, *others = ids
    anchors = "".join(f'<span id="{other}"></span>' for other in others)
    html = kind.start.sub(
        lambda tag: f'{tag[0].removesuffix(">")} id="{first}">{anchors}', html, count=1
    )
    said = f'<span class="caption-number">{kind.name.title()} {number}.</span> '
    name = kind.caption
    if f"</{name}>" not in html:
        return kind.place.sub(lambda _: f"<{name}>{said.rstrip()}{link}</{name}>", html, count=1)
    html = re.sub(rf"<{name}\b[^>]*>", lambda tag: tag[0] + said, html, count=1)
    return html.replace(f"</{name}>", f"{link}</{name}>", 1)


def _outputs(document: nodes.document) -> Iterator[tuple[nodes.raw, _Kind]]:
    """The figures and tables in the outputs of cells, in the order of the page."""
    for output in list(document.findall(nodes.container)):
        if output.get("nb_element") != "cell_code_output":
            continue
        for raw in list(output.findall(nodes.raw)):
            for kind in _KINDS:
                found = len(kind.start.findall(raw.astext()))
                if found > 1:
                    _warn(f"one output of a cell holds {found} {kind.name}s: show each alone", raw)
                if found:
                    yield raw, kind


def _warn(problem: str, where: Element | tuple[str, int | None]) -> None:
    logger.warning(problem, location=where, type="replearn", subtype="captions")


def _problem_of_label(app: Sphinx, document: nodes.document, label: str) -> str:
    """Why a figure can't have this label; empty if it can."""
    if nodes.make_id(label) != label:
        return f"label: got {label!r}, want lower-case letters, digits and hyphens"
    std = cast("StandardDomain", app.env.get_domain("std"))
    if label in std.anonlabels:
        return f"the label {label!r} is used twice: here and on the page {std.anonlabels[label][0]}"
    if label in document.ids:
        return f"the label {label!r} is used twice on this page"
    return ""


def _wrap(app: Sphinx, document: nodes.document) -> None:
    """Put each figure and table of the page into a node that Sphinx numbers."""
    std = cast("StandardDomain", app.env.get_domain("std"))
    page = app.env.docname
    count = {kind.name: 0 for kind in _KINDS}
    for raw, kind in _outputs(document):
        count[kind.name] += 1
        ids = [f"{kind.name}-{count[kind.name]}"]
        start = kind.start.search(raw.astext())
        label = label_of(start[0]) if start else ""
        if label:
            if problem := _problem_of_label(app, document, label):
                _warn(problem, (page, raw.line))
            else:
                ids.insert(0, label)
                std.anonlabels[label] = page, label
                std.labels[label] = page, label, kind.name
        node = kind.node(ids=ids, kind=kind.name)
        for name in ids:
            document.ids[name] = node
        raw.replace_self(node)
        node += raw


def _visit(translator: HTML5Translator, node: Element) -> None:
    kind = next(kind for kind in _KINDS if kind.name == node["kind"])
    builder: Any = translator.builder
    number = ".".join(map(str, builder.fignumbers[kind.name][node["ids"][0]]))
    link = permalink_html(translator, node["ids"][0], f"{kind.name.title()} {number}")
    translator.body.append(with_number(kind, node.astext(), node["ids"], number, link))
    raise nodes.SkipNode


def _depart(translator: HTML5Translator, node: Element) -> None:
    """Never called: `_visit` skips the rest of the node."""


def _missing(app: Sphinx, domain: Domain | None, node: Element) -> bool | None:
    """Say what a reference by number wants, where nothing has its label."""
    if domain is None or domain.name != "std" or node["reftype"] != "numref":
        return None
    label = node["reftarget"]
    _warn(f"{{numref}}: no figure, table, section or exercise has the label {label!r}", node)
    return True


def setup(app: Sphinx) -> None:
    """Number the outputs of each page as it is read."""
    for kind in _KINDS:
        # Sphinx numbers what has a title; the caption, if there is one, stays in the HTML.
        app.add_enumerable_node(
            kind.node, kind.name, lambda node: node["kind"], html=(_visit, _depart)
        )
    app.connect("doctree-read", _wrap)
    app.connect("warn-missing-reference", _missing, priority=400)  # before Sphinx's own sentence
