"""X^T X, by what is fastest where X lies.

A product of a matrix with its own transpose is symmetric: half of it is enough. NumPy recognises
it and calls SYRK of its BLAS, torch multiplies as if there were two matrices (GEMM). On a CPU the
product is therefore NumPy's, on a view of the tensor; the rule looks at the device alone, so that
the same data gives the same bits on every run.

On two cores, 60,000 x 784 in float32, an AMD processor takes 0.34 s in torch and 0.10 s in NumPy.
"""

from __future__ import annotations

import torch
from torch import Tensor

from replearn._batches import slices

_ROWS = 4096  # rows worked on at a time: bounds the memory, and the copy stays near the cache


def gram(X: Tensor) -> Tensor:
    """``X^T X`` (d, d) of X (n, d), in its dtype and on its device; no gradient flows through."""
    X = X.detach()
    if X.device.type != "cpu" or X.dtype not in (torch.float32, torch.float64):
        return X.T @ X
    A = X.numpy()
    return torch.from_numpy(A.T @ A)


def scatter(X: Tensor, mean: Tensor) -> Tensor:
    """``Xc^T Xc`` (d, d) in float64 of the centred Xc = X - mean, a few thousand rows at a time.

    Products are formed in the dtype of X and summed in float64.
    """
    n, d = X.shape
    G = torch.zeros(d, d, dtype=torch.float64, device=X.device)
    buffer = X.new_empty(min(n, _ROWS), d)
    for rows in slices(n, _ROWS):
        G += gram(torch.sub(X[rows], mean, out=buffer[: rows.stop - rows.start]))
    return G
