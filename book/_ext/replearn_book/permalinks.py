"""A link to itself on each statement and exercise, and ids that occur once on a page.

Headings and numbered equations have such a link from Sphinx, the figures of cells from captions.py.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, cast

from docutils import nodes
from sphinx_exercise.nodes import exercise_enumerable_node, exercise_node
from sphinx_proof.nodes import NODE_TYPES, unenumerable_node

if TYPE_CHECKING:
    from docutils.nodes import Element
    from sphinx.application import Sphinx
    from sphinx.domains.std import StandardDomain
    from sphinx.writers.html5 import HTML5Translator

_LINKED = (*NODE_TYPES.values(), unenumerable_node, exercise_enumerable_node, exercise_node)
# What sphinx-proof and sphinx-exercise call the text of every statement and every proof.
_SHARED_IDS = {"proof-content", "exercise-content", "solution-content", "proof"}


class permalink(nodes.Inline, nodes.Element):
    """A link to the element with the id `target`; without text, so that no title includes it."""


def permalink_html(translator: HTML5Translator, target: str, name: str) -> str:
    """The link to `target`, as Sphinx writes it behind headings; `name` says what it leads to."""
    icon = translator.config.html_permalinks_icon
    return f'<a class="headerlink" href="#{target}" title="Link to {escape(name)}">{icon}</a>'


def _visit(translator: HTML5Translator, node: Element) -> None:
    translator.body.append(permalink_html(translator, node["target"], node["name"]))


def _depart(translator: HTML5Translator, node: Element) -> None:
    """The link was written when the node was visited."""


def _name_of(app: Sphinx, page: str, node: Element) -> str:
    """What a statement or an exercise is called on the page: "Theorem 7.1"."""
    kind: str = node.get("realtype") or "exercise"
    std = cast("StandardDomain", app.env.get_domain("std"))
    counter = std.get_enumerable_node_type(node) or ""
    numbers = app.env.toc_fignumbers.get(page, {}).get(counter, {}).get(node["ids"][0], ())
    return " ".join([kind.title(), ".".join(map(str, numbers))]).strip()


def _link(app: Sphinx, document: nodes.document, page: str) -> None:
    for node in document.findall(nodes.Admonition):
        if isinstance(node, _LINKED) and node["ids"]:
            title = node.next_node(nodes.title)
            assert title is not None  # both packages write one
            title += permalink("", target=node["ids"][0], name=_name_of(app, page, node))


def _make_ids_unique(app: Sphinx, document: nodes.document) -> None:
    for node in document.findall(nodes.Element):
        if not _SHARED_IDS.isdisjoint(node["ids"]):
            # Sphinx wants an id on what it takes for a section.
            label = node.parent.get("label") if isinstance(node, nodes.section) else None
            node["ids"] = [f"{label}-content"] if label else []


def setup(app: Sphinx) -> None:
    """Add the links when the numbers are known."""
    app.add_node(permalink, html=(_visit, _depart))
    app.connect("doctree-read", _make_ids_unique)
    app.connect("doctree-resolved", _link)
