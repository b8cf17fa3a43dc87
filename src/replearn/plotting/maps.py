r"""Maps of representations: codes in the plane, vector fields, and spectra of Jacobians.

In the style of :mod:`replearn.plotting`, whose :func:`~replearn.plotting.show` puts them on the
page: points are in colours of the palette and stored as one picture, everything in black becomes
the page's ink. Each function draws into axes it is given, or makes a figure, and returns
``(fig, axes)``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from replearn.plotting.charts import Labels, as_array, curves
from replearn.plotting.style import PALETTE, figure_of, new_figure

__all__ = ["code_map", "spectrum", "vector_field"]

#: Beside the colours, of which there are fewer than classes of digits.
MARKERS: tuple[str, ...] = ("o", "^", "s", "D", "v", "P", "X")
_LINE, _LETTER = 15.0, 6.8  # height of a class's name and width of a letter, in points


def code_map(
    H: Any,
    y: Any,
    *,
    names: Sequence[str] | None = None,
    size: float = 8.0,
    title: str | None = None,
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Two-dimensional codes as points, coloured by class, with each class's name on its points.

    A name stands at the sample of its class nearest to the class's median, moved as far as it
    would cover another. Axes of codes have no units and no ticks; both have the scale that fills
    the picture, so that lengths along the two are not comparable.

    Parameters
    ----------
    H : array-like, (n, 2)
        Finite.
    y : array-like, (n,)
        Classes: integers.
    names : sequence of str, optional
        Names of the classes, in ascending order of y's values; by default the values.
    size : float
        Size of a point, in points.
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
        H, y or names has another shape, H is not finite, or y is not of integers.

    Examples
    --------
    >>> fig, ax = code_map([[0.0, 0.0], [1.0, 1.0]], [3, 8])
    >>> sorted(text.get_text() for text in ax.texts)
    ['3', '8']
    >>> fig.clear()
    """
    codes = _plane("H", H)
    labels = as_array("y", y)
    if labels.shape != (len(codes),):
        raise ValueError(f"y: got shape {labels.shape}, want ({len(codes)},), one class a code")
    if not np.equal(labels, np.round(labels)).all():
        raise ValueError("y: got values that are not integers, want integer classes")
    classes = np.unique(labels)
    if names is None:
        names = [str(int(value)) for value in classes]
    if len(names) != len(classes):
        raise ValueError(f"names: got {len(names)} texts, want one for each of {len(classes)}")
    if ax is None:
        _, ax = new_figure(height=3.8)
    # Transparent, so that a class drawn later does not hide the others.
    anchors = []
    for index, value in enumerate(classes):
        own = codes[labels == value]
        ax.scatter(
            own[:, 0], own[:, 1], s=size, color=PALETTE[index % len(PALETTE)], alpha=0.65,
            marker=MARKERS[index // len(PALETTE) % len(MARKERS)], linewidths=0, rasterized=True,
        )  # fmt: skip
        spread = own.std(0)
        off = (own - np.median(own, 0)) / np.where(spread > 0, spread, 1.0)
        anchors.append(own[np.square(off).sum(1).argmin()])
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(False)
    if title is not None:
        ax.set_title(title)
    for index, (place, name) in enumerate(
        zip(_apart(ax, np.array(anchors), names), names, strict=True)
    ):
        # White on the class's colour, which has the contrast for it on both grounds.
        ax.annotate(
            name, place, xycoords="axes fraction", ha="center", va="center", color="white",
            fontsize=9.5, fontweight="bold", zorder=4,
            bbox={
                "boxstyle": "round,pad=0.25,rounding_size=0.6",
                "facecolor": PALETTE[index % len(PALETTE)], "edgecolor": "black", "linewidth": 0.8,
            },
        )  # fmt: skip
    return figure_of(ax), ax


def vector_field(
    points: Any,
    vectors: Any,
    data: Any = None,
    *,
    scale: float = 1.0,
    color: str = PALETTE[0],
    title: str | None = None,
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Arrows in the plane, over the data.

    Parameters
    ----------
    points : array-like, (n, 2)
        Where the arrows start.
    vectors : array-like, (n, 2)
        In the same units.
    data : array-like, (k, 2), optional
        Samples drawn as grey points below the arrows.
    scale : float
        Arrows are drawn so many times as long as they are: with 1 an arrow of a reconstruction
        field ends at the reconstruction.
    color : str
        Colour of the arrows, one of the palette.
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
        An array has another shape or is not finite, or ``scale`` is not positive.

    Examples
    --------
    >>> fig, ax = vector_field([[0.0, 0.0]], [[1.0, 1.0]])
    >>> ax.get_aspect()
    1.0
    >>> fig.clear()
    """
    starts, arrows = _plane("points", points), _plane("vectors", vectors)
    if len(starts) != len(arrows):
        raise ValueError(
            f"vectors: got {len(arrows)} for {len(starts)} points, want one for each point"
        )
    if not 0 < scale < np.inf:
        raise ValueError(f"scale: got {scale}, want a positive number")
    samples = None if data is None else _plane("data", data)
    if ax is None:
        _, ax = new_figure(height=3.8)
    if samples is not None:
        ax.scatter(
            samples[:, 0], samples[:, 1], s=5, color=PALETTE[6], alpha=0.6, linewidths=0,
            rasterized=True, zorder=1,
        )  # fmt: skip
    # angles="xy": else arrows point as if both axes had one scale, on axes that do not.
    ax.quiver(
        starts[:, 0], starts[:, 1], scale * arrows[:, 0], scale * arrows[:, 1], color=color,
        angles="xy", scale_units="xy", scale=1.0, units="dots", width=1.3, headwidth=4.5,
        headlength=5.0, headaxislength=4.5, minlength=0.4, zorder=3,
    )  # fmt: skip
    # Arrows do not count for the limits of the axes.
    ends = np.concatenate([starts, starts + scale * arrows])
    ax.update_datalim(ends)
    ax.autoscale_view()
    ax.set_aspect("equal", adjustable="datalim")
    if title is not None:
        ax.set_title(title)
    return figure_of(ax), ax


def spectrum(
    values: Mapping[str, Any],
    *,
    spread: tuple[float, float] | None = (0.1, 0.9),
    xlabel: str = "singular value, by size",
    ylabel: str = "",
    logy: bool = False,
    labels: Labels = "legend",
    title: str | None = None,
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Mean spectra over many places, each with a band that shows how much they differ.

    Parameters
    ----------
    values : mapping
        Name to singular values (n, r), descending along each row, such as
        ``tangent_planes(...).singular_values``; or (r,), which has no band.
    spread : (float, float), optional
        The quantiles over the n places between which the band lies; None: no bands.
    xlabel : str
        As for :func:`replearn.plotting.curves`.
    ylabel : str
        As for :func:`replearn.plotting.curves`.
    logy : bool
        As for :func:`replearn.plotting.curves`.
    labels : {"direct", "legend", "none"}
        As for :func:`replearn.plotting.curves`.
    title : str, optional
        As for :func:`replearn.plotting.curves`.
    ax : Axes, optional
        As for :func:`replearn.plotting.curves`.

    Returns
    -------
    fig : Figure
    ax : Axes

    Raises
    ------
    ValueError
        No spectrum, one of another shape or not finite, quantiles that are not ascending in [0, 1],
        or as for ``curves``.

    Examples
    --------
    >>> fig, ax = spectrum({"trained": [3.0, 1.0, 0.1]})
    >>> ax.get_xlabel()
    'singular value, by size'
    >>> fig.clear()
    """
    if not isinstance(values, Mapping) or not values:
        raise ValueError(
            f"values: got {'nothing' if isinstance(values, Mapping) else type(values).__name__}, "
            "want a dict of names and their singular values"
        )
    if spread is not None and not (len(spread) == 2 and 0 <= spread[0] < spread[1] <= 1):
        raise ValueError(f"spread: got {spread}, want two ascending quantiles in [0, 1], or None")
    spectra = {}
    for name, given in values.items():
        array = as_array(f"values[{name!r}]", given)
        array = array[None] if array.ndim == 1 else array
        if array.ndim != 2 or 0 in array.shape or not np.isfinite(array).all():
            raise ValueError(
                f"values[{name!r}]: got shape {array.shape}, want finite values (n, r) or (r,)"
            )
        spectra[name] = array
    if ax is None:
        _, ax = new_figure()
    for index, array in enumerate(spectra.values()):
        if spread is not None and len(array) > 1:
            low, high = np.quantile(array, spread, axis=0)
            ax.fill_between(
                np.arange(1, array.shape[1] + 1), low, high, color=PALETTE[index % len(PALETTE)],
                alpha=0.2, linewidth=0,
            )  # fmt: skip
    # After the bands: the names beside the curves stand where the axes' limits put them.
    means = {
        name: (np.arange(1, array.shape[1] + 1), array.mean(0)) for name, array in spectra.items()
    }
    return curves(means, xlabel=xlabel, ylabel=ylabel, logy=logy, labels=labels, title=title, ax=ax)


def _plane(name: str, values: Any) -> NDArray[np.float64]:
    array = as_array(name, values)
    if array.ndim != 2 or array.shape[1] != 2 or len(array) == 0:
        raise ValueError(f"{name}: got shape {array.shape}, want (n, 2)")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: got NaN or infinite values, want finite ones")
    return array


def _apart(ax: Axes, places: NDArray[np.float64], names: Sequence[str]) -> NDArray[np.float64]:
    """The places in fractions of the axes, moved until names there do not cover one another."""
    ax.autoscale_view()
    ax.get_ylim()  # matplotlib fits the axes to the data only when asked
    ax.get_xlim()
    box = ax.get_position()
    points = 72 * np.asarray(figure_of(ax).get_size_inches()) * (box.width, box.height)
    at = ax.transAxes.inverted().transform(ax.transData.transform(places)) * points
    sizes = np.array([(_LETTER * len(name) + 8.0, _LINE) for name in names])
    for _ in range(500):
        moved = False
        for i in range(len(at)):
            for j in range(i):
                gap = at[i] - at[j]
                missing = (sizes[i] + sizes[j]) / 2 - np.abs(gap)
                if (missing > 0).all():
                    axis = int(missing.argmin())  # the shorter way out
                    way = np.sign(gap[axis]) or 1.0
                    at[i, axis] += way * (0.51 * missing[axis] + 0.1)
                    at[j, axis] -= way * (0.51 * missing[axis] + 0.1)
                    moved = True
        if not moved:
            break
    half = np.minimum(sizes, points) / 2
    return np.asarray(np.clip(at, half, points - half) / points)
