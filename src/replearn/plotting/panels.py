"""Where a figure can be cut between its columns of panels."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

_OVERLAP = 0.02  # inches by which labels of neighbours may reach into each other


def column_cuts(fig: Figure) -> list[float]:
    """Vertical lines that cross nothing and have panels on both sides.

    Parameters
    ----------
    fig : Figure
        Drawn before, so that everything has its place.

    Returns
    -------
    list of float
        In ascending order, as shares of the width; empty for a figure of one column, or where
        something (an axes over two columns, a legend of the figure) lies across.
    """
    columns = {ax: span for ax in fig.axes if (span := _columns(ax)) is not None}
    total = max((stop for _, stop in columns.values()), default=1)
    width = fig.get_size_inches()[0]
    drawn = {ax: ax.get_tightbbox() for ax in columns}
    dpi = fig.dpi
    across = [
        (box.x0 / dpi, box.x1 / dpi)
        for artist in (*fig.texts, *fig.legends, *fig.lines, *fig.patches, *fig.images)
        if artist.get_visible() and (box := artist.get_window_extent()).width > 0
    ]
    cuts = []
    for boundary in range(1, total):
        if any(start < boundary < stop for start, stop in columns.values()):
            continue
        left = [b.x1 for ax, b in drawn.items() if b is not None and columns[ax][1] <= boundary]
        right = [b.x0 for ax, b in drawn.items() if b is not None and columns[ax][0] >= boundary]
        if not left or not right:
            continue
        low, high = max(left) / dpi, min(right) / dpi
        middle = (low + high) / 2
        crossed = any(x0 < middle < x1 for x0, x1 in across)
        if high - low >= -_OVERLAP and not crossed and 0 < middle < width:
            cuts.append(middle / width)
    return cuts


def _columns(ax: Axes) -> tuple[int, int] | None:
    """First column and the one after the last, of an axes in a grid; a colour bar's parents'."""
    parents = getattr(ax, "_colorbar_info", {}).get("parents")
    if parents:
        spans = [span for parent in parents if (span := _columns(parent)) is not None]
        return (min(a for a, _ in spans), max(b for _, b in spans)) if spans else None
    place = ax.get_subplotspec()
    if place is None or not ax.get_visible():
        return None
    columns = place.get_topmost_subplotspec().colspan
    return columns.start, columns.stop
