"""What every solver returns."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

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
        Iterations each sample took: proximal steps, rounds of coordinate descent, or steps of the
        homotopy.
    objective : Tensor, (n,), float64
        F(h) = 1/2 ||x - D h||^2 + penalty ||h||_1 (or with the norm and the l2 asked for), in
        float64 whatever the dtype of X: squares of numbers of float32 may lie beyond it. Accurate
        to the rounding of ||x||^2, or in float32 to ``tol`` F(h);
        :func:`replearn.sparse.lasso_objective` is accurate to its own.
    gap : Tensor, (n,), float64
        F(h) is at most so much above its minimum, rounding included: either it is computed in
        float64 from the code as it is returned, or what float32 may have done is added.
    converged : Tensor, (n,), bool
        Whether the gap came within ``tol`` times the objective. A ``tol`` below 8 eps of the dtype
        counts as 8 eps (1e-6 in float32, 2e-15 in float64), 0 too: what lies below is rounding, as
        is a gap of ``eps^1.5`` times the objective of the code 0. Without a penalty, a sample
        whose own objective is at most ``max(d, m) eps`` times that of the code 0 has converged
        too: its minimum is 0 but for rounding.
    trace : list of float
        Mean objective after k iterations, trace[0] at the start; empty unless asked for.

    References
    ----------
    S.-J. Kim, K. Koh, M. Lustig, S. Boyd and D. Gorinevsky, IEEE Journal of Selected Topics in
    Signal Processing 1 (2007), for the duality gap.

    Examples
    --------
    >>> from replearn.sparse import sparse_codes
    >>> codes = sparse_codes(torch.tensor([[3.0, 1.0]]), torch.eye(2), 2.0)
    >>> codes.H, bool(codes.converged), codes.objective
    (tensor([[1., 0.]]), True, tensor([4.5000], dtype=torch.float64))
    """

    H: Tensor
    solver: str
    reason: str
    iterations: Tensor
    objective: Tensor
    gap: Tensor
    converged: Tensor
    trace: list[float] = field(default_factory=list)


def new_codes(problem: Problem, solver: str, copies: int = 1) -> Codes:
    """Codes of a problem, not yet computed: its solver fills them in place.

    ``copies`` of each sample stand side by side.
    """
    X, n = problem.X, copies * len(problem.X)
    return Codes(
        H=X.new_empty(n, problem.D.shape[1]),
        solver=solver,
        reason="",
        iterations=torch.zeros(n, dtype=torch.int64, device=X.device),
        objective=X.new_empty(n, dtype=torch.float64),
        gap=X.new_empty(n, dtype=torch.float64),
        converged=torch.zeros(n, dtype=torch.bool, device=X.device),
    )


def every(codes: Codes, p: int, e: int) -> Codes:
    """The e-th of each p samples."""
    return replace(
        codes,
        H=codes.H[e::p],
        iterations=codes.iterations[e::p],
        objective=codes.objective[e::p],
        gap=codes.gap[e::p],
        converged=codes.converged[e::p],
    )


def put(codes: Codes, rows: Tensor, other: Codes) -> None:
    """Write the results of these rows over; their iterations add to those before."""
    for name in ("H", "objective", "gap", "converged"):
        getattr(codes, name)[rows] = getattr(other, name)
    codes.iterations[rows] += other.iterations
