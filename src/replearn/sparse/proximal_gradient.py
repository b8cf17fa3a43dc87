r"""ISTA and FISTA: proximal gradient steps on many lasso problems at once.

With the step t, at most 1/L for the largest eigenvalue L of D^T D, ISTA repeats::

    U(h) = h + t D^T (x - D h)            a gradient step on 1/2 ||x - D h||^2
    h  <-  S(U(h), t penalty)             S: soft thresholding

Its objective never increases, and ``F(h_k) - min F <= L ||h_0 - h*||^2 / (2 k)``. FISTA takes the
step from a point extrapolated by the last two, y = h_k + beta_k (h_k - h_{k-1}), and has
``2 L ||h_0 - h*||^2 / (k + 1)^2`` in that place.

Two things make it fast here. U is affine, so that U(y) is the same extrapolation of U(h_k) and
U(h_{k-1}): the gradient is only ever taken at the codes themselves, which gives the duality gap
away free. And U is one product with the (m, m) matrix I - t D^T D where that is cheaper than two
with D, which is for m < 2 d.

References
----------
I. Daubechies, M. Defrise and C. De Mol, Communications on Pure and Applied Mathematics 57 (2004).
A. Beck and M. Teboulle, SIAM Journal on Imaging Sciences 2 (2009). B. O'Donoghue and E. Candes,
Foundations of Computational Mathematics 15 (2015), for the restarts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import softshrink

from replearn.sparse.arguments import Problem, Tick, check_problem, fitted, within
from replearn.sparse.codes import Codes
from replearn.sparse.lasso import (
    gap_from,
    lipschitz,
    rounding,
    slope_rounding,
    smallest_curvature,
)
from replearn.sparse.prox import sign_clamp

__all__ = ["fista", "ista"]

Rule = Literal["prox", "sign clamp"]

# Codes of a block: few enough that its buffers stay in a core's cache; a GPU wants more at once.
_BLOCK = {"cpu": 2**18, "cuda": 2**24}
# What _Block keeps of each sample.
_STATE = (
    *("rows", "x2", "slack", "lam", "shift", "finished"),
    *("H", "before", "before_that", "U", "U_before", "momentum", "beta"),
)
_EXAMINE = 10  # iterations between two looks at the gaps, and at the restarts


@torch.no_grad()
def ista(
    X: Tensor,
    D: Tensor,
    penalty: float | Tensor,
    *,
    step: float | None = None,
    tol: float = 1e-4,
    max_iter: int = 1000,
    H0: Tensor | None = None,
    nonnegative: bool = False,
    rule: Rule = "prox",
    trace: bool = False,
) -> Codes:
    """Sparse codes by the iterative shrinkage-thresholding algorithm: see the module's text.

    Parameters
    ----------
    X : (n, d) data, float32 or float64, on any device; D : (d, m), atoms are columns.
    penalty : a number of at least 0, or a tensor (n,), one for each sample.
    step : step size t; None takes 1 / lipschitz(D). It converges for t < 2 / L; a larger one is
        taken as it is, and the codes may then grow without bound (until they are infinite).
    tol : a sample is finished when its duality gap is at most ``tol`` times its objective.
        Looked at every 10 iterations, or after each with ``trace``.
    max_iter : at most so many iterations.
    H0 : (n, m), codes to start from; None starts from 0.
    nonnegative : whether codes must be >= 0.
    rule : "prox" thresholds softly; "sign clamp" subtracts the penalty's gradient and sets to 0
        what would change its sign. The codes are the same.
    trace : whether to record the mean objective. All samples then take all iterations until all
        of them are within ``tol``, in one block.

    Returns
    -------
    Codes

    Raises
    ------
    ValueError : an argument does not fit; the message names it.

    Examples
    --------
    >>> X, D = torch.tensor([[3.0, 1.0]]), torch.eye(2)
    >>> ista(X, D, 2.0).H
    tensor([[1., 0.]])
    """
    if rule not in ("prox", "sign clamp"):
        raise ValueError(f"rule: got {rule!r}, want 'prox' or 'sign clamp'")
    if nonnegative and rule == "sign clamp":
        raise ValueError("rule: got 'sign clamp', want 'prox' with nonnegative=True")
    problem = check_problem(
        X, D, penalty, H0=H0, nonnegative=nonnegative, tol=tol, max_iter=max_iter
    )
    return run(problem, accelerate=False, step=step, rule=rule, trace=trace)


@torch.no_grad()
def fista(
    X: Tensor,
    D: Tensor,
    penalty: float | Tensor,
    *,
    step: float | None = None,
    tol: float = 1e-4,
    max_iter: int = 1000,
    H0: Tensor | None = None,
    nonnegative: bool = False,
    restart: bool = True,
    trace: bool = False,
) -> Codes:
    """Sparse codes by FISTA, ISTA with Nesterov's extrapolation: see the module's text.

    Parameters, result and errors as in ``ista``, and:

    restart : whether a sample drops its momentum where that points uphill (O'Donoghue and Candes
        2015), which makes convergence linear once the support is found. Looked at as often as
        the gaps. Without, the momentum is that of Beck and Teboulle (2009).

    Examples
    --------
    >>> X, D = torch.tensor([[3.0, 1.0]]), torch.eye(2)
    >>> fista(X, D, torch.tensor([2.0]), nonnegative=True).H
    tensor([[1., 0.]])
    """
    problem = check_problem(
        X, D, penalty, H0=H0, nonnegative=nonnegative, tol=tol, max_iter=max_iter
    )
    return run(problem, accelerate=True, step=step, restart=restart, trace=trace)


def run(
    problem: Problem,
    *,
    accelerate: bool,
    step: float | None = None,
    restart: bool = True,
    rule: Rule = "prox",
    trace: bool = False,
    tick: Tick | None = None,
) -> Codes:
    """Solve a checked problem block by block."""
    X, D, lam = problem.X, problem.D, problem.penalty
    (n, m), device = (len(X), D.shape[1]), X.device
    codes = Codes(
        H=X.new_empty(n, m),
        solver="fista" if accelerate else "ista",
        reason="",
        iterations=torch.zeros(n, dtype=torch.int64, device=device),
        objective=X.new_empty(n),
        gap=X.new_empty(n),
        converged=torch.zeros(n, dtype=torch.bool, device=device),
    )
    t = _step(step, D)
    forward = _GradientStep(D, t)
    threshold = _threshold(problem, rule, t)
    mu = smallest_curvature(D, problem.nonnegative) if bool((lam == 0).any()) else 0.0
    size = n if trace else max(1, _BLOCK["cpu" if device.type == "cpu" else "cuda"] // m)
    for first in range(0, n, size):
        rows = torch.arange(first, min(n, first + size), device=device)
        block = _Block(problem, codes, rows, t, forward, threshold, mu)
        block.solve(accelerate, restart, trace)
        if tick is not None:
            tick(len(rows))
    return codes


class _Block:
    """Some samples and their state. Buffers are written over: fresh pages cost more than the
    arithmetic."""

    def __init__(
        self,
        problem: Problem,
        codes: Codes,
        rows: Tensor,
        t: float,
        forward: _GradientStep,
        threshold: Callable[[Tensor, Tensor, Tensor], Tensor],
        mu: float,
    ) -> None:
        self.problem, self.codes, self.t, self.mu = problem, codes, t, mu
        self.forward, self.threshold = forward, threshold
        self.rows = rows
        X = problem.X[rows]
        self.x2 = X.square().sum(1)
        self.slack = slope_rounding(problem.D) * self.x2.sqrt()
        self.lam = problem.penalty[rows]
        self.shift = forward.shift(X)
        H = X.new_zeros(len(rows), problem.D.shape[1])
        if problem.H0 is not None:
            H.copy_(problem.H0[rows])
        self.H, self.before, self.before_that = H, H.clone(), H.clone()
        self.U, self.U_before = torch.empty_like(H), torch.empty_like(H)
        self.momentum = X.new_ones(len(rows), 1)
        self.beta = X.new_zeros(len(rows), 1)  # of the extrapolation that led to H
        self.finished = torch.zeros(len(rows), dtype=torch.bool, device=X.device)

    def solve(self, accelerate: bool, restart: bool, trace: bool) -> None:
        last = self.problem.max_iter
        for k in range(last + 1):
            self.U, self.U_before = self.U_before, self.U
            self.forward(self.H, self.shift, self.U)
            if trace or k % _EXAMINE == 0 or k == last:
                self.examine(k, trace)
                if k == last or bool(self.finished.all()):
                    break
                if accelerate and restart and k > 1:
                    self.restart()
                if not trace and 4 * int(self.finished.sum()) >= len(self.rows):
                    self.drop_finished()
            target = self.before_that
            if accelerate and k > 0:
                following = (1 + (1 + 4 * self.momentum.square()).sqrt()) / 2
                self.beta = (self.momentum - 1) / following
                self.momentum = following
                torch.lerp(self.U_before, self.U, 1 + self.beta, out=target)
                self.threshold(target, self.lam, target)
            else:
                self.threshold(self.U, self.lam, target)
            self.before_that, self.before, self.H = self.before, self.H, target

    def examine(self, k: int, trace: bool) -> None:
        """Gaps of all samples; those within the tolerance are written out and then left alone."""
        problem, codes = self.problem, self.codes
        Q = (self.U - self.H).div_(self.t)
        R = self.forward.residual(self.shift, self.x2, self.H, Q)
        value = 0.5 * R + self.lam * self.H.abs().sum(1)
        gap = gap_from(self.H, Q, R, self.lam, problem.nonnegative, self.mu, self.slack)
        done = within(gap, value, self.x2, problem.tol)
        # Traced samples run on: the codes are those of the last iteration.
        new = torch.ones_like(done) if trace else ~self.finished & (done | (k == problem.max_iter))
        if trace:
            codes.trace.append(float(value.mean(dtype=torch.float64)))
            self.finished = done
        else:
            self.finished |= done
        if trace or bool(new.any()):
            at = self.rows[new]
            codes.H[at] = self.H[new]
            codes.objective[at], codes.gap[at] = value[new], gap[new]
            exact = fitted(value, self.x2, self.lam, rounding(problem.D))
            codes.converged[at] = (done | exact)[new]
            codes.iterations[at] = k

    def restart(self) -> None:
        """Momentum is dropped where the step from the extrapolated point y to h went against the
        progress made: (y - h_k)^T (h_k - h_{k-1}) > 0."""
        ahead = torch.sub(self.before, self.before_that)
        ahead.mul_(self.beta).add_(self.before).sub_(self.H)  # y - h_k
        uphill = (ahead * (self.H - self.before)).sum(1) > 0
        self.momentum.masked_fill_(uphill[:, None], 1.0)

    def drop_finished(self) -> None:
        keep = torch.nonzero(~self.finished).squeeze(1)
        for name in _STATE:
            setattr(self, name, getattr(self, name)[keep])


class _GradientStep:
    """``U(h) = h + t D^T (x - D h)`` for all rows, in the cheaper of two ways: with
    ``M = I - t D^T D``, h M + t x D, or by the residual, h + t (x - h D^T) D."""

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
        if self.gram:
            torch.addmm(shift, H, self.M, out=out)
        else:
            residual = torch.addmm(shift, H, self.D.T, alpha=-1)
            torch.addmm(H, residual, self.D, alpha=self.t, out=out)

    def residual(self, shift: Tensor, x2: Tensor, H: Tensor, Q: Tensor) -> Tensor:
        """||x - D h||^2; where D^T x is kept, as ||x||^2 - h^T (D^T x + q)."""
        if self.gram:
            return (x2 - (H * (Q + shift / self.t)).sum(1)).clamp_(min=0)
        return torch.addmm(shift, H, self.D.T, alpha=-1).square_().sum(1)


def _threshold(
    problem: Problem, rule: Rule, t: float
) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """(values, penalties, out) -> out: the proximal operator with threshold t penalty."""
    low, high = (float(end) for end in torch.aminmax(problem.penalty))
    same = t * low if low == high else None

    def threshold(Z: Tensor, lam: Tensor, out: Tensor) -> Tensor:
        if rule == "sign clamp":
            return out.copy_(sign_clamp(Z, t * lam[:, None]))
        if problem.nonnegative:
            return torch.sub(Z, t * lam[:, None], out=out).clamp_(min=0)
        if same is not None:
            return softshrink(Z, same, out=out)  # type: ignore[call-arg]  # the stub lacks out
        limit = t * lam[:, None]
        return torch.sub(Z, torch.clamp(Z, -limit, limit), out=out)

    return threshold


def _step(step: float | None, D: Tensor) -> float:
    if step is None:
        L = lipschitz(D)
        return 1 / L if L > 0 else 1.0
    if not isinstance(step, Real) or not (step > 0 and math.isfinite(step)):
        raise ValueError(f"step: got {step!r}, want a positive number or None")
    return float(step)
