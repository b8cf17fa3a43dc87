"""Metrics against closed forms, SciPy and scikit-learn."""

import math

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import r2_score
from sklearn.preprocessing import StandardScaler

from replearn.metrics import (
    _stratified,
    explained_variance,
    linear_probe,
    principal_angles,
    reconstruction_error,
    sparsity,
)


def gaussian(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(
    "angle", [0.0, 1e-12, 1e-9, 1e-5, 0.3, math.pi / 4, 1.2, math.pi / 2 - 1e-9]
)
def test_the_angle_between_two_lines_is_accurate_at_both_ends(angle):
    A = torch.tensor([[1.0], [0.0], [0.0]], dtype=torch.float64)
    B = torch.tensor([[math.cos(angle)], [math.sin(angle)], [0.0]], dtype=torch.float64)
    assert float(principal_angles(A, 5 * B)) == pytest.approx(angle, rel=1e-6, abs=1e-15)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 10_000))
def test_principal_angles_agree_with_scipy_and_do_not_depend_on_the_basis(m, k, seed):
    A, B = gaussian(6, m, seed=seed), gaussian(6, k, seed=seed + 1)
    angles = principal_angles(A, B)
    expected = scipy.linalg.subspace_angles(A.numpy(), B.numpy())[::-1]
    # SciPy takes zero angles from their cosines when m != k, which is good to sqrt(eps).
    np.testing.assert_allclose(angles, expected, atol=1e-7)
    assert angles.shape == (min(m, k),)
    mixed = A @ (gaussian(m, m, seed=seed + 2) + 3 * torch.eye(m))
    assert torch.allclose(principal_angles(B, mixed), angles, atol=1e-6)  # conditioning of the mix


def test_angles_come_in_the_dtype_of_the_input_and_integers_are_taken_as_numbers():
    eye = torch.eye(3)
    assert principal_angles(eye[:, :2], eye[:, 1:]).dtype == torch.float32
    assert torch.allclose(
        principal_angles(eye[:, :2], eye[:, 1:]), torch.tensor([0.0, math.pi / 2])
    )
    assert principal_angles(eye[:, :1].int(), eye[:, :1].int()).tolist() == [0]


@pytest.mark.parametrize(("m", "k"), [(1, 1), (2, 2), (3, 1), (2, 4)])
def test_principal_angles_of_pairs_of_subspaces_are_those_of_each_pair(m, k):
    A, B = gaussian(6, 5, m), gaussian(6, 5, k, seed=1)
    each = torch.stack([principal_angles(a, b) for a, b in zip(A, B, strict=True)])
    torch.testing.assert_close(principal_angles(A, B), each)
    B[3, :, 0] = 0.0
    with pytest.raises(ValueError, match=r"B: got shape \(6, 5, .\) with zero"):
        principal_angles(A, B)


@pytest.mark.parametrize(
    "bad", [torch.ones(3, 2), torch.zeros(3, 1), torch.full((3, 1), torch.nan), torch.eye(3)[:, :0]]
)
def test_principal_angles_refuse_columns_that_are_no_basis(bad):
    with pytest.raises(ValueError, match=r"B: got shape \(3, .\) with zero, linearly dependent"):
        principal_angles(torch.eye(3), bad)


@pytest.mark.parametrize("shape", [(4, 1), (3,), (3, 3, 1)])
def test_principal_angles_refuse_other_shapes(shape):
    with pytest.raises(ValueError, match=r"A, B: got shapes \(3, 3\) and .*with the same d"):
        principal_angles(torch.eye(3), torch.ones(shape))


def test_reconstruction_error_is_a_mean_over_samples_of_a_sum_over_coordinates():
    X = torch.zeros(2, 3)
    X_hat = torch.tensor([[1.0, 1.0, 1.0], [0.0, 2.0, 0.0]])
    assert reconstruction_error(X, X_hat) == 3.5


def test_explained_variance_agrees_with_scikit_learn():
    X = gaussian(40, 5)
    X_hat = X + 0.3 * gaussian(40, 5, seed=1)
    expected = r2_score(X.numpy(), X_hat.numpy(), multioutput="variance_weighted")
    assert explained_variance(X, X_hat) == pytest.approx(expected, abs=1e-12)
    assert explained_variance(X, X) == 1.0
    assert explained_variance(X, X.mean(0).expand_as(X)) == pytest.approx(0.0, abs=1e-12)


