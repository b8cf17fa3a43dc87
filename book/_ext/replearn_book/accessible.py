"""Mend what Sphinx, its extensions and the theme leave for a screen reader to stumble over.

tests/book/test_accessible.py has axe-core look at every page.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape, unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util.docutils import SphinxTranslator
from sphinx.writers.html5 import HTML5Translator

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

TEMPLATES = Path(__file__).with_name("templates")
# A signature of several lines, which Sphinx writes as definitions without terms.
_LINES = re.compile(r"<dl>\n((?:<dd>.*?</dd>\n)+)</dl>")
_FOLDED = re.compile(r"(<a [^>]*>)([^<]*)(</a><details[^>]*><summary)>")


def _complete_definitions(_: Sphinx, document: nodes.document) -> None:
    """Give a term without a description an empty one: numpydoc writes lists of such terms."""
    for item in document.findall(nodes.definition_list_item):
        if not any(isinstance(child, nodes.definition) for child in item.children):
            item += nodes.definition("", nodes.paragraph())


def _drop_repeated_ids(_: Sphinx, document: nodes.document, __: str) -> None:
    """Keep an id where it stands first: extensions give each proof and exercise the same one."""
    seen: set[str] = set()
    for node in document.findall(nodes.Element):
        if "ids" in node.attributes:
            node["ids"] = [name for name in node["ids"] if name not in seen]
            seen.update(node["ids"])


def _is_empty_head(node: nodes.entry) -> bool:
    return isinstance(node.parent.parent, nodes.thead) and not node.astext().strip()


def _visit_entry(self: SphinxTranslator, node: nodes.entry) -> None:
    """A cell that heads nothing, the corner of a table, is no heading."""
    HTML5Translator.visit_entry(self, node)
    if _is_empty_head(node):
        self.body[-1] = self.body[-1].replace("<th", "<td", 1)
        self.context[-1] = "</td>\n"


def _depart_entry(self: SphinxTranslator, node: nodes.entry) -> None:
    HTML5Translator.depart_entry(self, node)


def signature_lines(body: str) -> str:
    """Write the lines of a signature as what they are: a class of replearn.css sets them in."""

    def as_lines(match: re.Match[str]) -> str:
        lines = match.group(1).replace("<dd>", '<span class="sig-line">')
        return lines.replace("</dd>", "</span>")

    return _LINES.sub(as_lines, body)


def called_by_their_text(body: str) -> str:
    """Let a fold of code be called by what is to be read on it, not by another name."""
    return body.replace('<summary aria-label="Toggle hidden content">', "<summary>")


def named_folds(navigation: str) -> str:
    """Give each arrow that unfolds a part of the navigation the name of that part."""

    def name(match: re.Match[str]) -> str:
        label = escape(f"Pages of {unescape(match.group(2)).strip()}")
        return f'{match.group(1)}{match.group(2)}{match.group(3)} aria-label="{label}">'

    return _FOLDED.sub(name, navigation)


def _mend_page(
    _: Sphinx, __: str, ___: str, context: dict[str, Any], ____: nodes.document | None
) -> None:
    if "body" in context:
        context["body"] = called_by_their_text(signature_lines(context["body"]))
    made: Callable[..., Any] | None = context.get("generate_toctree_html")
    if made is not None:
        context["generate_toctree_html"] = lambda *args, **named: named_folds(
            str(made(*args, **named))
        )


def _use_templates(_: Sphinx, config: Config) -> None:
    config.templates_path = [*config.templates_path, str(TEMPLATES)]


def setup(app: Sphinx) -> None:
    """Change pages as they are read and written."""
    app.add_node(nodes.entry, override=True, html=(_visit_entry, _depart_entry))
    app.connect("config-inited", _use_templates)
    app.connect("doctree-read", _complete_definitions)
    app.connect("doctree-resolved", _drop_repeated_ids, priority=900)
    app.connect("html-page-context", _mend_page, priority=900)
