"""Rows in pieces."""

from __future__ import annotations

import pytest
import torch

from replearn._batches import by_rows, slices


@pytest.mark.parametrize(
    ("n", "size", "wanted"), [(5, 2, [(0, 2), (2, 4), (4, 5)]), (4, 4, [(0, 4)]), (0, 3, [])]
)
def test_slices_cover_the_rows_once(n, size, wanted):
    assert [(rows.start, rows.stop) for rows in slices(n, size)] == wanted


def test_a_function_of_rows_sees_at_most_so_many():
    seen = []

    def double(x):
        seen.append(len(x))
        return 2 * x

    X = torch.arange(14.0).reshape(7, 2)
    assert torch.equal(by_rows(double, X, 3), 2 * X)
    assert seen == [3, 3, 1]