def test_metrics_refuse_what_does_not_fit():
    with pytest.raises(ValueError, match=r"got shapes \(3, 3\) and \(3,\)"):
        reconstruction_error(torch.eye(3), torch.ones(3))
    with pytest.raises(ValueError, match=r"want \(n, d\) for both"):
        explained_variance(torch.eye(3)[:0], torch.eye(3)[:0])
    with pytest.raises(ValueError, match="X: got equal rows"):
        explained_variance(torch.ones(3, 2), torch.ones(3, 2))
    with pytest.raises(ValueError, match="H: got shape"):
        sparsity(torch.ones(0, 3))
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="H: got NaN or infinite values, want finite"):
            sparsity(torch.tensor([0.0, bad]))
    with pytest.raises(ValueError, match="H: got list, want a torch tensor"):
        sparsity([0.0, 1.0])
    with pytest.raises(ValueError, match=r"^X: got ndarray, want a torch tensor"):
        reconstruction_error(np.eye(3), torch.eye(3))
    with pytest.raises(ValueError, match=r"^X_hat: got ndarray, want a torch tensor"):
        reconstruction_error(torch.eye(3), np.eye(3))
    with pytest.raises(ValueError, match="B: got ndarray, want a torch tensor"):
        principal_angles(torch.eye(3), np.eye(3))


def test_sparsity_counts_exact_zeros():
    assert sparsity(torch.tensor([[0.0, 1e-30], [-0.0, 2.0]])) == 0.5
    assert sparsity(torch.ones(3)) == 0.0


def digits():
    data = load_digits()
    X, y = torch.tensor(data.data / 16, dtype=torch.float32), torch.tensor(data.target)
    return X[:1200], y[:1200], X[1200:], y[1200:]


def test_a_probe_on_all_labels_is_scikit_learns_classifier_on_standardised_features():
    H, y, H_test, y_test = digits()  # with pixels that are always 0
    result = linear_probe(H, y, H_test, y_test)
    scaler = StandardScaler().fit(H.numpy())
    peer = LogisticRegression(max_iter=1000).fit(scaler.transform(H.numpy()), y)
    expected = peer.score(scaler.transform(H_test.numpy()), y_test)
    # Rounding moves the optimum a little; two of 597 test samples are allowed to change sides.
    assert result.mean == pytest.approx(expected, abs=2.5 / 597)
    assert result.accuracies == (result.mean,)
    assert result.std == 0.0


def test_a_probe_on_few_labels_repeats_and_depends_on_the_seed():
    H, y, H_test, y_test = digits()
    few = linear_probe(H, y, H_test, y_test, labels=50, repeats=4, seed=3)
    assert few == linear_probe(H, y, H_test, y_test, labels=50, repeats=4, seed=3)
    assert few != linear_probe(H, y, H_test, y_test, labels=50, repeats=4, seed=30)
    assert len(few.accuracies) == 4
    assert few.mean == pytest.approx(np.mean(few.accuracies))
    assert few.std == pytest.approx(np.std(few.accuracies, ddof=1))
    assert 0.6 < few.mean < linear_probe(H, y, H_test, y_test, labels=500, repeats=2).mean
    assert linear_probe(H, y, H_test, y_test, labels=50, repeats=1).std == 0.0


def test_a_probe_on_few_labels_takes_the_scale_of_all_training_codes():
    H, y, H_test, y_test = digits()
    rows = _stratified(y.numpy(), 50, seed=3)
    scaler = StandardScaler().fit(H.numpy())
    peer = LogisticRegression(max_iter=1000).fit(scaler.transform(H[rows].numpy()), y[rows])
    expected = peer.score(scaler.transform(H_test.numpy()), y_test)
    few = linear_probe(H, y, H_test, y_test, labels=50, repeats=1, seed=3)
    assert few.mean == pytest.approx(expected, abs=2.5 / 597)


def test_a_feature_that_the_labelled_codes_barely_show_is_not_blown_up():
    H, y, H_test, y_test = digits()
    g = torch.Generator().manual_seed(0)
    rare, rare_test = (
        torch.rand(len(rows), 200, generator=g) * (torch.rand(len(rows), 200, generator=g) < 0.02)
        for rows in (H, H_test)
    )
    drawn = np.concatenate([_stratified(y.numpy(), 50, seed) for seed in range(5)])
    rare[drawn] *= 1e-3  # by the scale of the labelled codes, other codes' values are immense
    without = linear_probe(H, y, H_test, y_test, labels=50)
    wider = linear_probe(
        torch.cat([H, rare], 1), y, torch.cat([H_test, rare_test], 1), y_test, labels=50
    )
    assert wider.mean == pytest.approx(without.mean, abs=0.01)


def test_constant_features_of_any_size_are_ignored():
    H, y, H_test, y_test = digits()
    big = torch.full((len(H), 1), 1e4)
    wider = linear_probe(
        torch.cat([H, big], 1), y, torch.cat([H_test, big[: len(H_test)] + 1], 1), y_test
    )
    assert wider.mean == pytest.approx(linear_probe(H, y, H_test, y_test).mean, abs=2.5 / 597)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=2, max_size=6), st.data())
