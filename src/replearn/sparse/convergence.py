"""When the samples of a proximal gradient method are finished: duality gaps and active samples."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from replearn.sparse.arguments import Problem, fitted, within
from replearn.sparse.codes import Codes
from replearn.sparse.lasso import correlation_rounding, gap_from, rounding, smallest_curvature
from replearn.sparse.steps import GradientStep

_EXAMINE = 10  # iterations between two looks at the gaps, and at the restarts


@dataclass
class Samples:
    """The b samples of a block that iterations go on with.

    What stays the same for them, and which of them are finished.
    """

    rows: Tensor  # (b,), their places in X
    x2: Tensor  # (b,), ||x||^2
    slack: Tensor  # (b,), rounding in a correlation
    penalty: Tensor  # (b,)
    shift: Tensor  # what the gradient step needs of x
    finished: Tensor  # (b,) bool

    @classmethod
    def of(cls, problem: Problem, rows: Tensor, gradient_step: GradientStep) -> Samples:
        """The samples of some rows of a problem, none of them finished."""
        X = problem.X[rows]
        x2 = X.square().sum(1)
        return cls(
            rows=rows,
            x2=x2,
            slack=correlation_rounding(problem.D) * x2.sqrt(),
            penalty=problem.penalty[rows],
            shift=gradient_step.shift(X),
            finished=torch.zeros(len(rows), dtype=torch.bool, device=X.device),
        )

    def unfinished(self) -> Tensor:
        """Places of the samples that are not finished."""
        return torch.nonzero(~self.finished).squeeze(1)

    def select(self, kept: Tensor) -> Samples:
        """The samples at these places only."""
        return Samples(
            rows=self.rows[kept],
            x2=self.x2[kept],
            slack=self.slack[kept],
            penalty=self.penalty[kept],
            shift=self.shift[kept],
            finished=self.finished[kept],
        )


class Convergence:
    """Looks at the duality gaps now and then, and writes the codes of finished samples out.

    A finished sample is left alone: it iterates on until it is dropped, which is not written. With
    ``trace`` each iteration is looked at, and all samples run on until all are finished at once.
    """

    def __init__(
        self, problem: Problem, codes: Codes, gradient_step: GradientStep, *, trace: bool
    ) -> None:
        self.max_iter = problem.max_iter
        self._problem, self._codes, self._trace = problem, codes, trace
        self._gradient_step = gradient_step
        unpenalised = bool((problem.penalty == 0).any())
        self._mu = smallest_curvature(problem.D, problem.nonnegative) if unpenalised else 0.0

    def is_due(self, k: int) -> bool:
        """Whether to look after k iterations."""
        return self._trace or k % _EXAMINE == 0 or k == self.max_iter

    def examine(self, k: int, samples: Samples, H: Tensor, U: Tensor) -> None:
        """Objectives and gaps of all samples after k iterations, from H and U(H)."""
        problem, codes = self._problem, self._codes
        Q = (U - H).div_(self._gradient_step.t)
        R = self._gradient_step.squared_error(samples.shift, samples.x2, H, Q)
        value = 0.5 * R + samples.penalty * H.abs().sum(1)
        gap = gap_from(H, Q, R, samples.penalty, problem.nonnegative, self._mu, samples.slack)
        done = within(gap, value, samples.x2, problem.tol)
        if self._trace:
            codes.trace.append(float(value.mean(dtype=torch.float64)))
            new = torch.ones_like(done)  # the codes are those of the last iteration
            samples.finished = done
        else:
            new = ~samples.finished & (done | (k == self.max_iter))
            samples.finished |= done
        if bool(new.any()):
            at = samples.rows[new]
            codes.H[at] = H[new]
            codes.objective[at], codes.gap[at] = value[new], gap[new]
            exact = fitted(value, samples.x2, samples.penalty, rounding(problem.D))
            codes.converged[at] = (done | exact)[new]
            codes.iterations[at] = k

    def is_over(self, k: int, samples: Samples) -> bool:
        """Whether these were the last iterations of these samples."""
        return k == self.max_iter or bool(samples.finished.all())

    def can_drop(self, samples: Samples) -> bool:
        """Whether a quarter is finished: fewer would not be worth the copy of the others."""
        return not self._trace and 4 * int(samples.finished.sum()) >= len(samples.rows)
