"""What a page says of itself to browsers and search engines, and the page for a lost reader.

Each page gets a description, its first sentences. `404.html` is shown by web servers at any
address, so it finds out in the browser where the book begins.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Any

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

LONGEST = 200  # characters of a description
SHORTEST = 40  # of a paragraph that can be one

# The address up to the first folder of the book, or up to the file. Links to a place on the page
# itself must not follow the base.
_FIND_ROOT = """\
<script>
  const root = location.pathname
    .replace(/^(.*)\\/(?:book|lectures|_static)\\/.*$/, "$1/").replace(/[^/]*$/, "");
  document.write(`<base href="${root.replace(/"/g, "%22")}">`);
  addEventListener("DOMContentLoaded", () =>
    document.querySelectorAll('a[href^="#"]').forEach((link) => {
      link.href = location.pathname + link.getAttribute("href");
    }));
</script>"""

_LOST = """\
<section>
<h1>There is no such page</h1>
<p>The address leads nowhere in this book.
Search for what you wanted, or begin at the front page.</p>
<ul>
<li><a href="search.html">Search this book</a></li>
<li><a href="{root}.html">The front page</a></li>
</ul>
</section>
"""


def description_of(document: nodes.document) -> str:
    """The first paragraph of a page that says something, shortened; empty where there is none."""
    for paragraph in document.findall(nodes.paragraph):
        text = " ".join(paragraph.astext().split())
        if len(text) >= SHORTEST and not any(paragraph.findall(nodes.math)):
            return textwrap.shorten(text, LONGEST, placeholder=" …")
    return ""


def _describe(
    _: Sphinx, page: str, __: str, context: dict[str, Any], document: nodes.document | None
) -> None:
    text = description_of(document) if document is not None else ""
    text = text or f"{context.get('title', page)}: {context['docstitle']}"
    tag = f'<meta name="description" content="{escape(text)}" />'
    context["metatags"] = context.get("metatags", "") + "\n    " + tag
    if page == "404":
        context["metatags"] = f"\n    {_FIND_ROOT}{context['metatags']}"


def _lost(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    body = _LOST.format(root=app.config.root_doc)
    yield "404", {"title": "There is no such page", "body": body}, "page.html"


def _use_icon(_: Sphinx, config: Config) -> None:
    config.html_favicon = config.html_favicon or "book/_static/icon.svg"


def setup(app: Sphinx) -> None:
    """Add to the head of each page, and a page."""
    app.connect("config-inited", _use_icon)
    app.connect("html-page-context", _describe)
    app.connect("html-collect-pages", _lost)
