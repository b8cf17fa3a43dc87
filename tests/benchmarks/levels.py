"""Held-out objectives that dictionary learners have to reach, and the time to one of them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from replearn.data import load_photographs
from tests.benchmarks import problems
from tests.benchmarks.case import Prepared
from tests.benchmarks.quick import size
from tests.benchmarks.to_gap import rounds_for

TRAIN = size(200_000, 6_000)
HELD_OUT = size(2_000, 200)
_LONG = 1  # epochs of the run that says what is near the best: all patches, each once
#: How far above that run's held-out objective, as a share of it.
LEVELS = {"easy": 0.03, "middle": 0.012, "near the best": 0.004}
LONGEST = size(12, 1)  # seconds of one run


@dataclass(frozen=True)
class LearningProblem:
    """Whitened patches to learn from and held-out ones, the first atoms, and what is to be reached.

    start, best : held-out objectives of the first atoms and of the long run.
    """

    X: NDArray[np.float32]
    held_out: NDArray[np.float32]
    first: NDArray[np.float32]
    penalty: float
    start: float
    best: float

    def level(self, name: str) -> float:
        return self.best * (1 + LEVELS[name])

    def held_out_objective(self, D: Any) -> float:
        """Mean of min F(h) over the held-out patches, for D (d, m) with columns normalised."""
        return held_out_objective(self.held_out, np.asarray(D), self.penalty)


def held_out_objective(X: NDArray[np.float32], D: Any, penalty: float) -> float:
    from replearn.sparse import sparse_codes

    D = np.asarray(D, dtype=np.float64)
    D = D / np.maximum(np.linalg.norm(D, axis=0), np.finfo(float).tiny)
    codes = sparse_codes(
        torch.from_numpy(X).double(), torch.from_numpy(D), penalty, tol=1e-6, max_iter=100_000
    )
    return float(codes.objective.mean())


def load() -> LearningProblem:
    photographs = load_photographs()
    patches = problems.patches_of("whitened", photographs.images)
    X = patches.draw(photographs.images, TRAIN, seed=11).numpy()
    held_out = patches.draw(photographs.images, HELD_OUT, seed=12).numpy()
    first = problems.first_atoms(X)

    def make() -> dict[str, Any]:
        from replearn.dictionary import DictionaryLearning

        penalty = problems.load("whitened").penalty
        learner = DictionaryLearning(
            problems.ATOMS,
            penalty,
            batch_size=256,
            epochs=_LONG,
            D0=torch.from_numpy(first),
            progress=False,
        ).fit(torch.from_numpy(X))
        return {
            "penalty": penalty,
            "start": held_out_objective(held_out, first, penalty),
            "best": held_out_objective(held_out, learner.dictionary_.numpy(), penalty),
        }

    found = problems.cached(
        "levels",
        {"train": TRAIN, "held_out": HELD_OUT, "long": _LONG, "n": problems.N},
        photographs,
        make,
        ("levels",),
    )
    return LearningProblem(X, held_out, first, **found)


@dataclass(frozen=True)
class Learner:
    """A way to learn: learn(setting, samples) -> D (d, m) after so many samples, from the start.

    grid : the settings to tune over. batch : samples of a step under a setting.
    """

    learn: Callable[[Any, int], Any]
    grid: Sequence[Any]
    batch: Callable[[Any], int]
    describe: Callable[[Any], str]


@dataclass(frozen=True)
class Reached:
    """The cheapest known way of a learner to a level."""

    setting: Any
    samples: int
    seconds: float
    objective: float
    reached: bool


def tune(
    learner: Learner,
    objective: Callable[[Any], float],
    level: float,
    most: int,
    *,
    clock: Callable[[], float] = time.perf_counter,
    longest: float = LONGEST,
) -> Reached:
    """Tune over the grid: the setting whose run takes least time to the level.

    For each setting the number of samples grows by half until the level is reached, the samples
    are used up, or the run takes longer than the best so far; then bisection, to a tenth.
    """
    best: Reached | None = None
    for setting in learner.grid[: size(len(learner.grid), 1)]:
        limit = best.seconds if best is not None and best.reached else longest
        found = _climb(learner, setting, objective, level, most, clock, limit)
        if (
            best is None
            or (found.reached and (not best.reached or found.seconds < best.seconds))
            or (not found.reached and not best.reached and found.objective < best.objective)
        ):
            best = found
    assert best is not None, "no settings"
    return best


def _climb(
    learner: Learner,
    setting: Any,
    objective: Callable[[Any], float],
    level: float,
    most: int,
    clock: Callable[[], float],
    limit: float,
) -> Reached:
    batch = learner.batch(setting)

    def attempt(steps: int) -> Reached:
        start = clock()
        D = learner.learn(setting, steps * batch)
        seconds = clock() - start
        value = objective(D)
        value = value if math.isfinite(value) else math.inf
        return Reached(setting, steps * batch, seconds, value, value <= level)

    attempt(1)  # warms up
    last = max(1, most // batch)
    failed, steps = 0, min(4, last)
    found = attempt(steps)
    while not found.reached:
        if steps == last or found.seconds > limit:
            return found
        failed, steps = steps, min(max(steps + 1, steps * 3 // 2), last)
        found = attempt(steps)
    while steps - failed > max(1, steps // 10):
        middle = (steps + failed) // 2
        tried = attempt(middle)
        if tried.reached:
            found, steps = tried, middle
        else:
            failed = middle
    return found


def to_level(learner: Learner, problem: LearningProblem, name: str) -> Prepared:
    """An implementation that learns to the level in its best setting; one that can't is a miss."""
    level = problem.level(name)
    found = tune(learner, problem.held_out_objective, level, len(problem.X))
    return Prepared(
        timed=lambda: learner.learn(found.setting, found.samples),
        facts={
            "held-out objective": found.objective,
            "wanted": level,
            "setting": f"{learner.describe(found.setting)}, {found.samples:,} samples",
            "tuned over": "; ".join(map(learner.describe, learner.grid)),
        },
        missed=None
        if found.reached
        else f"held-out objective {found.objective:.5g} at best, {level:.5g} wanted",
        rounds=rounds_for(found.seconds),
    )
