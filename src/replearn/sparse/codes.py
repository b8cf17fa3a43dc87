"""What every solver returns."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class Codes:
    """Sparse codes of n samples, and how they were found.

    Attributes
    ----------
    H : (n, m), the codes.
    solver : name of the solver that ran.
    reason : why ``solver="auto"`` chose it; empty where the caller chose.
    iterations : (n,) int64, iterations each sample took: proximal steps, or rounds of coordinate
        descent.
    objective : (n,), F(h) = 1/2 ||x - D h||^2 + penalty ||h||_1.
    gap : (n,), duality gap: F(h) is at most so much above its minimum.
    converged : (n,) bool, whether the gap came within the tolerance.
    trace : mean objective after k iterations, trace[0] at the start; empty unless asked for.
    """

    H: Tensor
    solver: str
    reason: str
    iterations: Tensor
    objective: Tensor
    gap: Tensor
    converged: Tensor
    trace: list[float] = field(default_factory=list)
