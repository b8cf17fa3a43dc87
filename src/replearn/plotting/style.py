"""The book's style: colours, lines, matplotlib's settings, and figures that have them.

Colours: M. Okabe and K. Ito, "Color Universal Design" (2008), four of the eight shaded until the
contrast of each with white and with the dark ground is at least 3:1 (WCAG 2.2, criterion 1.4.11).
"""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

LineStyle = Any  # what matplotlib accepts: a name, or (offset, (on, off, ...))

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
STYLE: Any = {
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


def new_figure(
    ncols: int = 1, nrows: int = 1, width: float | None = None, height: float | None = None
) -> tuple[Figure, Any]:
    """A figure in the book's style.

    Parameters
    ----------
    ncols : int
        Axes side by side.
    nrows : int
        Axes one above the other.
    width : float, optional
        Of the whole figure in inches; by default 4.6 for one column, 7.2 for more.
    height : float, optional
        Of the whole figure in inches; by default 2.9 for each row.

    Returns
    -------
    fig : Figure
        Matplotlib's.
    axes : Axes or array of Axes
        As matplotlib's ``subplots`` returns them: one for one row and one column.

    Raises
    ------
    ValueError
        A count or a size that is not positive.

    Examples
    --------
    >>> fig, axes = new_figure(ncols=2)
    >>> len(axes)
    2
    >>> plt.close(fig)
    """
    size = (
        (4.6 if ncols == 1 else 7.2) if width is None else width,
        2.9 * nrows if height is None else height,
    )
    if ncols < 1 or nrows < 1 or min(size) <= 0:
        raise ValueError(
            f"got {ncols} columns, {nrows} rows, size {size} inches; want positive numbers"
        )
    with mpl.rc_context(STYLE):
        return plt.subplots(nrows, ncols, figsize=size, layout="constrained")


def figure_of(ax: Axes) -> Figure:
    """The figure that the axes are in."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure
