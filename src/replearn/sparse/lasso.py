r"""The lasso problem of sparse coding: objective, optimality conditions and duality gap.

A sample x (d,) is written with few atoms, the columns of D (d, m), by the code h (m,) that
minimises::

    F(h) = 1/2 ||x - D h||^2 + penalty ||h||_1                            penalty >= 0

over all h, or over h >= 0. With ``q = D^T (x - D h)``, h is optimal if and only if for each atom::

    q_j = penalty sign(h_j)   where h_j != 0,        |q_j| <= penalty   where h_j = 0

(for nonnegative codes ``q_j <= penalty`` where h_j = 0). The dual problem is to maximise
``1/2 ||x||^2 - 1/2 ||x - theta||^2`` over ``|D^T theta| <= penalty`` (``D^T theta <= penalty`` for
nonnegative codes). Each such theta bounds the minimum of F from below, and the residual scaled
into that set, ``theta = s (x - D h)``, tends to the best one as h tends to the optimum. With
``R = ||x - D h||^2`` the difference of the two objectives is::

    gap = penalty ||h||_1 - s q^T h + 1/2 (1 - s)^2 R     >= F(h) - min F

In this form nothing of the size of ||x||^2 cancels.

Data is X (n, d), codes are H (n, m): one problem a row, each with its own penalty where a tensor
(n,) is given. scikit-learn's ``Lasso(alpha)`` divides the first term by d: alpha = penalty / d.

References
----------
R. Tibshirani, Journal of the Royal Statistical Society B 58 (1996). S.-J. Kim, K. Koh, M. Lustig,
S. Boyd and D. Gorinevsky, IEEE Journal of Selected Topics in Signal Processing 1 (2007), for the
gap by the scaled residual.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from replearn._batches import slices
from replearn._validate import check_matrix
from replearn.sparse.arguments import check_codes, check_dictionary, check_problem

__all__ = ["duality_gap", "largest_penalty", "lipschitz", "objective", "optimality"]

_ROWS = 8192  # samples worked on at a time: bounds the memory beyond the arguments


@torch.no_grad()
def objective(X: Tensor, D: Tensor, H: Tensor, penalty: float | Tensor) -> Tensor:
    """``F(h) = 1/2 ||x - D h||^2 + penalty ||h||_1`` of each sample.

    Parameters
    ----------
    X : Tensor, (n, d)
        Data, float32 or float64.
    D : Tensor, (d, m)
        Dictionary; atoms are columns.
    H : Tensor, (n, m)
        Codes.
    penalty : float or Tensor, (n,)
        At least 0; one for each sample if a tensor.

    Returns
    -------
    Tensor, (n,)
        In the squared units of X.

    Raises
    ------
    ValueError
        An argument does not fit; the message names it.

    Examples
    --------
    >>> X, D, H = torch.tensor([[3.0, 1.0]]), torch.eye(2), torch.tensor([[1.0, 0.0]])
    >>> objective(X, D, H, 2.0)
    tensor([4.5000])
    """
    lam = check_problem(X, D, penalty).penalty
    check_codes("H", H, X, D)

    def of(rows: slice) -> Tensor:
        R = torch.addmm(X[rows], H[rows], D.T, alpha=-1).square_().sum(1)
        return 0.5 * R + lam[rows] * H[rows].abs().sum(1)

    return _by_rows(len(X), of)


@torch.no_grad()
def optimality(
    X: Tensor, D: Tensor, H: Tensor, penalty: float | Tensor, *, nonnegative: bool = False
) -> Tensor:
    """Largest violation of the optimality conditions by each sample, in units of the penalty.

    It is the distance, in the largest coordinate, from ``q = D^T (x - D h)`` to the subgradients
    of ``penalty ||h||_1`` at h: 0 if and only if h is optimal.

    Parameters
    ----------
    X : Tensor, (n, d)
        Data, float32 or float64.
    D : Tensor, (d, m)
        Dictionary; atoms are columns.
    H : Tensor, (n, m)
        Codes.
    penalty : float or Tensor, (n,)
        At least 0; one for each sample if a tensor.
    nonnegative : bool
        Whether codes must be >= 0; H must then have no negative entry.

    Returns
    -------
    Tensor, (n,)

    Raises
    ------
    ValueError
        An argument does not fit; the message names it.

    Examples
    --------
    The second code is optimal:

    >>> X, D, H = torch.tensor([[3.0], [3.0]]), torch.ones(1, 1), torch.tensor([[0.0], [1.0]])
    >>> optimality(X, D, H, 2.0)
    tensor([1., 0.])
    """
    lam = check_problem(X, D, penalty).penalty
    check_codes("H", H, X, D)
    _check_sign(H, nonnegative)

    def of(rows: slice) -> Tensor:
        h, t = H[rows], lam[rows, None]
        q = torch.addmm(X[rows], h, D.T, alpha=-1) @ D
        at_zero = ((q if nonnegative else q.abs()) - t).clamp_(min=0)
        return torch.where(h == 0, at_zero, (q - t * h.sign()).abs()).amax(1)

    return _by_rows(len(X), of)


@torch.no_grad()
def duality_gap(
    X: Tensor, D: Tensor, H: Tensor, penalty: float | Tensor, *, nonnegative: bool = False
) -> Tensor:
    """An upper bound on ``F(h) - min F`` of each sample, 0 at the optimum.

    With penalty 0 no scaled residual but 0 is feasible; there the bound is that of strong
    convexity: with mu the smallest eigenvalue of D^T D (the smallest but zero for codes of both
    signs), the objective is at most ``max_v q^T v - mu/2 ||v||^2`` above the minimum, over the v
    with h + v >= 0 where codes are nonnegative. (Nonnegative codes of linearly dependent atoms
    have mu = 0. There the bound is F(h) itself until no entry of q is positive but for rounding,
    which takes ``max(d, m) eps max_j ||d_j|| ||x||`` for 0: then the residual itself is feasible.
    Atoms that are zero have no part in this.)

    Parameters
    ----------
    X : Tensor, (n, d)
        Data, float32 or float64.
    D : Tensor, (d, m)
        Dictionary; atoms are columns.
    H : Tensor, (n, m)
        Codes.
    penalty : float or Tensor, (n,)
        At least 0; one for each sample if a tensor.
    nonnegative : bool
        Whether codes must be >= 0; H must then have no negative entry.

    Returns
    -------
    Tensor, (n,)
        In the squared units of X.

    Raises
    ------
    ValueError
        An argument does not fit; the message names it.

    Examples
    --------
    The second code is optimal:

    >>> X, D, H = torch.tensor([[3.0], [3.0]]), torch.ones(1, 1), torch.tensor([[0.0], [1.0]])
    >>> duality_gap(X, D, H, 2.0)
    tensor([0.5000, 0.0000])
    """
    lam = check_problem(X, D, penalty).penalty
    check_codes("H", H, X, D)
    _check_sign(H, nonnegative)
    mu = smallest_curvature(D, nonnegative) if bool((lam == 0).any()) else 0.0
    slack = correlation_rounding(D)

    def of(rows: slice) -> Tensor:
        r = torch.addmm(X[rows], H[rows], D.T, alpha=-1)
        R, x2 = r.square().sum(1), X[rows].square().sum(1)
        return gap_from(H[rows], r @ D, R, lam[rows], nonnegative, mu, slack * x2.sqrt())

    return _by_rows(len(X), of)


def gap_from(
    H: Tensor, Q: Tensor, R: Tensor, lam: Tensor, nonnegative: bool, mu: float, slack: Tensor
) -> Tensor:
    """The duality gap (n,) from codes H (n, m), Q = (X - H D^T) D, R = ||x - D h||^2 (n,).

    Correlations up to ``slack`` (n,) are rounding.
    """
    qh = (Q * H).sum(1)
    largest = (Q.amax(1) if nonnegative else Q.abs().amax(1)).clamp_(min=0)
    if mu == 0:  # nothing else bounds the gap without a penalty
        largest = torch.where((lam == 0) & (largest <= slack), 0.0, largest)
    # The s that maximises the dual objective, s = r^T x / ||r||^2, brought into the feasible set.
    best = torch.where(R > 0, 1 + qh / R, 1.0)
    s = torch.minimum(best, torch.where(largest > 0, lam / largest, torch.inf)).clamp_(min=0)
    gap = lam * H.abs().sum(1) - s * qh + 0.5 * (1 - s).square() * R
    if mu > 0:
        v = Q / mu
        if nonnegative:
            v = torch.maximum(v, -H)
        gap = torch.where(lam == 0, torch.minimum(gap, ((Q - 0.5 * mu * v) * v).sum(1)), gap)
    return gap.clamp_(min=0)


def smallest_curvature(D: Tensor, nonnegative: bool) -> float:
    """Smallest eigenvalue of D^T D, or the smallest but zero for codes of both signs.

    Atoms that are zero are left out: their codes change nothing.
    """
    D = D[:, (D != 0).any(0)]
    m = D.shape[1]
    if m == 0:
        return 0.0
    s = torch.linalg.svdvals(D.double()).square()
    kept = s[s > rounding(D) * s[0]]
    if nonnegative and len(kept) < m:
        return 0.0
    return float(kept[-1])


def rounding(D: Tensor) -> float:
    """What a product with D (d, m) may err by, relative to the lengths of what is multiplied."""
    return max(D.shape) * float(torch.finfo(D.dtype).eps)


def correlation_rounding(D: Tensor) -> float:
    """What a correlation d_j^T (x - D h) may err by, relative to ||x||."""
    return rounding(D) * float(torch.linalg.vector_norm(D, dim=0).max())


@torch.no_grad()
def lipschitz(D: Tensor) -> float:
    """Largest eigenvalue of D^T D: the Lipschitz constant of the gradient of 1/2 ||x - D h||^2.

    From the smaller of D^T D and D D^T in float64, rounded up by the rounding errors of D's
    dtype, so that the step 1/lipschitz(D) is safe.

    Parameters
    ----------
    D : Tensor, (d, m)
        Dictionary; atoms are columns.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        D is not a finite float (d, m) tensor.

    Examples
    --------
    >>> lipschitz(torch.eye(3)) >= 1
    True
    """
    check_dictionary(D)
    A = D.double()
    small = A.T @ A if A.shape[1] <= A.shape[0] else A @ A.T
    return float(torch.linalg.eigvalsh(small)[-1]) * (1 + 8 * torch.finfo(D.dtype).eps)


@torch.no_grad()
def largest_penalty(X: Tensor, D: Tensor) -> Tensor:
    """``max_j |D^T x|_j`` (n,): the smallest penalty for which the code is 0.

    Parameters
    ----------
    X : Tensor, (n, d)
        Data, float32 or float64.
    D : Tensor, (d, m)
        Dictionary; atoms are columns.

    Returns
    -------
    Tensor, (n,)

    Raises
    ------
    ValueError
        X is not a finite float (n, d) tensor, or D no such (d, m) tensor.

    Examples
    --------
    >>> largest_penalty(torch.tensor([[3.0, -4.0]]), torch.eye(2))
    tensor([4.])
    """
    check_matrix("X", X)
    check_dictionary(D, X)
    return _by_rows(len(X), lambda rows: (X[rows] @ D).abs_().amax(1))


def _by_rows(n: int, of: Callable[[slice], Tensor]) -> Tensor:
    return torch.cat([of(rows) for rows in slices(n, _ROWS)])


def _check_sign(H: Tensor, nonnegative: bool) -> None:
    if nonnegative and bool((H < 0).any()):
        raise ValueError("H: got negative codes, want none with nonnegative=True")
