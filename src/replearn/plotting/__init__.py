r"""Figures that follow the page: light or dark ground, wide or narrow screen, read aloud or seen.

:func:`show` turns a matplotlib figure into an inline SVG whose ground is transparent and whose ink
(everything drawn in black: text, axes, grid) is the page's own text colour, so that one figure
serves the light and the dark theme. Alternative text is required. :data:`PALETTE` holds on both
grounds. The other functions make the figures that chapters need again and again; each draws into
axes it is given, or makes a figure and returns ``(fig, axes)``.

A scatter of many thousand points should be drawn with ``rasterized=True`` (it is then stored as
one picture instead of one SVG element a point) and in colours of :data:`PALETTE`: a rasterised
artist cannot follow the page's text colour, so black would vanish in the dark.

Colours: M. Okabe and K. Ito, "Color Universal Design" (2008), four of the eight shaded until the
contrast of each with white and with the dark ground is at least 3:1 (WCAG 2.2, criterion 1.4.11).
"""

from __future__ import annotations

import hashlib
import html
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.text import Text
from numpy.typing import NDArray

__all__ = [
    "LINE_STYLES",
    "PALETTE",
    "Rendered",
    "curves",
    "filters",
    "image_grid",
    "new_figure",
    "show",
]

LineStyle = Any  # what matplotlib accepts: a name, or (offset, (on, off, ...))
Labels = Literal["direct", "legend", "none"]

#: Blue, vermillion, green, purple, ochre, sky blue, grey: see the note on colours above.
PALETTE: tuple[str, ...] = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#AA8A00",
    "#3C96CC",
    "#808080",
)
#: Beside the colours, so that colour is never the only difference between two curves.
LINE_STYLES: tuple[LineStyle, ...] = (
    "-",
    "--",
    "-.",
    ":",
    (0, (5, 1, 1, 1, 1, 1)),
    (0, (8, 3)),
    (0, (1, 2)),
)

# Text is stored as outlines: it looks the same on a machine without matplotlib's fonts, and
# formulas keep their place. What a screen reader needs is in the alternative text.
_STYLE: Any = {
    "axes.prop_cycle": cycler(color=PALETTE),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlesize": 10.5,
    "grid.color": "black",
    "grid.alpha": 0.15,
    "grid.linewidth": 0.7,
    "lines.linewidth": 1.8,
    "lines.markersize": 4,
    "font.size": 10,
    "figure.dpi": 100,
    "savefig.dpi": 150,
    "svg.fonttype": "path",
    "svg.hashsalt": "replearn",
}
_POINT = 96 / 72  # CSS pixels a point
_FITS = 3  # attempts to get all that is drawn inside the figure
_HAIR = 0.005  # inches that may stick out
# A figure shrinks with the screen until its smallest text is so high; then its container scrolls.
_SMALLEST_TEXT = 10  # CSS pixels
# What a phone 375 px wide leaves for the text column.
_NARROWEST_COLUMN = 330


@dataclass(frozen=True)
class Rendered:
    """What :func:`show` returns: notebooks and the book display its HTML."""

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
    fig : matplotlib figure
    alt : alternative text, a sentence that states what the figure shows: its conclusion, not its
        parts ("The error falls until 30 components and then stays" and not "A line plot").
    caption : plain text shown under the figure.

    Returns
    -------
    Rendered, which displays itself when it is the last expression of a cell.

    Raises
    ------
    ValueError : ``fig`` is no figure, or ``alt`` is shorter than a short sentence (four words).
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
    with mpl.rc_context(_STYLE):
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
    inner = body.group(1)
    # The comments repeat the text; the <style> would reach every other SVG on the page.
    for part in (r"<!--.*?-->", r"<metadata>.*?</metadata>", r"<style[^>]*>.*?</style>"):
        inner = re.sub(part, "", inner, flags=re.DOTALL)
    inner = re.sub(r"<defs>\s*</defs>", "", inner)
    inner = inner.replace("#000000", "currentColor")
    inner = re.sub(r"\n\s*", "\n", inner)  # a blank line would end an HTML block in Markdown

    # Ids must be unique on a page that has many figures; most of them nobody refers to.
    digest = hashlib.sha256(f"{inner}{alt}{caption}".encode()).hexdigest()[:10]
    used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', inner))
    inner = re.sub(
        r' id="([^"]+)"',
        lambda found: f' id="f{digest}-{found[1]}"' if found[1] in used else "",
        inner,
    )
    inner = re.sub(r'(url\(#|href="#)', rf"\g<1>f{digest}-", inner)

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


