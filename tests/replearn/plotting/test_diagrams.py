"""Boxes and arrows."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from replearn import plotting

BOXES = {"$x$": (0.0, 0.0), "code": (1.0, 0.0), "$r$": (2.0, 0.0)}


def test_boxes_and_arrows_are_drawn_and_fit():
    fig, ax = plotting.diagram(
        BOXES, [("$x$", "code", "encode"), ("code", "$r$")], highlight=["code"], plain=["$x$"]
    )
    boxes = [patch for patch in ax.patches if isinstance(patch, FancyBboxPatch)]
    arrows = [patch for patch in ax.patches if isinstance(patch, FancyArrowPatch)]
    assert len(boxes) == 3
    assert len(arrows) == 2
    assert [text.get_text() for text in ax.texts] == ["$x$", "code", "$r$", "encode"]
    assert to_hex(boxes[1].get_edgecolor()).upper() == plotting.PALETTE[0]
    assert boxes[0].get_edgecolor()[3] == 0  # no box around a plain text
    low, high = ax.get_xlim()
    assert low < -0.36
    assert high > 2.36
    plt.close(fig)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"boxes": {}}, "boxes: got {}, want a mapping with at least one box"),
        ({"arrows": [("$x$", "nowhere")]}, "got no box 'nowhere'"),
        ({"bends": {("$x$", "gone"): 0.1}}, "got no box 'gone'"),
        ({"highlight": ["gone"]}, "got no box 'gone'"),
        ({"plain": ["gone"]}, "got no box 'gone'"),
        ({"plain": "$x$"}, "plain: got the text"),
        ({"boxes": {"a": (0, 0, 0)}}, "want two finite numbers"),
        ({"boxes": {"a": (0, float("nan"))}}, "want two finite numbers"),
        ({"boxes": {"a": "01"}}, "want two finite numbers"),
        ({"boxes": {"": (0, 0)}}, "got the text '', want one that can be read"),
        ({"arrows": [("$x$",)]}, "arrows: got .* want two boxes"),
        ({"arrows": [("$x$", "code", "f", "g")]}, "arrows: got .* want two boxes"),
        ({"arrows": ["$x$"]}, "arrows: got .* want two boxes"),
        ({"arrows": [("$x$", "$x$")]}, "want boxes at different places"),
        ({"boxes": {"a": (0, 0), "b": (0, 0)}, "arrows": [("a", "b")]}, "at different places"),
        ({"arrows": [("$x$", "code")], "bends": {("code", "$x$"): 0.1}}, "which no arrow joins"),
        (
            {"arrows": [("$x$", "code")], "bends": {("$x$", "code"): float("inf")}},
            "a finite number",
        ),
    ],
)
def test_names_that_are_not_there_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        plotting.diagram(**{"boxes": BOXES, **options})
