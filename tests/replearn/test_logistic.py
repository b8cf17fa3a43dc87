"""Logistic PCA: its objective, its optimality conditions, and the majorisation it rests on."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from torch.nn.functional import binary_cross_entropy

from replearn.logistic import LogisticPCA, _canonical, _code_step, _Factors, _step
from replearn.metrics import principal_angles
from replearn.pca import PCA

# Most of these stop early, on purpose; tests of the warning ask for it.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

DIGITS = torch.tensor(load_digits().data / 16)[:300]


def planted(n=400, d=12, m=2, *, seed=0):
    """Probabilities whose logits lie in a plane: the answer is known."""
    generator = torch.Generator().manual_seed(seed)
    D = torch.linalg.qr(torch.randn(d, m, generator=generator, dtype=torch.float64)).Q
    H = torch.randn(n, m, generator=generator, dtype=torch.float64) * torch.tensor([3.0, 2.0])
    mu = torch.linspace(-1, 1, d, dtype=torch.float64)
    return torch.sigmoid(mu + H @ D.T), D, mu


def cross_entropy(X, means):
    return float(binary_cross_entropy(means, X, reduction="sum")) / len(X)


def test_planted_logits_are_recovered():
    X, D, _ = planted()
    model = LogisticPCA(2, max_iter=500, tol=1e-12).fit(X)
    assert principal_angles(model.components_.T, D).max() < 1e-2
    X_hat = model.inverse_transform(model.transform(X))
    # X is its own mean here, so that the entropy of X bounds the objective from below.
    assert cross_entropy(X, X_hat) - cross_entropy(X, X) < 1e-4
    assert (X_hat - X).abs().max() < 1e-2


@pytest.mark.parametrize("ridge", [0.0, 0.01])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_objective_never_increases(ridge, dtype):
    model = LogisticPCA(5, max_iter=60, tol=0.0, ridge=ridge).fit(DIGITS.to(dtype))
    assert (np.diff(model.objective_) <= 0).all()
    assert len(model.objective_) == model.n_iter_ == 60
    assert model.objective_[-1] < 0.96 * model.objective_[0]  # the start is PCA, near already
    assert model.components_.dtype == model.mean_.dtype == dtype


@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_a_plain_step_is_the_least_squares_fit_to_the_working_response(ridge):
    generator = torch.Generator().manual_seed(0)
    X = DIGITS[:, 20:30]
    at = _Factors(
        torch.randn(300, 3, generator=generator, dtype=X.dtype),
        torch.randn(10, 3, generator=generator, dtype=X.dtype),
        torch.randn(10, generator=generator, dtype=X.dtype),
    )
    value, after = _step(X, at, ridge)
    theta = at.mu + at.H @ at.D.T
    penalty = ridge / 2 * float((at.H @ at.D.T).square().sum()) / 300
    assert value == pytest.approx(cross_entropy(X, torch.sigmoid(theta)) + penalty)
    Z = theta + 4 * (X - torch.sigmoid(theta))
    H = (Z - at.mu) @ at.D @ torch.linalg.inv(at.D.T @ at.D) / (1 + 4 * ridge)
    assert torch.allclose(after.H, H, atol=1e-9)
    # The normal equations: residual and penalty balance, in D and in mu.
    residual = Z - after.mu - after.H @ after.D.T
    gradient = residual.T @ after.H - 4 * ridge * after.D @ after.H.T @ after.H
    assert gradient.abs().max() < 1e-7
    assert residual.sum(0).abs().max() < 1e-7
    assert _step(X, after, ridge)[0] < value
    # The step of the codes alone is the same, sample by sample.
    project = torch.linalg.pinv(at.D) / (1 + 4 * ridge)
    values, codes = _code_step(X, at.H, at.D, at.mu, project, ridge)
    assert float(values.mean()) == pytest.approx(value)
    assert torch.allclose(codes, after.H, atol=1e-12)


def test_rows_in_chunks_give_the_step_of_all_rows_at_once(monkeypatch):
    X = DIGITS[:, 20:40]
    at = _Factors(X[:, :3].clone(), X[:3].T.clone(), X.mean(0))
    value, whole = _step(X, at, 0.1)
    monkeypatch.setattr("replearn.logistic._ROWS", 70)
    chunked_value, chunked = _step(X, at, 0.1)
    assert chunked_value == pytest.approx(value, rel=1e-12)
    for one, other in zip(whole, chunked, strict=True):
        assert torch.allclose(one, other, atol=1e-9)


def test_codes_satisfy_the_optimality_condition():
    X = DIGITS[:80, 20:40]
    model = LogisticPCA(3, ridge=0.1, max_iter=300, tol=1e-13).fit(X)
    H = model.transform(X)
    X_hat = model.inverse_transform(H)
    gradient = (X_hat - X) @ model.components_.T + 0.1 * H
    assert gradient.abs().max() < 1e-4  # first order in the error, of which tol is the square
    assert torch.equal(H, model.fit_transform(X))
    # Each sample stops by itself, whoever else is there.
    assert torch.allclose(model.transform(X[:7]), H[:7], atol=1e-12)


def test_components_are_canonical():
    X = DIGITS[:80, 20:40]
    model = LogisticPCA(4, ridge=0.1, max_iter=300, tol=1e-12).fit(X)
    C = model.components_
    assert torch.allclose(C @ C.T, torch.eye(4, dtype=C.dtype), atol=1e-10)
    assert (C.gather(1, C.abs().argmax(1, keepdim=True)) > 0).all()
    H = model.transform(X)
    # Exactly centred for the codes of the fit; those of transform are optimal for the final D.
    assert H.mean(0).abs().max() < 1e-2
    variances = H.var(0)
    assert (variances[:-1] > variances[1:]).all()
    assert (model.n_components_, model.n_features_in_) == (4, 20)


def test_the_canonical_form_keeps_the_logits_and_centres_the_codes():
    generator = torch.Generator().manual_seed(0)
    H = torch.randn(50, 3, generator=generator, dtype=torch.float64) + 5.0
    D = torch.randn(8, 3, generator=generator, dtype=torch.float64)
    mu = torch.randn(8, generator=generator, dtype=torch.float64)
    theta = mu + H @ D.T
    mean, components = _canonical(_Factors(H, D, mu))
    codes = (theta - mean) @ components.T
    assert torch.allclose(mean + codes @ components, theta)
    assert codes.mean(0).abs().max() < 1e-12
    expected = PCA(3, svd_solver="full").fit(theta)
    assert torch.allclose(components, expected.components_)


def test_it_beats_pca_in_cross_entropy_on_digits():
    X = (DIGITS > 0.5).double()
    model = LogisticPCA(8)
    logistic = model.inverse_transform(model.fit_transform(X))
    pca = PCA(8).fit(X)
    linear = pca.inverse_transform(pca.transform(X)).clamp(1e-3, 1 - 1e-3)
    assert cross_entropy(X, logistic) < 0.7 * cross_entropy(X, linear)
    assert logistic.min() >= 0
    assert logistic.max() <= 1


def test_ridge_keeps_the_logits_of_separable_data_small():
    X = torch.tensor([[0.0, 0.0], [1.0, 1.0]]).repeat(10, 1)
    free, held = (LogisticPCA(1, ridge=r, max_iter=300, tol=0.0) for r in (0.0, 0.1))
    assert free.fit_transform(X).abs().max() > 2 * held.fit_transform(X).abs().max()
    assert (np.diff(free.objective_) <= 0).all()


def test_constant_coordinates_and_more_components_than_rank():
    X = torch.zeros(20, 4)
    X[:, 1] = 1.0
    X[::2, 2] = 1.0
    model = LogisticPCA(3, max_iter=50).fit(X)
    X_hat = model.inverse_transform(model.transform(X))
    assert torch.isfinite(X_hat).all()
    assert (X_hat - X).abs().max() < 0.1


def test_it_stops_at_its_tolerance():
    assert (
        LogisticPCA(2, tol=1e-2).fit(DIGITS).n_iter_ < LogisticPCA(2, tol=1e-4).fit(DIGITS).n_iter_
    )
    assert LogisticPCA(2, max_iter=1).fit(DIGITS).n_iter_ == 1


def test_at_the_limit_of_the_dtype_it_stops_by_itself():
    X = planted(50, 6)[0].float()
    model = LogisticPCA(2, tol=0.0, max_iter=5000).fit(X)
    assert model.n_iter_ < 5000
    assert (np.diff(model.objective_) <= 0).all()


def test_logistic_pca_refuses_bad_data():
    X = DIGITS[:5, :3]
    with pytest.raises(ValueError, match=r"X: got values from -1 to .*, want values in"):
        LogisticPCA(1).fit(X - 1)
    with pytest.raises(ValueError, match="X: got values from 0 to 16"):
        LogisticPCA(1).fit(DIGITS * 16)
    for m in (0, 4, 1.5, True, None):
        with pytest.raises(ValueError, match=r"n_components: got .* \(5, 3\), want an integer"):
            LogisticPCA(m).fit(X)
    for wrong, said in (
        ({"max_iter": 0}, "^max_iter: got 0, want at least 1"),
        ({"max_iter": 2.5}, "^max_iter: got 2.5, want an integer"),
        ({"tol": -1.0}, "^tol: got -1.0, want a number of at least 0"),
        ({"ridge": -1.0}, "^ridge: got -1.0, want a number of at least 0"),
    ):
        with pytest.raises(ValueError, match=said):
            LogisticPCA(1, **wrong).fit(X)
    with pytest.raises(NotFittedError, match="call fit"):
        LogisticPCA(1).transform(X)
    with pytest.raises(ValueError, match="call fit"):
        LogisticPCA(1).inverse_transform(X)
    model = LogisticPCA(1).fit(X)
    with pytest.raises(ValueError, match=r"X: got shape \(5, 2\), want \(n, 3\)"):
        model.transform(X[:, :2])
    with pytest.raises(ValueError, match=r"H: got shape \(5, 3\), want \(n, 1\)"):
        model.inverse_transform(X)
    assert repr(model) == "LogisticPCA(n_components=1)"


def test_an_iteration_that_did_not_converge_warns_and_says_so():
    with pytest.warns(ConvergenceWarning, match=r"^LogisticPCA: .* after max_iter=3 iterations"):
        model = LogisticPCA(2, max_iter=3, tol=1e-9, ridge=0.1).fit(DIGITS)
    assert not model.converged_
    with pytest.warns(ConvergenceWarning, match=r"the codes of 300 of 300 samples still"):
        model.transform(DIGITS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = LogisticPCA(2, tol=1e-4, ridge=0.1).fit(DIGITS)
        model.transform(DIGITS)
    assert model.converged_
    assert model.n_iter_ < 200


def test_the_score_is_the_log_likelihood_at_the_codes():
    X = DIGITS[:, 20:40]
    model = LogisticPCA(3, ridge=0.1, tol=1e-8, max_iter=500).fit(X)
    X_hat = model.inverse_transform(model.transform(X))
    assert model.score(X) == pytest.approx(-cross_entropy(X, X_hat))
    # More components fit better, which is what a grid search sees.
    assert LogisticPCA(6, ridge=0.1).fit(X).score(X) > LogisticPCA(1, ridge=0.1).fit(X).score(X)


@pytest.mark.parametrize("scale", [1e-30, 1e-19])
def test_tiny_rates_are_fitted(scale):
    X = DIGITS[:, 20:40].float() * scale
    model = LogisticPCA(2, ridge=0.1).fit(X)
    assert torch.isfinite(model.transform(X)).all()
    assert torch.isfinite(model.components_).all()
    with pytest.raises(ValueError, match="X: got values from 0 to 1e"):
        LogisticPCA(2).fit(X / scale * 1e19)
