"""X^T X, by what is fastest where X lies.

A product of a matrix with its own transpose is symmetric: half of it is enough. NumPy recognises
it and calls SYRK of its BLAS, torch multiplies as if there were two matrices (GEMM). A large
product on a CPU is therefore NumPy's, on a view of the tensor; the rule looks at sizes alone, so
that the same data gives the same bits on every run.

On two cores, 60,000 x 784 in float32, an AMD processor takes 0.34 s in torch and 0.10 s in NumPy;
on one, 4,096 x 784, 49 ms and 25 ms. Products that take less than a few milliseconds stay with
torch: two libraries that take turns each wake their own threads.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from replearn._batches import slices

_MANY = 2**29  # multiplications from which on a product is NumPy's
# The mean of equal values errs by at most so many times eps of itself: 8 was seen, of up to five
# million float32 and float64.
MEAN_ERROR = 16

_ROWS = 4096  # rows worked on at a time: bounds the memory, and the copy stays near the cache


def gram(X: Tensor) -> Tensor:
    """``X^T X`` (d, d) of X (n, d), in its dtype and on its device; no gradient flows through."""
    X = X.detach()
    n, d = X.shape
    if X.device.type != "cpu" or n * d * d < _MANY:
        return X.T @ X
    A = X.numpy()
    return torch.from_numpy(A.T @ A)


def scatter(X: Tensor, mean: Tensor) -> Tensor:
    """``Xc^T Xc`` (d, d) in float64 of the centred Xc = X - mean, a few thousand rows at a time.

    Products are formed in the dtype of X and summed in float64.
    """
    X, mean = X.detach(), mean.detach()
    n, d = X.shape
    G = torch.zeros(d, d, dtype=torch.float64, device=X.device)
    buffer = torch.empty(min(n, _ROWS), d, dtype=X.dtype, device=X.device)
    if X.device.type != "cpu" or n * d * d < _MANY:
        for rows in slices(n, _ROWS):
            chunk = torch.sub(X[rows], mean, out=buffer[: rows.stop - rows.start])
            G += chunk.T @ chunk
        return G
    # All of it in NumPy, on views: threads of torch that still wait for work after an operation
    # would take the cores from those of the product.
    A, mu, part, total = X.numpy(), mean.numpy(), buffer.numpy(), G.numpy()
    for rows in slices(n, _ROWS):
        rest = np.subtract(A[rows], mu, out=part[: rows.stop - rows.start])
        total += rest.T @ rest
    return G
