"""Every solver of the lasso against every other, scikit-learn and the optimality conditions."""

import _thread
import ast
import functools
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls
from sklearn.linear_model import Lasso

import replearn
from replearn.sparse import (
    coordinate,
    coordinate_descent,
    duality_gap,
    fista,
    homotopy,
    ista,
    largest_penalty,
    lasso_objective,
    lipschitz,
    optimality,
    parallel,
    proximal_gradient,
    sparse_codes,
)
from replearn.sparse.compiled import Exactly
from replearn.sparse.norms import L1Norm

MANY = 200_000  # iterations: as many as it takes
SOLVERS = {
    "ista": lambda *a, **k: ista(*a, **{"max_iter": MANY} | k),
    "fista": lambda *a, **k: fista(*a, **{"max_iter": MANY} | k),
    "coordinate descent": coordinate_descent,
    "no newton": lambda *a, **k: coordinate_descent(*a, **{"max_iter": MANY} | k, newton=False),
    "homotopy": functools.partial(sparse_codes, solver="homotopy"),
    "sparse_codes": sparse_codes,
}
FROM_ANYWHERE = [name for name in SOLVERS if name != "homotopy"]
FAST = ["fista", "coordinate descent", "no newton", "homotopy"]


def problem(n=12, d=10, m=15, *, condition=1.0, seed=0, dtype=torch.float64):
    """Unit atoms, whose singular values fall by ``condition``."""
    generator = torch.Generator().manual_seed(seed)
    X, D = (torch.randn(*s, generator=generator, dtype=torch.float64) for s in [(n, d), (d, m)])
    U, s, V = torch.linalg.svd(D, full_matrices=False)
    D = (U * torch.logspace(0, -float(np.log10(condition)), len(s), dtype=s.dtype)) @ V
    return X.to(dtype), (D / D.norm(dim=0)).to(dtype)


def by_scikit(X, D, penalty, *, nonnegative=False):
    """scikit-learn divides the squared error by d."""
    model = Lasso(
        penalty / D.shape[0], fit_intercept=False, tol=1e-13, max_iter=10**6, positive=nonnegative
    )
    return torch.tensor(np.stack([model.fit(D.numpy(), x).coef_ for x in X.numpy()]))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("nonnegative", [False, True])
def test_every_solver_agrees_with_scikit(solver, nonnegative):
    X, D = problem()
    X[3] = 0
    want = by_scikit(X, D, 0.3, nonnegative=nonnegative)
    codes = SOLVERS[solver](X, D, 0.3, tol=1e-13, nonnegative=nonnegative)
    assert codes.converged.all()
    assert (codes.H - want).abs().max() < 1e-6
    assert ((codes.H == 0) == (want == 0)).all()
    assert optimality(X, D, codes.H, 0.3, nonnegative=nonnegative).max() < 1e-6
    gap = duality_gap(X, D, codes.H, 0.3, nonnegative=nonnegative)
    assert torch.allclose(codes.gap, gap, atol=1e-13)
    assert torch.allclose(codes.objective, lasso_objective(X, D, codes.H, 0.3), rtol=1e-12)
    assert not codes.H[3].any()
    assert codes.trace == []


@pytest.mark.parametrize(
    ("d", "m", "condition"), [(12, 12, 1e3), (8, 100, 1.0), (20, 5, 10.0), (15, 30, 100.0)]
)
@pytest.mark.parametrize("nonnegative", [False, True])
def test_ill_conditioned_and_wide_dictionaries(d, m, condition, nonnegative):
    X, D = problem(d=d, m=m, condition=condition)
    penalty = 0.05 * largest_penalty(X, D)
    found = [SOLVERS[s](X, D, penalty, tol=1e-12, nonnegative=nonnegative) for s in FAST]
    for codes in found:
        assert codes.converged.all()
        assert optimality(X, D, codes.H, penalty, nonnegative=nonnegative).max() < 1e-5
        assert torch.allclose(codes.objective, found[0].objective, rtol=1e-11)
    assert (found[1].H - found[0].H).abs().max() < 1e-4  # the square root of what F has
    if not nonnegative:
        H = torch.stack(
            [by_scikit(x[None], D, float(t))[0] for x, t in zip(X, penalty, strict=True)]
        )
        assert torch.allclose(lasso_objective(X, D, H, penalty), found[1].objective, rtol=1e-6)


