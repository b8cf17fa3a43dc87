"""Refuse figures that a reader who can't see them would miss.

A figure of a chapter is the inline SVG of `replearn.plotting.show`, with `role="img"` and an
`aria-label` that states its conclusion; of one with panels side by side, the element around its
pieces has them. A picture file needs its `alt`.
"""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.util import logging

if TYPE_CHECKING:
    from sphinx.application import Sphinx

logger = logging.getLogger(__name__)
SHORTEST = 20  # characters: less than that names a picture but says nothing about it


class _Pictures(HTMLParser):
    """Collects what is wrong with the pictures of a piece of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[str] = []
        self._figures = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        classes = (values.get("class") or "").split()
        if tag == "figure" and "replearn-figure" in classes:
            self._figures += 1
        elif self._figures and (tag == "svg" or "replearn-panels" in classes):
            if values.get("aria-hidden") == "true":
                return
            if values.get("role") != "img":
                self.problems.append('the drawing of a figure has no role="img"')
            label = (values.get("aria-label") or "").strip()
            if len(label) < SHORTEST:
                self.problems.append(
                    f"the alt text of a figure has {len(label)} characters ({label!r}); "
                    f"state the figure's conclusion in at least {SHORTEST}"
                )
        elif tag == "img" and not (values.get("alt") or "").strip():
            self.problems.append("an <img> has no alt text")

    def handle_endtag(self, tag: str) -> None:
        if tag == "figure" and self._figures:
            self._figures -= 1


def problems_of_html(html: str) -> list[str]:
    """What is wrong with the pictures in `html`, one sentence each."""
    parser = _Pictures()
    parser.feed(html)
    parser.close()
    return parser.problems


def _check(app: Sphinx, document: nodes.document) -> None:
    page = app.env.docname
    for node in document.findall(nodes.container):
        kinds = [
            child.get("mime_type") for child in node.children if isinstance(child, nodes.Element)
        ]
        if node.get("nb_element") == "mime_bundle" and "image/png" in kinds:
            logger.warning(
                "a cell shows a bare picture; use replearn.plotting.show(fig, alt=...)",
                location=(page, node.line),
                type="replearn",
                subtype="figure",
            )
    for raw in document.findall(nodes.raw):
        if "html" in raw.get("format", "").split():
            for problem in problems_of_html(raw.astext()):
                logger.warning(
                    problem, location=(page, raw.line), type="replearn", subtype="figure"
                )
    for image in document.findall(nodes.image):
        in_output = isinstance(image.parent, nodes.container) and "mime_type" in image.parent
        if not in_output and not image.get("alt", "").strip():
            logger.warning(
                f"the image {image.get('uri')} has no alt text",
                location=(page, image.line),
                type="replearn",
                subtype="figure",
            )


def setup(app: Sphinx) -> None:
    """Check the pictures of each page as it is read."""
    app.connect("doctree-read", _check)
