"""What the solver is chosen by."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from replearn.sparse import sparse_codes
from replearn.sparse.choice import _ALIKE, likeness


def dictionaries() -> list[torch.Tensor]:
    """From orthonormal atoms to atoms that are nearly one, wide and tall, in odd units."""
    g = torch.Generator().manual_seed(0)
    found = [torch.eye(6), torch.ones(4, 9), 1e-30 * torch.ones(30, 5)]
    for d, m in ((8, 40), (40, 8), (60, 60), (144, 256)):
        for offset in (0.0, 0.2, 0.5, 1.0, 5.0):
            D = offset + torch.randn(d, m, generator=g)
            found.append(D / D.norm(dim=0))
    return found


def exact(D: torch.Tensor) -> float:
    """By NumPy, from singular values."""
    values = np.linalg.svd(D.double().numpy(), compute_uv=False) ** 2
    return float(values[0] / values.mean())


@pytest.mark.parametrize("D", dictionaries(), ids=lambda D: f"{tuple(D.shape)}")
def test_likeness_is_the_largest_eigenvalue_or_a_bound_that_says_the_same(D: torch.Tensor) -> None:
    value, bounded = likeness(D)
    assert not bounded
    assert value == pytest.approx(exact(D), rel=1e-9)
    quick, bounded = likeness(D, _ALIKE)
    assert quick >= value * (1 - 1e-12)
    assert bounded or quick == value
    assert (quick < _ALIKE) == (value < _ALIKE)


def test_most_dictionaries_are_seen_through_without_an_eigenvalue() -> None:
    quick = [likeness(D, _ALIKE) for D in dictionaries()]
    sure = [value < _ALIKE for value, _ in quick]
    assert sum(bounded for _, bounded in quick) > 0.8 * sum(sure) > 0


def test_the_reason_says_whether_it_is_a_bound() -> None:
    g = torch.Generator().manual_seed(1)
    D = torch.randn(100, 150, generator=g)
    X = torch.randn(3, 100, generator=g)
    reason = sparse_codes(X, D / D.norm(dim=0), 0.3).reason
    assert "at most" in reason
    assert "not much alike" in reason
    alike = 3 + D
    reason = sparse_codes(X, alike / alike.norm(dim=0), 0.3).reason
    assert "at most" not in reason
    assert reason.endswith("atoms are much alike")
