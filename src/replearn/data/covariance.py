"""Data whose covariance is known by construction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["data_with_covariance"]


def data_with_covariance(
    n: int,
    variances: Sequence[float],
    d: int | None = None,
    *,
    mean: float = 0.0,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    r"""Data whose covariance is known by construction, so a test needs no second solution.

    .. math:: X = 1 \mu^T + \sqrt{n}\, U \operatorname{diag}(\sqrt{\lambda})\, V^T,
        \qquad \tfrac{1}{n} X_c^T X_c = V \operatorname{diag}(\lambda) V^T

    with orthonormal columns in U (n, k), all orthogonal to 1, and in V (d, k).

    Parameters
    ----------
    n : number of samples, at least k + 1.
    variances : the k variances lambda, none negative.
    d : number of coordinates, at least k (default k). With d > k the data have rank k.
    mean : scale of the mean: mu is ``mean`` times a standard normal vector plus ``mean``.
    generator : source of U, V and mu.

    Returns
    -------
    X (n, d) and V (d, k), float64. Column j of V belongs to ``variances[j]``.

    Raises
    ------
    ValueError
        n, d or a variance is out of range.
    """
    lam = torch.as_tensor(variances, dtype=torch.float64, device=generator.device)
    k = lam.numel()
    d = k if d is None else d
    if lam.ndim != 1 or k == 0 or bool((lam < 0).any()):
        raise ValueError(f"variances must be a list of numbers >= 0, got {variances!r}")
    if n < k + 1:
        raise ValueError(f"n must be at least {k + 1} for {k} variances, got {n}")
    if d < k:
        raise ValueError(f"d must be at least {k} for {k} variances, got {d}")
    kind: Any = {"dtype": torch.float64, "device": generator.device}
    noise = torch.randn(n, k, generator=generator, **kind)
    ones = torch.ones(n, 1, **kind)
    U = torch.linalg.qr(torch.cat([ones, noise], dim=1)).Q[:, 1:]
    V = torch.linalg.qr(torch.randn(d, k, generator=generator, **kind)).Q
    mu = mean * (1 + torch.randn(d, generator=generator, **kind))
    return mu + math.sqrt(n) * (U * lam.sqrt()) @ V.T, V