def new_figure(
    ncols: int = 1, nrows: int = 1, width: float | None = None, height: float | None = None
) -> tuple[Figure, Any]:
    """A figure in the book's style.

    Parameters
    ----------
    ncols, nrows : axes side by side and one above the other.
    width, height : of the whole figure in inches; by default 4.6 for one column, 7.2 for more,
        and 2.9 for each row.

    Returns
    -------
    fig, axes : one Axes, or an array of them as :func:`matplotlib.pyplot.subplots` returns it.

    Raises
    ------
    ValueError : a count or a size that is not positive.
    """
    size = (
        (4.6 if ncols == 1 else 7.2) if width is None else width,
        2.9 * nrows if height is None else height,
    )
    if ncols < 1 or nrows < 1 or min(size) <= 0:
        raise ValueError(
            f"got {ncols} columns, {nrows} rows, size {size} inches; want positive numbers"
        )
    with mpl.rc_context(_STYLE):
        return plt.subplots(nrows, ncols, figsize=size, layout="constrained")


def image_grid(
    images: Any,
    shape: tuple[int, int] | None = None,
    *,
    ncols: int | None = None,
    row_labels: Sequence[str] | None = None,
    limits: tuple[float, float] | None = (0.0, 1.0),
    cmap: str = "gray",
    title: str | None = None,
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Grey images side by side, in rows.

    Parameters
    ----------
    images : (k, h, w), or (k, d) with ``shape``. They fill the rows from left to right; to compare
        originals with reconstructions, stack them and give as many columns as there are originals.
    shape : (h, w) with h w = d.
    ncols : images a row; by default all in one row up to ten, else ten.
    row_labels : one text a row, written to its left.
    limits : the values that are black and white, the same for all images; None takes the smallest
        and the largest value.
    cmap : name of a matplotlib colour map.
    title : text above the grid.
    ax : axes to draw into; by default a new figure, 0.55 inches a column.

    Raises
    ------
    ValueError : ``images`` or ``shape`` has the wrong form, ``images`` a value that is not finite,
        ``row_labels`` the wrong length, or ``limits`` are not in ascending order.
    """
    tiles = _tiles("images", images, shape)
    if limits is None:
        low, high = float(tiles.min()), float(tiles.max())
    elif len(limits) == 2 and limits[0] < limits[1]:
        low, high = limits
    else:
        raise ValueError(f"limits: got {limits}, want (low, high) with low < high, or None")
    return _mosaic(tiles, low, high, ncols, row_labels, cmap, title, ax)


def filters(
    W: Any,
    shape: tuple[int, int] | None = None,
    *,
    shared: bool = False,
    ncols: int | None = None,
    row_labels: Sequence[str] | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Weights as images: zero is white, negative blue, positive red.

    Parameters
    ----------
    W : (m, d) with ``shape``, one filter a row (a dictionary's atoms: pass ``D.T``), or (m, h, w).
    shape : (h, w) with h w = d.
    shared : one colour scale for all filters, from minus to plus the largest absolute weight;
        otherwise each filter has its own, which shows its form and not its size.
    ncols, row_labels, title, ax : as for :func:`image_grid`.

    Raises
    ------
    ValueError : as for :func:`image_grid`.
    """
    tiles = _tiles("W", W, shape)
    largest = np.abs(tiles).max(axis=None if shared else (1, 2), keepdims=True)
    tiles = np.divide(tiles, largest, out=np.zeros_like(tiles), where=largest > 0)
    return _mosaic(tiles, -1.0, 1.0, ncols, row_labels, "RdBu_r", title, ax)


def curves(
    series: Mapping[str, Any],
    *,
    xlabel: str = "",
    ylabel: str = "",
    logx: bool = False,
    logy: bool = False,
    labels: Labels = "direct",
    marker: str | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Curves with their names beside them.

    Parameters
    ----------
    series : name to y (its x is 0, 1, 2, ...) or to a pair (x, y) of equal length.
    xlabel, ylabel : what is shown, with its unit.
    logx, logy : logarithmic axes.
    labels : "direct" writes each name at the end of its curve, which needs no legend; it suits
        curves that end apart. "legend" for the others, "none" to leave them out.
    marker : matplotlib marker drawn at each value.
    title : text above the axes.
    ax : axes to draw into; by default a new figure.

    Raises
    ------
    ValueError : no curve, x and y of different length, nothing positive for a logarithmic axis, or
        an unknown value of ``labels``.
    """
    if not isinstance(series, Mapping):
        raise ValueError(
            f"series: got {type(series).__name__}, want a dict of names and their values"
        )
    if not series:
        raise ValueError("series: got no curve, want at least one")
    if labels not in ("direct", "legend", "none"):
        raise ValueError(f'labels: got {labels!r}, want "direct", "legend" or "none"')
    points = {name: _points(f"series[{name!r}]", values) for name, values in series.items()}
    for axis, logarithmic in enumerate((logx, logy)):
        if logarithmic and not any((pair[axis] > 0).any() for pair in points.values()):
            raise ValueError(
                f"series: got no positive {'xy'[axis]}, want some for log{'xy'[axis]}=True"
            )
    if ax is None:
        _, ax = new_figure()
    ends: list[tuple[float, str, str, LineStyle]] = []
    for index, (name, (x, y)) in enumerate(points.items()):
        color = PALETTE[index % len(PALETTE)]
        style = LINE_STYLES[index % len(LINE_STYLES)]
        ax.plot(x, y, label=name, color=color, linestyle=style, marker=marker)
        if len(y):
            ends.append((float(y[-1]), name, color, style))
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if logx:
        ax.set_xscale("log")
    if logy:
        ax.set_yscale("log")
    if title is not None:
        ax.set_title(title)
    if labels == "legend":
        ax.legend(frameon=False)
    elif labels == "direct":
        _label_ends(ax, ends)
    return figure_of(ax), ax


def _points(name: str, values: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """x and y of a curve given as y or as a pair (x, y)."""
    if not isinstance(values, tuple):
        y = as_array(name, values).ravel()
        return np.arange(len(y), dtype=float), y
    if len(values) != 2:
        raise ValueError(f"{name}: got a tuple of {len(values)}, want a list y or a pair (x, y)")
    x, y = (as_array(name, part).ravel() for part in values)
    if len(x) != len(y):
        raise ValueError(f"{name}: got {len(x)} x and {len(y)} y, want equal numbers")
    return x, y


def _label_ends(ax: Axes, ends: list[tuple[float, str, str, LineStyle]]) -> None:
    """Names to the right of the axes, at the height of the curves' ends, moved apart if needed."""
    figure = figure_of(ax)
    box = ax.get_position()
    wide, high = figure.get_size_inches() * 72
    gap = 12.5 / (box.height * high)  # a line of text, as a fraction of the axes' height
    dash = 16 / (box.width * wide)
    ax.get_ylim()  # matplotlib fits the axes to the data only when asked; transData does not ask
    placed: list[tuple[float, str, str, LineStyle]] = []
    for value, name, color, style in ends:
        place = ax.transAxes.inverted().transform(ax.transData.transform((1.0, value)))[1]
        placed.append((float(place) if math.isfinite(place) else 1.0, name, color, style))
    placed.sort(key=lambda end: end[0])
    heights: list[float] = []
    for place, *_ in placed:
        heights.append(max(place, heights[-1] + gap) if heights else max(place, 0.0))
    if heights and heights[-1] > 1.0:  # move down what left the axes at the top
        heights[-1] = 1.0
        for index in range(len(heights) - 2, -1, -1):
            heights[index] = min(heights[index], heights[index + 1] - gap)
    for height, (_, name, color, style) in zip(heights, placed, strict=True):
        # The name in ink, its curve's dash before it: coloured text is hard to read on one ground.
        ax.add_artist(
            Line2D(
                [1.02, 1.02 + dash], [height] * 2, transform=ax.transAxes, clip_on=False,
                color=color, linestyle=style, linewidth=1.8,
            )
        )  # fmt: skip
        ax.annotate(
            name, (1.02 + dash, height), xytext=(4, 0), xycoords="axes fraction",
            textcoords="offset points", va="center", ha="left",
        )  # fmt: skip


def _mosaic(
    tiles: NDArray[np.float64],
    low: float,
    high: float,
    ncols: int | None,
    row_labels: Sequence[str] | None,
    cmap: str,
    title: str | None,
    ax: Axes | None,
) -> tuple[Figure, Axes]:
    """All tiles in one picture with transparent gaps: one small PNG instead of k axes."""
    count, h, w = tiles.shape
    if ncols is None:
        ncols = min(count, 10)
    if ncols < 1:
        raise ValueError(f"ncols: got {ncols}, want at least 1")
    nrows = -(-count // ncols)
    if row_labels is not None and len(row_labels) != nrows:
        raise ValueError(
            f"row_labels: got {len(row_labels)} texts, want one for each of the {nrows} rows"
        )
    gap = max(1, round(0.07 * max(h, w)))
    picture = np.full((nrows * (h + gap) - gap, ncols * (w + gap) - gap), np.nan)
    for index, tile in enumerate(tiles):
        top, left = index // ncols * (h + gap), index % ncols * (w + gap)
        picture[top : top + h, left : left + w] = tile
    if ax is None:
        width = min(7.2, 0.55 * ncols + (1.2 if row_labels else 0.2))
        across = width - (1.2 if row_labels else 0.2)
        tall = across * picture.shape[0] / picture.shape[1] + 0.15 + (0.3 if title else 0.0)
        _, ax = new_figure(width=width, height=tall)
    # "none" stores the pixels as they are; the browser enlarges them without smoothing.
    ax.imshow(picture, cmap=cmap, vmin=low, vmax=high, interpolation="none")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(False)
    ax.spines[:].set_visible(False)
    if row_labels is not None:
        ax.set_yticks([row * (h + gap) + (h - 1) / 2 for row in range(nrows)], row_labels)
        ax.tick_params(left=False)
    if title is not None:
        ax.set_title(title)
    return figure_of(ax), ax


def figure_of(ax: Axes) -> Figure:
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure


def as_array(name: str, values: Any) -> NDArray[np.float64]:
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu().numpy()
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name}: got {type(values).__name__} that is no array of numbers, want a tensor, an "
            "array or a list of numbers"
        ) from error


def _tiles(name: str, values: Any, shape: tuple[int, int] | None) -> NDArray[np.float64]:
    """(k, h, w) from (k, h, w) or from (k, d) and a shape."""
    tiles = as_array(name, values)
    got = tiles.shape
    if tiles.ndim == 2 and shape is not None and tiles.shape[1] == shape[0] * shape[1]:
        tiles = tiles.reshape(-1, *shape)
    if (
        tiles.ndim != 3
        or tiles.size == 0
        or (shape is not None and tiles.shape[1:] != tuple(shape))
    ):
        raise ValueError(
            f"{name}: got shape {got} with image shape {shape}, "
            "want (k, h, w), or (k, d) and shape=(h, w) with h * w = d"
        )
    if not np.isfinite(tiles).all():
        raise ValueError(f"{name}: got NaN or infinite values, want finite ones")
    return tiles
