"""What every solver returns."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from replearn.sparse.arguments import Problem


@dataclass(frozen=True)
class Codes:
    """Sparse codes of n samples, and how they were found.

    Attributes
    ----------
    H : Tensor, (n, m)
        The codes.
    solver : str
        Name of the solver that ran.
    reason : str
        Why ``solver="auto"`` chose it; empty where the caller chose.
    iterations : Tensor, (n,), int64
        Iterations each sample took: proximal steps, or rounds of coordinate descent.
    objective : Tensor, (n,)
        F(h) = 1/2 ||x - D h||^2 + penalty ||h||_1.
    gap : Tensor, (n,)
        Duality gap: F(h) is at most so much above its minimum.
    converged : Tensor, (n,), bool
        Whether the gap came within ``tol`` times the objective. A ``tol`` below 8 eps of the dtype
        counts as 8 eps (1e-6 in float32, 2e-15 in float64), 0 too: what lies below is rounding, as
        is a gap of ``eps^1.5`` times the objective of the code 0. Without a penalty, a sample
        whose own objective is at most ``max(d, m) eps`` times that of the code 0 has converged
        too: its minimum is 0 but for rounding.
    trace : list of float
        Mean objective after k iterations, trace[0] at the start; empty unless asked for.
    """

    H: Tensor
    solver: str
    reason: str
    iterations: Tensor
    objective: Tensor
    gap: Tensor
    converged: Tensor
    trace: list[float] = field(default_factory=list)

    @classmethod
    def empty(cls, problem: Problem, solver: str) -> Codes:
        """Codes of a problem, not yet computed: its solver fills them in place."""
        X, n = problem.X, len(problem.X)
        return cls(
            H=X.new_empty(n, problem.D.shape[1]),
            solver=solver,
            reason="",
            iterations=torch.zeros(n, dtype=torch.int64, device=X.device),
            objective=X.new_empty(n),
            gap=X.new_empty(n),
            converged=torch.zeros(n, dtype=torch.bool, device=X.device),
        )