@pytest.mark.parametrize("solver", FAST)
def test_atoms_twice_atoms_of_zeros_and_large_atoms(solver):
    X, D = problem(m=9)
    D = torch.cat([D, D[:, :4], -D[:, 4:6], torch.zeros(10, 2, dtype=D.dtype), 3 * D[:, :2]], 1)
    codes = SOLVERS[solver](X, D, 0.2, tol=1e-12)
    assert codes.converged.all()
    assert not codes.H[:, 15:17].any()
    other = by_scikit(X, D, 0.2)
    assert torch.allclose(codes.objective, lasso_objective(X, D, other, 0.2), rtol=1e-9)
    assert (codes.H @ D.T - other @ D.T).abs().max() < 1e-5


@pytest.mark.parametrize("solver", FAST)
def test_small_atoms_have_large_codes(solver):
    X, D = problem()
    codes = SOLVERS[solver](X, D / 1000, 0.3 / 1000, tol=1e-13)
    assert codes.converged.all()
    assert torch.allclose(codes.H, 1000 * by_scikit(X, D, 0.3), atol=1e-3)


@pytest.mark.parametrize("solver", SOLVERS)
def test_nothing_to_code_and_nothing_to_code_with(solver):
    X, D = problem()
    for x, dictionary, penalty in [
        (0 * X, D, 0.1),
        (0 * X, D, 0.0),
        (X, 0 * D, 0.1),
        (X, 0 * D, 0),
    ]:
        codes = SOLVERS[solver](x, dictionary, penalty)
        assert not codes.H.any()
        assert codes.converged.all()
        assert torch.allclose(codes.objective, 0.5 * x.square().sum(1))
        assert not codes.iterations.any()


@pytest.mark.parametrize("solver", FAST)
@pytest.mark.parametrize("m", [4, 10])
def test_penalty_zero_is_least_squares(solver, m):
    X, D = problem(m=m, condition=5.0)
    codes = SOLVERS[solver](X, D, 0.0, tol=1e-15)
    assert (codes.H - torch.linalg.lstsq(D, X.T).solution.T).abs().max() < 1e-6
    assert codes.converged.all()
    if m < 10:
        positive = SOLVERS[solver](X, D, 0.0, tol=1e-12, nonnegative=True)
        assert positive.converged.all()
        assert optimality(X, D, positive.H, 0.0, nonnegative=True).max() < 1e-5


@pytest.mark.parametrize("solver", FAST)
@pytest.mark.parametrize("extra", ["twice", "zeros", "wide"])
def test_penalty_zero_and_dependent_atoms_is_nonnegative_least_squares(solver, extra):
    X, D = problem(n=100, m=6, condition=5.0)
    more = {"twice": D[:, :3], "zeros": 0 * D[:, :3], "wide": problem(m=12, seed=1)[1]}[extra]
    D = torch.cat([D, more], 1)
    codes = SOLVERS[solver](X, D, 0.0, tol=1e-9, nonnegative=True)
    assert codes.converged.all()
    eps, x2 = torch.finfo(X.dtype).eps, X.square().sum(1)
    exact = codes.objective <= 0.5 * max(D.shape) * eps * x2  # but for rounding
    assert ((codes.gap <= 1e-9 * codes.objective + 0.5 * eps**1.5 * x2) | exact).all()
    assert optimality(X, D, codes.H, 0.0, nonnegative=True).max() < 1e-3
    best = torch.tensor([0.5 * float(nnls(D.numpy(), x)[1]) ** 2 for x in X.numpy()], dtype=X.dtype)
    assert torch.allclose(codes.objective[~exact], best[~exact], rtol=1e-8)
    assert (best[exact] <= max(D.shape) * eps * x2[exact]).all()


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tolerance_zero_is_eight_eps(solver, dtype):
    """The gap of well conditioned samples comes as near to zero as its own terms are rounded."""
    X, D = problem(n=200, d=20, m=5, dtype=dtype)
    X = X.sign() * (1 + X.abs())
    eps = torch.finfo(dtype).eps
    none, least = (SOLVERS[solver](X, D, 0.5, tol=tol) for tol in (0.0, 8 * eps))
    assert least.converged.all()
    assert torch.equal(none.converged, least.converged)
    assert (none.gap <= 8 * eps * none.objective).all()


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_penalty_for_each_sample(solver):
    X, D = problem()
    penalty = torch.linspace(0.05, 5, len(X), dtype=X.dtype)
    codes = SOLVERS[solver](X, D, penalty, tol=1e-13)
    alone = torch.cat(
        [
            SOLVERS[solver](x[None], D, float(t), tol=1e-13).H
            for x, t in zip(X, penalty, strict=True)
        ]
    )
    assert (codes.H - alone).abs().max() < 1e-6
    assert not codes.H[largest_penalty(X, D) <= penalty].any()


