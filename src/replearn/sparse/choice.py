"""Which solver suits a problem, by its device, its size and what its dictionary is like."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from replearn.sparse.arguments import Problem
from replearn.sparse.norms import GroupNorm

_ATOMS = 4096  # up to which D^T D is kept: 128 MiB in float64, and for each thread twice as much
# Passes over the atoms converge by a share that falls with L / mean eigenvalue; measured, the
# homotopy is faster from about here on (make bench, sparse-*).
_ALIKE = 20.0


def choose(problem: Problem) -> tuple[str, str]:
    """The solver, and why."""
    device, m = problem.X.device.type, problem.D.shape[1]
    if isinstance(problem.norm, GroupNorm):
        return "fista", "groups are thresholded as a whole"
    if device != "cpu":
        return "fista", f"on {device} products of matrices are fastest"
    if m > _ATOMS:
        return "fista", f"the Gram matrix of {m} atoms is too large for the other solvers"
    alike, most = likeness(problem.D, _ALIKE)
    measured = f"the largest eigenvalue of D^T D is {'at most ' if most else ''}{alike:.3g} times"
    if alike < _ALIKE:
        return "coordinate descent", f"{measured} that of a tight frame: atoms are not much alike"
    return "homotopy", f"{measured} that of a tight frame: atoms are much alike"


def likeness(D: Tensor, enough: float = 0.0) -> tuple[float, bool]:
    """Largest eigenvalue of D^T D beside the mean of those that may differ from 0, at least 1.

    1 for orthonormal atoms and for tight frames, min(d, m) where all atoms are one. Where a bound
    on it is below ``enough``, that is returned, and True: ``lambda_1^4 <= ||G^2||_F^2``, the sum
    of all fourth powers, takes a quarter of the time.
    """
    largest = float(D.abs().max())
    if largest == 0:
        return 1.0, False
    A = D.double() / largest
    small = A.T @ A if A.shape[1] <= A.shape[0] else A @ A.T
    mean = float(small.diagonal().mean())
    bound = math.sqrt(float(torch.linalg.matrix_norm(small @ small))) / mean
    if bound < enough:
        return bound, True
    return float(torch.linalg.eigvalsh(small)[-1]) / mean, False
