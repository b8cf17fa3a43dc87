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

The penalty may be another norm than ||h||_1 (``replearn.sparse.norms``): with the dual norm
of q in the place of max_j |q_j| all of this holds. The elastic net adds ``l2/2 ||h||^2``. It is the
lasso problem of the samples (x, 0) and the dictionary of D above sqrt(l2) I, so all of it holds for
that too, with ``q = D^T (x - D h) - l2 h`` and ``R = ||x - D h||^2 + l2 ||h||^2``.

Data is X (n, d), codes are H (n, m): one problem a row, each with its own penalty where a tensor
(n,) is given. scikit-learn's ``Lasso(alpha)`` divides the first term by d: alpha = penalty / d.

References
----------
R. Tibshirani, Journal of the Royal Statistical Society B 58 (1996). S.-J. Kim, K. Koh, M. Lustig,
S. Boyd and D. Gorinevsky, IEEE Journal of Selected Topics in Signal Processing 1 (2007), for the
gap by the scaled residual. H. Zou and T. Hastie, Journal of the Royal Statistical Society B 67
(2005), for the elastic net and the lasso problem that it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from replearn._batches import slices
from replearn._validate import check_matrix
from replearn.sparse.arguments import (
    Problem,
    check_codes,
    check_dictionary,
    check_norm,
    check_problem,
    check_sign,
)
from replearn.sparse.norms import GroupNorm, L1Norm

__all__ = ["duality_gap", "largest_penalty", "lasso_objective", "lipschitz", "optimality"]

_ROWS = 8192  # samples worked on at a time: bounds the memory beyond the arguments


Pieces = tuple[Tensor, Tensor, Tensor, Tensor]
"""Of some samples: H, q = D^T (x - D h) - l2 h, and R = ||x - D h||^2 + l2 ||h||^2, of
an elastic net the correlations and the squared error of the lasso problem that it is; penalties."""


@torch.no_grad()
def lasso_objective(
    X: Tensor,
    D: Tensor,
    H: Tensor,
    penalty: float | Tensor,
    *,
    weights: Tensor | None = None,
    groups: Tensor | None = None,
    l2: float = 0.0,
) -> Tensor:
    """``F(h) = 1/2 ||x - D h||^2 + penalty ||h||_1`` of each sample.

    Computed in float64, and rounded to the dtype of X.

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
    weights : Tensor, (m,) or (number of groups,), optional
        As for :func:`sparse_codes`.
    groups : Tensor, (m,), of int64, optional
        As for :func:`sparse_codes`.
    l2 : float
        As for :func:`sparse_codes`.

    Returns
    -------
    Tensor, (n,)
        In the squared units of X.

    Raises
    ------
    ValueError
        An argument does not fit, or the objective overflows X's dtype; the message names it.

    Examples
    --------
    >>> X, D, H = torch.tensor([[3.0, 1.0]]), torch.eye(2), torch.tensor([[1.0, 0.0]])
    >>> lasso_objective(X, D, H, 2.0)
    tensor([4.5000])
    """
    problem = check_problem(X, D, penalty, weights=weights, groups=groups, l2=l2)
    check_codes("H", H, X, D)
    return _in_dtype(_by_rows(problem, H, lambda norm, p: objective_from(norm, p)), X)


