"""Sparse codes by whichever solver suits the device and the size."""

from __future__ import annotations

import dataclasses
from typing import Literal

import torch
from torch import Tensor

from replearn._progress import Progress, progress_bar
from replearn.sparse import coordinate, proximal_gradient
from replearn.sparse.arguments import Problem, check_problem
from replearn.sparse.codes import Codes

__all__ = ["sparse_codes"]

Solver = Literal["auto", "ista", "fista", "coordinate descent"]
_SOLVERS = ("auto", "ista", "fista", "coordinate descent")
_MAX_ITER = 1000
_ATOMS = 8192  # up to which coordinate descent keeps a Gram matrix: 0.25 GiB in float32


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
    nonnegative: bool = False,
    progress: Progress = False,
) -> Codes:
    r"""Sparse codes H (n, m) of data X (n, d) in the dictionary D (d, m).

    ::

        h = argmin  1/2 ||x - D h||^2 + penalty ||h||_1          for each row x of X

    over all h, or over h >= 0. Works on a bounded number of samples at a time: beyond X, D and
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
    solver : {"auto", "coordinate descent", "fista", "ista"}
        - "coordinate descent": on the CPU the fastest by far, whatever the dictionary, and the
          one that reaches small tolerances for coherent ones. Keeps D^T D.
        - "fista": products of matrices only, so the one for a GPU. Its iterations grow with the
          square root of the condition of the problem.
        - "ista": as in the lecture; slower than "fista".
        - "auto": "fista" on a GPU and for more than 8,192 atoms, otherwise "coordinate descent".
          ``Codes.reason`` says why.
    tol : float
        A sample is finished when its duality gap is at most ``tol`` times its objective (or
        rounding: ``Codes.converged`` says what that is), and then costs nothing more. The
        objective itself is then usually far nearer to its minimum, as the gap is only a bound.
    max_iter : int, optional
        At most so many iterations; None takes 1,000.
    H0 : Tensor, (n, m), optional
        Codes to start from, such as those for a similar dictionary.
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
        H0=H0,
        nonnegative=nonnegative,
        tol=tol,
        max_iter=_MAX_ITER if max_iter is None else max_iter,
    )
    chosen, reason = _choose(problem) if solver == "auto" else (solver, "")
    with progress_bar(progress, total=len(X), unit="sample") as bar:
        if chosen == "coordinate descent":
            codes = coordinate.run(problem, callback=bar.update)
        else:
            codes = proximal_gradient.run(
                problem, accelerate=chosen == "fista", callback=bar.update
            )
    return dataclasses.replace(codes, reason=reason)


def _choose(problem: Problem) -> tuple[str, str]:
    device, m = problem.X.device.type, problem.D.shape[1]
    if device != "cpu":
        return "fista", f"on {device} products of matrices are fastest"
    if m > _ATOMS:
        return "fista", f"the Gram matrix of {m} atoms is too large for coordinate descent"
    return "coordinate descent", "the fastest on a CPU"
