r"""The norms that make codes sparse: their values, dual norms and proximal operators.

A norm ``Omega(h)`` enters the problem as ``penalty Omega(h)``. What a solver needs of it::

    Omega(h)                                         its value
    Omega*(q) = max { q^T v : Omega(v) <= 1 }        the dual norm
    prox_t(z) = argmin_h 1/2 ||h - z||^2 + t Omega(h)

For the weighted l1 norm ``sum_j w_j |h_j|`` they are ``max_j |q_j| / w_j`` and soft thresholding by
``t w_j``. For the group norm ``sum_g w_g ||h_g||_2`` over groups g of atoms, of which each atom is
in one, ``max_g ||q_g|| / w_g`` and ``h_g = z_g max(1 - t w_g / ||z_g||, 0)``. Codes that must be
>= 0 have the dual norm of the positive parts, and thresholds that cut off below 0.

References
----------
R. Tibshirani, Journal of the Royal Statistical Society B 58 (1996), for the lasso; H. Zou, Journal
of the American Statistical Association 101 (2006), for weights; M. Yuan and Y. Lin, Journal of the
Royal Statistical Society B 68 (2006), for groups; F. Bach, R. Jenatton, J. Mairal and G. Obozinski,
Foundations and Trends in Machine Learning 4 (2012), for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Norm(Protocol):
    """A norm of codes, row by row: H, Q, Z are (n, m), t is (n,)."""

    nonnegative: bool

    def value(self, H: Tensor) -> Tensor:
        """The norm of each row (n,)."""

    def dual(self, Q: Tensor) -> Tensor:
        """The dual norm of each row (n,)."""

    def prox(self, Z: Tensor, t: Tensor, out: Tensor) -> Tensor:
        """The proximal operator with the step t of each row, written to ``out``, which may be Z."""

    def violation(self, H: Tensor, Q: Tensor, t: Tensor) -> Tensor:
        """How far each row of Q is from the subgradients of t times the norm at H (n,)."""

    def to(self, like: Tensor) -> Norm:
        """The same in the dtype and on the device of ``like``."""


@dataclass(frozen=True)
class L1Norm:
    """``sum_j w_j |h_j|``; weights None are 1."""

    weights: Tensor | None = None  # (m,), positive
    nonnegative: bool = False

    def value(self, H: Tensor) -> Tensor:
        """As :class:`Norm`."""
        return H.abs().sum(1) if self.weights is None else H.abs() @ self.weights

    def dual(self, Q: Tensor) -> Tensor:
        """As :class:`Norm`."""
        scaled = Q if self.weights is None else Q / self.weights
        return (scaled.amax(1) if self.nonnegative else scaled.abs().amax(1)).clamp_(min=0)

    def prox(self, Z: Tensor, t: Tensor, out: Tensor) -> Tensor:
        """As :class:`Norm`."""
        limit = self._limit(t)
        if self.nonnegative:
            return torch.sub(Z, limit, out=out).clamp_(min=0)
        return torch.sub(Z, torch.clamp(Z, -limit, limit), out=out)

    def violation(self, H: Tensor, Q: Tensor, t: Tensor) -> Tensor:
        """As :class:`Norm`: in the largest coordinate."""
        limit = self._limit(t)
        at_zero = ((Q if self.nonnegative else Q.abs()) - limit).clamp_(min=0)
        return torch.where(H == 0, at_zero, (Q - limit * H.sign()).abs()).amax(1)

    def to(self, like: Tensor) -> L1Norm:
        """As :class:`Norm`."""
        weights = None if self.weights is None else self.weights.to(like)
        return L1Norm(weights, self.nonnegative)

    def _limit(self, t: Tensor) -> Tensor:
        return t[:, None] if self.weights is None else t[:, None] * self.weights


@dataclass(frozen=True)
class GroupNorm:
    """``sum_g w_g ||h_g||_2``, for groups numbered from 0."""

    groups: Tensor  # (m,) int64: the group of each atom
    weights: Tensor  # (number of groups,), positive
    nonnegative: bool = False

    def value(self, H: Tensor) -> Tensor:
        """As :class:`Norm`."""
        return self._lengths(H) @ self.weights

    def dual(self, Q: Tensor) -> Tensor:
        """As :class:`Norm`."""
        return (self._lengths(self._feasible(Q)) / self.weights).amax(1)

    def prox(self, Z: Tensor, t: Tensor, out: Tensor) -> Tensor:
        """As :class:`Norm`: of nonnegative codes that of their positive parts."""
        Z = self._feasible(Z)
        lengths = self._lengths(Z)
        kept = lengths - t[:, None] * self.weights
        share = torch.where(kept > 0, kept / lengths, 0.0)
        return torch.mul(Z, share[:, self.groups], out=out)

    def violation(self, H: Tensor, Q: Tensor, t: Tensor) -> Tensor:
        """As :class:`Norm`: the length of the difference, in the group where it is largest."""
        lengths, limit = self._lengths(H), t[:, None] * self.weights
        at_zero = (self._lengths(self._feasible(Q)) - limit).clamp_(min=0)
        slope = torch.where(lengths > 0, limit / lengths, 0.0)[:, self.groups] * H
        differences = Q - slope
        if self.nonnegative:
            differences = torch.where(H == 0, differences.clamp(min=0), differences)
        return torch.where(lengths == 0, at_zero, self._lengths(differences)).amax(1)

    def to(self, like: Tensor) -> GroupNorm:
        """As :class:`Norm`."""
        return GroupNorm(self.groups.to(like.device), self.weights.to(like), self.nonnegative)

    def _feasible(self, Q: Tensor) -> Tensor:
        return Q.clamp(min=0) if self.nonnegative else Q

    def _lengths(self, H: Tensor) -> Tensor:
        squares = H.new_zeros(len(H), len(self.weights))
        return squares.index_add_(1, self.groups, H.square()).sqrt_()
