r"""ISTA and FISTA: proximal gradient steps on many lasso problems at once.

With the step t, at most 1/L for the largest eigenvalue L of D^T D, ISTA repeats::

    U(h) = h + t D^T (x - D h)            a gradient step on 1/2 ||x - D h||^2
    h  <-  S(U(h), t penalty)             S: soft thresholding

Its objective never increases, and ``F(h_k) - min F <= ||h_0 - h*||^2 / (2 k t)``. FISTA takes the
step from a point extrapolated by the last two, y = h_k + beta_k (h_k - h_{k-1}), and has
``2 ||h_0 - h*||^2 / (t (k + 1)^2)`` in that place.

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

import torch
from torch import Tensor

from replearn._batches import slices
from replearn.sparse.arguments import Problem, ProgressCallback, check_problem
from replearn.sparse.codes import Codes, new_codes
from replearn.sparse.convergence import Convergence, Samples
from replearn.sparse.scaling import scaled
from replearn.sparse.steps import GradientStep, ProximalOperator, Rule, step_size

__all__ = ["fista", "ista"]

# Codes of a block: few enough that its buffers stay in a core's cache; a GPU wants more at once.
_BLOCK = {"cpu": 2**18, "cuda": 2**24}


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
    weights: Tensor | None = None,
    groups: Tensor | None = None,
    l2: float = 0.0,
    nonnegative: bool = False,
    rule: Rule = "prox",
    trace: bool = False,
) -> Codes:
    """Sparse codes by the iterative shrinkage-thresholding algorithm: see the module's text.

    Parameters
    ----------
    X : Tensor, (n, d)
        Data, float32 or float64, on any device.
    D : Tensor, (d, m)
        Dictionary, alike; atoms are columns.
    penalty : float or Tensor, (n,)
        At least 0; one for each sample if a tensor.
    step : float, optional
        Step size t; None takes 1 / lipschitz(D). It converges for t < 2 / L; a larger one is taken
        as it is, and the codes may then grow without bound (until they are infinite).
    tol : float
        A sample is finished when its duality gap is at most ``tol`` times its objective. Looked
        at every 10 iterations, or after each with ``trace``.
    max_iter : int
        At most so many iterations.
    H0 : Tensor, (n, m), optional
        Codes to start from; None starts from 0.
    weights : Tensor, (m,) or (number of groups,), optional
        As for :func:`sparse_codes`.
    groups : Tensor, (m,), of int64, optional
        As for :func:`sparse_codes`.
    l2 : float
        As for :func:`sparse_codes`.
    nonnegative : bool
        Whether codes must be >= 0.
    rule : {"prox", "sign clamp"}
        "prox" thresholds softly; "sign clamp" subtracts the penalty's gradient and sets to 0 what
        would change its sign. The codes are the same.
    trace : bool
        Whether to record the mean objective. All samples then take all iterations until all of
        them are within ``tol``, in one block.

    Returns
    -------
    Codes

    Raises
    ------
    ValueError
        An argument does not fit; the message names it.

    Examples
    --------
    >>> X, D = torch.tensor([[3.0, 1.0]]), torch.eye(2)
    >>> ista(X, D, 2.0).H
    tensor([[1., 0.]])
    """
    if rule not in ("prox", "sign clamp"):
        raise ValueError(f"rule: got {rule!r}, want 'prox' or 'sign clamp'")
    if rule == "sign clamp" and (nonnegative or weights is not None or groups is not None):
        raise ValueError(
            "rule: got 'sign clamp', want 'prox' with weights, groups or nonnegative=True"
        )
    problem = check_problem(
        X,
        D,
        penalty,
        weights=weights,
        groups=groups,
        l2=l2,
        H0=H0,
        nonnegative=nonnegative,
        tol=tol,
        max_iter=max_iter,
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
    weights: Tensor | None = None,
    groups: Tensor | None = None,
    l2: float = 0.0,
    nonnegative: bool = False,
    restart: bool = True,
    trace: bool = False,
) -> Codes:
    """Sparse codes by FISTA, ISTA with Nesterov's extrapolation: see the module's text.

    Parameters
    ----------
    X : Tensor, (n, d)
        Data, float32 or float64, on any device.
    D : Tensor, (d, m)
        Dictionary, alike; atoms are columns.
    penalty : float or Tensor, (n,)
        At least 0; one for each sample if a tensor.
    step : float, optional
        Step size t; None takes 1 / lipschitz(D), up to which it converges. A larger one is taken
        as it is, and the codes may then grow without bound (until they are infinite): with
        momentum that begins at 4 / (3 L), before the 2 / L of :func:`ista`.
    tol : float
        A sample is finished when its duality gap is at most ``tol`` times its objective. Looked
        at every 10 iterations, or after each with ``trace``.
    max_iter : int
        At most so many iterations.
    H0 : Tensor, (n, m), optional
        Codes to start from; None starts from 0.
    weights : Tensor, (m,) or (number of groups,), optional
        As for :func:`sparse_codes`.
    groups : Tensor, (m,), of int64, optional
        As for :func:`sparse_codes`.
    l2 : float
        As for :func:`sparse_codes`.
    nonnegative : bool
        Whether codes must be >= 0.
    restart : bool
        Whether a sample drops its momentum where that points uphill (O'Donoghue and Candes 2015),
        which makes convergence linear once the support is found. Looked at as often as the gaps.
        Without, the momentum is that of Beck and Teboulle (2009).
    trace : bool
        Whether to record the mean objective. All samples then take all iterations until all of
        them are within ``tol``, in one block.

    Returns
    -------
    Codes

    Raises
    ------
    ValueError
        An argument does not fit; the message names it.

    Examples
    --------
    >>> X, D = torch.tensor([[3.0, 1.0]]), torch.eye(2)
    >>> fista(X, D, torch.tensor([2.0]), nonnegative=True).H
    tensor([[1., 0.]])
    """
    problem = check_problem(
        X,
        D,
        penalty,
        weights=weights,
        groups=groups,
        l2=l2,
        H0=H0,
        nonnegative=nonnegative,
        tol=tol,
        max_iter=max_iter,
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
    callback: ProgressCallback | None = None,
) -> Codes:
    """Solve a checked problem block by block."""
    given = problem
    problem, scaling = scaled(given, common=trace)
    X, D = problem.X, problem.D
    (n, m), device = (len(X), D.shape[1]), X.device
    codes = new_codes(problem, solver="fista" if accelerate else "ista")
    t = step_size(step, problem, scaling)
    gradient_step = GradientStep(D, t, problem.l2)
    proximal = ProximalOperator(problem, t, rule)
    convergence = Convergence(problem, codes, gradient_step, trace=trace)
    size = n if trace else max(1, _BLOCK["cpu" if device.type == "cpu" else "cuda"] // m)
    for part in slices(n, size):
        rows = torch.arange(part.start, part.stop, device=device)
        samples = Samples.of(problem, rows, gradient_step)
        H = X.new_zeros(len(rows), m)
        if problem.H0 is not None:
            H.copy_(problem.H0[rows])
        if accelerate:
            _fista(H, samples, gradient_step, proximal, convergence, restart=restart)
        else:
            _ista(H, samples, gradient_step, proximal, convergence)
        if callback is not None:
            callback(len(rows))
    return codes if scaling is None else scaling.unscaled(codes, given)


def _ista(
    H: Tensor,
    samples: Samples,
    gradient_step: GradientStep,
    proximal: ProximalOperator,
    convergence: Convergence,
) -> None:
    """``h <- S(U(h), t penalty)``: Daubechies, Defrise and De Mol (2004).

    H is written over, as all buffers are: fresh pages cost more than the arithmetic.
    """
    U = torch.empty_like(H)
    for k in range(convergence.max_iter + 1):
        gradient_step(H, samples.shift, out=U)
        if convergence.is_due(k):
            convergence.examine(k, samples, H, U)
            if convergence.is_over(k, samples):
                return
            if convergence.can_drop(samples):
                left = samples.unfinished()
                samples, H, U = samples.select(left), H[left], U[left]
        proximal(U, samples.penalty, out=H)


def _fista(
    H: Tensor,
    samples: Samples,
    gradient_step: GradientStep,
    proximal: ProximalOperator,
    convergence: Convergence,
    *,
    restart: bool,
) -> None:
    """``h_{k+1} = S(U(y), t penalty)`` with ``y = h_k + beta_k (h_k - h_{k-1})``.

    Beck and Teboulle (2009). The momentum is that of each sample, so that each can restart by
    itself.
    """
    H1, H2 = H.clone(), H.clone()  # h_{k-1}, h_{k-2}
    U, U1 = torch.empty_like(H), torch.empty_like(H)  # U(h_k), U(h_{k-1})
    momentum = H.new_ones(len(H), 1)
    beta = H.new_zeros(len(H), 1)  # of the extrapolation that led to h_k
    for k in range(convergence.max_iter + 1):
        U, U1 = U1, U
        gradient_step(H, samples.shift, out=U)
        if convergence.is_due(k):
            convergence.examine(k, samples, H, U)
            if convergence.is_over(k, samples):
                return
            if restart and k > 1:
                momentum.masked_fill_(_points_uphill(H, H1, H2, beta), 1.0)
            if convergence.can_drop(samples):
                left = samples.unfinished()
                samples, momentum = samples.select(left), momentum[left]
                H, H1, H2, U, U1 = H[left], H1[left], H2[left], U[left], U1[left]
        extrapolated = U  # U(y): y is h_0 at first
        if k > 0:
            following = (1 + (1 + 4 * momentum.square()).sqrt()) / 2
            beta, momentum = (momentum - 1) / following, following
            extrapolated = torch.lerp(U1, U, 1 + beta, out=H2)
        H, H1, H2 = proximal(extrapolated, samples.penalty, out=H2), H, H1


def _points_uphill(H: Tensor, H1: Tensor, H2: Tensor, beta: Tensor) -> Tensor:
    """Where the step from the extrapolated y to ``h_k`` went against the progress made (n, 1).

    ``(y - h_k)^T (h_k - h_{k-1}) > 0``, O'Donoghue and Candes (2015).
    """
    ahead = torch.sub(H1, H2)
    ahead.mul_(beta).add_(H1).sub_(H)  # y - h_k
    return (ahead * (H - H1)).sum(1, keepdim=True) > 0
