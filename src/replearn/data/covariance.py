"""Data whose covariance is known by construction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from replearn._validate import check_integer

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
    n : int
        Number of samples, at least k + 1.
    variances : sequence of float
        The k variances lambda, finite and none negative.
    d : int, optional
        Number of coordinates, at least k; None takes k. With d > k the data have rank k.
    mean : float
        Scale of the mean: mu is ``mean`` times a standard normal vector plus ``mean``.
    generator : torch.Generator
        Of the CPU: the source of U, V and mu.

    Returns
    -------
    X : Tensor, (n, d)
        The data, float64.
    V : Tensor, (d, k)
        The principal axes, float64; column j belongs to ``variances[j]``.

    Raises
    ------
    ValueError
        n, d or a variance is out of range.

    Examples
    --------
    >>> g = torch.Generator().manual_seed(0)
    >>> X, V = data_with_covariance(100, [4.0, 1.0], d=3, generator=g)
    >>> Xc = X - X.mean(0)
    >>> torch.allclose(Xc.T @ Xc / 100, V @ torch.diag(torch.tensor([4.0, 1.0]).double()) @ V.T)
    True
    """
    try:
        lam = torch.as_tensor(variances, dtype=torch.float64, device=generator.device)
    except (TypeError, ValueError, RuntimeError):
        lam = torch.empty(0, device="cpu")
    k = lam.numel()
    if lam.ndim != 1 or k == 0 or not bool(((lam >= 0) & lam.isfinite()).all()):
        raise ValueError(
            f"variances: got {variances!r}, want a list of finite numbers of at least 0"
        )
    d = k if d is None else d
    for name, value, least in (("n", n, k + 1), ("d", d, k)):
        check_integer(name, value)
        if value < least:
            raise ValueError(f"{name}: got {value}, want at least {least} for {k} variances")
    if not math.isfinite(mean):
        raise ValueError(f"mean: got {mean!r}, want a finite number")
    kind: Any = {"dtype": torch.float64, "device": generator.device, "generator": generator}
    noise = torch.randn(n, k, **kind)
    ones = torch.ones_like(noise[:, :1])
    U = torch.linalg.qr(torch.cat([ones, noise], dim=1)).Q[:, 1:]
    V = torch.linalg.qr(torch.randn(d, k, **kind)).Q
    mu = mean * (1 + torch.randn(d, **kind))
    return mu + math.sqrt(n) * (U * lam.sqrt()) @ V.T, V
