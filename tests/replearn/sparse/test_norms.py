"""Norms against their definitions, and the problems with them against scikit-learn and by hand."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from sklearn.linear_model import ElasticNet, Lasso

from replearn.sparse import (
    duality_gap,
    fista,
    largest_penalty,
    lasso_objective,
    optimality,
    sparse_codes,
)
from replearn.sparse.norms import GroupNorm, L1Norm

GROUPS = torch.tensor([0, 1, 0, 2, 1, 1, 2])
WEIGHTS = torch.tensor([1.0, 0.5, 2.0], dtype=torch.float64)


def draw(*size, seed=0):
    return torch.randn(*size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def norms(nonnegative=False):
    yield L1Norm(None, nonnegative)
    yield L1Norm(0.5 + draw(7, seed=1).abs(), nonnegative)
    yield GroupNorm(GROUPS, WEIGHTS, nonnegative)


@pytest.mark.parametrize("nonnegative", [False, True])
def test_the_proximal_operator_minimises_what_it_says(nonnegative):
    Z, t = draw(4, 7), torch.tensor([0.2, 0.5, 1.0, 3.0], dtype=torch.float64)
    for norm in norms(nonnegative):
        H = norm.prox(Z, t, torch.empty_like(Z))
        for i in range(len(Z)):

            def value(h, i=i, norm=norm):
                row = torch.from_numpy(np.asarray(h))[None]
                return float(0.5 * (row - Z[i]).square().sum() + t[i] * norm.value(row)[0])

            bounds = [(0, None)] * 7 if nonnegative else None
            start = np.full(7, 0.1)
            found = minimize(value, start, bounds=bounds, method="Powell", options={"xtol": 1e-10})
            assert value(H[i].numpy()) <= found.fun + 1e-9
        assert not nonnegative or (H >= 0).all()


def test_the_dual_norm_is_reached_and_not_passed():
    Q = draw(3, 7)
    for norm in norms():
        V = draw(20000, 7, seed=2)
        V = V / norm.value(V)[:, None]
        reached = (Q @ V.T).amax(1)
        assert (reached <= norm.dual(Q) + 1e-12).all()
        # prox of Moreau: z - prox_t(z) is the projection onto the dual ball of radius t
        t = torch.tensor([0.3, 0.7, 1.1], dtype=torch.float64)
        rest = Q - norm.prox(Q, t, torch.empty_like(Q))
        assert torch.allclose(norm.dual(rest), torch.minimum(norm.dual(Q), t))


@pytest.mark.parametrize("solver", ["coordinate descent", "homotopy", "fista", "auto"])
@pytest.mark.parametrize("nonnegative", [False, True])
def test_the_elastic_net_is_that_of_scikit_learn(solver, nonnegative):
    X, D = draw(6, 10), draw(10, 15, seed=3)
    penalty, l2, d = 0.8, 0.5, 10
    model = ElasticNet(
        alpha=(penalty + l2) / d,
        l1_ratio=penalty / (penalty + l2),
        fit_intercept=False,
        positive=nonnegative,
        tol=1e-13,
        max_iter=10**6,
    )
    wanted = np.stack([model.fit(D.numpy(), x).coef_ for x in X.numpy()])
    codes = sparse_codes(
        X, D, penalty, l2=l2, solver=solver, nonnegative=nonnegative, tol=1e-12, max_iter=10**5
    )
    assert np.allclose(codes.H, wanted, atol=1e-6)
    assert codes.converged.all()
    of = {"l2": l2}
    assert torch.allclose(lasso_objective(X, D, codes.H, penalty, **of), codes.objective)
    assert (duality_gap(X, D, codes.H, penalty, nonnegative=nonnegative, **of) < 1e-9).all()
    assert (optimality(X, D, codes.H, penalty, nonnegative=nonnegative, **of) < 1e-5).all()


@pytest.mark.parametrize("solver", ["coordinate descent", "homotopy", "fista"])
def test_weights_are_those_of_atoms_divided_by_them(solver):
    X, D, w = draw(6, 10), draw(10, 15, seed=3), 0.5 + draw(15, seed=4).abs()
    codes = sparse_codes(X, D, 0.8, weights=w, solver=solver, tol=1e-12, max_iter=10**5)
    model = Lasso(0.8 / 10, fit_intercept=False, tol=1e-13, max_iter=10**6)
    scaled = (D / w).numpy()
    wanted = np.stack([model.fit(scaled, x).coef_ for x in X.numpy()]) / w.numpy()
    assert np.allclose(codes.H, wanted, atol=1e-6)
    value = 0.5 * (X - codes.H @ D.T).square().sum(1) + 0.8 * (codes.H.abs() @ w)
    assert torch.allclose(codes.objective, value)
    at_zero = sparse_codes(X, D, largest_penalty(X, D, weights=w) * 1.0001, weights=w)
    assert not at_zero.H.any()


def test_groups_of_one_are_the_lasso_and_orthonormal_groups_have_a_closed_form():
    X, D = draw(6, 10), draw(10, 15, seed=3)
    each = torch.arange(15)
    alone = fista(X, D, 0.8, groups=each, tol=1e-12, max_iter=10**5)
    assert torch.allclose(alone.H, sparse_codes(X, D, 0.8, tol=1e-12).H, atol=1e-6)
    Q = torch.linalg.qr(draw(7, 7, seed=5)).Q
    codes = fista(X[:, :7], Q, 0.4, groups=GROUPS, weights=WEIGHTS, tol=1e-13)
    Z = X[:, :7] @ Q
    t = torch.full((6,), 0.4, dtype=torch.float64)
    norm = GroupNorm(GROUPS, WEIGHTS)
    assert torch.allclose(codes.H, norm.prox(Z, t, torch.empty_like(Z)), atol=1e-9)


@pytest.mark.parametrize("nonnegative", [False, True])
def test_the_group_lasso_is_optimal_and_groups_leave_together(nonnegative):
    X, D = draw(8, 10), draw(10, 7, seed=3)
    how = {"groups": GROUPS, "nonnegative": nonnegative}
    top = largest_penalty(X, D, **how)
    assert not fista(X, D, top * 1.0001, **how).H.any()
    codes = sparse_codes(X, D, 0.5 * top, tol=1e-12, max_iter=10**5, **how)
    assert codes.solver == "fista"
    assert "groups" in codes.reason
    assert codes.converged.all()
    assert (optimality(X, D, codes.H, 0.5 * top, **how) < 1e-4).all()
    assert (duality_gap(X, D, codes.H, 0.5 * top, **how) <= 1e-10 * codes.objective).all()
    present = torch.stack([(codes.H[:, g == GROUPS] != 0).any(1) for g in range(3)], 1)
    assert not present.all()
    assert present.any()
    if not nonnegative:
        assert torch.equal(present[:, GROUPS], codes.H != 0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"weights": torch.ones(6)}, r"weights: got shape \(6,\), want \(7,\), one for each atom"),
        ({"weights": -torch.ones(7)}, "weights: got -1, want positive ones"),
        ({"weights": [1.0] * 7}, r"weights: got list, want a torch tensor of shape \(7,\)"),
        ({"groups": GROUPS.double()}, r"groups: got torch.float64 .* want torch.int64"),
        ({"groups": GROUPS * 2}, "groups: got numbers that leave some out"),
        ({"groups": GROUPS, "weights": torch.ones(7)}, r"weights: .* want \(3,\), one for each g"),
        ({"l2": -1.0}, "l2: got -1.0, want a number of at least 0"),
        ({"l2": float("inf")}, "l2: got inf, want a finite number"),
        ({"groups": GROUPS, "solver": "homotopy"}, "groups: got some with homotopy, want None"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(wrong, message):
    X, D = draw(4, 10).float(), draw(10, 7).float()
    with pytest.raises(ValueError, match=message):
        sparse_codes(X, D, 0.1, **wrong)
