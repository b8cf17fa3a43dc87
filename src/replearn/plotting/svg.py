"""Matplotlib figures as inline SVG that follows the page: its ink, its ground, its width.

A figure with panels side by side is cut between its columns. The pieces stand in a row that wraps,
so on a phone the panels stand one above the other. The drawing itself is stored once.
"""

from __future__ import annotations

import hashlib
import html
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text

from replearn.plotting.panels import column_cuts
from replearn.plotting.style import STYLE

_POINT = 96 / 72  # CSS pixels a point
_FITS = 3  # attempts to get all that is drawn inside the figure
_HAIR = 0.005  # inches that may stick out
# A figure shrinks with the screen until its smallest text is so high; then its container scrolls.
_SMALLEST_TEXT = 10  # CSS pixels
# What a phone 375 px wide leaves for the text column.
_NARROWEST_COLUMN = 330
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_NAMESPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
_INK = "height:auto;fill:currentColor;stroke-linejoin:round;stroke-linecap:butt"


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


def show(
    fig: Figure,
    *,
    alt: str,
    caption: str | None = None,
    label: str | None = None,
    conclusions: Sequence[str] = (),
) -> Rendered:
    """Render a figure as inline SVG for the page, and close it.

    Black becomes the page's text colour, the ground is transparent. On a narrow screen the figure
    shrinks as long as its text stays readable; then columns of panels stack, and what is still too
    wide scrolls sideways. The same figure gives the same bytes.

    Parameters
    ----------
    fig : Figure
        Matplotlib figure.
    alt : str
        Alternative text, a sentence that states what the figure shows: its conclusion, not its
        parts ("The error falls until 30 components and then stays" and not "A line plot").
    caption : str, optional
        Plain text shown under the figure.
    label : str, optional
        Lower-case words joined by hyphens, by which the text refers to the figure.
    conclusions : sequence of str
        Names of the conclusions (:func:`replearn.conclusions.conclude`) that the alternative text
        and the caption rest on.

    Returns
    -------
    Rendered
        Displays itself when it is the last expression of a cell.

    Raises
    ------
    ValueError
        ``fig`` is no figure, ``alt`` is shorter than a short sentence (four words), ``caption`` is
        no text, or a name is not of the form above.

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
    if caption is not None and (not isinstance(caption, str) or not caption.strip()):
        raise ValueError(f"caption: got {caption!r}, want a text or None")
    if isinstance(conclusions, str):
        raise ValueError(f"conclusions: got the text {conclusions!r}, want a list of names")
    conclusions = list(conclusions)
    for argument, names in (
        ("label", [label] if label is not None else []),
        ("conclusions", conclusions),
    ):
        for name in names:
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                raise ValueError(
                    f"{argument}: got {name!r}, want lower-case words joined by hyphens"
                )
    for legend in [ax.get_legend() for ax in fig.axes] + list(fig.legends):
        if legend is not None:  # matplotlib's own frame is white
            legend.get_frame().set(facecolor="none", edgecolor="none")
    buffer = io.StringIO()
    with mpl.rc_context(STYLE):
        _make_room(fig)
        nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
        fig.savefig(buffer, format="svg", transparent=True, metadata=nothing)
        cuts = column_cuts(fig)
    plt.close(fig)
    sizes = [
        float(text.get_fontsize())
        for text in fig.findobj(Text)
        if isinstance(text, Text) and text.get_visible() and text.get_text().strip()
    ]
    scale = min(1.0, _SMALLEST_TEXT / (min(sizes) * _POINT)) if sizes else 0.0
    attributes = "" if label is None else f' data-label="{label}"'
    if conclusions:
        attributes += f' data-conclusions="{" ".join(conclusions)}"'
    drawing = _page_drawing(buffer.getvalue(), cuts, scale, alt, f"{alt}{caption}")
    under = "" if caption is None else f"<figcaption>{html.escape(caption)}</figcaption>\n"
    return Rendered(
        alt=alt,
        html=(
            f'<figure class="replearn-figure"{attributes} '
            f'style="margin:1em 0;background:transparent">\n{drawing}\n{under}</figure>'
        ),
    )


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


def _page_drawing(svg: str, cuts: list[float], scale: float, alt: str, content: str) -> str:
    """What the ``<figure>`` shows, made of a stand-alone SVG file as matplotlib writes it.

    ``cuts`` are places between columns of panels, as shares of the width; the text of the drawing
    is readable down to ``scale`` times its size.
    """
    viewbox = re.search(r'viewBox="([^"]+)"', svg)
    body = re.search(r"<svg[^>]*>(.*)</svg>", svg, flags=re.DOTALL)
    assert viewbox is not None
    assert body is not None
    _, _, width, height = map(float, viewbox[1].split())
    inner = _in_page_ink(body[1])
    inner = _with_unique_ids(inner, f"{inner}{content}")
    label = html.escape(alt, quote=True)
    edges = [0.0, *cuts, 1.0]
    widths = [round(width * (b - a) * _POINT) for a, b in pairwise(edges)]
    narrowest = [round(piece * scale) for piece in widths]
    scrolls = ' tabindex="0"' if max(narrowest) > _NARROWEST_COLUMN else ""
    if not cuts:
        drawn = (
            f'<svg {_NAMESPACES} role="img" aria-label="{label}" viewBox="{viewbox[1]}" '
            f'width="{widths[0]}" style="display:block;margin:0 auto;width:{widths[0]}px;'
            f'max-width:100%;min-width:{narrowest[0]}px;{_INK}">\n'
            f"<title>{html.escape(alt)}</title>{inner}</svg>"
        )
        return f'<div style="max-width:100%;overflow-x:auto"{scrolls}>\n{drawn}\n</div>'
    whole = f"f{hashlib.sha256(f'{inner}{content}'.encode()).hexdigest()[:10]}-whole"
    pieces = []
    for index, (left, right) in enumerate(pairwise(edges)):
        box = f"{left * width:.2f} 0 {(right - left) * width:.2f} {height:g}"
        # The first piece holds the drawing, the others show another part of it.
        content_of = f'<g id="{whole}">{inner}</g>' if index == 0 else f'<use href="#{whole}"/>'
        pieces.append(
            f'<svg {_NAMESPACES} aria-hidden="true" viewBox="{box}" width="{widths[index]}" '
            f'style="display:block;flex:{widths[index]} 1 {narrowest[index]}px;'
            f'max-width:{widths[index]}px;min-width:{narrowest[index]}px;{_INK}">\n'
            f"{content_of}</svg>"
        )
    return (
        f'<div class="replearn-panels" role="img" aria-label="{label}" '
        f'data-viewbox="{viewbox[1]}" style="display:flex;flex-wrap:wrap;justify-content:center;'
        f'max-width:100%;overflow-x:auto"{scrolls}>\n' + "\n".join(pieces) + "\n</div>"
    )


def standalone_svg(figure: str) -> str:
    """The drawing of a rendered figure as an SVG file of its own, black on white, uncut.

    Parameters
    ----------
    figure : str
        The ``html`` of a :class:`Rendered`.

    Returns
    -------
    str
        An ``<svg>`` element with its size.

    Raises
    ------
    ValueError
        There is no drawing in ``figure``.

    Examples
    --------
    >>> fig, ax = plt.subplots()
    >>> standalone_svg(show(fig, alt="There is nothing to see here").html)[:4]
    '<svg'
    """
    first = re.search(r"<svg([^>]*)>(.*?)</svg>", figure, flags=re.DOTALL)
    if first is None:
        raise ValueError("figure: got no <svg>, want the html of a rendered figure")
    cut = re.search(r'data-viewbox="([^"]+)"', figure)
    viewbox = cut or re.search(r'viewBox="([^"]+)"', first[1])
    assert viewbox is not None
    left, top, width, height = map(float, viewbox[1].split())
    inner = re.sub(r"<title>.*?</title>", "", first[2], flags=re.DOTALL)
    return (
        f'<svg {_NAMESPACES} viewBox="{viewbox[1]}" width="{round(width * _POINT)}" '
        f'height="{round(height * _POINT)}" style="color:black;{_INK}">'
        f'<rect x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}" fill="white"/>'
        f"{inner}</svg>"
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