def test_a_stratified_draw_has_every_class_in_its_proportion(counts, data):
    y = np.repeat(np.arange(len(counts)), counts)
    size = data.draw(st.integers(len(counts), len(y)))
    rows = _stratified(y, size, seed=0)
    assert len(set(rows)) == len(rows) == size
    drawn = np.bincount(y[rows], minlength=len(counts))
    assert (drawn >= 1).all()
    assert (drawn <= counts).all()
    share = (size - len(counts)) * (np.array(counts) - 1) / max(1, len(y) - len(counts))
    assert (np.abs(drawn - 1 - share) < 1).all()


def test_linear_probe_refusals():
    H, y = torch.eye(4), torch.tensor([0, 1, 0, 1])
    with pytest.raises(ValueError, match=r"H, H_test: got shapes \(4, 4\) and \(4, 3\)"):
        linear_probe(H, y, H[:, :3], y)
    with pytest.raises(ValueError, match=r"y, y_test: got shapes \(4,\) and \(3,\)"):
        linear_probe(H, y, H, y[:3])
    with pytest.raises(ValueError, match="y: got 1 class"):
        linear_probe(H, 0 * y, H, y)
    for labels in (1, 5):
        with pytest.raises(ValueError, match=f"labels: got {labels}, want from 2"):
            linear_probe(H, y, H, y, labels=labels)
    for bad in (y + 0.5, y + np.inf, y * np.nan):
        with pytest.raises(ValueError, match=r"^y: got values that are not integers, want integer"):
            linear_probe(H, bad, H, y)
        with pytest.raises(ValueError, match=r"^y_test: got values that are not integers"):
            linear_probe(H, y, H, bad)
    with pytest.raises(ValueError, match="y: got list, want a torch tensor"):
        linear_probe(H, y.tolist(), H, y)
    for wrong in ({"labels": 2.5}, {"labels": 2, "repeats": 1.5}, {"seed": "a"}):
        with pytest.raises(ValueError, match=f"{list(wrong)[-1]}: got .*, want an integer"):
            linear_probe(H, y, H, y, **wrong)
    with pytest.raises(ValueError, match="repeats: got 0"):
        linear_probe(H, y, H, y, labels=2, repeats=0)
    with pytest.raises(ValueError, match="H_test: got NaN or infinite"):
        linear_probe(H, y, H / 0.0, y)


# -- far from the origin, of any size, and of other dtypes -------------------------------------


@pytest.mark.parametrize("offset", [0.0, 1e2, 1e4])
def test_errors_far_from_the_origin_are_those_of_float64(offset):
    generator = torch.Generator().manual_seed(0)
    X = (torch.randn(500, 7, generator=generator, dtype=torch.float64) + offset).float()
    X_hat = X + 0.25
    assert reconstruction_error(X, X_hat) == pytest.approx(
        reconstruction_error(X.double(), X_hat.double()), rel=1e-12
    )
    assert explained_variance(X, X_hat) == pytest.approx(
        explained_variance(X.double(), X_hat.double()), rel=1e-12
    )


def test_squares_that_float32_cannot_hold_are_counted():
    X = torch.full((3, 2), 1e30)
    assert reconstruction_error(X, -X) == pytest.approx(8e60, rel=1e-6)
    assert reconstruction_error(X, X) == 0
    assert explained_variance(X * torch.tensor([[1.0], [2.0], [3.0]]), 0 * X) < 0


def test_angles_of_columns_of_any_size():
    A = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], dtype=torch.float64)
    B = torch.tensor([[1.0], [0.0], [1.0]], dtype=torch.float64)
    for scale in (1e-200, 1e200):
        angles = principal_angles(A * scale, B * scale)
        assert float(angles) == pytest.approx(math.pi / 4)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_a_value_that_is_no_number_is_named(bad):
    X = torch.ones(3, 2)
    for function in (reconstruction_error, explained_variance):
        with pytest.raises(ValueError, match="X_hat: got NaN or infinite values"):
            function(X, X * bad)


@pytest.mark.parametrize("dtype", [torch.complex64, torch.int64, torch.bfloat16, torch.bool])
def test_other_dtypes_are_named(dtype):
    X, y = torch.ones(6, 2).to(dtype), torch.arange(6) % 2
    for function in (reconstruction_error, explained_variance):
        with pytest.raises(ValueError, match=f"X: got dtype {dtype}, want torch.float32"):
            function(X, X)
    with pytest.raises(ValueError, match=f"H: got dtype {dtype}, want torch.float32"):
        linear_probe(X, y, X, y)


def test_complex_columns_and_classes_are_named():
    A = torch.ones(3, 1, dtype=torch.complex64)
    with pytest.raises(ValueError, match=r"A: got dtype torch.complex64, want a real one"):
        principal_angles(A, A)
    H, y = torch.ones(6, 2), torch.arange(6) % 2
    with pytest.raises(ValueError, match=r"y: got dtype torch.complex64, want integer classes"):
        linear_probe(H, y.to(torch.complex64), H, y)
