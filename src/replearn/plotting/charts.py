"""The figures that chapters need again and again: curves, grids of images, filters.

Each draws into axes it is given, or makes a figure, and returns ``(fig, axes)``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import Affine2DBase, ScaledTranslation
from numpy.typing import NDArray

from replearn._validate import check_tensor, check_values
from replearn.plotting.style import LINE_STYLES, PALETTE, STYLE, figure_of, new_figure

Labels = Literal["direct", "legend", "none"]

# Points of a curve shown beside its name: three dashes of a dashed line, and a whole period of
# every pattern with the beginning of the next.
_SWATCH = 21.5


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
    images : array-like, (k, h, w) or (k, d)
        With ``shape`` in the second form. They fill the rows from left to right; to compare
        originals with reconstructions, stack them and give as many columns as there are originals.
    shape : (int, int), optional
        (h, w) with h w = d.
    ncols : int, optional
        Images a row; by default all in one row up to ten, else ten.
    row_labels : sequence of str, optional
        One text a row, written to its left.
    limits : (float, float), optional
        The values that are black and white, the same for all images; None takes the smallest and
        the largest value.
    cmap : str
        Name of a matplotlib colour map.
    title : str, optional
        Text above the grid.
    ax : Axes, optional
        Axes to draw into; by default a new figure, 0.55 inches a column.

    Returns
    -------
    fig : Figure
    ax : Axes

    Raises
    ------
    ValueError
        ``images`` or ``shape`` has the wrong form, ``images`` a value that is not finite,
        ``row_labels`` the wrong length, or ``limits`` are not in ascending order.

    Examples
    --------
    >>> fig, ax = image_grid(np.zeros((6, 8, 8)), ncols=3)
    >>> ax.get_images()[0].get_cmap().name
    'gray'
    >>> fig.clear()
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
    W : array-like, (m, d) or (m, h, w)
        One filter a row (a dictionary's atoms: pass ``D.T``); the first form needs ``shape``.
    shape : (int, int), optional
        (h, w) with h w = d.
    shared : bool
        One colour scale for all filters, from minus to plus the largest absolute weight; otherwise
        each filter has its own, which shows its form and not its size.
    ncols : int, optional
        As for :func:`image_grid`.
    row_labels : sequence of str, optional
        As for :func:`image_grid`.
    title : str, optional
        As for :func:`image_grid`.
    ax : Axes, optional
        As for :func:`image_grid`.

    Returns
    -------
    fig : Figure
    ax : Axes

    Raises
    ------
    ValueError
        As for :func:`image_grid`.

    Examples
    --------
    >>> fig, ax = filters(np.eye(4), shape=(2, 2))
    >>> ax.get_images()[0].get_clim()
    (-1.0, 1.0)
    >>> fig.clear()
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
    series : mapping
        Name to y (its x is 0, 1, 2, ...) or to a pair (x, y) of equal length.
    xlabel : str
        What the horizontal axis shows, with its unit.
    ylabel : str
        What the vertical axis shows, with its unit.
    logx : bool
        Whether the horizontal axis is logarithmic.
    logy : bool
        Whether the vertical axis is logarithmic.
    labels : {"direct", "legend", "none"}
        "direct" writes each name at the end of its curve, which needs no legend; it suits curves
        that end apart. "legend" for the others, "none" to leave them out.
    marker : str, optional
        Matplotlib marker drawn at each value.
    title : str, optional
        Text above the axes.
    ax : Axes, optional
        Axes to draw into; by default a new figure.

    Returns
    -------
    fig : Figure
    ax : Axes

    Raises
    ------
    ValueError
        No curve, x and y of different length, nothing positive for a logarithmic axis, or an
        unknown value of ``labels``.

    Examples
    --------
    >>> fig, ax = curves({"ISTA": [1.0, 0.5, 0.25], "FISTA": [1.0, 0.2, 0.01]}, logy=True)
    >>> [line.get_label() for line in ax.get_lines()[:2]]
    ['ISTA', 'FISTA']
    >>> fig.clear()
    """
    if labels not in ("direct", "legend", "none"):
        raise ValueError(f'labels: got {labels!r}, want "direct", "legend" or "none"')
    points = _all_points(series, logx, logy)
    if ax is None:
        _, ax = new_figure()
    ends: list[tuple[float, str, Line2D]] = []
    for index, (name, (x, y)) in enumerate(points.items()):
        color = PALETTE[index % len(PALETTE)]
        style = LINE_STYLES[index % len(LINE_STYLES)]
        (line,) = ax.plot(x, y, label=name, color=color, linestyle=style, marker=marker)
        if len(y):
            ends.append((float(y[-1]), name, line))
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if logx:
        ax.set_xscale("log")
    if logy:
        ax.set_yscale("log")
    if title is not None:
        ax.set_title(title)
    if labels == "legend":
        ax.legend(frameon=False, handlelength=_SWATCH / STYLE["font.size"])
    elif labels == "direct":
        _label_ends(ax, ends)
    return figure_of(ax), ax


