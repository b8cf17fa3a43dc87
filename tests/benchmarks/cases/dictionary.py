"""Online dictionary learning to a held-out objective, each learner in its own best setting.

All begin with the same atoms, learn from the same whitened patches in the same order and use each
patch at most once. Every learner is tuned over a grid of its settings by its time to the level; the
held-out objective is computed outside the clock, with accurate codes (levels.py).
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

from tests.benchmarks import levels, problems
from tests.benchmarks.case import Case, Goal, Prepared
from tests.benchmarks.levels import Learner, LearningProblem
from tests.benchmarks.run import cores

OURS, SPAMS, SKLEARN = (
    "replearn DictionaryLearning",
    "SPAMS trainDL",
    "scikit-learn MiniBatchDictionaryLearning",
)


def replearn(problem: LearningProblem) -> Learner:
    from replearn.dictionary import DictionaryLearning

    X, first = torch.from_numpy(problem.X), torch.from_numpy(problem.first)

    def learn(setting: tuple[int, float], samples: int) -> Any:
        batch, forgetting = setting
        learner = DictionaryLearning(
            problems.ATOMS,
            problem.penalty,
            batch_size=batch,
            forgetting=forgetting,
            D0=first,
            progress=False,
        )
        return learner.partial_fit(X[:samples]).dictionary_.numpy()

    return Learner(
        learn,
        list(itertools.product((256, 512), (3.0, 20.0))),
        lambda setting: setting[0],
        lambda setting: f"batch {setting[0]}, forgetting {setting[1]:g}",
    )


def spams_train(problem: LearningProblem) -> Learner:
    """modeParam 0 has no parameter; modeParam 1 weighs old samples by (1 - 1/t)^rho."""
    import spams

    X, first = np.asfortranarray(problem.X.T), np.asfortranarray(problem.first)

    def learn(setting: tuple[int, int, float], samples: int) -> Any:
        batch, mode, rho = setting
        return spams.trainDL(
            np.asfortranarray(X[:, :samples]),
            D=first.copy(order="F"),
            lambda1=problem.penalty,
            batchsize=batch,
            iter=samples // batch,
            modeParam=mode,
            rho=rho,
            numThreads=cores(),
            verbose=False,
        )

    return Learner(
        learn,
        [(512, 0, 1.0), (512, 1, 3.0), (512, 1, 10.0), (256, 1, 10.0), (1024, 1, 10.0)],
        lambda setting: setting[0],
        lambda s: f"batch {s[0]}, modeParam {s[1]}" + (f", rho {s[2]:g}" if s[1] else ""),
    )


def scikit_learn(problem: LearningProblem) -> Learner:
    from sklearn.decomposition import MiniBatchDictionaryLearning

    first = problem.first.T.copy()

    def learn(setting: tuple[int, int | None], samples: int) -> Any:
        batch, jobs = setting
        learner = MiniBatchDictionaryLearning(
            problems.ATOMS,
            alpha=problem.penalty,
            batch_size=batch,
            n_jobs=jobs,
            max_iter=1,
            tol=0.0,
            max_no_improvement=None,
            shuffle=False,
            fit_algorithm="cd",
            dict_init=first,
            random_state=0,
        )
        with warnings.catch_warnings():  # of codes that its tolerance does not reach
            warnings.simplefilter("ignore")
            return learner.fit(problem.X[:samples]).components_.T

    return Learner(
        learn,
        [(256, None), (1024, None), (1024, cores())],
        lambda setting: setting[0],
        lambda setting: f"batch_size {setting[0]}, n_jobs {setting[1]}",
    )


def _implementation(learner: Callable[[LearningProblem], Learner], level: str) -> Prepared:
    problem = levels.load()
    return levels.to_level(learner(problem), problem, level)


CASES = [
    Case(
        name=f"dictionary-{level.replace(' ', '-')}",
        title=(
            f"Online learning of {problems.ATOMS} atoms on whitened "
            f"{problems.SIDE} x {problems.SIDE} patches to a held-out objective within "
            f"{100 * above:g}% of a long run's ({level})"
        ),
        implementations={
            OURS: partial(_implementation, replearn, level),
            SPAMS: partial(_implementation, spams_train, level),
            SKLEARN: partial(_implementation, scikit_learn, level),
        },
        goals=[Goal(OURS, SPAMS, 6.0), Goal(OURS, SKLEARN, 5.0)] if level == "middle" else [],
        repeats=3,
        shown=("setting", "held-out objective", "wanted", "tuned over", "rounds"),
    )
    for level, above in levels.LEVELS.items()
]
