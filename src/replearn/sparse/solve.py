"""Sparse codes by whichever solver suits the device, the size and the dictionary.

References
----------
The solvers' modules name theirs: replearn.sparse.coordinate, replearn.sparse.path and
replearn.sparse.proximal_gradient. R. Tibshirani, Journal of the Royal Statistical Society B 58
(1996), for the problem.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

import torch
from torch import Tensor

from replearn._progress import Progress, progress_bar
from replearn.sparse import coordinate, path, proximal_gradient
from replearn.sparse.arguments import Problem, ProgressCallback, check_problem
from replearn.sparse.choice import choose
from replearn.sparse.codes import Codes, put

__all__ = ["sparse_codes"]

Solver = Literal["auto", "ista", "fista", "coordinate descent", "homotopy"]
_SOLVERS = ("auto", "ista", "fista", "coordinate descent", "homotopy")
_ROUNDS = 100  # of coordinate descent, where the homotopy can do the rest


@torch.no_grad()
def sparse_codes(
    X: Tensor,
    D: Tensor,
    penalty: float | Tensor,
    *,
    solver: Solver = "auto",
    tol: float = 1e-4,
    max_iter: int | None = None,
    H0: Tensor | None = None,
    weights: Tensor | None = None,
    groups: Tensor | None = None,
    l2: float = 0.0,
    nonnegative: bool = False,
    progress: Progress = False,
) -> Codes:
    r"""Sparse codes H (n, m) of data X (n, d) in the dictionary D (d, m).

    ::

        h = argmin  1/2 ||x - D h||^2 + penalty ||h||_1          for each row x of X

    over all h, or over h >= 0. With ``weights`` w or ``groups`` g the norm is another one, and
    ``l2`` makes it the elastic net::

        penalty sum_j w_j |h_j|     or     penalty sum_g w_g ||h_g||_2          + l2/2 ||h||^2

    Works on a bounded number of samples at a time: beyond X, D and
    H it needs memory for (m, m) matrices and a block of codes.

    Parameters
    ----------
    X : Tensor, (n, d)
        Data, float32 or float64, on any device.
    D : Tensor, (d, m)
        Dictionary, alike; atoms are columns.
    penalty : float or Tensor, (n,)
        At least 0; one for each sample if a tensor. From
        ``largest_penalty(X, D)`` on the code is 0. scikit-learn's alpha is penalty / d.
    solver : {"auto", "coordinate descent", "homotopy", "fista", "ista"}
        - "coordinate descent": the fastest on a CPU for atoms that are not much alike.
        - "homotopy": the fastest on a CPU for atoms that are, and exact. Takes no H0.
        - "fista": products of matrices only, so the one for a GPU, and the one for groups. Its
          iterations grow with the square root of the condition of the problem.
        - "ista": as in the lecture; slower than "fista".
        - "auto": "fista" on a GPU, for groups, and for so many atoms that D^T D is too large;
          otherwise "homotopy" where atoms are much alike, which is measured on the dictionary, and
          "coordinate descent" elsewhere, after which the homotopy does the samples that have not
          converged within 100 rounds. ``Codes.reason`` says why.
    tol : float
        A sample is finished when its duality gap is at most ``tol`` times its objective (or
        rounding: ``Codes.converged`` says what that is), and then costs nothing more. The
        objective itself is then usually far nearer to its minimum, as the gap is only a bound.
    max_iter : int, optional
        At most so many iterations; None takes 1,000, or what the homotopy may need.
    H0 : Tensor, (n, m), optional
        Codes to start from, such as those for a similar dictionary.
    weights : Tensor, (m,) or (number of groups,), optional
        Positive, one for each atom, or for each group. None takes 1 for atoms, and for groups the
        square roots of their sizes.
    groups : Tensor, (m,), of int64, optional
        The group of each atom, numbered from 0: the group lasso. Only by "fista" or "ista".
    l2 : float
        At least 0, in squared units of D: the elastic net. scikit-learn's ElasticNet has
        ``alpha l1_ratio = penalty / d`` and ``alpha (1 - l1_ratio) = l2 / d``.
    nonnegative : bool
        Whether codes must be >= 0.
    progress : bool or "always"
        True shows a bar over the samples on standard error if that is a terminal, "always"
        anywhere.

    Returns
    -------
    Codes
        Look at ``converged``: a sample that reached ``max_iter``, or the precision of its dtype,
        is False there, and ``gap`` says how far from the minimum it may be.

    Raises
    ------
    ValueError
        An argument does not fit (types, shapes, dtypes, devices, ranges) or the solver is unknown;
        the message names it.

    Examples
    --------
    >>> X, D = torch.tensor([[3.0, 1.0]]), torch.eye(2)
    >>> sparse_codes(X, D, 2.0).H
    tensor([[1., 0.]])
    """
    if solver not in _SOLVERS:
        raise ValueError(f"solver: got {solver!r}, want one of {', '.join(map(repr, _SOLVERS))}")
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
    with progress_bar(progress, total=len(X), unit="sample") as bar:
        if solver == "auto":
            return _solve_by_choice(problem, bar.update)
        return _solve(problem, solver, bar.update)


def _solve(problem: Problem, solver: str, callback: ProgressCallback) -> Codes:
    if solver == "coordinate descent":
        return coordinate.run(problem, callback=callback)
    if solver == "homotopy":
        return path.run(problem, callback=callback)
    return proximal_gradient.run(problem, accelerate=solver == "fista", callback=callback)


def _solve_by_choice(problem: Problem, callback: ProgressCallback) -> Codes:
    solver, reason = choose(problem)
    if solver == "homotopy":
        problem = dataclasses.replace(problem, H0=None)  # it starts at 0, and is the faster for it
    if solver != "coordinate descent" or problem.max_iter is not None:
        return dataclasses.replace(_solve(problem, solver, callback), reason=reason)
    codes = _solve(dataclasses.replace(problem, max_iter=_ROUNDS), solver, callback)
    left = (~codes.converged).nonzero().squeeze(1)
    if len(left) > 0:
        rest = dataclasses.replace(
            problem, X=problem.X[left], penalty=problem.penalty[left], H0=None
        )
        put(codes, left, path.run(rest))
        reason += f"; {len(left)} of {len(problem.X)} samples needed the homotopy"
    return dataclasses.replace(codes, reason=reason)
