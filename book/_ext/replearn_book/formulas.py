"""Refuse formulas that MathJax could not set, at the place where they are written.

MathJax runs in the reader's browser, and what it can't read it shows in red. A formula whose dollar
signs don't pair stays in the text as TeX, which is looked for as well.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.util import logging

from replearn_book.tex import mathjax_names, problem_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

logger = logging.getLogger(__name__)
known = cache(mathjax_names)

# A dollar sign before a price is text; before a letter or a backslash it began a formula.
_LEFT = re.compile(r"(?<![\w\\])\$(?=[A-Za-z\\({\[])\S{0,30}|\\(?:[A-Za-z]{2,}|[\[\](])\S{0,30}")


def line_of(node: nodes.Node) -> int | None:
    """Where a node, or the nearest around it that knows, begins in its file."""
    at: nodes.Node | None = node
    while at is not None and getattr(at, "line", None) is None:
        at = at.parent
    return None if at is None else at.line


def problems(document: nodes.document) -> Iterator[tuple[str, int | None]]:
    """What is wrong with the formulas of a page, each with its line."""
    for node in document.findall(lambda n: isinstance(n, nodes.math | nodes.math_block)):
        tex = node.astext()
        if problem := problem_of(tex, known()):
            line = line_of(node)
            start = " ".join(tex.split())[:60]
            yield (
                f"the formula `{start}` can't be set: {problem.text}",
                None if line is None else line + problem.line,
            )
    for text in document.findall(nodes.Text):
        if not _is_code(text) and (left := _LEFT.search(str(text))):
            yield (
                f"TeX outside a formula: `{left.group()}`; do its dollar signs pair?",
                line_of(text),
            )


def _is_code(text: nodes.Text) -> bool:
    """Whether a text is shown as it is, or made into something else than text."""
    at: nodes.Node | None = text.parent
    shown = (nodes.literal, nodes.FixedTextElement, nodes.math, nodes.raw, nodes.comment)
    while at is not None and not isinstance(at, shown):
        at = at.parent
    return at is not None


def _check(app: Sphinx, document: nodes.document) -> None:
    for problem, line in problems(document):
        logger.warning(
            problem, location=(app.env.docname, line), type="replearn", subtype="formula"
        )


def setup(app: Sphinx) -> None:
    """Check the formulas of each page as it is read."""
    app.connect("doctree-read", _check)
