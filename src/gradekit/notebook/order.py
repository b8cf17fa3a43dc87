"""Which cells of a notebook stand in the authors' order."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence


def in_order(places: Sequence[Sequence[int]]) -> dict[int, int]:
    """The longest run of cells that stand in the authors' order: index of each, and its place.

    A copy, or a cell that was moved, is not in it. Of runs of the same length, one whose cells
    come first.

    Parameters
    ----------
    places : for each cell of the notebook, the places it may have among the authors' cells.
    """
    ends: list[int] = []  # least place that a run of each length can begin with, negated
    links: list[tuple[int, int, int]] = []  # index, place, link to the rest of the run
    best: list[int] = []  # link at each length
    for index in range(len(places) - 1, -1, -1):
        for place in sorted(places[index]):  # so that a cell has at most one place in a run
            length = bisect_left(ends, -place)
            links.append((index, place, best[length - 1] if length else -1))
            ends[length : length + 1] = [-place]
            best[length : length + 1] = [len(links) - 1]
    run: dict[int, int] = {}
    link = best[-1] if best else -1
    while link >= 0:
        index, place, link = links[link]
        run[index] = place
    return run
