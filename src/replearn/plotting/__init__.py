r"""Figures that follow the page: light or dark ground, wide or narrow screen, read aloud or seen.

:func:`show` turns a matplotlib figure into an inline SVG whose ground is transparent and whose ink
(everything drawn in black: text, axes, grid) is the page's own text colour, so that one figure
serves the light and the dark theme. Alternative text is required. :data:`PALETTE` holds on both
grounds. The other functions make the figures that chapters need again and again; each draws into
axes it is given, or makes a figure and returns ``(fig, axes)``. Colours and settings are in
:mod:`replearn.plotting.style`, rendering in :mod:`~replearn.plotting.svg`, the common figures in
:mod:`~replearn.plotting.charts`, those of representations in :mod:`~replearn.plotting.maps`, boxes
and arrows in :mod:`~replearn.plotting.diagrams`.

A scatter of many thousand points should be drawn with ``rasterized=True`` (it is then stored as
one picture instead of one SVG element a point) and in colours of :data:`PALETTE`: a rasterised
artist cannot follow the page's text colour, so black would vanish in the dark.
"""

from replearn.plotting.charts import curves, filters, image_grid
from replearn.plotting.diagrams import diagram
from replearn.plotting.style import LINE_STYLES, PALETTE, new_figure
from replearn.plotting.svg import Rendered, show

__all__ = [
    "LINE_STYLES",
    "PALETTE",
    "Rendered",
    "curves",
    "diagram",
    "filters",
    "image_grid",
    "new_figure",
    "show",
]
