"""What the compiled solvers share: the dictionary in float64, and what rounding may do."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from replearn.sparse.arguments import Problem
from replearn.sparse.lasso import rounding, smallest_curvature
from replearn.sparse.norms import L1Norm

# A correlation in float32 errs by at most this times eps longest (||x|| + longest ||h||_1), longest
# the length of the longest atom, on dictionaries of all kinds tried: test_accuracy.py.
_CORRELATION_ERROR = 4

Precision = tuple[float, float, float, float, float, float]
"""As in replearn.sparse.kernels."""


@dataclass(frozen=True)
class Exactly:
    """A problem on the CPU as a lasso problem in float64.

    Atoms are divided by their weights, so that codes are those of the problem times the weights,
    and the diagonal of ``G = D^T D`` has the elastic net's part added.
    """

    problem: Problem
    D: Tensor  # (d, m)
    G: Tensor  # (m, m)
    weights: Tensor | None  # (m,)
    mu: float  # the smallest curvature, where some penalty is 0; otherwise 0, and not asked for

    @classmethod
    def of(cls, problem: Problem, solver: str) -> Exactly:
        """The problem, or a ValueError if the solver can't solve it."""
        if problem.X.device.type != "cpu":
            raise ValueError(f"X: got a tensor on {problem.X.device}, want the cpu for {solver}")
        if not isinstance(problem.norm, L1Norm):
            raise ValueError(f"groups: got some with {solver}, want None, or 'fista' or 'ista'")
        weights = problem.norm.weights
        D = problem.D.double()
        ridge = D.new_full((D.shape[1],), problem.l2)
        if weights is not None:
            weights = weights.double()
            D, ridge = D / weights, ridge / weights.square()
        G = D.T @ D
        G.diagonal().add_(ridge)
        mu = 0.0
        if bool((problem.penalty == 0).any()):
            mu = smallest_curvature(D, problem.nonnegative, float(ridge.min()))
        return cls(problem, D.contiguous(), G, weights, mu)

    def weighted(self, H: Tensor) -> Tensor:
        """The codes of this lasso problem for codes of the problem."""
        return H if self.weights is None else (H.double() * self.weights).to(H)

    def unweight_(self, H: Tensor) -> None:
        """Codes of this lasso problem become codes of the problem."""
        if self.weights is not None:
            H.copy_(H.double() / self.weights)

    def precision(self, work: torch.dtype) -> Precision:
        """For work in this dtype, or finishing in it."""
        eps = float(torch.finfo(work).eps)
        longest = float(torch.linalg.vector_norm(self.D, dim=0).max())
        error = _CORRELATION_ERROR * eps * longest if work != torch.float64 else 0.0
        slack = max(self.D.shape) * eps  # of a correlation, relative to the lengths of both
        return self.mu, eps, rounding(self.problem.D), slack, error, longest
