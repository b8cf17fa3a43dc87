r"""Thresholds: the proximal operators of the penalties of sparse coding.

The proximal operator of a function g with step t is::

    prox_{t g}(z) = argmin_h  1/2 (h - z)^2 + t g(h)

For ``g(h) = |h|`` it is soft thresholding, with ``h >= 0`` required besides it is the
nonnegative threshold, and for ``g(h) = [h != 0]`` with ``t = s^2 / 2`` it is the hard threshold at
s. All work entry by entry on tensors of any shape.

References
----------
I. Daubechies, M. Defrise and C. De Mol, Communications on Pure and Applied Mathematics 57 (2004).
"""

from __future__ import annotations

from numbers import Real

import torch
from torch import Tensor
from torch.nn.functional import softshrink

from replearn._validate import check_tensor

__all__ = ["hard_threshold", "nonnegative_threshold", "sign_clamp", "soft_threshold"]


def soft_threshold(Z: Tensor, t: float | Tensor) -> Tensor:
    """``sign(Z) max(|Z| - t, 0)``: the proximal operator of ``t |h|``.

    Parameters
    ----------
    Z : Tensor, of any shape
        Of a floating dtype.
    t : float or Tensor
        Threshold of at least 0, in the units of Z; a tensor must broadcast with Z: for one
        threshold a row of an (n, m) matrix, of shape (n, 1).

    Returns
    -------
    Tensor, of any shape
        That of Z.

    Raises
    ------
    ValueError
        Z is no floating tensor, or t is negative, NaN or of another shape.

    Examples
    --------
    >>> soft_threshold(torch.tensor([-3.0, 0.5, 2.0]), 1.0)
    tensor([-2.,  0.,  1.])
    """
    t = _check(Z, t)
    return Z - torch.clamp(Z, -t, t) if isinstance(t, Tensor) else softshrink(Z, t)


def hard_threshold(Z: Tensor, t: float | Tensor) -> Tensor:
    """Z where ``|Z| > t``, 0 elsewhere: the proximal operator of ``(t^2 / 2) [h != 0]``.

    Parameters
    ----------
    Z : Tensor, of any shape
        Of a floating dtype.
    t : float or Tensor
        Threshold of at least 0, in the units of Z; a tensor must broadcast with Z: for one
        threshold a row of an (n, m) matrix, of shape (n, 1).

    Returns
    -------
    Tensor, of any shape
        That of Z.

    Raises
    ------
    ValueError
        Z is no floating tensor, or t is negative, NaN or of another shape.

    Examples
    --------
    >>> hard_threshold(torch.tensor([-3.0, 0.5, 2.0]), 1.0)
    tensor([-3.,  0.,  2.])
    """
    t = _check(Z, t)
    return torch.where(Z.abs() > t, Z, torch.zeros_like(Z))


def nonnegative_threshold(Z: Tensor, t: float | Tensor) -> Tensor:
    """``max(Z - t, 0)``: the proximal operator of ``t h`` over h >= 0.

    Parameters
    ----------
    Z : Tensor, of any shape
        Of a floating dtype.
    t : float or Tensor
        Threshold of at least 0, in the units of Z; a tensor must broadcast with Z: for one
        threshold a row of an (n, m) matrix, of shape (n, 1).

    Returns
    -------
    Tensor, of any shape
        That of Z.

    Raises
    ------
    ValueError
        Z is no floating tensor, or t is negative, NaN or of another shape.

    Examples
    --------
    >>> nonnegative_threshold(torch.tensor([-3.0, 0.5, 2.0]), 1.0)
    tensor([0., 0., 1.])
    """
    t = _check(Z, t)
    return (Z - t).clamp(min=0)


def sign_clamp(Z: Tensor, t: float | Tensor) -> Tensor:
    """A step ``Z - t sign(Z)`` along the subgradient of ``t |h|``.

    It is clamped to 0 where it would change the sign, and so equals ``soft_threshold``.

    Parameters
    ----------
    Z : Tensor, of any shape
        Of a floating dtype.
    t : float or Tensor
        Threshold of at least 0, in the units of Z; a tensor must broadcast with Z: for one
        threshold a row of an (n, m) matrix, of shape (n, 1).

    Returns
    -------
    Tensor, of any shape
        That of Z.

    Raises
    ------
    ValueError
        Z is no floating tensor, or t is negative, NaN or of another shape.

    Examples
    --------
    >>> sign_clamp(torch.tensor([-3.0, 0.5, 2.0]), 1.0)
    tensor([-2.,  0.,  1.])
    """
    t = _check(Z, t)
    stepped = Z - t * torch.sign(Z)
    return torch.where(torch.sign(stepped) == torch.sign(Z), stepped, torch.zeros_like(Z))


def _check(Z: Tensor, t: float | Tensor) -> float | Tensor:
    check_tensor("Z", Z, "a floating torch tensor")
    if not Z.is_floating_point():
        raise ValueError(f"Z: got dtype {Z.dtype}, want a floating one")
    if not isinstance(t, Tensor):
        if not isinstance(t, Real) or not t >= 0:
            raise ValueError(f"t: got {t!r}, want a number of at least 0")
        return float(t)
    try:
        fits = torch.broadcast_shapes(t.shape, Z.shape) == Z.shape  # type: ignore[no-untyped-call]
    except RuntimeError:
        fits = False
    if not fits:
        raise ValueError(
            f"t: got shape {tuple(t.shape)}, want one that broadcasts to Z's, {tuple(Z.shape)}"
        )
    if not (t >= 0).all():
        raise ValueError("t: got negative values or NaN, want at least 0")
    return t.to(Z)
