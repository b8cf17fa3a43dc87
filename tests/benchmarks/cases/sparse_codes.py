"""Sparse codes to a relative objective gap against a float64 reference, ours beside the peers.

Whitened patches with their dictionary, and patches with only their means removed, whose atoms are
alike ("coherent"). The problems are in problems.py, the peers in peers.py; every implementation
looks for its own cheapest setting first (to_gap.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import torch

from replearn import sparse
from tests.benchmarks import peers, problems
from tests.benchmarks.case import Case, FactGoal, Goal, Implementation, Measured, Prepared
from tests.benchmarks.least_work import least_work
from tests.benchmarks.problems import Problem
from tests.benchmarks.products import Products
from tests.benchmarks.quick import size
from tests.benchmarks.to_gap import Ladder, to_gap, tolerances

CD, HOMOTOPY, FISTA, ISTA, AUTO = (
    "replearn coordinate descent",
    "replearn homotopy",
    "replearn fista",
    "replearn ista",
    "replearn auto",
)
SPAMS_LASSO, SPAMS_CD, SPAMS_64 = "SPAMS lasso", "SPAMS cd", "SPAMS lasso, float64"
SKLEARN_CD, SKLEARN_LARS = "scikit-learn lasso_cd", "scikit-learn lasso_lars"
PLAIN = "plain batched FISTA (pytorch-lasso's method)"
SHARE = "share of its matrix products' peak rate"
LEAST = "share of its time that X D and the rows of D^T D of its codes take alone"
RIGHT = "share of samples within 1e-6"
_ITERATIONS = 5_000
_RAW = size(5_000, 200)


def _ours(solver: str, problem: Problem) -> Ladder:
    X, D = torch.from_numpy(problem.X), torch.from_numpy(problem.D)

    def run(tol: float) -> sparse.Codes:
        return sparse.sparse_codes(
            X, D, problem.penalty, solver=solver, tol=tol, max_iter=_ITERATIONS
        )

    return Ladder(tolerances(1.0, 1e-7), run, "tol={:.2g}".format, 4)


def ours(solver: str, kind: str, target: float) -> Prepared:
    problem = problems.load(kind)
    ladder = _ours(solver, problem)
    prepared = to_gap([ladder], lambda codes: problem.gap(codes.H), target)
    codes = prepared.timed()
    assert isinstance(codes, sparse.Codes)
    facts = {"ran": codes.solver, "iterations, mean": float(codes.iterations.double().mean())}
    about = problem.about() if solver == "coordinate descent" else {}
    return Prepared(
        prepared.timed, about | prepared.facts | facts, prepared.missed, prepared.rounds
    )


def compiled(solver: str, kind: str, target: float) -> Prepared:
    """Ours on the Gram matrix, and in each round the least of its work by itself."""
    problem, prepared = problems.load(kind), ours(solver, kind, target)
    return _with_least_work(problem, prepared)


def _with_least_work(problem: Problem, prepared: Prepared) -> Prepared:
    codes = prepared.timed()
    assert isinstance(codes, sparse.Codes)
    least = least_work(torch.from_numpy(problem.X), torch.from_numpy(problem.D), codes.H)

    def timed() -> Measured:
        start = time.perf_counter()
        prepared.timed()
        seconds = time.perf_counter() - start
        return Measured(seconds, {LEAST: least() / seconds})

    return Prepared(timed, prepared.facts, prepared.missed, prepared.rounds)


def fista(kind: str, target: float) -> Prepared:
    """Ours, and in each round its matrix products again by themselves."""
    prepared = ours("fista", kind, target)
    with Products() as products:
        prepared.timed()
    replay = products.replay()
    replay()

    def timed() -> Measured:
        start = time.perf_counter()
        prepared.timed()
        seconds = time.perf_counter() - start
        alone = replay()
        return Measured(
            seconds,
            {
                "GFLOP of matrix products": products.flops / 1e9,
                "GFLOP/s of matrix products": products.flops / seconds / 1e9,
                "GFLOP/s of these products alone": products.flops / alone / 1e9,
                SHARE: alone / seconds,
            },
        )

    return Prepared(timed, prepared.facts, prepared.missed, prepared.rounds)


def peer(ladders: Callable[[Problem], list[Ladder]], kind: str, target: float) -> Prepared:
    problem = problems.load(kind)
    return to_gap(ladders(problem), problem.gap, target)


def ours_raw(solver: str) -> Prepared:
    """To 1e-6 of each sample's own minimum, in float32."""
    problem = problems.load("raw", _RAW)
    X, D = torch.from_numpy(problem.X), torch.from_numpy(problem.D)

    def timed() -> sparse.Codes:
        return sparse.sparse_codes(X, D, problem.penalty, solver=solver, tol=1e-6)

    codes = timed()
    facts = {RIGHT: problem.right(codes.H, 1e-6), "ran": codes.solver}
    return _with_least_work(problem, Prepared(timed, problem.about() | facts))


