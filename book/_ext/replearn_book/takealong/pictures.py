"""Drawings of a page as pictures that every notebook program shows, on light and dark grounds.

A program does not trust a notebook that came from elsewhere: JupyterLab takes inline SVG out of it,
and shows no SVG output, until its cells have run. An `<img>` with the drawing in its address stays.
What is in an `<img>` can't see the page's colours, so the ink is black and the ground white.
"""

from __future__ import annotations

import base64
import html
import mimetypes
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from replearn.plotting.svg import standalone_svg

if TYPE_CHECKING:
    from pathlib import Path

_NAMESPACES = {
    "xmlns": "http://www.w3.org/2000/svg",
    "xmlns:xlink": "http://www.w3.org/1999/xlink",
}
# What would place the drawing on the page, which the <img> does.
_LAYOUT = ("display", "margin", "width", "max-width", "min-width", "height", "overflow", "position")
_WHITE = "background:#fff;color:#000"


def image_of_svg(svg: str) -> str:
    """An `<img>` with a drawing that was inline.

    Raises
    ------
    ValueError
        The drawing has no viewBox, or is not well-formed as XML.
    """
    head, body = re.match(r"<svg\b([^>]*)>(.*)", svg, re.DOTALL).groups()  # type: ignore[union-attr]
    attributes = {
        name: html.unescape(text) for name, text in re.findall(r'([\w:-]+)="(.*?)"', head)
    }
    box = attributes.get("viewBox", "").replace(",", " ").split()
    if len(box) != 4:
        raise ValueError(f"the drawing {svg[:80]!r} has no viewBox, so its size is not known")
    alt = attributes.get("aria-label") or _title(body)
    width = attributes.get("width", "").removesuffix("px")
    shown = round(float(width if re.fullmatch(r"[\d.]+", width) else box[2]))
    style = ";".join(
        rule
        for rule in attributes.get("style", "").split(";")
        if rule.strip() and rule.split(":")[0].strip() not in _LAYOUT
    )
    kept = {
        name: text
        for name, text in attributes.items()
        if name not in ("role", "class", "style", "tabindex", "viewBox", "height", "width")
        and not name.startswith("aria-")
    }
    kept |= {**_NAMESPACES, "viewBox": " ".join(box), "width": str(shown), "style": style}
    kept["height"] = f"{shown * float(box[3]) / float(box[2]):.0f}"
    kept["color"] = "#000"
    opening = " ".join(f'{name}="{html.escape(text)}"' for name, text in kept.items() if text)
    ground = '<rect x="{}" y="{}" width="{}" height="{}" fill="#fff" stroke="none"/>'.format(*box)
    file = f"<svg {opening}>{ground}{_only_xml_entities(body)}"
    try:
        ElementTree.fromstring(file)
    except ElementTree.ParseError as error:
        raise ValueError(f"the drawing {svg[:80]!r} is not well-formed: {error}") from error
    return _image("image/svg+xml", file.encode(), alt, shown)


def image_of_panels(panels: str) -> str:
    """An `<img>` with a figure that the page shows in pieces, which share one drawing."""
    label = re.search(r'aria-label="(.*?)"', panels)
    svg = standalone_svg(panels)
    width = re.search(r'width="(\d+)"', svg)
    assert label is not None
    assert width is not None
    return _image("image/svg+xml", svg.encode(), html.unescape(label[1]), width[1])


def image_of_file(path: Path, alt: str, width: str = "") -> str:
    """An `<img>` with a picture file."""
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return _image(kind, path.read_bytes(), alt, width)


def _image(kind: str, content: bytes, alt: str, width: object) -> str:
    address = f"data:{kind};base64,{base64.b64encode(content).decode()}"
    size = f' width="{width}"' if width else ""
    return (
        f'<img alt="{html.escape(alt)}"{size} '
        f'style="{_WHITE};max-width:100%;height:auto" src="{address}"/>'
    )


def _title(body: str) -> str:
    found = re.search(r"<title>(.*?)</title>", body, re.DOTALL)
    return html.unescape(found[1]).strip() if found else ""


def _only_xml_entities(text: str) -> str:
    """HTML's names of characters, as &nbsp;, are none of XML's."""
    return re.sub(
        r"&(?!amp;|lt;|gt;|quot;|apos;|#)\w+;", lambda found: html.unescape(found[0]), text
    )
