"""When the samples of a proximal gradient method are finished: duality gaps and active samples."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from replearn.sparse.arguments import Problem, fitted, within
from replearn.sparse.codes import Codes
from replearn.sparse.lasso import (
    by_blocks,
    correlation_slack,
    gap_from,
    objective_from,
    rounding,
    smallest_curvature,
)
from replearn.sparse.steps import GradientStep

_EXAMINE = 10  # iterations between two looks at the gaps, and at the restarts


@dataclass
class Samples:
    """The b samples of a block that iterations go on with.

    What stays the same for them, and which of them are finished.
    """

    rows: Tensor  # (b,), their places in X
    x2: Tensor  # (b,), ||x||^2
    slack: Tensor  # (b, m) or (b, 1), rounding in a correlation
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
            slack=cls._slack(problem, rows).to(X.dtype),
            penalty=problem.penalty[rows],
            shift=gradient_step.shift(X),
            finished=torch.zeros(len(rows), dtype=torch.bool, device=X.device),
        )

    @staticmethod
    def _slack(problem: Problem, rows: Tensor) -> Tensor:
        if bool((problem.penalty == 0).any()):
            return correlation_slack(problem)(rows)
        return problem.X.new_zeros(len(rows), 1)  # it is asked for without a penalty only

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

    Gaps of the iterations are cheap ones, from what the step has computed anyway in the dtype of
    X. A sample for which they are small enough is looked at in float64, and only that counts.

    A finished sample is left alone: it iterates on until it is dropped, which is not written. With
    ``trace`` each iteration is looked at, and all samples run on until all are finished at once.
    """

    def __init__(
        self, problem: Problem, codes: Codes, gradient_step: GradientStep, *, trace: bool
    ) -> None:
        self.max_iter = problem.iterations()
        self._problem, self._codes, self._trace = problem, codes, trace
        self._gradient_step = gradient_step
        unpenalised = bool((problem.penalty == 0).any())
        self._mu = 0.0
        if unpenalised:
            self._mu = smallest_curvature(problem.D, problem.nonnegative, problem.l2)

    def is_due(self, k: int) -> bool:
        """Whether to look after k iterations."""
        return self._trace or k % _EXAMINE == 0 or k == self.max_iter

    def examine(self, k: int, samples: Samples, H: Tensor, U: Tensor) -> None:
        """Objectives and gaps of all samples after k iterations, from H and U(H)."""
        problem, codes = self._problem, self._codes
        Q = (U - H).div_(self._gradient_step.t)
        R = self._gradient_step.squared_error(samples.shift, samples.x2, H, Q)
        pieces = H, Q, R, samples.penalty
        value = objective_from(problem.norm, pieces)
        gap = gap_from(problem.norm, pieces, self._mu, samples.slack)
        done = within(gap, value, samples.x2, problem.tol)
        if self._trace:
            new = torch.ones_like(done)  # the codes are those of the last iteration
        else:
            new = ~samples.finished & (done | (k == self.max_iter))
        if not bool(new.any()):
            return
        at = samples.rows[new]
        value, gap = self._exactly(at, H[new], samples.slack[new])
        x2 = samples.x2[new].double()
        done = within(gap, value, x2, problem.tol, problem.X.dtype)
        if self._trace:
            codes.trace.append(float(value.mean()))
            samples.finished = done
        else:
            samples.finished[new] = done
        kept = done if k < self.max_iter and not self._trace else torch.ones_like(done)
        codes.H[at[kept]] = H[new][kept]
        codes.objective[at[kept]], codes.gap[at[kept]] = value[kept], gap[kept]
        exact = fitted(value, x2, samples.penalty[new], rounding(problem.D))
        codes.converged[at[kept]] = (done | exact)[kept]
        codes.iterations[at[kept]] = k

    def _exactly(self, rows: Tensor, H: Tensor, slack: Tensor) -> tuple[Tensor, Tensor]:
        """Objectives and gaps of these codes, in float64."""
        values, gaps = [], []
        for part, norm, pieces in by_blocks(self._problem, H, rows):
            values.append(objective_from(norm, pieces))
            gaps.append(gap_from(norm, pieces, self._mu, slack[part].double()))
        return torch.cat(values), torch.cat(gaps)

    def is_over(self, k: int, samples: Samples) -> bool:
        """Whether these were the last iterations of these samples."""
        return k == self.max_iter or bool(samples.finished.all())

    def can_drop(self, samples: Samples) -> bool:
        """Whether a quarter is finished: fewer would not be worth the copy of the others."""
        return not self._trace and 4 * int(samples.finished.sum()) >= len(samples.rows)