def spams_raw(dtype: torch.dtype) -> Prepared:
    """SPAMS' homotopy at its best setting, right or not."""
    problem = problems.load("raw", _RAW)
    wanted = str(dtype).removeprefix("torch.")
    ladders = [each for each in peers.spams_lasso(problem) if wanted in each.describe(None)]

    def seconds(ladder: Ladder) -> float:
        start = time.perf_counter()
        ladder.run(None)
        return time.perf_counter() - start

    fastest = min(ladders, key=lambda ladder: min(seconds(ladder) for _ in range(3)))
    facts = {RIGHT: problem.right(fastest.run(None), 1e-6), "setting": fastest.describe(None)}
    return Prepared(lambda: fastest.run(None), facts)


def _implementations(kind: str, target: float, *, lars: bool = False) -> dict[str, Implementation]:
    found: dict[str, Implementation] = {
        CD: partial(compiled, "coordinate descent", kind, target),
        HOMOTOPY: partial(compiled, "homotopy", kind, target),
        FISTA: partial(fista, kind, target),
        ISTA: partial(ours, "ista", kind, target),
        AUTO: partial(compiled, "auto", kind, target),
        SPAMS_LASSO: partial(peer, peers.spams_lasso, kind, target),
        SPAMS_CD: partial(peer, peers.spams_cd, kind, target),
        SKLEARN_CD: partial(peer, peers.scikit_learn_cd, kind, target),
        PLAIN: partial(peer, peers.plain_batched_fista, kind, target),
    }
    if lars:
        found[SKLEARN_LARS] = partial(peer, peers.scikit_learn_lars, kind, target)
    return found


def _case(kind: str, target: float, goals: list[Goal | FactGoal], *, lars: bool = False) -> Case:
    return Case(
        name=f"sparse-{kind}-{target:.0e}".replace("e-0", "e-"),
        title=(
            f"Sparse codes of {problems.N:,} {kind} {problems.SIDE} x {problems.SIDE} patches with "
            f"{problems.ATOMS} atoms to a relative gap of {target:.0e}".replace("e-0", "e-")
        ),
        implementations=_implementations(kind, target, lars=lars),
        goals=goals,
        shown=(
            "setting",
            "relative gap",
            SHARE,
            LEAST,
            "rounds",
            "L",
            "share not zero",
            "photographs",
        ),
    )


CASES = [
    _case(
        "whitened",
        1e-6,
        [
            Goal(CD, SPAMS_LASSO, 5.0),
            Goal(CD, SKLEARN_CD, 8.0),
            Goal(FISTA, SPAMS_LASSO, 1.5),
            FactGoal(FISTA, SHARE, at_least=0.85),
        ],
        lars=True,
    ),
    _case("whitened", 1e-4, [Goal(CD, SPAMS_CD, 2.0)]),
    _case(
        "coherent",
        1e-6,
        [Goal(CD, SPAMS_LASSO, 3.0), FactGoal(FISTA, SHARE, at_least=0.85)],
    ),
    _case("coherent", 1e-4, []),
    Case(
        name="sparse-raw",
        title=(
            f"Sparse codes of {_RAW:,} raw {problems.SIDE} x {problems.SIDE} patches with "
            f"{problems.ATOMS} of them as atoms: time, and how many samples are right"
        ),
        implementations={
            AUTO: partial(ours_raw, "auto"),
            CD: partial(ours_raw, "coordinate descent"),
            SPAMS_LASSO: partial(spams_raw, torch.float32),
            SPAMS_64: partial(spams_raw, torch.float64),
        },
        goals=[Goal(AUTO, SPAMS_LASSO, 1.0), FactGoal(AUTO, RIGHT, at_least=1.0)],
        shown=(RIGHT, "ran", LEAST, "L", "share not zero", "photographs"),
    ),
]
