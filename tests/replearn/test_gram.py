"""Gram matrices: by NumPy and by torch the same, as exact as their dtype, whatever the layout."""

import pytest
import torch

from replearn import _gram
from replearn._gram import gram, scatter


def normal(n, d, dtype, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("many", [0, 2**62])
@pytest.mark.parametrize("layout", ["rows", "columns", "strided", "reversed view"])
def test_a_gram_matrix_is_the_product(dtype, many, layout, monkeypatch):
    monkeypatch.setattr(_gram, "_MANY", many)  # NumPy's, and torch's
    X = normal(300, 40, dtype)
    X = {
        "rows": X,
        "columns": X.T.contiguous().T,
        "strided": normal(600, 80, dtype)[::2, ::2],
        "reversed view": X.flip(0),
    }[layout]
    exact = X.double().T @ X.double()
    G = gram(X.requires_grad_())
    assert G.dtype == dtype
    assert not G.requires_grad
    rounding = 20 * torch.finfo(dtype).eps * float(exact.diagonal().max())
    torch.testing.assert_close(G.double(), exact, rtol=0, atol=rounding)


@pytest.mark.parametrize("many", [0, 2**62])
def test_the_scatter_is_centred_before_it_is_multiplied(many, monkeypatch):
    monkeypatch.setattr(_gram, "_MANY", many)
    monkeypatch.setattr(_gram, "_ROWS", 64)  # several chunks, the last one shorter
    X = normal(500, 7, torch.float32) + 1000.0
    mean = X.mean(0)
    Xc = X.double() - mean.double()
    G = scatter(X, mean)
    assert G.dtype == torch.float64
    # Without centring first the error would be 500 * 1e6 * eps = 30.
    torch.testing.assert_close(G, Xc.T @ Xc, rtol=0, atol=1e-3)


def test_large_products_are_numpys(monkeypatch):
    seen = []
    whole = torch.from_numpy
    monkeypatch.setattr(torch, "from_numpy", lambda array: seen.append(array.shape) or whole(array))
    gram(normal(20, 30, torch.float32))
    assert seen == []
    gram(normal(3000, 430, torch.float32))
    assert seen == [(430, 430)]
