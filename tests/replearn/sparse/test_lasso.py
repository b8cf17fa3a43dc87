"""Objective, optimality conditions and duality gap, from their definitions."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from replearn.sparse import (
    duality_gap,
    fista,
    largest_penalty,
    lasso,
    lasso_objective,
    lipschitz,
    optimality,
)


def problem(n=7, d=5, m=9, *, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    X, D, H = (torch.randn(*s, generator=generator, dtype=dtype) for s in [(n, d), (d, m), (n, m)])
    return X, D, H


def test_the_objective_is_what_it_says(monkeypatch):
    X, D, H = problem()
    lam = torch.linspace(0, 2, 7, dtype=torch.float64)
    want = [
        0.5 * float((x - D @ h) @ (x - D @ h)) + float(t) * float(h.abs().sum())
        for x, h, t in zip(X, H, lam, strict=True)
    ]
    assert lasso_objective(X, D, H, lam).tolist() == pytest.approx(want, rel=1e-12)
    monkeypatch.setattr(lasso, "_ROWS", 3)
    assert lasso_objective(X, D, H, lam).tolist() == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("penalty", [0.0, 0.3])
def test_optimality_is_the_distance_to_the_subgradients(nonnegative, penalty):
    X, D, H = problem()
    H = torch.where(H.abs() < 0.7, 0.0, H.abs() if nonnegative else H)
    for x, h, got in zip(X, H, optimality(X, D, H, penalty, nonnegative=nonnegative), strict=True):
        q = D.T @ (x - D @ h)
        worst = 0.0
        for correlation, code in zip(q.tolist(), h.tolist(), strict=True):
            if code > 0:
                distance = abs(correlation - penalty)
            elif code < 0:
                distance = abs(correlation + penalty)
            else:  # the subgradients at 0: [-penalty, penalty], without the lower end if h >= 0
                below = 0.0 if nonnegative else max(-penalty - correlation, 0.0)
                distance = max(correlation - penalty, below)
            worst = max(worst, distance)
        assert float(got) == pytest.approx(worst, abs=1e-12)


@given(
    seed=st.integers(0, 10**6),
    penalty=st.floats(1e-3, 5),
    scale=st.sampled_from([0.0, 1e-3, 1.0, 10.0]),
    nonnegative=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_the_gap_bounds_the_distance_to_the_minimum(seed, penalty, scale, nonnegative):
    X, D, H = problem(n=4, seed=seed)
    best = fista(X, D, penalty, tol=1e-9, max_iter=5000, nonnegative=nonnegative)
    H = best.H + scale * H
    if nonnegative:
        H = H.abs()
    above = lasso_objective(X, D, H, penalty) - best.objective
    gap = duality_gap(X, D, H, penalty, nonnegative=nonnegative)
    assert (gap >= above - 1e-9 * (1 + above)).all()
    if scale == 0:
        assert (gap <= 2e-8 * (1 + best.objective))[best.converged].all()


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize(("d", "m"), [(9, 5), (5, 9)])
def test_without_penalty_the_gap_bounds_the_distance_to_least_squares(nonnegative, d, m):
    X, D, H = problem(d=d, m=m)
    H = H.abs()
    best = fista(X, D, 0.0, tol=1e-12, max_iter=20000, nonnegative=nonnegative)
    above = lasso_objective(X, D, H, 0.0) - best.objective
    gap = duality_gap(X, D, H, 0.0, nonnegative=nonnegative)
    assert (gap >= above - 1e-12).all()
    assert above.min() > 0.1
    if not nonnegative:
        H = torch.linalg.lstsq(D, X.T).solution.T
        assert duality_gap(X, D, H, 0.0).max() < 1e-20
    elif m < d:
        assert duality_gap(X, D, best.H, 0.0, nonnegative=True).max() < 1e-9
    else:
        assert torch.allclose(gap, lasso_objective(X, D, H, 0.0))


def test_without_penalty_a_dictionary_of_zeros_is_optimal_anywhere():
    X, D, H = problem()
    assert torch.equal(duality_gap(X, 0 * D, H, 0.0), torch.zeros(7, dtype=torch.float64))


def test_duplicated_atoms_leave_the_signed_curvature_and_remove_the_nonnegative_one():
    D = torch.eye(3, dtype=torch.float64)[:, [0, 0]] * 3
    assert lasso.smallest_curvature(D, False) == pytest.approx(18)
    assert lasso.smallest_curvature(D, True) == 0
    assert lasso.smallest_curvature(0 * D, False) == 0


def test_atoms_of_zeros_leave_the_curvature_as_it_is():
    _, D, _ = problem(d=9, m=5)
    wider = torch.cat([D, torch.zeros(9, 2, dtype=D.dtype)], 1)
    for nonnegative in (False, True):
        mu = lasso.smallest_curvature(D, nonnegative)
        assert mu > 0
        assert lasso.smallest_curvature(wider, nonnegative) == pytest.approx(mu)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_without_penalty_the_last_bit_of_a_correlation_does_not_decide_the_gap(dtype):
    """Dependent atoms and nonnegative codes, at the optimum: correlations of the support are 0
    but for rounding, of either sign."""
    eps = torch.finfo(dtype).eps
    D = torch.eye(3, dtype=dtype)[:, [0, 0, 1, 2]]
    X = torch.tensor([[1.0, 2.0, -3.0]], dtype=dtype)
    for wrong in (-2 * eps, 0.0, 2 * eps):
        H = torch.tensor([[0.5, 0.5 + wrong, 2.0, 0.0]], dtype=dtype)
        assert duality_gap(X, D, H, 0.0, nonnegative=True).max() <= 4 * eps
    H = torch.tensor([[0.5, 0.5 - 1e3 * eps, 2.0, 0.0]], dtype=dtype)  # no rounding any more
    gap = duality_gap(X, D, H, 0.0, nonnegative=True)
    assert torch.allclose(gap, lasso_objective(X, D, H, 0.0))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("d", "m"), [(30, 20), (20, 30)])
def test_lipschitz_is_a_tight_upper_bound(dtype, d, m):
    _, D, _ = problem(d=d, m=m, dtype=dtype)
    exact = float(torch.linalg.matrix_norm(D.double(), 2)) ** 2
    assert exact * (1 + torch.finfo(dtype).eps) <= lipschitz(D) <= exact * (1 + 1e-5)


def test_from_the_largest_penalty_on_the_code_is_zero():
    X, D, _ = problem()
    edge = largest_penalty(X, D)
    assert edge.tolist() == pytest.approx([float((D.T @ x).abs().max()) for x in X])
    zero = torch.zeros(7, 9, dtype=torch.float64)
    assert optimality(X, D, zero, edge * (1 + 1e-12)).max() == 0
    assert optimality(X, D, zero, edge * 0.99).min() > 0


GOOD = dict(zip("XDH", problem(), strict=True)) | {"penalty": 0.1}
LONG = torch.ones(8, dtype=torch.float64)


@pytest.mark.parametrize("function", [lasso_objective, optimality, duality_gap])
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"X": 1.0}, r"X: got float, want a torch tensor of shape \(n, d\)"),
        ({"X": torch.ones(0, 5)}, r"X: got shape \(0, 5\), want \(n, d\) with at least one row"),
        ({"X": GOOD["X"] * float("nan")}, "X: got NaN or infinite values"),
        ({"X": GOOD["X"].int()}, "X: got dtype torch.int32, want torch.float32 or torch.float64"),
        ({"D": None}, r"D: got NoneType, want a torch tensor of shape \(d, m\)"),
        ({"D": GOOD["D"].T}, r"D: got shape \(9, 5\), want \(5, m\)$"),
        ({"D": GOOD["D"][:, :0]}, r"D: got shape \(5, 0\), want \(5, m\) with at least one atom"),
        ({"D": GOOD["D"].float()}, "D: got dtype torch.float32, want torch.float64, that of X"),
        ({"D": GOOD["D"] / 0}, "D: got NaN or infinite values"),
        ({"D": GOOD["D"].to("meta")}, "D: got a tensor on meta, want cpu, where X lies"),
        ({"H": [1.0]}, r"H: got list, want a torch tensor of shape \(7, 9\)"),
        ({"H": GOOD["H"].T}, r"H: got shape \(9, 7\), want \(n, m\) = \(7, 9\)"),
        ({"H": GOOD["H"].float()}, "H: got dtype torch.float32, want torch.float64"),
        ({"penalty": -0.5}, "penalty: got -0.5, want finite values of at least 0"),
        ({"penalty": float("nan")}, "penalty: got nan, want finite values of at least 0"),
        ({"penalty": float("inf")}, "penalty: got inf, want finite values of at least 0"),
        ({"penalty": "1"}, "penalty: got '1', want a number of at least 0 or a tensor"),
        ({"penalty": LONG}, r"penalty: got shape \(8,\), want a number or shape \(7,\)"),
        ({"penalty": -LONG[:7]}, "penalty: got -1, want finite values of at least 0"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(function, wrong, message):
    with pytest.raises(ValueError, match=message):
        function(**(GOOD | wrong))


@pytest.mark.parametrize("function", [optimality, duality_gap])
def test_negative_codes_are_refused_where_none_should_be(function):
    with pytest.raises(ValueError, match="H: got negative codes, want none with nonnegative=True"):
        function(**GOOD, nonnegative=True)


def test_a_dictionary_alone_is_checked_too():
    with pytest.raises(ValueError, match=r"D: got shape \(3, 0\), want \(d, m\) with at least one"):
        lipschitz(torch.ones(3, 0))
    with pytest.raises(ValueError, match="D: got NaN or infinite values"):
        lipschitz(torch.full((2, 2), torch.nan))
    with pytest.raises(ValueError, match=r"D: got shape \(4, 4\), want \(5, m\)"):
        largest_penalty(torch.ones(3, 5), torch.ones(4, 4))
