"""Data whose covariance is known by construction."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from replearn.data import data_with_covariance


@pytest.mark.parametrize(("n", "d"), [(4, 3), (50, 3), (5, 9)])
def test_data_with_covariance_has_it(n: int, d: int) -> None:
    variances = [5.0, 2.0, 0.0]
    generator = torch.Generator().manual_seed(1)
    X, V = data_with_covariance(n, variances, d, mean=7.0, generator=generator)
    assert X.shape == (n, d)
    assert V.shape == (d, 3)
    expected = V @ torch.diag(torch.tensor(variances, dtype=torch.float64)) @ V.T
    found = np.cov(X.numpy(), rowvar=False, ddof=0)
    assert np.allclose(found, expected.numpy(), atol=1e-10)
    assert float(X.mean(dim=0).abs().max()) > 1.0


@pytest.mark.parametrize(
    ("n", "variances", "d", "sentence"),
    [
        (3, [1.0, 2.0, 3.0], 3, "n: got 3, want at least 4 for 3 variances"),
        (9, [1.0, 2.0], 1, "d: got 1, want at least 2 for 2 variances"),
        (9, [1.0, -2.0], 2, "variances: got"),
        (9, [], 2, "variances: got"),
    ],
)
def test_data_with_covariance_refuses(
    n: int, variances: list[float], d: int, sentence: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        data_with_covariance(n, variances, d, generator=torch.Generator())
