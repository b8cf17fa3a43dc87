"""Codes along penalties, and cross-validation of the penalty beside scikit-learn's."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LassoCV

from replearn.sparse import codes_along, select_penalty, sparse_codes


def problem(n=3, d=40, m=60, *, shift=0.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    D = shift + torch.randn(d, m, generator=generator, dtype=torch.float64)
    D = D / D.norm(dim=0)
    H = torch.zeros(n, m, dtype=torch.float64)
    H[:, :4] = 3.0
    noise = 0.3 * torch.randn(n, d, generator=generator, dtype=torch.float64)
    return H @ D.T + noise, D


@pytest.mark.parametrize("shift", [0.0, 2.0])
def test_along_penalties_the_codes_are_those_of_each(shift):
    X, D = problem(shift=shift)
    penalties = [5.0, 1.0, 0.2, 0.01]
    found = codes_along(X, D, penalties, tol=1e-9)
    assert found[0].solver == ("coordinate descent" if shift == 0 else "homotopy")
    for penalty, codes in zip(penalties, found, strict=True):
        alone = sparse_codes(X, D, penalty, tol=1e-9)
        assert codes.converged.all()
        assert torch.allclose(codes.objective, alone.objective, rtol=1e-8)


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("shift", [0.0, 2.0])
def test_the_errors_are_those_of_scikit_learn(shift, nonnegative):
    """One sample is scikit-learn's target, its coordinates are its observations."""
    X, D = problem(n=1, shift=shift)
    d, seed, folds = 40, 3, 5
    penalties = np.geomspace(8.0, 0.05, 12)
    order = torch.randperm(d, generator=torch.Generator().manual_seed(seed)).numpy()
    hidden = [np.sort(order[fold::folds]) for fold in range(folds)]
    splits = [(np.setdiff1d(np.arange(d), h), h) for h in hidden]
    model = LassoCV(
        alphas=penalties / d,
        cv=splits,
        fit_intercept=False,
        positive=nonnegative,
        tol=1e-10,
        max_iter=10**6,
    ).fit(D.numpy(), X[0].numpy())
    found = select_penalty(
        X, D, penalties=penalties, folds=folds, seed=seed, tol=1e-10, nonnegative=nonnegative
    )
    assert np.allclose(found.errors, model.mse_path_, rtol=1e-4)
    assert found.best == pytest.approx(model.alpha_ * d)
    assert found.unconverged == 0


def test_the_penalties_are_chosen_where_none_are_given():
    X, D = problem(n=20)
    found = select_penalty(X.float(), D.float())
    assert found.penalties.shape == (30,)
    assert found.errors.shape == (30, 5)
    assert found.penalties[-1] < found.best < found.penalties[0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"penalties": [1.0, 2.0]}, "penalties: got some not below the one before"),
        ({"penalties": []}, r"penalties: got shape \(0,\), want \(p,\)"),
        ({"penalties": [-1.0]}, "penalties: got -1 among them, want finite ones"),
        ({"folds": 1}, "folds: got 1, want 2 to d, which is 40"),
        ({"folds": 2.5}, "folds: got 2.5, want an integer"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(wrong, message):
    X, D = problem()
    with pytest.raises(ValueError, match=message):
        select_penalty(X, D, **wrong)
