"""Sparse codes by other packages, each with the settings that bear on accuracy and time left open.

All take X (n, d) and D (d, m) of a problem and solve 1/2 ||x - D h||^2 + penalty ||h||_1. Copies
into the order or the precision that a package wants are made before the clock starts.
"""

from __future__ import annotations

import itertools
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from joblib import Parallel, delayed, parallel_config
from torch import Tensor

from tests.benchmarks.problems import Problem
from tests.benchmarks.run import cores
from tests.benchmarks.to_gap import Ladder, tolerances

_TIGHT = 1e-12


def spams_lasso(problem: Problem) -> list[Ladder]:
    """LARS, which is exact: only its precision and how it solves its systems are open."""
    import spams

    ladders = []
    for dtype in (np.float32, np.float64):
        X, D = _columns(problem, dtype)
        for cholesky in (False, True):
            run = partial(spams.lasso, X, D, lambda1=problem.penalty, mode=2, numThreads=cores())
            name = f"{np.dtype(dtype).name}, cholesky={cholesky}"
            ladders.append(_single(name, lambda run=run, c=cholesky: run(cholesky=c)))
    return ladders


def spams_cd(problem: Problem) -> list[Ladder]:
    """Coordinate descent until a tolerance, or for a number of sweeps."""
    import scipy.sparse
    import spams

    X, D = _columns(problem, np.float32)
    start = scipy.sparse.csc_matrix((D.shape[1], X.shape[1]), dtype=np.float32)

    def run(tol: float, sweeps: int) -> Any:
        return spams.cd(
            X,
            D,
            start,
            lambda1=problem.penalty,
            mode=2,
            itermax=sweeps,
            tol=tol,
            numThreads=cores(),
        )

    return [
        Ladder(tolerances(100.0, 1e-6), lambda tol: run(tol, 1000), "tol={:.2g}".format, 4),
        Ladder(range(1, 1000), lambda sweeps: run(_TIGHT, sweeps), "itermax={}".format),
    ]


def scikit_learn_cd(problem: Problem) -> list[Ladder]:
    """What ``sparse_encode(algorithm="lasso_cd")`` computes, float64, with its tolerance open.

    One process, as many as there are cores, or as many threads, whichever is fastest.
    """
    from sklearn.linear_model import Lasso

    X, D = problem.X.astype(np.float64), problem.D.astype(np.float64)
    gram = D.T @ D

    def encode(rows: slice, tol: float) -> Any:
        model = Lasso(
            alpha=problem.penalty / len(D),  # its data term is divided by the number of rows
            fit_intercept=False,
            precompute=gram,
            tol=tol,
            max_iter=10_000,
        )
        with warnings.catch_warnings():  # of tolerances that its own rounding does not allow
            warnings.simplefilter("ignore")
            model.fit(D, X[rows].T, check_input=False)
        return model.coef_.reshape(-1, D.shape[1])

    return [_in_parallel(len(X), encode, tolerances(1e-1, 1e-10, 2), "tol={:.2g}", 1e-4)]


def scikit_learn_lars(problem: Problem) -> list[Ladder]:
    """``sparse_encode(algorithm="lasso_lars")``, exact, float64."""
    from sklearn.decomposition import sparse_encode

    X, D = problem.X.astype(np.float64), problem.D.astype(np.float64)

    def run(_: None) -> Any:
        with (
            parallel_config(backend="loky", inner_max_num_threads=1),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")  # it drops atoms that are nearly collinear
            return sparse_encode(
                X, D.T, algorithm="lasso_lars", alpha=problem.penalty, n_jobs=cores()
            )

    return [Ladder([None], run, lambda _: f"float64, {cores()} processes")]


def plain_batched_fista(problem: Problem) -> list[Ladder]:
    """The method of pytorch-lasso's ``ista(fast=True)``, after its public description.

    FISTA on the whole batch, every sample for the same number of iterations, the step 1/L, two
    products with D in each iteration, started at 0.
    """
    X, D = torch.from_numpy(problem.X), torch.from_numpy(problem.D)
    return [
        Ladder(
            range(1, 4000),
            lambda k: batched_fista(X, D, problem.penalty, k),
            "{} iterations".format,
        )
    ]


def batched_fista(X: Tensor, D: Tensor, penalty: float, iterations: int) -> Tensor:
    """Codes (n, m) after so many iterations of FISTA (Beck and Teboulle 2009)."""
    step = 1.0 / float(torch.linalg.eigvalsh(D.T @ D)[-1])
    H = Y = X.new_zeros(len(X), D.shape[1])
    momentum = 1.0
    for _ in range(iterations):
        gradient = (Y @ D.T - X) @ D
        following = torch.nn.functional.softshrink(Y - step * gradient, penalty * step)
        grown = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
        Y = following + (momentum - 1) / grown * (following - H)
        H, momentum = following, grown
    return H


def _columns(problem: Problem, dtype: Any) -> tuple[Any, Any]:
    """X (d, n) and D (d, m) column by column, as SPAMS wants them."""
    return np.asfortranarray(problem.X.T, dtype=dtype), np.asfortranarray(problem.D, dtype=dtype)


def _single(name: str, run: Callable[[], Any]) -> Ladder:
    return Ladder([None], lambda _: run(), lambda _: name)


def _in_parallel(
    n: int, encode: Callable[[slice, Any], Any], settings: list[Any], text: str, usual: Any
) -> Ladder:
    """The settings, with the samples shared among the cores in the way that is fastest at one."""
    edges = np.linspace(0, n, cores() + 1).astype(int)
    parts = [slice(*ends) for ends in itertools.pairwise(edges)]

    def run(backend: str | None, setting: Any) -> Any:
        if backend is None:
            return encode(slice(0, n), setting)
        inner = 1 if backend == "loky" else None
        with parallel_config(backend=backend, inner_max_num_threads=inner):
            work = Parallel(n_jobs=cores())
            return np.concatenate(work(delayed(encode)(part, setting) for part in parts))

    ways = {None: "one process", "loky": f"{cores()} processes", "threading": f"{cores()} threads"}

    def seconds(backend: str | None) -> float:
        run(backend, usual)  # starts the processes
        start = time.perf_counter()
        run(backend, usual)
        return time.perf_counter() - start

    best = min(ways, key=seconds)
    return Ladder(settings, partial(run, best), lambda s: f"{text.format(s)}, {ways[best]}", 2)
