"""Sparse codes on a GPU against scikit-learn on the same machine's CPU and against the arithmetic.

The arithmetic: the matrix products of the run at the rate at which the card computes them alone,
and the codes passing through its memory as often as an iteration has to touch them, at the rate at
which the card copies.
"""

from __future__ import annotations

import time
from functools import partial

import torch

from replearn import sparse
from tests.benchmarks import peers, problems
from tests.benchmarks.case import Case, Goal, Measured, Prepared
from tests.benchmarks.products import Products, synchronise
from tests.benchmarks.quick import size
from tests.benchmarks.to_gap import Ladder, to_gap, tolerances

OURS, PEER = "replearn fista (GPU)", "scikit-learn lasso_cd (CPU)"
PLAIN = "plain batched FISTA (GPU)"
N = size(100_000, 2_000)
_PASSES = 5  # an iteration reads the gradient step, the codes and those before; writes two of them


def _bandwidth() -> float:
    """Bytes a second of a copy on the card, read and written."""
    source = torch.empty(2**28, device="cuda")
    target = torch.empty_like(source)
    target.copy_(source)
    synchronise()
    start = time.perf_counter()
    for _ in range(10):
        target.copy_(source)
    synchronise()
    return 10 * 2 * 4 * len(source) / (time.perf_counter() - start)


def fista(kind: str, target: float) -> Prepared:
    problem = problems.load(kind, N)
    X, D = torch.from_numpy(problem.X).cuda(), torch.from_numpy(problem.D).cuda()

    def run(tol: float) -> sparse.Codes:
        codes = sparse.fista(X, D, problem.penalty, tol=tol, max_iter=5_000)
        synchronise()
        return codes

    ladder = Ladder(tolerances(1.0, 1e-7), run, "tol={:.2g}".format, 4)
    prepared = to_gap([ladder], lambda codes: problem.gap(codes.H), target)
    with Products() as products:
        codes = prepared.timed()
    assert isinstance(codes, sparse.Codes)
    replay = products.replay()
    replay()
    moved = float(codes.iterations.double().sum()) * D.shape[1] * _PASSES * 4
    bandwidth = _bandwidth()

    def timed() -> Measured:
        start = time.perf_counter()
        prepared.timed()
        seconds = time.perf_counter() - start
        alone = replay()
        return Measured(
            seconds,
            {
                "seconds": seconds,
                "seconds of its matrix products alone": alone,
                "TFLOP/s of these": products.flops / alone / 1e12,
                "seconds of its passes over memory alone": moved / bandwidth,
                "GB/s of a copy": bandwidth / 1e9,
                "share that the arithmetic needs": (alone + moved / bandwidth) / seconds,
            },
        )

    return Prepared(timed, problem.about() | prepared.facts, prepared.missed, prepared.rounds)


def plain(kind: str, target: float) -> Prepared:
    problem = problems.load(kind, N)
    X, D = torch.from_numpy(problem.X).cuda(), torch.from_numpy(problem.D).cuda()

    def run(iterations: int) -> torch.Tensor:
        H = peers.batched_fista(X, D, problem.penalty, iterations)
        synchronise()
        return H

    prepared = to_gap([Ladder(range(1, 4000), run, "{} iterations".format)], problem.gap, target)

    def timed() -> Measured:
        start = time.perf_counter()
        prepared.timed()
        seconds = time.perf_counter() - start
        return Measured(seconds, {"seconds": seconds})

    return Prepared(timed, prepared.facts, prepared.missed, prepared.rounds)


def scikit_learn(kind: str, target: float) -> Prepared:
    problem = problems.load(kind, N)
    return to_gap(peers.scikit_learn_cd(problem), problem.gap, target)


def _no_gpu() -> str | None:
    return None if torch.cuda.is_available() else "there is no GPU here"


CASES = [
    Case(
        name=f"sparse-cuda-{kind}",
        title=f"Sparse codes of {N:,} {kind} patches on a GPU to a relative gap of 1e-6",
        implementations={
            OURS: partial(fista, kind, 1e-6),
            PLAIN: partial(plain, kind, 1e-6),
            PEER: partial(scikit_learn, kind, 1e-6),
        },
        goals=[Goal(OURS, PEER, 1.0)],
        repeats=3,
        shown=(
            "setting",
            "relative gap",
            "seconds",
            "seconds of its matrix products alone",
            "seconds of its passes over memory alone",
            "share that the arithmetic needs",
            "rounds",
        ),
        absolute=True,
        unavailable=_no_gpu,
    )
    for kind in ("whitened", "coherent")
]
