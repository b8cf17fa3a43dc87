"""The loops of coordinate descent as plain Python."""

import pickle

import numpy as np
import pytest
import torch
from numba.core.dispatcher import Dispatcher

from replearn.sparse import coordinate_descent, kernels, optimality

NAMES = [name for name, value in vars(kernels).items() if isinstance(value, Dispatcher)]


@pytest.fixture
def plain(monkeypatch):
    """Kernels that are not compiled: line by line what the compiled ones do."""
    for name in NAMES:
        monkeypatch.setattr(kernels, name, getattr(kernels, name).py_func)


def problem(n=6, d=5, m=8, *, seed=0, coherent=False):
    generator = torch.Generator().manual_seed(seed)
    X, D = (torch.randn(*s, generator=generator, dtype=torch.float64) for s in [(n, d), (d, m)])
    if coherent:
        D += 3 * D[:, :1]
    return X, D / D.norm(dim=0)


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("newton", [False, True])
@pytest.mark.parametrize("coherent", [False, True])
@pytest.mark.parametrize("penalty", [0.0, 0.1])
def test_plain_and_compiled_kernels_agree(nonnegative, newton, coherent, penalty, monkeypatch):
    X, D = problem(m=4 if penalty == 0 else 8, coherent=coherent)
    D[:, 2] = 0
    how = {"tol": 1e-10, "nonnegative": nonnegative, "newton": newton}
    fast = coordinate_descent(X, D, penalty, **how)
    for name in NAMES:
        monkeypatch.setattr(kernels, name, getattr(kernels, name).py_func)
    slow = coordinate_descent(X, D, penalty, **how)
    assert torch.allclose(slow.H, fast.H, atol=1e-8)
    assert torch.allclose(slow.objective, fast.objective, rtol=1e-12)
    assert torch.equal(slow.converged, fast.converged)
    warm = coordinate_descent(X, D, penalty, **how | {"tol": 1e-9}, H0=slow.H)
    assert not warm.iterations[slow.converged].any()


def support(seed=0, n_atoms=6, d=10):
    """Active atoms, all with codes, in buffers of a width of 32."""
    generator = np.random.default_rng(seed)
    D = generator.standard_normal((d, n_atoms))
    x = generator.standard_normal(d)
    A = np.zeros((n_atoms, 48))
    A[:, :n_atoms] = D.T @ D
    code, correlation = np.zeros(32), np.zeros(32)
    code[:n_atoms] = generator.standard_normal(n_atoms)
    correlation[:n_atoms] = D.T @ (x - D @ code[:n_atoms])
    return D, x, A, code, correlation


def take_newton_step(A, code, correlation, lam, k=6):
    reduced = (code, correlation, A, 1 / A.diagonal())
    direction = (np.zeros(k, np.int64), np.zeros((k, 48)), np.zeros(32))
    return kernels.newton(reduced, direction, k, lam, 1e-12)


@pytest.mark.usefixtures("plain")
def test_a_full_newton_step_solves_the_equations_of_the_support():
    D, x, A, code, correlation = support()
    solution = np.linalg.solve(D.T @ D, D.T @ x)
    lam = 1e-3
    code[:6] = solution * 1.01
    correlation[:6] = D.T @ (x - D @ code[:6])
    assert take_newton_step(A, code, correlation, lam)
    assert np.allclose(correlation[:6], lam * np.sign(code[:6]), atol=1e-12)
    assert np.allclose(correlation[:6], D.T @ (x - D @ code[:6]), atol=1e-12)
    assert not code[6:].any()


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("seed", range(5))
def test_a_blocked_newton_step_ends_at_the_first_zero_and_descends(seed):
    D, x, A, code, correlation = support(seed)
    lam = 5.0  # towards zero, and beyond for some

    def objective(h):
        return 0.5 * np.sum((x - D @ h) ** 2) + lam * np.abs(h).sum()

    before = code[:6].copy()
    assert not take_newton_step(A, code, correlation, lam)
    assert (code[:6] == 0).sum() == 1
    assert (code[:6] * before >= 0).all()
    assert objective(code[:6]) < objective(before)
    assert np.allclose(correlation[:6], D.T @ (x - D @ code[:6]), atol=1e-12)


@pytest.mark.usefixtures("plain")
def test_dependent_atoms_keep_their_codes_in_a_newton_step():
    D, x, A, code, correlation = support(n_atoms=6)
    D[:, 3] = D[:, 1]
    A[:, :6] = D.T @ D
    code[:6] = np.abs(np.linalg.lstsq(D, x, rcond=None)[0]) + 1
    correlation[:6] = D.T @ (x - D @ code[:6])
    kept = code[3]
    take_newton_step(A, code, correlation, 0.1)
    assert np.isfinite(code).all()
    assert code[3] == kept
    assert take_newton_step(A, 0 * code, correlation, 0.1)  # no support: nothing to do


@pytest.mark.usefixtures("plain")
def test_halted_kernels_return():
    X, D = problem()
    halt = np.ones(1, np.bool_)
    B, G, lam = (X @ D).numpy(), (D.T @ D).numpy(), np.full(6, 0.1)
    H = np.full((6, 8), 7.0)
    counts, values, gaps, done = np.zeros(6, np.int64), np.zeros(6), np.zeros(6), np.zeros(6, bool)
    some = (B, X.square().sum(1).numpy(), lam, G, False)
    exact = X.numpy(), D.numpy(), G
    options, precision = (False, True, 1e-9, 100, 12), (0.0, 2e-16, 1e-15, 1e-15, 0.0, 1.0)
    results = H, counts, values, gaps, done
    kernels.solve(some, exact, options, precision, precision, halt, results)
    assert not H[0].any()
    assert (H[1:] == 7).all()
    assert not counts.any()
    assert not done.any()


def test_no_class_of_ours_is_pickled_into_the_cache():
    """Once it is renamed, a cache that names it can't be read, not even to be replaced."""
    X, D = problem()
    coordinate_descent(X, D, 0.1)
    assert kernels.solve.signatures
    for name in NAMES:
        for signature in getattr(kernels, name).signatures:
            assert b"replearn" not in pickle.dumps(signature), name


def test_codes_by_plain_kernels_are_optimal(plain):
    X, D = problem(n=4, m=6, seed=3)
    codes = coordinate_descent(X, D, 0.2, tol=1e-12)
    assert optimality(X, D, codes.H, 0.2).max() < 1e-6