@torch.no_grad()
def optimality(
    X: Tensor,
    D: Tensor,
    H: Tensor,
    penalty: float | Tensor,
    *,
    weights: Tensor | None = None,
    groups: Tensor | None = None,
    l2: float = 0.0,
    nonnegative: bool = False,
) -> Tensor:
    """Largest violation of the optimality conditions by each sample, in units of the penalty.

    It is the distance, in the largest coordinate, from ``q = D^T (x - D h)`` to the subgradients
    of ``penalty ||h||_1`` at h: 0 if and only if h is optimal. (With groups it is the length of
    that distance, in the group where it is largest.) Computed in float64, and rounded to the dtype
    of X.

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
    weights : Tensor, (m,) or (number of groups,), optional
        As for :func:`sparse_codes`.
    groups : Tensor, (m,), of int64, optional
        As for :func:`sparse_codes`.
    l2 : float
        As for :func:`sparse_codes`.
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
    problem = check_problem(
        X, D, penalty, weights=weights, groups=groups, l2=l2, nonnegative=nonnegative
    )
    check_codes("H", H, X, D)
    check_sign("H", H, nonnegative)
    return _in_dtype(_by_rows(problem, H, lambda norm, p: norm.violation(p[0], p[1], p[3])), X)


@torch.no_grad()
def duality_gap(
    X: Tensor,
    D: Tensor,
    H: Tensor,
    penalty: float | Tensor,
    *,
    weights: Tensor | None = None,
    groups: Tensor | None = None,
    l2: float = 0.0,
    nonnegative: bool = False,
) -> Tensor:
    """An upper bound on ``F(h) - min F`` of each sample, 0 at the optimum.

    Computed in float64, and rounded to the dtype of X. With penalty 0 no scaled residual but 0 is
    feasible; there the bound is that of strong
    convexity: with mu the smallest eigenvalue of D^T D (the smallest but zero for codes of both
    signs), the objective is at most ``max_v q^T v - mu/2 ||v||^2`` above the minimum, over the v
    with h + v >= 0 where codes are nonnegative. (Nonnegative codes of linearly dependent atoms
    have mu = 0. There the bound is F(h) itself until no q_j is positive but for rounding, which
    takes ``max(d, m) eps ||d_j|| ||x||`` for 0, with the eps of X's dtype: then the residual itself
    is feasible. Without l2, atoms that are zero have no part in this.)

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
    weights : Tensor, (m,) or (number of groups,), optional
        As for :func:`sparse_codes`.
    groups : Tensor, (m,), of int64, optional
        As for :func:`sparse_codes`.
    l2 : float
        As for :func:`sparse_codes`.
    nonnegative : bool
        Whether codes must be >= 0; H must then have no negative entry.

    Returns
    -------
    Tensor, (n,)
        In the squared units of X.

    Raises
    ------
    ValueError
        An argument does not fit, or the gap overflows X's dtype; the message names it.

    Examples
    --------
    The second code is optimal:

    >>> X, D, H = torch.tensor([[3.0], [3.0]]), torch.ones(1, 1), torch.tensor([[0.0], [1.0]])
    >>> duality_gap(X, D, H, 2.0)
    tensor([0.5000, 0.0000])
    """
    problem = check_problem(
        X, D, penalty, weights=weights, groups=groups, l2=l2, nonnegative=nonnegative
    )
    check_codes("H", H, X, D)
    check_sign("H", H, nonnegative)
    mu = smallest_curvature(D, nonnegative, l2) if bool((problem.penalty == 0).any()) else 0.0
    slack = correlation_slack(problem)
    gaps = [gap_from(norm, pieces, mu, slack(rows)) for rows, norm, pieces in by_blocks(problem, H)]
    return _in_dtype(torch.cat(gaps), X)


def by_blocks(
    problem: Problem, H: Tensor, rows: Tensor | None = None
) -> Iterator[tuple[slice, L1Norm | GroupNorm, Pieces]]:
    """Some rows at a time: which, the norm and their pieces, in float64.

    H are the codes of these rows of the problem, or of all.
    """
    D = problem.D.double()
    norm = problem.norm.to(D)
    for part in slices(len(H), _ROWS):
        at = part if rows is None else rows[part]
        h = H[part].double()
        r = torch.addmm(problem.X[at].double(), h, D.T, alpha=-1)
        q, R = r @ D, r.square().sum(1)
        if problem.l2 > 0:
            q.sub_(h, alpha=problem.l2)
            R += problem.l2 * h.square().sum(1)
        yield part, norm, (h, q, R, problem.penalty[at].double())


def objective_from(norm: L1Norm | GroupNorm, pieces: Pieces) -> Tensor:
    """The objectives (n,)."""
    H, _, R, lam = pieces
    return 0.5 * R + lam * norm.value(H)


def gap_from(norm: L1Norm | GroupNorm, pieces: Pieces, mu: float, slack: Tensor) -> Tensor:
    """The duality gaps (n,); correlations up to ``slack`` (n, m) are rounding."""
    H, Q, R, lam = pieces
    qh = (Q * H).sum(1)
    largest = norm.dual(Q)
    if mu == 0 and bool((lam == 0).any()):  # nothing else bounds the gap without a penalty
        rounded = ((Q if norm.nonnegative else Q.abs()) <= slack).all(1)
        largest = torch.where((lam == 0) & rounded, 0.0, largest)
    # The s that maximises the dual objective, s = r^T x / ||r||^2, brought into the feasible set.
    best = torch.where(R > 0, 1 + qh / R, 1.0)
    s = torch.minimum(best, torch.where(largest > 0, lam / largest, torch.inf)).clamp_(min=0)
    gap = lam * norm.value(H) - s * qh + 0.5 * (1 - s).square() * R
    if mu > 0:
        v = Q / mu
        if norm.nonnegative:
            v = torch.maximum(v, -H)
        gap = torch.where(lam == 0, torch.minimum(gap, ((Q - 0.5 * mu * v) * v).sum(1)), gap)
    return gap.clamp_(min=0)


def smallest_curvature(D: Tensor, nonnegative: bool, l2: float = 0.0) -> float:
    """Smallest eigenvalue of D^T D + l2 I, or for l2 = 0 the smallest but zero.

    The latter for codes of both signs, which may move along the others. Only what float64 cannot
    tell from 0 counts as 0: D is given exactly, and what is left out would be no bound. With l2 = 0
    atoms that are zero have no part in it, as their codes change nothing.
    """
    A = D.double()
    A = A[:, (A != 0).any(0)]
    m = A.shape[1]
    if m == 0:
        return l2
    s = torch.linalg.svdvals(A)
    kept = s[s > max(A.shape) * torch.finfo(torch.float64).eps * s[0]]
    full = len(kept) == m
    least = float(kept[-1].square())
    if l2 > 0:
        return l2 + (least if full and m == D.shape[1] else 0.0)
    return least if full or not nonnegative else 0.0


def rounding(D: Tensor) -> float:
    """What a product with D (d, m) may err by, relative to the lengths of what is multiplied."""
    return max(D.shape) * float(torch.finfo(D.dtype).eps)


def correlation_slack(problem: Problem) -> Callable[[slice | Tensor], Tensor]:
    """Of some rows: what codes in X's dtype may make of a correlation that is 0 (rows, m)."""
    eps = torch.finfo(problem.X.dtype).eps
    lengths = torch.linalg.vector_norm(problem.D, dim=0, dtype=torch.float64)
    scale = max(problem.D.shape) * eps * lengths

    def of(rows: slice | Tensor) -> Tensor:
        x = torch.linalg.vector_norm(problem.X[rows], dim=1, dtype=torch.float64)
        slack: Tensor = x[:, None] * scale
        return slack

    return of


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
        D is not a finite float (d, m) tensor, or its eigenvalue overflows or underflows float64.

    Examples
    --------
    >>> lipschitz(torch.eye(3)) >= 1
    True
    """
    check_dictionary(D)
    size = float(D.abs().max())
    if size == 0:
        return 0.0
    A = D.double() / size
    small = A.T @ A if A.shape[1] <= A.shape[0] else A @ A.T
    L = float(torch.linalg.eigvalsh(small)[-1]) * (1 + 8 * torch.finfo(D.dtype).eps)
    if not 0 < L * size**2 < float("inf"):
        raise ValueError(
            f"D: got values up to {size:.3g}, want ones whose squares are numbers of float64"
        )
    return L * size**2


@torch.no_grad()
def largest_penalty(
    X: Tensor,
    D: Tensor,
    *,
    weights: Tensor | None = None,
    groups: Tensor | None = None,
    nonnegative: bool = False,
) -> Tensor:
    """``max_j |D^T x|_j`` (n,): the smallest penalty for which the code is 0.

    Parameters
    ----------
    X : Tensor, (n, d)
        Data, float32 or float64.
    D : Tensor, (d, m)
        Dictionary; atoms are columns.
    weights : Tensor, (m,) or (number of groups,), optional
        As for :func:`sparse_codes`.
    groups : Tensor, (m,), of int64, optional
        As for :func:`sparse_codes`.
    nonnegative : bool
        Whether codes must be >= 0.

    Returns
    -------
    Tensor, (n,)
        In the units of X times those of D.

    Raises
    ------
    ValueError
        An argument does not fit; the message names it.

    Examples
    --------
    >>> largest_penalty(torch.tensor([[3.0, -4.0]]), torch.eye(2))
    tensor([4.])
    """
    check_matrix("X", X)
    check_dictionary(D, X)
    norm = check_norm(D, weights, groups, nonnegative)
    exact, E = norm.to(D.double()), D.double()
    whole = torch.cat([exact.dual(X[rows].double() @ E) for rows in slices(len(X), _ROWS)])
    found = whole.to(X.dtype)
    up = torch.nextafter(found, torch.full_like(found, torch.inf))
    found = torch.where(found.double() < whole, up, found)  # at which the code is 0, not nearly
    return _finite("X, D", "the largest penalty", found)


def _by_rows(
    problem: Problem, H: Tensor, of: Callable[[L1Norm | GroupNorm, Pieces], Tensor]
) -> Tensor:
    return torch.cat([of(norm, pieces) for _, norm, pieces in by_blocks(problem, H)])


def _in_dtype(values: Tensor, X: Tensor) -> Tensor:
    return _finite("X, D, H", "the value", values.to(X.dtype))


def _finite(name: str, what: str, values: Tensor) -> Tensor:
    if not bool(torch.isfinite(values).all()):
        raise ValueError(
            f"{name}: got values so large that {what} overflows {values.dtype}, want smaller ones"
        )
    return values
