"""Diagrams of networks and algorithms: boxes that hold names, joined by arrows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from replearn.plotting.style import PALETTE, figure_of, new_figure

#: Half the width and height of a box, in the unit of the positions.
_HALF_WIDTH, _HALF_HEIGHT = 0.36, 0.3
_HALF_TEXT = 0.2  # of a text without a box


def diagram(
    boxes: Mapping[str, tuple[float, float]],
    arrows: Sequence[tuple[str, str] | tuple[str, str, str]] = (),
    *,
    bends: Mapping[tuple[str, str], float] | None = None,
    highlight: Sequence[str] = (),
    plain: Sequence[str] = (),
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Boxes and arrows, such as encoder, code and decoder.

    Parameters
    ----------
    boxes : mapping of str to (float, float)
        The text of each box (matplotlib's mathtext between dollars, lines divided by newlines),
        with the place of its centre: x to the right, y upwards, neighbours 1 apart.
    arrows : sequence of (str, str) or (str, str, str)
        From which box to which, by their texts, and what is written at the arrow's middle.
    bends : mapping of (str, str) to float, optional
        How much an arrow bends, as a share of its length: to the left of its direction if positive.
    highlight : sequence of str
        Boxes drawn in the palette's first colour.
    plain : sequence of str
        Texts without a box around them: inputs, outputs, sums.
    ax : Axes, optional
        Axes to draw into; by default a new figure, 1.35 inches a unit.

    Returns
    -------
    fig : Figure
    ax : Axes
        Without ticks, with equal units.

    Raises
    ------
    ValueError
        There is no box, or an arrow, a bend or a list names one that is not there.

    Examples
    --------
    >>> fig, ax = diagram({"$x$": (0, 0), "$h$": (1, 0)}, [("$x$", "$h$", "encode")])
    >>> len(ax.texts)
    3
    >>> fig.clear()
    """
    bends = bends or {}
    if not boxes:
        raise ValueError("boxes: got none, want at least one")
    named = [name for arrow in (*arrows, *bends) for name in arrow[:2]]
    for name in (*named, *highlight, *plain):
        if name not in boxes:
            raise ValueError(f"boxes: got no box {name!r}, which an arrow or a list names")
    xs, ys = zip(*boxes.values(), strict=True)
    low_x, high_x = min(xs) - 0.5, max(xs) + 0.5
    low_y, high_y = min(ys) - 0.5, max(ys) + 0.5
    if ax is None:
        _, ax = new_figure(width=1.35 * (high_x - low_x), height=1.1 * (high_y - low_y))
    ax.set(xlim=(low_x, high_x), ylim=(low_y, high_y))
    ax.axis("off")
    drawn = {}
    for name, (x, y) in boxes.items():
        colour = PALETTE[0] if name in highlight else "black"
        boxed = name not in plain
        half_width, half_height = (_HALF_WIDTH, _HALF_HEIGHT) if boxed else (_HALF_TEXT, _HALF_TEXT)
        drawn[name] = FancyBboxPatch(
            (x - half_width, y - half_height),
            2 * half_width,
            2 * half_height,
            boxstyle="round,pad=0,rounding_size=0.08",
            facecolor="none",
            edgecolor=colour if boxed else "none",
            linewidth=1.2,
        )
        ax.add_patch(drawn[name])
        ax.text(x, y, name, ha="center", va="center", color=colour)
    for start, end, *label in arrows:
        bend = bends.get((start, end), 0.0)
        ax.add_patch(
            FancyArrowPatch(
                boxes[start],
                boxes[end],
                arrowstyle="-|>",
                mutation_scale=11,
                patchA=drawn[start],
                patchB=drawn[end],
                shrinkA=2,
                shrinkB=2,
                connectionstyle=f"arc3,rad={-bend}",
                color="black",
                linewidth=1.1,
            )
        )
        if label:
            (x0, y0), (x1, y1) = boxes[start], boxes[end]
            middle = (x0 + x1) / 2 - bend * (y1 - y0) / 2, (y0 + y1) / 2 + bend * (x1 - x0) / 2
            upright = abs(y1 - y0) > abs(x1 - x0)
            ax.annotate(
                label[0],
                middle,
                xytext=(5, 0) if upright else (0, 4),
                textcoords="offset points",
                ha="left" if upright else "center",
                va="center" if upright else "bottom",
                fontsize=9,
            )
    return figure_of(ax), ax