def _all_points(
    series: Mapping[str, Any], logx: bool, logy: bool
) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """x and y of each curve, by name."""
    if not isinstance(series, Mapping):
        raise ValueError(
            f"series: got {type(series).__name__}, want a dict of names and their values"
        )
    if not series:
        raise ValueError("series: got no curve, want at least one")
    points = {name: _points(f"series[{name!r}]", values) for name, values in series.items()}
    for axis, logarithmic in enumerate((logx, logy)):
        if logarithmic and not any((pair[axis] > 0).any() for pair in points.values()):
            raise ValueError(
                f"series: got no positive {'xy'[axis]}, want some for log{'xy'[axis]}=True"
            )
    return points


def _points(name: str, values: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """x and y of a curve given as y or as a pair (x, y)."""
    if not isinstance(values, tuple):
        y = _one_row(name, values)
        return np.arange(len(y), dtype=float), y
    if len(values) != 2:
        raise ValueError(f"{name}: got a tuple of {len(values)}, want a list y or a pair (x, y)")
    x, y = (_one_row(name, part) for part in values)
    if len(x) != len(y):
        raise ValueError(f"{name}: got {len(x)} x and {len(y)} y, want equal numbers")
    return x, y


def _one_row(name: str, values: Any) -> NDArray[np.float64]:
    """Numbers along at most one dimension."""
    row = as_array(name, values)
    if max(row.shape, default=1) != row.size:
        raise ValueError(f"{name}: got the shape {row.shape}, want numbers along one dimension")
    return row.ravel()


def _label_ends(ax: Axes, ends: list[tuple[float, str, Line2D]]) -> None:
    """Names to the right of the axes, at the height of the curves' ends, moved apart if needed."""
    box = ax.get_position()
    fig = figure_of(ax)
    gap = 12.5 / (box.height * fig.get_figheight() * 72)  # a line of text, in heights of the axes
    axes_box = cast("Affine2DBase", ax.transAxes)  # which its type does not say
    ax.get_ylim()  # matplotlib fits the axes to the data only when asked; transData does not ask
    placed: list[tuple[float, str, Line2D]] = []
    for value, name, line in ends:
        place = ax.transAxes.inverted().transform(ax.transData.transform((1.0, value)))[1]
        placed.append((float(place) if math.isfinite(place) else 1.0, name, line))
    placed.sort(key=lambda end: end[0])
    heights = _moved_apart([end[0] for end in placed], gap)
    for height, (_, name, line) in zip(heights, placed, strict=True):
        # The name in ink, its curve's dash before it: coloured text is hard to read on one ground.
        # In inches from its place, since the layout makes room for the names by narrower axes.
        inches = fig.dpi_scale_trans + ScaledTranslation(1.02, height, axes_box)
        swatch = Line2D([0, _SWATCH / 72], [0, 0])
        swatch.update_from(line)
        swatch.set(marker="none", label="", clip_on=False, transform=inches)
        ax.add_artist(swatch)
        ax.annotate(
            name, (1.02, height), xytext=(_SWATCH + 4, 0), xycoords="axes fraction",
            textcoords="offset points", va="center", ha="left",
        )  # fmt: skip


def _moved_apart(places: list[float], gap: float) -> list[float]:
    """Ascending places in [0, 1] with a gap between neighbours, as far as there is room."""
    heights: list[float] = []
    for place in places:
        heights.append(max(place, heights[-1] + gap) if heights else max(place, 0.0))
    if heights and heights[-1] > 1.0:  # move down what left the axes at the top
        heights[-1] = 1.0
        for index in range(len(heights) - 2, -1, -1):
            heights[index] = min(heights[index], heights[index + 1] - gap)
    return heights


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


def as_array(name: str, values: Any) -> NDArray[np.float64]:
    """Numbers of any kind as an array; ``name`` is the argument that an error names."""
    if isinstance(values, torch.Tensor):
        check_tensor(name, values)
        check_values(name, values)
        values = values.detach().cpu()
        values = (values if values.is_complex() else values.double()).numpy()
    try:
        if np.iscomplexobj(values):
            raise TypeError("complex numbers have no place on an axis")
        if isinstance(values, np.ma.MaskedArray):
            raise TypeError("what is masked would be drawn")
        if values is None or np.asarray(values).dtype.kind in "US":
            raise TypeError("numpy makes numbers of some texts, and of None")
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
