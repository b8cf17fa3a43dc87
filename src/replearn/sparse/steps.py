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
from replearn.sparse.norms import L1Norm
from replearn.sparse.prox import sign_clamp
from replearn.sparse.scaling import Scaling

Rule = Literal["prox", "sign clamp"]


class GradientStep:
    """``U(h) = h + t D^T (x - D h)`` for all rows, in the cheaper of two ways.

    With ``M = I - t D^T D``, h M + t x D, or by the residual, h + t (x - h D^T) D. An elastic net's
    part l2 shrinks h by ``1 - t l2`` before.
    """

    def __init__(self, D: Tensor, t: float, l2: float = 0.0) -> None:
        d, m = D.shape
        self.D, self.t, self.keep = D, t, 1 - t * l2
        self.gram = m < 2 * d
        if self.gram:
            self.M = torch.eye(m, dtype=D.dtype, device=D.device).mul_(self.keep)
            self.M.addmm_(D.T, D, alpha=-t)

    def shift(self, X: Tensor) -> Tensor:
        """What a call needs of the samples."""
        return self.t * (X @ self.D) if self.gram else X

    def __call__(self, H: Tensor, shift: Tensor, out: Tensor) -> None:
        """Write U(H) to ``out``; ``shift`` is what stays the same."""
        if self.gram:
            torch.addmm(shift, H, self.M, out=out)
        else:
            residual = torch.addmm(shift, H, self.D.T, alpha=-1)
            torch.addmm(H, residual, self.D, beta=self.keep, alpha=self.t, out=out)

    def squared_error(self, shift: Tensor, x2: Tensor, H: Tensor, Q: Tensor) -> Tensor:
        """||x - D h||^2 + l2 ||h||^2; where D^T x is kept, as ||x||^2 - h^T (D^T x + q)."""
        if self.gram:
            return (x2 - (H * (Q + shift / self.t)).sum(1)).clamp_(min=0)
        R = torch.addmm(shift, H, self.D.T, alpha=-1).square_().sum(1)
        return R.add_(H.square().sum(1), alpha=(1 - self.keep) / self.t)


class ProximalOperator:
    """That of the norm of the codes with the step t penalty of each row, written to ``out``."""

    def __init__(self, problem: Problem, t: float, rule: Rule = "prox") -> None:
        self.t, self.rule, self.norm = t, rule, problem.norm
        low, high = (float(end) for end in torch.aminmax(problem.penalty))
        norm = problem.norm
        plain = isinstance(norm, L1Norm) and norm.weights is None and not norm.nonnegative
        self.same = t * low if low == high and plain else None  # if all codes have one threshold

    def __call__(self, Z: Tensor, penalty: Tensor, out: Tensor) -> Tensor:
        """``out`` may be Z."""
        if self.rule == "sign clamp":
            return out.copy_(sign_clamp(Z, self.t * penalty[:, None]))
        if self.same is not None:
            return softshrink(Z, self.same, out=out)  # type: ignore[call-arg]  # not in the stub
        return self.norm.prox(Z, self.t * penalty, out)


def step_size(step: float | None, problem: Problem, scaling: Scaling | None) -> float:
    """The step given for the problem before it was scaled, checked; 1/L for None."""
    if step is None:
        L = lipschitz(problem.D) + problem.l2
        return 1 / L if L > 0 else 1.0
    if not isinstance(step, Real) or not (step > 0 and math.isfinite(step)):
        raise ValueError(f"step: got {step!r}, want a positive number or None")
    return float(step) * (1.0 if scaling is None else 2.0 ** (2 * scaling.atoms))
