"""Which solver suits a problem, by its device, its size and what its dictionary is like."""

from __future__ import annotations

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
    alike = likeness(problem.D)
    measured = f"the largest eigenvalue of D^T D is {alike:.3g} times what it is for a tight frame"
    if alike < _ALIKE:
        return "coordinate descent", f"{measured}: atoms are not much alike"
    return "homotopy", f"{measured}: atoms are much alike"


def likeness(D: Tensor) -> float:
    """Largest eigenvalue of D^T D beside the mean of those that may differ from 0, at least 1.

    1 for orthonormal atoms and for tight frames, min(d, m) where all atoms are one.
    """
    largest = float(D.abs().max())
    if largest == 0:
        return 1.0
    A = D.double() / largest
    small = A.T @ A if A.shape[1] <= A.shape[0] else A @ A.T
    return float(torch.linalg.eigvalsh(small)[-1] / small.diagonal().mean())
