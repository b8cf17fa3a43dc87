"""The written page as a sequence of parts: headings, text as Markdown, and cells.

What a reader sees is in the page's HTML and nowhere else: numbers of statements and equations, the
text of references and citations, glued values. So the text is read from there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bs4 import BeautifulSoup, Tag

from replearn_book.takealong.markdown import Writer
from replearn_book.takealong.pictures import image_of_panels, image_of_svg

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# The pieces of a figure that is cut between its panels, or a whole drawing.
_DRAWING = re.compile(
    r'<div\b[^>]*\bclass="replearn-panels".*?</svg>\s*</div>|<svg\b[^>]*>.*?</svg>', re.DOTALL
)
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
# What is only for a page in a browser.
_FURNITURE = "a.headerlink, script, style, button"
_NO_HTML = {"stream", "error", "traceback", "stderr", "text_plain", "text_markdown", "text_latex"}


@dataclass(frozen=True)
class Heading:
    """A heading as Markdown."""

    text: str


@dataclass(frozen=True)
class Text:
    """A paragraph, a statement, a list or the like, as Markdown."""

    text: str


@dataclass(frozen=True)
class Cell:
    """A code cell of the page, with the HTML that its outputs are there."""

    html: list[str] = field(default_factory=list)


Part = Heading | Text | Cell


def parts_of(body: str, images: Mapping[str, Path]) -> list[Part]:
    """The parts of a page in their order.

    Parameters
    ----------
    body : the page's HTML.
    images : the file of each picture by its name among the book's pictures.
    """
    drawings: list[str] = []

    def set_aside(found: re.Match[str]) -> str:
        # An HTML parser would write viewBox as viewbox.
        image = image_of_panels if found[0].startswith("<div") else image_of_svg
        drawings.append(image(found[0]))
        return f'<img data-drawing="{len(drawings) - 1}"/>'

    soup = BeautifulSoup(_DRAWING.sub(set_aside, body), "html.parser")
    for element in soup.select(_FURNITURE):
        element.decompose()
    return list(_parts(soup, Writer(drawings, images)))


def _parts(parent: Tag, writer: Writer) -> Iterator[Part]:
    for block in writer.blocks_of(parent):
        first = block[0]
        if not isinstance(first, Tag):
            yield Text(writer.text(block))
        elif "cell" in first.get_attribute_list("class"):
            yield Cell(list(_html_outputs(first, writer)))
        elif first.name in _HEADINGS:
            yield Heading(writer.text(block))
        elif first.name == "section" or first.select_one("div.cell"):
            yield from _parts(first, writer)
        elif text := writer.text(block):
            yield Text(text)


def _html_outputs(cell: Tag, writer: Writer) -> Iterator[str]:
    """Each output of a cell that is HTML."""
    for outputs in cell.select(".cell_output"):
        for output in outputs.find_all(True, recursive=False):
            kinds = {kind for kind in output.get_attribute_list("class") if kind}
            if "text_html" in kinds:
                yield writer.html(output.decode_contents())
            elif not kinds & _NO_HTML:
                yield writer.html(str(output))