@pytest.mark.parametrize("solver", FROM_ANYWHERE)
def test_a_start_at_the_solution_costs_nothing(solver):
    X, D = problem()
    cold = SOLVERS[solver](X, D, 0.3, tol=1e-12)
    before = cold.H.clone()
    warm = SOLVERS[solver](X, D, 0.3, tol=1e-11, H0=cold.H)
    assert not warm.iterations.any()
    assert torch.equal(warm.H, before)
    assert torch.equal(cold.H, before)


@pytest.mark.parametrize("solver", FROM_ANYWHERE)
def test_a_start_elsewhere_leads_to_the_same_codes(solver):
    X, D = problem(d=20)
    cold = SOLVERS[solver](X, D, 0.3, tol=1e-12)
    warm = SOLVERS[solver](X, D, 0.3, tol=1e-12, H0=torch.ones_like(cold.H))
    assert (warm.H - cold.H).abs().max() < 1e-5  # the square root of what the gap has


@pytest.mark.parametrize("solver", SOLVERS)
def test_float32_stays_float32_and_reaches_the_default_tolerance(solver):
    X, D = problem(dtype=torch.float32)
    codes = SOLVERS[solver](X, D, 0.3)
    exact = coordinate_descent(X.double(), D.double(), 0.3, tol=1e-12)
    assert codes.H.dtype == torch.float32
    assert codes.objective.dtype == codes.gap.dtype == torch.float64
    assert codes.iterations.dtype == torch.int64
    assert codes.converged.all()
    real = (codes.objective - exact.objective) / exact.objective
    assert real.max() < 1.01e-4
    assert real.min() > -1e-6


@pytest.mark.parametrize("solver", [coordinate_descent, homotopy])
def test_what_float32_can_not_say_is_said_in_float64(solver):
    """Eight eps of float32, of dependent atoms: its own correlations are off by more than that."""
    X, D = problem(n=40, d=20, m=40, condition=100.0, dtype=torch.float32)
    codes = solver(X, D, 0.05, tol=0.0)
    assert codes.converged.all()
    assert codes.iterations.max() < 200
    exact = coordinate_descent(X.double(), D.double(), float(torch.tensor(0.05)), tol=1e-10)
    assert torch.allclose(codes.objective, exact.objective, rtol=1e-6)


