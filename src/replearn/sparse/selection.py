r"""Codes at many penalties, and the penalty that predicts best what a code has not seen.

Cross-validation hides coordinates of the samples: the d coordinates (pixels) are dealt into folds,
and for each fold F the codes are found from the others and asked for those in F::

    error(t) = 1/K sum_F 1/(n |F|) sum_i || x_iF - D_F h_i(t) ||^2,      K: number of folds
    h_i(t) = argmin_h 1/2 ||x_i,not F - D_not F h||^2 + t (d - |F|) / d ||h||_1

where D_F are the rows of the dictionary in F. The penalty is scaled by the share of coordinates
that a fold leaves, so that t means the same with all of them, as in scikit-learn's ``LassoCV``,
whose alpha is t / d. One penalty is chosen for all samples.

References
----------
M. Stone, Journal of the Royal Statistical Society B 36 (1974), for cross-validation; J. Friedman,
T. Hastie and R. Tibshirani, Journal of Statistical Software 33 (2010), for the warm starts along
falling penalties.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from replearn._validate import check_integer, check_matrix, check_seed
from replearn.sparse import path
from replearn.sparse.arguments import check_dictionary, check_problem
from replearn.sparse.choice import choose
from replearn.sparse.codes import Codes
from replearn.sparse.lasso import largest_penalty
from replearn.sparse.solve import sparse_codes

__all__ = ["PenaltySelection", "codes_along", "select_penalty"]

_PENALTIES, _RANGE = 30, 1e-3  # so many, from the largest down to this share of it


@torch.no_grad()
def codes_along(
    X: Tensor,
    D: Tensor,
    penalties: Sequence[float] | Tensor,
    *,
    tol: float = 1e-4,
    weights: Tensor | None = None,
    groups: Tensor | None = None,
    l2: float = 0.0,
    nonnegative: bool = False,
) -> list[Codes]:
    """Sparse codes at falling penalties, each found from the one before it.

    Where :func:`sparse_codes` would choose the homotopy, one path of each sample passes all of
    them; elsewhere each solver starts at the codes of the penalty before.

    Parameters
    ----------
    X : Tensor, (n, d)
        Data, float32 or float64, on any device.
    D : Tensor, (d, m)
        Dictionary, alike; atoms are columns.
    penalties : sequence of float, or Tensor, (p,)
        At least 0, each below the one before it.
    tol : float
        As for :func:`sparse_codes`.
    weights : Tensor, (m,) or (number of groups,), optional
        As for :func:`sparse_codes`.
    groups : Tensor, (m,), of int64, optional
        As for :func:`sparse_codes`.
    l2 : float
        As for :func:`sparse_codes`.
    nonnegative : bool
        Whether codes must be >= 0.

    Returns
    -------
    list of Codes
        p of them, with codes (n, m) each.

    Raises
    ------
    ValueError
        An argument does not fit; the message names it.

    Examples
    --------
    >>> X, D = torch.tensor([[3.0, 1.0]]), torch.eye(2)
    >>> torch.cat([codes.H for codes in codes_along(X, D, [2.0, 0.5])])
    tensor([[1.0000, 0.0000],
            [2.5000, 0.5000]])
    """
    norm = {"weights": weights, "groups": groups, "l2": l2, "nonnegative": nonnegative}
    problem = check_problem(X, D, 0.0, tol=tol, max_iter=None, **norm)  # type: ignore[arg-type]
    falling = _check_penalties(penalties, X)
    solver, reason = choose(problem)
    if solver == "homotopy":
        steps = falling.expand(len(X), -1)
        found = path.run_path(problem, steps)
        return [dataclasses.replace(codes, reason=reason) for codes in found]
    found, H0 = [], None
    for penalty in falling.tolist():
        codes = sparse_codes(X, D, penalty, tol=tol, H0=H0, **norm)  # type: ignore[arg-type]
        found.append(codes)
        H0 = codes.H
    return found


@dataclass(frozen=True)
class PenaltySelection:
    """What cross-validation found.

    Attributes
    ----------
    penalties : Tensor, (p,)
        The penalties tried, falling.
    errors : Tensor, (p, folds)
        Mean squared error of the hidden coordinates, in the squared units of X, in each fold.
    best : float
        The penalty with the least mean of these.
    unconverged : int
        How many codes of all the samples, penalties and folds did not converge.

    Examples
    --------
    >>> select_penalty(torch.ones(4, 6), torch.eye(6), penalties=[0.5, 0.1]).errors.shape
    torch.Size([2, 5])
    """

    penalties: Tensor
    errors: Tensor
    best: float
    unconverged: int


@torch.no_grad()
def select_penalty(
    X: Tensor,
    D: Tensor,
    *,
    penalties: Sequence[float] | Tensor | None = None,
    folds: int = 5,
    seed: int = 0,
    tol: float = 1e-4,
    weights: Tensor | None = None,
    l2: float = 0.0,
    nonnegative: bool = False,
) -> PenaltySelection:
    """The penalty that predicts hidden coordinates best: see the module's text.

    Parameters
    ----------
    X : Tensor, (n, d)
        Data, float32 or float64, on any device.
    D : Tensor, (d, m)
        Dictionary, alike; atoms are columns.
    penalties : sequence of float, or Tensor, (p,), optional
        At least 0, each below the one before it; None takes 30 from the largest of
        ``largest_penalty(X, D)`` to a thousandth of it, evenly in their logarithms.
    folds : int
        2 to d.
    seed : int
        Of the order in which the coordinates are dealt.
    tol : float
        As for :func:`sparse_codes`.
    weights : Tensor, (m,), optional
        As for :func:`sparse_codes`.
    l2 : float
        As for :func:`sparse_codes`; scaled as the penalty is.
    nonnegative : bool
        Whether codes must be >= 0.

    Returns
    -------
    PenaltySelection

    Raises
    ------
    ValueError
        An argument does not fit; the message names it.

    Examples
    --------
    Two atoms with noise: a small penalty keeps both codes, a large one loses them.

    >>> D = torch.eye(2).repeat(50, 1) / 50**0.5
    >>> X = torch.tensor([[20.0, 10.0]]) @ D.T + 0.1 * torch.sin(torch.arange(100.0))
    >>> select_penalty(X, D, penalties=[10.0, 1.0, 0.1]).best < 10
    True
    """
    check_matrix("X", X)
    check_dictionary(D, X)
    check_integer("folds", folds)
    d = X.shape[1]
    if not 2 <= folds <= d:
        raise ValueError(f"folds: got {folds}, want 2 to d, which is {d}")
    if penalties is None:
        top = float(largest_penalty(X, D, weights=weights, nonnegative=nonnegative).max())
        if top == 0:
            raise ValueError("X: got data to which no atom is correlated, want some that is")
        falling = top * torch.logspace(
            0, math.log10(_RANGE), _PENALTIES, dtype=X.dtype, device=X.device
        )
    else:
        falling = _check_penalties(penalties, X)
    generator = torch.Generator("cpu").manual_seed(check_seed(seed))
    order = torch.randperm(d, generator=generator, device="cpu").to(X.device)
    errors = torch.empty(len(falling), folds, dtype=torch.float64, device="cpu")
    unconverged = 0
    for fold in range(folds):
        hidden = torch.zeros(d, dtype=torch.bool, device=X.device)
        hidden[order[fold::folds]] = True
        seen = ~hidden
        share = float(seen.double().mean())
        found = codes_along(
            X[:, seen].contiguous(),
            D[seen].contiguous(),
            falling * share,
            tol=tol,
            weights=weights,
            l2=l2 * share,
            nonnegative=nonnegative,
        )
        for e, codes in enumerate(found):
            miss = X[:, hidden] - codes.H @ D[hidden].T
            errors[e, fold] = miss.double().square().mean().item()
            unconverged += int((~codes.converged).sum())
    best = float(falling[int(errors.mean(1).argmin())])
    return PenaltySelection(falling, errors, best, unconverged)


def _check_penalties(penalties: Sequence[float] | Tensor, X: Tensor) -> Tensor:
    try:
        values = torch.as_tensor(penalties, dtype=X.dtype, device=X.device)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"penalties: got {penalties!r}, want falling numbers") from error
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"penalties: got shape {tuple(values.shape)}, want (p,), at least one")
    if not bool(((values >= 0) & torch.isfinite(values)).all()):
        wrong = float(values.min())
        raise ValueError(f"penalties: got {wrong:g} among them, want finite ones of at least 0")
    if bool((values.diff() >= 0).any()):
        raise ValueError("penalties: got some not below the one before, want falling ones")
    return values
