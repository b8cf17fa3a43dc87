"""Diagrams of networks and algorithms: boxes that hold names, joined by arrows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from replearn.plotting.style import PALETTE, figure_of, new_figure

#: Half the width and height of a box, in the unit of the positions.
_HALF_WIDTH, _HALF_HEIGHT = 0.36, 0.3
_HALF_TEXT = 0.2  # of a text without a box


def _check(
    boxes: Mapping[str, tuple[float, float]],
    arrows: Sequence[tuple[str, ...]],
    bends: Mapping[tuple[str, str], float],
    lists: Mapping[str, Sequence[str]],
) -> None:
    """Refuse what could not be drawn, or would be drawn where it is not seen."""
    if not isinstance(boxes, Mapping) or not boxes:
        raise ValueError(f"boxes: got {boxes!r}, want a mapping with at least one box")
    for name, place in boxes.items():
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"boxes: got the text {name!r}, want one that can be read")
        numbers = isinstance(place, tuple | list) and len(place) == 2
        if not numbers or not all(isinstance(v, int | float) and math.isfinite(v) for v in place):
            raise ValueError(f"boxes: got {place!r} for {name!r}, want two finite numbers")
    for argument, names in lists.items():
        if isinstance(names, str):
            raise ValueError(f"{argument}: got the text {names!r}, want a list of texts")
    joined = set()
    for arrow in arrows:
        if isinstance(arrow, str) or len(arrow) not in (2, 3):
            raise ValueError(f"arrows: got {arrow!r}, want two boxes, and a text or none")
        joined.add(tuple(arrow[:2]))
    named = [name for pair in (*joined, *bends) for name in pair]
    for name in (*named, *(name for names in lists.values() for name in names)):
        if name not in boxes:
            raise ValueError(f"boxes: got no box {name!r}, which an arrow or a list names")
    for start, end in joined:
        if tuple(boxes[start]) == tuple(boxes[end]):
            raise ValueError(f"arrows: got {start!r} to {end!r}, want boxes at different places")
    for pair, bend in bends.items():
        if pair not in joined:
            raise ValueError(f"bends: got one for {pair!r}, which no arrow joins")
        if not isinstance(bend, int | float) or not math.isfinite(bend):
            raise ValueError(f"bends: got {bend!r} for {pair!r}, want a finite number")


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
        Axes to draw into; by default a new figure, with 1.35 inches a unit across and 1.1 upwards.

    Returns
    -------
    fig : Figure
    ax : Axes
        Without ticks.

    Raises
    ------
    ValueError
        There is no box, an arrow or a list names one that is not there, an arrow joins a box with
        itself or with one at the same place, a bend has no arrow, or a number is not finite.

    Examples
    --------
    >>> fig, ax = diagram({"$x$": (0, 0), "$h$": (1, 0)}, [("$x$", "$h$", "encode")])
    >>> len(ax.texts)
    3
    >>> fig.clear()
    """
    bends = bends or {}
    _check(boxes, arrows, bends, {"highlight": highlight, "plain": plain})
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