@given(
    seed=st.integers(0, 10**6),
    d=st.integers(1, 8),
    m=st.integers(1, 20),
    share=st.floats(0.01, 1.2),
    nonnegative=st.booleans(),
    newton=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_the_gap_asked_for_is_reached(seed, d, m, share, nonnegative, newton):
    X, D = problem(n=3, d=d, m=m, seed=seed)
    penalty = share * largest_penalty(X, D)
    codes = coordinate_descent(
        X, D, penalty, tol=1e-8, nonnegative=nonnegative, newton=newton, max_iter=5000
    )
    gap = duality_gap(X, D, codes.H, penalty, nonnegative=nonnegative)
    assert codes.converged.all()
    assert (gap <= 1.01e-8 * codes.objective).all()
    assert not nonnegative or (codes.H >= 0).all()


def test_ista_descends_and_keeps_its_rate():
    X, D = problem(n=1)
    H0 = torch.ones(1, 15, dtype=X.dtype)
    best = coordinate_descent(X, D, 0.3, tol=1e-14)
    distance = float((H0 - best.H).square().sum())
    codes = ista(X, D, 0.3, H0=H0, tol=1e-6, trace=True)
    above = np.array(codes.trace) - float(best.objective)
    # An objective is ||x||^2 less what is explained, sums of 15 terms of that size.
    rounding = 15 * np.finfo(np.float64).eps * float(X.square().sum() + codes.trace[0])
    assert (np.diff(codes.trace) <= rounding).all()
    k = np.arange(1, len(above))
    assert (above[1:] <= lipschitz(D) * distance / (2 * k)).all()
    assert len(codes.trace) == int(codes.iterations) + 1
    plain = fista(X, D, 0.3, H0=H0, tol=1e-6, restart=False, trace=True)
    above = np.array(plain.trace) - float(best.objective)
    k = np.arange(1, len(above))
    assert (above[1:] <= 2 * lipschitz(D) * distance / (k + 1) ** 2).all()


def test_the_trace_is_the_mean_objective_of_the_iterates():
    X, D = problem()
    codes = ista(X, D, 0.3, tol=0, max_iter=4, trace=True)
    step, H = 1 / lipschitz(D), torch.zeros(12, 15, dtype=X.dtype)
    for k in range(5):
        assert codes.trace[k] == pytest.approx(
            float(lasso_objective(X, D, H, 0.3).mean()), rel=1e-12
        )
        if k < 4:
            Z = H + step * (X - H @ D.T) @ D
            H = Z.sign() * (Z.abs() - 0.3 * step).clamp(min=0)
    assert (codes.H - H).abs().max() < 1e-12
    assert (codes.iterations == 4).all()
    assert not codes.converged.any()


def test_fista_takes_the_steps_of_beck_and_teboulle():
    X, D = problem(m=30)  # m >= 2 d: by the residual
    codes = fista(X, D, 0.3, tol=0, max_iter=15, restart=False)
    step, t = 1 / lipschitz(D), 1.0
    H = Y = torch.zeros(12, 30, dtype=X.dtype)
    for _ in range(15):
        Z = Y + step * (X - Y @ D.T) @ D
        new = Z.sign() * (Z.abs() - 0.3 * step).clamp(min=0)
        following = (1 + (1 + 4 * t * t) ** 0.5) / 2
        H, Y, t = new, new + (t - 1) / following * (new - H), following
    assert (codes.H - H).abs().max() < 1e-12


def test_restarts_pay_on_an_ill_conditioned_problem():
    X, D = problem(d=12, m=12, condition=100.0)
    fast = fista(X, D, 0.02, tol=1e-8, max_iter=20000)
    slow = fista(X, D, 0.02, tol=1e-8, max_iter=2 * int(fast.iterations.max()), restart=False)
    assert fast.converged.all()
    assert not slow.converged.all()
    assert 1.5 * fast.iterations.sum() < slow.iterations.sum()


def test_the_sign_clamp_takes_the_same_steps():
    X, D = problem()
    penalty = torch.linspace(0, 2, 12, dtype=X.dtype)
    prox = ista(X, D, penalty, tol=0, max_iter=50)
    clamp = ista(X, D, penalty, tol=0, max_iter=50, rule="sign clamp")
    assert (clamp.H - prox.H).abs().max() < 1e-13
    assert ((clamp.H == 0) == (prox.H == 0)).all()


def test_a_step_beyond_two_over_l_blows_up_and_one_below_does_not():
    X, D = problem()
    L = lipschitz(D)
    over = ista(X, D, 0.3, step=4 / L, max_iter=100, trace=True)
    assert over.trace[-1] > 1e6 * over.trace[0]
    assert not over.converged.all()
    under = ista(X, D, 0.3, step=1.9 / L, max_iter=MANY, tol=1e-12)
    assert under.converged.all()
    assert (under.H - ista(X, D, 0.3, max_iter=MANY, tol=1e-12).H).abs().max() < 1e-5


@pytest.mark.parametrize("solver", FAST)
def test_neither_blocks_nor_threads_change_the_codes(solver, monkeypatch):
    X, D = problem(n=50)
    penalty = torch.linspace(0.05, 2, 50, dtype=X.dtype)
    whole = SOLVERS[solver](X, D, penalty, tol=1e-10)
    monkeypatch.setitem(proximal_gradient._BLOCK, "cpu", 7 * 15)
    monkeypatch.setattr(parallel, "_BLOCK", 20 * 15)
    monkeypatch.setattr(parallel, "_CHUNK", 3 * 15)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        parts = SOLVERS[solver](X, D, penalty, tol=1e-10)
    finally:
        torch.set_num_threads(before)
    assert (parts.H - whole.H).abs().max() < 1e-9
    assert torch.equal(parts.converged, whole.converged)
    assert (parts.iterations - whole.iterations).abs().max() <= 10
    assert parts.iterations.min() < parts.iterations.max()  # each sample stops by itself


def test_so_many_iterations_that_no_loop_counts_them_are_many():
    X, D = problem()
    for solver in SOLVERS.values():
        assert solver(X, D, 0.5, max_iter=10**30).converged.all()


def test_max_iter_is_kept():
    X, D = problem(condition=100.0)
    for solver in SOLVERS.values():
        codes = solver(X, D, 0.01, tol=1e-12, max_iter=3)
        assert codes.iterations.max() == 3
        assert not codes.converged.all()
        assert torch.allclose(codes.objective, lasso_objective(X, D, codes.H, 0.01))
        assert not solver(X, D, 0.01, max_iter=0).H.any()


def test_auto_says_what_it_chose(monkeypatch):
    X, D = problem()
    codes = sparse_codes(X, D, 0.3)
    assert codes.solver == "coordinate descent"
    assert re.fullmatch(
        r"the largest eigenvalue .* at most 1\.87 times .* not much alike", codes.reason
    )
    monkeypatch.setattr("replearn.sparse.choice._ATOMS", 10)
    codes = sparse_codes(X, D, 0.3)
    assert codes.solver == "fista"
    assert "15 atoms" in codes.reason
    assert sparse_codes(X, D, 0.3, solver="ista").solver == "ista"
    assert sparse_codes(X, D, 0.3, solver="ista").reason == ""


@pytest.mark.parametrize("solver", ["ista", "fista", "coordinate descent"])
def test_the_bar_counts_all_samples(solver, capsys):
    X, D = problem()
    sparse_codes(X, D, 0.3, solver=solver, progress="always")
    assert "12/12" in capsys.readouterr().err
    sparse_codes(X, D, 0.3, solver=solver, progress=True)  # no terminal
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"X": torch.full((2, 10), torch.nan)}, "X: got NaN or infinite values"),
        ({"X": torch.ones(0, 10)}, r"X: got shape \(0, 10\), want \(n, d\) with at least one row"),
        (
            {"D": torch.ones(10, 0)},
            r"D: got shape \(10, 0\), want \(10, m\) with at least",
        ),
        ({"D": torch.ones(9, 3)}, r"D: got shape \(9, 3\), want \(10, m\)"),
        ({"D": torch.ones(10, 3)}, "D: got dtype torch.float32, want torch.float64"),
        ({"penalty": -1}, "penalty: got -1, want finite values of at least 0"),
        ({"penalty": torch.ones(5)}, r"penalty: got shape \(5,\), want a number or shape \(12,\)"),
        ({"tol": -1e-3}, "tol: got -0.001, want a number of at least 0"),
        ({"max_iter": -1}, "max_iter: got -1, want at least 0"),
        ({"max_iter": 1.5}, "max_iter: got 1.5, want an integer"),
        ({"nonnegative": "no"}, "nonnegative: got 'no', want True or False"),
        ({"penalty": 10**400}, "penalty: got inf, want finite values of at least 0"),
        ({"penalty": True}, "penalty: got True, want a number of at least 0"),
        ({"H0": torch.ones(2, 2)}, r"H0: got shape \(2, 2\), want \(n, m\) = \(12, 15\)"),
        ({"H0": -torch.ones(12, 15).double(), "nonnegative": True}, "H0: got negative codes"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(solver, wrong, message):
    X, D = problem()
    with pytest.raises(ValueError, match=message):
        SOLVERS[solver](**({"X": X, "D": D, "penalty": 0.1} | wrong))


def test_unknown_solvers_rules_and_steps_are_refused_by_name():
    X, D = problem()
    with pytest.raises(ValueError, match="solver: got 'lars', want one of 'auto', 'ista', 'fista'"):
        sparse_codes(X, D, 0.1, solver="lars")
    with pytest.raises(ValueError, match="rule: got 'hard', want 'prox' or 'sign clamp'"):
        ista(X, D, 0.1, rule="hard")
    with pytest.raises(ValueError, match="rule: got 'sign clamp', want 'prox' with weights"):
        ista(X, D, 0.1, rule="sign clamp", nonnegative=True)
    for step in (0.0, -1.0, float("nan"), float("inf"), "1"):
        with pytest.raises(ValueError, match=r"step: got .*, want a positive number or None"):
            fista(X, D, 0.1, step=step)


def test_coordinate_descent_is_for_the_cpu():
    X, D = torch.ones(2, 3, device="meta"), torch.ones(3, 4, device="meta")
    problem = coordinate.Problem(X, D, X[:, 0], L1Norm(), 0.0, None, 1e-4, 10)
    with pytest.raises(ValueError, match="X: got a tensor on meta, want the cpu for coordinate"):
        Exactly.of(problem, "coordinate descent")


def test_an_interrupt_ends_a_long_run_promptly():
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(20_000, 50, generator=generator)
    D = torch.randn(50, 120, generator=generator)
    coordinate_descent(X[:1], D, 1.0)  # compiled by now
    threads = threading.active_count()
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        coordinate_descent(X, D, 1e-3, tol=0.0)
    assert time.perf_counter() - start < 3
    timer.join()
    assert threading.active_count() == threads


def test_importing_compiles_nothing():
    code = "import sys, replearn.sparse; assert 'numba' not in sys.modules, 'numba is imported'"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("nonnegative", [False, True])
def test_a_gpu_finds_the_same_codes(nonnegative):
    X, D = problem(n=200)
    penalty = torch.linspace(0.05, 2, 200, dtype=X.dtype)
    want = coordinate_descent(X, D, penalty, tol=1e-12, nonnegative=nonnegative).H
    codes = sparse_codes(
        X.cuda(), D.cuda(), penalty.cuda(), tol=1e-12, nonnegative=nonnegative, max_iter=MANY
    )
    assert codes.solver == "fista"
    assert "cuda" in codes.reason
    assert codes.H.is_cuda
    assert (codes.H.cpu() - want).abs().max() < 1e-5
    with pytest.raises(ValueError, match="X: got a tensor on cuda:0, want the cpu"):
        coordinate_descent(X.cuda(), D.cuda(), 0.1)


def test_no_caller_takes_codes_and_drops_whether_they_converged():
    """``sparse_codes(...).H`` is for readers at a prompt; the library keeps the status."""
    solvers = {"sparse_codes", "ista", "fista", "coordinate_descent", "homotopy", "run"}
    dropped = []
    for path in Path(replearn.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Call):
                function = node.value.func
                name = getattr(function, "id", getattr(function, "attr", ""))
                if name in solvers and node.attr == "H":
                    dropped.append(f"{path.name}:{node.lineno}")
    assert dropped == []
