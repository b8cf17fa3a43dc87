"""A bounded number of samples at a time, so that the memory stays bounded too."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor


def slices(n: int, size: int) -> Iterator[slice]:
    """The rows 0 to n - 1 in slices of at most ``size``."""
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


def by_rows(function: Callable[[Tensor], Tensor], X: Tensor, size: int) -> Tensor:
    """``function`` of X, at most ``size`` rows at a time: each row's value is its own."""
    return torch.cat([function(X[rows]) for rows in slices(len(X), size)])
