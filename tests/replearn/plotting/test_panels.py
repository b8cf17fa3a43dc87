"""Figures with panels side by side are cut between them, and nowhere else."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from replearn import plotting
from replearn.plotting.svg import standalone_svg


def rendered(fig) -> str:
    return plotting.show(fig, alt="Something is shown here.").html


def pieces(html: str) -> list[list[float]]:
    """The view box of each drawing."""
    return [
        [float(value) for value in box.split()] for box in re.findall(r' viewBox="([^"]+)"', html)
    ]


@pytest.mark.parametrize("columns", [2, 3])
def test_each_column_is_a_piece_and_the_pieces_make_the_whole(columns):
    fig, axes = plotting.new_figure(ncols=columns)
    for ax in axes:
        ax.plot([0, 1])
        ax.set(xlabel="x", ylabel="y", title="a title")
    html = rendered(fig)
    boxes = pieces(html)
    assert len(boxes) == columns
    whole = [float(v) for v in re.search(r'data-viewbox="([^"]+)"', html)[1].split()]
    assert boxes[0][0] == 0
    for left, right in itertools.pairwise(boxes):
        assert left[0] + left[2] == pytest.approx(right[0], abs=0.02)
    assert boxes[-1][0] + boxes[-1][2] == pytest.approx(whole[2], abs=0.02)
    assert html.count('aria-hidden="true"') == columns
    assert html.count('role="img"') == 1
    # the drawing is stored once
    assert len(html) < 1.1 * len(standalone_svg(html)) + 1500


def test_a_colour_bar_stays_with_its_panel():
    fig, (left, right) = plotting.new_figure(ncols=2)
    fig.colorbar(left.imshow(np.eye(3)), ax=left)
    right.plot([0, 1])
    assert len(pieces(rendered(fig))) == 2
    fig, axes = plotting.new_figure(ncols=2)
    picture = next(ax.imshow(np.eye(3)) for ax in axes)
    fig.colorbar(picture, ax=axes)  # of both: nothing to cut
    assert len(pieces(rendered(fig))) == 1


def test_what_belongs_to_the_whole_figure_is_not_cut():
    fig, _axes = plotting.new_figure(ncols=2)
    fig.suptitle("a title that stands over the middle of the figure")
    assert len(pieces(rendered(fig))) == 1
    fig, _ = plotting.new_figure()
    assert len(pieces(rendered(fig))) == 1


def test_label_and_conclusions_are_written_and_checked():
    fig, _ = plotting.new_figure()
    html = plotting.show(
        fig, alt="Something is shown here.", label="two-errors", conclusions=["a-b", "c"]
    ).html
    assert 'data-label="two-errors" data-conclusions="a-b c"' in html
    fig, _ = plotting.new_figure()
    with pytest.raises(ValueError, match="label: got 'Two errors', want lower-case words"):
        plotting.show(fig, alt="Something is shown here.", label="Two errors")
    with pytest.raises(ValueError, match="conclusions: got 'A', want lower-case words"):
        plotting.show(fig, alt="Something is shown here.", conclusions=["A"])


def test_a_file_of_its_own_shows_everything_on_white():
    fig, _axes = plotting.new_figure(ncols=2)
    svg = standalone_svg(rendered(fig))
    assert svg.count("<svg") == 1
    assert 'fill="white"' in svg
    with pytest.raises(ValueError, match="got no <svg>"):
        standalone_svg("<figure></figure>")
