"""The homotopy: every corner of the path beside scikit-learn's, ties, copies, many penalties."""

import numpy as np
import pytest
import torch
from numba.core.dispatcher import Dispatcher
from sklearn.linear_model import lars_path_gram

from replearn.sparse import (
    coordinate_descent,
    homotopy,
    kernels,
    optimality,
    path_kernels,
    sparse_codes,
)
from replearn.sparse.arguments import check_problem
from replearn.sparse.path import run_path


def problem(n=5, d=12, m=9, *, seed=0, shift=0.0):
    generator = torch.Generator().manual_seed(seed)
    X, D = (torch.randn(*s, generator=generator, dtype=torch.float64) for s in [(n, d), (d, m)])
    D = shift + D
    return X, D / D.norm(dim=0)


@pytest.mark.parametrize("shift", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(6))
def test_the_path_is_that_of_scikit_learn(seed, shift):
    """At each of its corners, and half way between two: the code is linear in the penalty there."""
    X, D = problem(seed=seed, shift=shift)
    x, A = X[0].numpy(), D.numpy()
    corners, _, H = lars_path_gram(A.T @ x, A.T @ A, n_samples=1, method="lasso", return_path=True)
    middle = (corners[1:] + corners[:-1]) / 2
    penalties = np.sort(np.concatenate([corners[1:-1], middle]))[::-1].copy()
    wanted = np.stack([np.interp(penalties, corners[::-1], h[::-1]) for h in H], 1)
    checked = check_problem(X[:1], D, 0.0, tol=1e-10, max_iter=None)
    found = run_path(checked, torch.from_numpy(penalties)[None])
    assert np.allclose(torch.cat([codes.H for codes in found]), wanted, atol=1e-9)
    assert all(codes.converged.all() for codes in found)


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_nonnegative_codes_are_optimal_all_along(shift):
    X, D = problem(n=40, shift=shift)
    largest = (X @ D).amax(1).clamp(min=0.1)
    for share in (0.9, 0.5, 0.1, 0.01, 0.0):
        codes = homotopy(X, D, share * largest, nonnegative=True, tol=1e-12)
        assert codes.converged.all()
        assert (codes.H >= 0).all()
        assert (optimality(X, D, codes.H, share * largest, nonnegative=True) < 1e-10).all()


def test_an_atom_that_leaves_comes_back_with_the_other_sign_in_one_step():
    """As it did not in a first version: then codes of a fifth of such samples were wrong."""
    X, D = problem(n=200, d=40, m=20, seed=1, shift=1.0)
    largest = (X @ D).abs().amax(1)
    codes = homotopy(X, D, 0.01 * largest, tol=1e-12, max_iter=200)
    assert codes.converged.all()
    assert (optimality(X, D, codes.H, 0.01 * largest) < 1e-10).all()
    assert (codes.iterations > 22).any()  # some atoms did leave


@pytest.mark.parametrize("m", [3, 8])
def test_ties_and_copies_are_passed(m):
    """Orthogonal atoms all of whose correlations are one number, and each of them twice."""
    D = torch.eye(m, dtype=torch.float64).repeat(1, 2)
    X = torch.ones(2, m, dtype=torch.float64) * torch.tensor([[1.0], [-1.0]]).double()
    codes = homotopy(X, D, 0.25, tol=1e-12)
    assert codes.converged.all()
    assert torch.allclose(codes.H @ D.T, 0.75 * X)
    assert torch.allclose(codes.H.abs().sum(1), torch.full((2,), 0.75 * m).double())


def test_hierarchical_atoms_on_a_grid_are_passed():
    """Integers: correlations tie again and again on the way down."""
    generator = torch.Generator().manual_seed(3)
    D = torch.randint(0, 2, (10, 30), generator=generator).double()
    X = torch.randint(-3, 4, (60, 10), generator=generator).double()
    codes = homotopy(X, D, 0.5, tol=1e-10)
    assert codes.converged.all()
    assert (optimality(X, D, codes.H, 0.5) < 1e-7).all()


def test_without_a_penalty_it_ends_at_least_squares():
    X, D = problem(d=12, m=6)
    codes = homotopy(X, D, 0.0, tol=1e-12)
    assert codes.converged.all()
    assert torch.allclose(codes.H, torch.linalg.lstsq(D, X.T).solution.T)


def test_at_many_penalties_each_sample_has_the_codes_of_each():
    X, D = problem(n=7, shift=1.0)
    falling = torch.tensor([2.0, 0.3, 0.3, 0.05, 0.0], dtype=torch.float64)
    checked = check_problem(X, D, 0.0, tol=1e-10, max_iter=None)
    found = run_path(checked, falling.expand(7, -1))
    for penalty, codes in zip(falling.tolist(), found, strict=True):
        alone = coordinate_descent(X, D, penalty, tol=1e-12)
        assert torch.allclose(codes.H, alone.H, atol=1e-6)
        assert torch.allclose(codes.objective, alone.objective)
        assert codes.converged.all()


def test_it_stops_after_max_iter_and_says_so():
    X, D = problem(n=6, d=40, m=30)
    codes = homotopy(X, D, 0.01, max_iter=4, tol=1e-6)
    assert codes.iterations.max() <= 4
    assert not codes.converged.any()
    assert ((codes.H != 0).sum(1) <= 4).all()


def test_no_start_is_taken():
    X, D = problem()
    with pytest.raises(ValueError, match="H0: got codes, want None for the homotopy"):
        sparse_codes(X, D, 0.1, solver="homotopy", H0=torch.zeros(5, 9).double())


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_plain_and_compiled_loops_agree(nonnegative, dtype, monkeypatch):
    X, D = problem(n=4, d=9, m=12, shift=0.5)
    X, D = X.to(dtype), torch.cat([D, D[:, :2], 0 * D[:, :1]], 1).to(dtype)
    how = {"nonnegative": nonnegative, "tol": 1e-6}
    fast = homotopy(X, D, 0.05, **how)
    for module in (kernels, path_kernels):
        for name, value in list(vars(module).items()):
            if isinstance(value, Dispatcher):
                monkeypatch.setattr(module, name, value.py_func)
    slow = homotopy(X, D, 0.05, **how)
    assert torch.allclose(slow.H, fast.H, atol=1e-5)
    assert torch.equal(slow.converged, fast.converged)
    assert fast.converged.all()


def test_slopes_of_float32_that_lead_astray_are_followed_again_in_float64(monkeypatch):
    """Atoms so much alike that float32 can't tell which comes next."""
    generator = torch.Generator().manual_seed(0)
    D = torch.randn(16, 1, generator=generator) + 1e-2 * torch.randn(16, 200, generator=generator)
    X = 1 + 0.1 * torch.randn(10, 16, generator=generator)
    D = D / D.norm(dim=0)
    penalty = 0.001 * float((X @ D).abs().amax(1).median())
    codes = homotopy(X, D, penalty, tol=1e-6)
    assert codes.converged.all()
    assert ((codes.H != 0).sum(1) <= 16).all()
