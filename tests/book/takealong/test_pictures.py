"""Drawings become pictures that need nothing of the page."""

from __future__ import annotations

import base64
import re
from xml.etree import ElementTree

import pytest

from replearn.plotting import new_figure, show
from replearn_book.takealong.pictures import image_of_file, image_of_svg

SVG = (
    '<svg role="img" aria-label="a &lt; b" viewBox="0 0 200 100" width="400" '
    'style="display:block;min-width:300px;fill:currentColor;stroke-linecap:butt">'
    '<title>a</title><text>1&nbsp;&lt;&nbsp;2</text><use xlink:href="#x"/></svg>'
)


def drawing(image: str) -> ElementTree.Element:
    """The drawing in an `<img>`, which has to be a whole file of its own."""
    code = re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', image)
    return ElementTree.fromstring(base64.b64decode(code[1]))


def test_the_picture_keeps_size_text_and_alternative_text():
    image = image_of_svg(SVG)
    assert 'alt="a &lt; b"' in image
    assert 'width="400"' in image
    found = drawing(image)
    assert (found.get("width"), found.get("height")) == ("400", "200")
    assert found.findtext("{http://www.w3.org/2000/svg}text") == "1\u00a0<\u00a02"


def test_the_picture_has_its_own_ink_and_ground():
    found = drawing(image_of_svg(SVG))
    assert found.get("color") == "#000"
    assert found.get("style") == "fill:currentColor;stroke-linecap:butt"
    ground = found[0]
    assert ground.tag.endswith("rect")
    assert [ground.get(name) for name in ("width", "height", "fill")] == ["200", "100", "#fff"]


def test_a_figure_of_the_library_is_one(tmp_path):
    fig, ax = new_figure()
    ax.plot([1, 2])
    html = show(fig, alt="A line that rises from 1 to 2").html
    svg = re.search("<svg.*</svg>", html, re.DOTALL)[0]
    assert image_of_svg(svg) == image_of_svg(svg)
    assert 'alt="A line that rises from 1 to 2"' in image_of_svg(svg)
    assert drawing(image_of_svg(svg)).get("viewBox")


@pytest.mark.parametrize(
    ("svg", "message"),
    [
        ("<svg><g/></svg>", "has no viewBox"),
        ('<svg viewBox="0 0 1 1"><g></svg>', "is not well-formed"),
    ],
)
def test_a_drawing_that_would_not_show_is_an_error(svg, message):
    with pytest.raises(ValueError, match=message):
        image_of_svg(svg)


def test_a_file_is_held_by_the_picture(tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(b"bytes")
    code = base64.b64encode(b"bytes").decode()
    assert f'src="data:image/png;base64,{code}"' in image_of_file(path, "what it shows")
