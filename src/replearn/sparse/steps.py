"""The two halves of a proximal gradient step: a gradient step, and a proximal operator."""

from __future__ import annotations

import math
from numbers import Real
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import softshrink

from replearn.sparse.arguments import Problem
from replearn.sparse.lasso import lipschitz
from replearn.sparse.prox import sign_clamp

Rule = Literal["prox", "sign clamp"]


class GradientStep:
    """``U(h) = h + t D^T (x - D h)`` for all rows, in the cheaper of two ways.

    With ``M = I - t D^T D``, h M + t x D, or by the residual, h + t (x - h D^T) D.
    """

    def __init__(self, D: Tensor, t: float) -> None:
        d, m = D.shape
        self.D, self.t = D, t
        self.gram = m < 2 * d
        if self.gram:
            self.M = torch.eye(m, dtype=D.dtype, device=D.device).addmm_(D.T, D, alpha=-t)

    def shift(self, X: Tensor) -> Tensor:
        """What a call needs of the samples."""
        return self.t * (X @ self.D) if self.gram else X

    def __call__(self, H: Tensor, shift: Tensor, out: Tensor) -> None:
        """Write U(H) to ``out``; ``shift`` is what stays the same."""
        if self.gram:
            torch.addmm(shift, H, self.M, out=out)
        else:
            residual = torch.addmm(shift, H, self.D.T, alpha=-1)
            torch.addmm(H, residual, self.D, alpha=self.t, out=out)

    def squared_error(self, shift: Tensor, x2: Tensor, H: Tensor, Q: Tensor) -> Tensor:
        """||x - D h||^2; where D^T x is kept, as ||x||^2 - h^T (D^T x + q)."""
        if self.gram:
            return (x2 - (H * (Q + shift / self.t)).sum(1)).clamp_(min=0)
        return torch.addmm(shift, H, self.D.T, alpha=-1).square_().sum(1)


class ProximalOperator:
    """The threshold t penalty of each row, soft or for nonnegative codes, written to ``out``."""

    def __init__(self, problem: Problem, t: float, rule: Rule = "prox") -> None:
        self.t, self.rule, self.nonnegative = t, rule, problem.nonnegative
        low, high = (float(end) for end in torch.aminmax(problem.penalty))
        self.same = t * low if low == high else None  # the threshold, if all rows have one

    def __call__(self, Z: Tensor, penalty: Tensor, out: Tensor) -> Tensor:
        """``out`` may be Z."""
        if self.rule == "sign clamp":
            return out.copy_(sign_clamp(Z, self.t * penalty[:, None]))
        if self.nonnegative:
            return torch.sub(Z, self.t * penalty[:, None], out=out).clamp_(min=0)
        if self.same is not None:
            return softshrink(Z, self.same, out=out)  # type: ignore[call-arg]  # not in the stub
        limit = self.t * penalty[:, None]
        return torch.sub(Z, torch.clamp(Z, -limit, limit), out=out)


def step_size(step: float | None, D: Tensor) -> float:
    """The step given, checked; 1/L for None."""
    if step is None:
        L = lipschitz(D)
        return 1 / L if L > 0 else 1.0
    if not isinstance(step, Real) or not (step > 0 and math.isfinite(step)):
        raise ValueError(f"step: got {step!r}, want a positive number or None")
    return float(step)
