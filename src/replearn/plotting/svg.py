"""Matplotlib figures as inline SVG that follows the page: its ink, its ground, its width."""

from __future__ import annotations

import hashlib
import html
import io
import re
from dataclasses import dataclass

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text

from replearn.plotting.style import STYLE

_POINT = 96 / 72  # CSS pixels a point
_FITS = 3  # attempts to get all that is drawn inside the figure
_HAIR = 0.005  # inches that may stick out
# A figure shrinks with the screen until its smallest text is so high; then its container scrolls.
_SMALLEST_TEXT = 10  # CSS pixels
# What a phone 375 px wide leaves for the text column.
_NARROWEST_COLUMN = 330


@dataclass(frozen=True)
class Rendered:
    """What :func:`show` returns: notebooks and the book display its HTML.

    Attributes
    ----------
    alt : str
        The alternative text.
    html : str
        A ``<figure>`` with the SVG.

    Examples
    --------
    >>> Rendered("A line that rises", "<figure></figure>")
    <figure: A line that rises>
    """

    alt: str
    html: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return f"<figure: {self.alt}>"


def show(fig: Figure, *, alt: str, caption: str | None = None) -> Rendered:
    """Render a figure as inline SVG for the page, and close it.

    Black becomes the page's text colour, the ground is transparent. On a narrow screen the figure
    shrinks as long as its text stays readable and scrolls sideways after that. The same figure
    gives the same bytes.

    Parameters
    ----------
    fig : Figure
        Matplotlib figure.
    alt : str
        Alternative text, a sentence that states what the figure shows: its conclusion, not its
        parts ("The error falls until 30 components and then stays" and not "A line plot").
    caption : str, optional
        Plain text shown under the figure.

    Returns
    -------
    Rendered
        Displays itself when it is the last expression of a cell.

    Raises
    ------
    ValueError
        ``fig`` is no figure, or ``alt`` is shorter than a short sentence (four words).

    Examples
    --------
    >>> fig, ax = plt.subplots()
    >>> show(fig, alt="There is nothing to see here")
    <figure: There is nothing to see here>
    """
    if not isinstance(fig, Figure):
        raise ValueError(f"fig: got {type(fig).__name__}, want a matplotlib figure")
    if not isinstance(alt, str) or len(alt.split()) < 4:
        raise ValueError(
            f"alt: got {alt!r}, want a sentence of at least four words that says what the figure "
            "shows"
        )
    for legend in [ax.get_legend() for ax in fig.axes] + list(fig.legends):
        if legend is not None:  # matplotlib's own frame is white
            legend.get_frame().set(facecolor="none", edgecolor="none")
    buffer = io.StringIO()
    with mpl.rc_context(STYLE):
        _make_room(fig)
        nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
        fig.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    plt.close(fig)
    sizes = [
        float(text.get_fontsize())
        for text in fig.findobj(Text)
        if isinstance(text, Text) and text.get_visible() and text.get_text().strip()
    ]
    scale = min(1.0, _SMALLEST_TEXT / (min(sizes) * _POINT)) if sizes else 0.0
    return Rendered(alt=alt, html=_page_figure(buffer.getvalue(), scale, alt, caption))


def _make_room(fig: Figure) -> None:
    """Draw smaller what the figure's edge would cut off.

    Constrained layout leaves too little for labels beside a picture whose proportions are fixed.
    """
    engine = fig.get_layout_engine()
    if not isinstance(engine, ConstrainedLayoutEngine):
        return
    width, height = fig.get_size_inches()
    left = right = low = high = 0.0
    for _ in range(_FITS):
        fig.draw_without_rendering()
        drawn = fig.get_tightbbox()
        over = (-drawn.x0, drawn.x1 - width, -drawn.y0, drawn.y1 - height)
        if max(over) < _HAIR:
            break
        left, right, low, high = (
            room + max(0.0, missing)
            for room, missing in zip((left, right, low, high), over, strict=True)
        )
        engine.set(
            rect=(left / width, low / height, 1 - (left + right) / width, 1 - (low + high) / height)
        )


def _page_figure(svg: str, smallest_scale: float, alt: str, caption: str | None) -> str:
    """The ``<figure>`` element made of a stand-alone SVG file as matplotlib writes it."""
    viewbox = re.search(r'viewBox="([^"]+)"', svg)
    body = re.search(r"<svg[^>]*>(.*)</svg>", svg, flags=re.DOTALL)
    assert viewbox is not None
    assert body is not None
    width = round(float(viewbox.group(1).split()[2]) * _POINT)
    inner = _in_page_ink(body.group(1))
    inner = _with_unique_ids(inner, f"{inner}{alt}{caption}")
    label = html.escape(alt, quote=True)
    narrowest = round(width * smallest_scale)
    scrolls = ' tabindex="0"' if narrowest > _NARROWEST_COLUMN else ""
    under = "" if caption is None else f"<figcaption>{html.escape(caption)}</figcaption>\n"
    return (
        '<figure class="replearn-figure" style="margin:1em 0;background:transparent">\n'
        f'<div style="max-width:100%;overflow-x:auto"{scrolls}>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'role="img" aria-label="{label}" viewBox="{viewbox.group(1)}" width="{width}" '
        f'style="display:block;margin:0 auto;width:{width}px;max-width:100%;'
        f"min-width:{narrowest}px;height:auto;fill:currentColor;"
        'stroke-linejoin:round;stroke-linecap:butt">\n'
        f"<title>{html.escape(alt)}</title>{inner}</svg>\n</div>\n{under}</figure>"
    )


def _in_page_ink(inner: str) -> str:
    """The drawing in the page's text colour, without what is not drawn."""
    # The comments repeat the text; the <style> would reach every other SVG on the page.
    for part in (r"<!--.*?-->", r"<metadata>.*?</metadata>", r"<style[^>]*>.*?</style>"):
        inner = re.sub(part, "", inner, flags=re.DOTALL)
    inner = re.sub(r"<defs>\s*</defs>", "", inner)
    inner = inner.replace("#000000", "currentColor")
    return re.sub(r"\n\s*", "\n", inner)  # a blank line would end an HTML block in Markdown


def _with_unique_ids(inner: str, content: str) -> str:
    """Ids that no other figure of a page has; most of them nobody refers to."""
    digest = hashlib.sha256(content.encode()).hexdigest()[:10]
    used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', inner))
    inner = re.sub(
        r' id="([^"]+)"',
        lambda found: f' id="f{digest}-{found[1]}"' if found[1] in used else "",
        inner,
    )
    return re.sub(r'(url\(#|href="#)', rf"\g<1>f{digest}-", inner)
