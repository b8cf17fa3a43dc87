"""Numbers so large or small that their squares leave the range of the dtype.

A power of two changes no digit: data divided by one gives the same result in other units, unless
it leaves the range itself.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def exponent(X: Tensor) -> int:
    """The k of the power of two with max |x| in [2^(k-1), 2^k); 0 where all are zero."""
    largest = float(torch.linalg.vector_norm(X.detach(), ord=math.inf))
    return math.frexp(largest)[1]


def exponents(X: Tensor, dim: int) -> Tensor:
    """The same of each row or column, int64: ``dim`` is the one that is gone."""
    found: Tensor = torch.frexp(X.abs().amax(dim))[1].to(torch.int64)
    return found


def times_power(X: Tensor, k: int | Tensor) -> Tensor:
    """``2^k X``, also where 2^k is not a number of the dtype; a tensor k broadcasts with X."""
    if isinstance(k, Tensor):
        low = k // 2
        return X * powers(low).to(X.dtype) * powers(k - low).to(X.dtype)
    half = k // 2
    return X if k == 0 else X * math.ldexp(1.0, half) * math.ldexp(1.0, k - half)


def powers(k: Tensor) -> Tensor:
    """2^k in float64 for int64 k, made of its bits: no function is asked to be exact."""
    found: Tensor = ((k + 1023) << 52).view(torch.float64)
    return found


def float_times_power(x: float, k: int) -> float:
    """``2^k x``, infinite where that is too large."""
    try:
        return math.ldexp(x, k)
    except OverflowError:
        return math.copysign(math.inf, x)
