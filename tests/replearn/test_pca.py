"""PCA against scikit-learn, its solvers against one another, and its theorems on random data."""

import math

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits, make_low_rank_matrix
from sklearn.decomposition import PCA as SklearnPCA
from sklearn.decomposition import IncrementalPCA
from sklearn.exceptions import NotFittedError

from replearn import pca as pca_module
from replearn.linear_autoencoder import LinearAutoencoder, factorise, reconstruction_loss
from replearn.metrics import principal_angles, reconstruction_error
from replearn.pca import PCA

SOLVERS = ["full", "covariance_eigh", "randomized"]
DEVICES = [
    "cpu",
    pytest.param(
        "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
    ),
]


def sample(n, d, *, seed=0, dtype=torch.float64, decay=0.7):
    """Correlated data away from the origin, with well separated variances."""
    generator = torch.Generator().manual_seed(seed)
    scales = decay ** torch.arange(d, dtype=dtype)
    rotation = torch.linalg.qr(torch.randn(d, d, generator=generator, dtype=dtype)).Q
    return (torch.randn(n, d, generator=generator, dtype=dtype) * scales) @ rotation + 3.0


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(("n", "d", "m"), [(200, 12, 4), (15, 40, 5), (30, 12, 12), (10, 10, 3)])
def test_every_attribute_agrees_with_scikit_learn(solver, n, d, m):
    X = sample(n, d)
    ours = PCA(m, svd_solver=solver).fit(X)
    peer = SklearnPCA(m, svd_solver="full").fit(X.numpy())
    # "covariance_eigh" squares the condition number and "randomized" is approximate, hence 1e-6.
    close = {"rtol": 1e-6, "atol": 1e-9}
    for name in (
        "mean_",
        "explained_variance_",
        "explained_variance_ratio_",
        "singular_values_",
        "noise_variance_",
    ):
        np.testing.assert_allclose(getattr(ours, name), getattr(peer, name), **close, err_msg=name)
    assert principal_angles(ours.components_.T, torch.tensor(peer.components_.T)).max() < 1e-6
    overlap = (ours.components_.numpy() * peer.components_).sum(1)
    np.testing.assert_allclose(np.abs(overlap), 1.0, atol=1e-9)
    X_hat = ours.inverse_transform(ours.transform(X))
    np.testing.assert_allclose(
        X_hat, peer.inverse_transform(peer.transform(X.numpy())), rtol=0, atol=1e-6
    )
    assert (ours.n_components_, ours.n_features_in_, ours.n_samples_) == (m, d, n)
    assert ours.svd_solver_ == solver


@pytest.mark.parametrize("solver", SOLVERS)
def test_whitened_codes_agree_with_scikit_learn_up_to_sign(solver):
    X = sample(100, 8)
    pca = PCA(3, svd_solver=solver, whiten=True)
    H = pca.fit_transform(X)
    peer = SklearnPCA(3, whiten=True).fit_transform(X.numpy())
    np.testing.assert_allclose(H.abs(), np.abs(peer), atol=1e-6)
    assert torch.allclose(H.T @ H / 99, torch.eye(3, dtype=H.dtype), atol=1e-9)
    plain = PCA(3, svd_solver=solver)
    plain_hat = plain.inverse_transform(plain.fit_transform(X))
    assert torch.allclose(pca.inverse_transform(H), plain_hat, atol=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("device", DEVICES)
def test_float32_follows_dtype_and_device_and_stays_close_to_float64(solver, device):
    digits = torch.tensor(load_digits().data / 16)
    exact = PCA(10, svd_solver="full").fit(digits)
    pca = PCA(10, svd_solver=solver).fit(digits.float().to(device))
    assert pca.components_.dtype == torch.float32
    assert pca.components_.device.type == device
    assert pca.transform(digits.float().to(device)).dtype == torch.float32
    angles = principal_angles(exact.components_.T, pca.components_.T.double().cpu())
    # float32 rounding over the gap between two eigenvalues; power iterations end before that.
    assert angles.max() < (5e-3 if solver == "randomized" else 1e-4)
    variance = pca.explained_variance_.double().cpu()
    assert torch.allclose(variance, exact.explained_variance_, rtol=1e-5)


def test_the_gram_solver_is_the_same_in_one_chunk_and_in_several():
    X = sample(9000, 7)  # more than two chunks of rows, columns that blocks do not divide
    gram, svd = PCA(7, svd_solver="covariance_eigh").fit(X), PCA(7, svd_solver="full").fit(X)
    assert torch.allclose(gram.explained_variance_, svd.explained_variance_, rtol=1e-10)
    assert torch.allclose(gram.components_, svd.components_, atol=1e-7)


def test_the_gram_solver_survives_a_mean_much_larger_than_the_spread():
    X = sample(5000, 6, dtype=torch.float32)
    near, far = (
        PCA(6, svd_solver="covariance_eigh").fit(X),
        PCA(6, svd_solver="covariance_eigh").fit(X + 1000.0),
    )
    # Adding 1000 in float32 itself rounds entries by 6e-5 of a spread that goes down to 0.17.
    ratio = far.explained_variance_ / near.explained_variance_
    assert torch.allclose(ratio, torch.ones(6), atol=1e-3)


@pytest.mark.parametrize("kind", ["decaying", "rank two", "equal", "blocks"])
def test_few_eigenvectors_are_the_first_of_all(kind, monkeypatch):
    X = {
        "decaying": sample(400, 120, decay=0.95),
        "rank two": rank_two(400, 120),
        "equal": torch.linalg.qr(sample(400, 121)).Q[:, 1:] + 1.0,
        "blocks": torch.eye(120, dtype=torch.float64).repeat(4, 1),
    }[kind]
    few = PCA(20, svd_solver="covariance_eigh").fit(X)
    monkeypatch.setattr(pca_module, "_SMALL", 10**9)
    whole = PCA(20, svd_solver="covariance_eigh").fit(X)
    for name in ("explained_variance_", "explained_variance_ratio_", "mean_"):
        torch.testing.assert_close(getattr(few, name), getattr(whole, name), rtol=1e-9, atol=1e-12)
    assert few.noise_variance_ == pytest.approx(whole.noise_variance_, rel=1e-6, abs=1e-12)
    eye = torch.eye(20, dtype=X.dtype)
    torch.testing.assert_close(few.components_ @ few.components_.T, eye, rtol=0, atol=1e-10)
    if kind == "decaying":
        torch.testing.assert_close(few.components_, whole.components_, rtol=0, atol=1e-9)


def test_eigenvectors_that_inverse_iteration_cannot_find_are_found_all_together(monkeypatch):
    X = sample(400, 120, decay=0.95)
    expected = PCA(3, svd_solver="covariance_eigh").fit(X).components_

    def fails(*arguments, **options):
        raise scipy.linalg.LinAlgError("eigenvectors failed to converge")

    monkeypatch.setattr(scipy.linalg, "eigh", fails)
    found = PCA(3, svd_solver="covariance_eigh").fit(X).components_
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)


def test_auto_chooses_by_shape():
    generator = torch.Generator().manual_seed(0)
    tall = torch.randn(12_000, 300, generator=generator)
    assert PCA(5).fit(tall[:1000]).svd_solver_ == "full"
    assert PCA(5).fit(tall).svd_solver_ == "covariance_eigh"
    assert PCA(5)._choose_solver(30_000, 3000) == "randomized"
    assert PCA(0.9)._choose_solver(30_000, 3000) == "covariance_eigh"
    assert PCA(2000)._choose_solver(30_000, 3000) == "covariance_eigh"


def test_largest_entry_of_each_component_is_positive():
    components = PCA(5).fit(sample(50, 9)).components_
    assert (components.gather(1, components.abs().argmax(1, keepdim=True)) > 0).all()


@pytest.mark.parametrize("fraction", [0.3, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("solver", ["full", "covariance_eigh"])
def test_fraction_of_variance_agrees_with_scikit_learn(fraction, solver):
    X = sample(80, 10)
    ours = PCA(fraction, svd_solver=solver).fit(X)
    assert ours.n_components_ == SklearnPCA(fraction).fit(X.numpy()).n_components_
    assert ours.explained_variance_ratio_.sum() > fraction


def test_none_keeps_everything_and_reconstructs_exactly():
    for X in (sample(30, 6), sample(6, 30)):
        pca = PCA().fit(X)
        assert pca.n_components_ == 6
        assert pca.noise_variance_ == 0.0
        assert torch.allclose(pca.inverse_transform(pca.transform(X)), X, atol=1e-10)


def rank_two(n, d, seed=1):
    generator = torch.Generator().manual_seed(seed)
    factors = torch.randn(n, 2, generator=generator, dtype=torch.float64)
    X = factors @ torch.randn(2, d, generator=generator, dtype=torch.float64)
    X[:, 0] = 5.0  # and a constant feature
    return X


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(("n", "d"), [(40, 10), (8, 30)])
def test_rank_deficient_data_still_gives_an_orthonormal_basis(solver, n, d):
    X = rank_two(n, d)
    pca = PCA(6, svd_solver=solver, whiten=True).fit(X)
    eye = torch.eye(6, dtype=X.dtype)
    assert torch.allclose(pca.components_ @ pca.components_.T, eye, atol=1e-10)
    H = pca.transform(X)
    assert (H[:, 2:] == 0).all()
    assert torch.allclose(pca.inverse_transform(H), X, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(("n", "d"), [(40, 10), (8, 30), (6, 6), (300, 200)])
def test_directions_of_rounding_are_null_whatever_the_rounding(solver, n, d, dtype):
    for seed in range(20):
        pca = PCA(6, svd_solver=solver, whiten=True)
        H = pca.fit_transform(rank_two(n, d, seed).to(dtype))
        assert (H[:, 2:] == 0).all()
        assert (H[:, :2] != 0).any(0).all()


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_direction_just_above_the_rounding_is_kept(solver):
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(60, 10, generator=generator, dtype=torch.float64)
    X[:, 1:] *= 1e-6  # "covariance_eigh" resolves 2 * 10^(1/4) sqrt(eps) = 5e-8
    H = PCA(6, svd_solver=solver, whiten=True).fit_transform(X)
    assert torch.allclose(H.T @ H / 59, torch.eye(6, dtype=H.dtype), atol=1e-2)


def test_data_without_variance_explains_nothing():
    pca = PCA(2).fit(torch.ones(5, 3))
    assert (pca.explained_variance_ratio_ == 0).all()
    assert pca.noise_variance_ == 0.0


matrices = st.tuples(
    st.integers(3, 30), st.integers(2, 12), st.integers(0, 10_000), st.sampled_from(SOLVERS)
)


@settings(max_examples=40, deadline=None)
@given(matrices, st.data())
def test_error_is_the_sum_of_the_discarded_eigenvalues(shape, data):
    n, d, seed, solver = shape
    X = sample(n, d, seed=seed, decay=0.8)
    m = data.draw(st.integers(1, min(n, d)))
    pca = PCA(m, svd_solver=solver).fit(X)
    error = reconstruction_error(X, pca.inverse_transform(pca.transform(X)))
    eigenvalues = torch.linalg.eigvalsh(torch.cov(X.T, correction=0)).flip(0)
    assert error == pytest.approx(float(eigenvalues[m:].sum()), rel=1e-5, abs=1e-10)
    assert pca.noise_variance_ * (min(n, d) - m) * (n - 1) / n == pytest.approx(
        error, rel=1e-5, abs=1e-10
    )


@settings(max_examples=40, deadline=None)
@given(matrices, st.data())
def test_reconstruction_is_an_orthogonal_projection(shape, data):
    n, d, seed, solver = shape
    X = sample(n, d, seed=seed)
    m = data.draw(st.integers(1, min(n, d)))
    pca = PCA(m, svd_solver=solver).fit(X)
    eye = torch.eye(m, dtype=X.dtype)
    assert torch.allclose(pca.components_ @ pca.components_.T, eye, atol=1e-10)
    once = pca.inverse_transform(pca.transform(X))
    assert torch.allclose(pca.inverse_transform(pca.transform(once)), once, atol=1e-9)
    assert float(((X - once) * (once - pca.mean_)).sum(1).abs().max()) < 1e-8


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(SOLVERS))
def test_subspace_turns_with_the_data_and_ignores_a_shift(seed, solver):
    X = sample(40, 7, seed=seed)
    generator = torch.Generator().manual_seed(seed + 1)
    turn = torch.linalg.qr(torch.randn(7, 7, generator=generator, dtype=X.dtype)).Q
    before = PCA(3, svd_solver=solver).fit(X).components_
    after = PCA(3, svd_solver=solver).fit(X @ turn + 10.0).components_
    assert principal_angles((before @ turn).T, after.T).max() < 1e-4  # approximate solver


def test_transform_lets_gradients_through():
    X = sample(20, 5).requires_grad_()
    pca = PCA(2).fit(X)
    pca.transform(X).sum().backward()
    assert torch.allclose(X.grad, pca.components_.sum(0).expand(20, 5))
    assert not pca.components_.requires_grad


def test_the_randomized_solver_repeats_itself_and_leaves_the_global_random_state_alone():
    X = sample(60, 30, decay=0.97)
    state = torch.random.get_rng_state()
    first = PCA(3, svd_solver="randomized", random_state=4).fit(X).components_
    assert torch.equal(first, PCA(3, svd_solver="randomized", random_state=4).fit(X).components_)
    assert not torch.equal(
        first, PCA(3, svd_solver="randomized", random_state=5).fit(X).components_
    )
    assert torch.equal(torch.random.get_rng_state(), state)


X53 = torch.arange(15.0).reshape(5, 3)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.full((3, 2), np.nan), "Input X contains NaN"),
        ([["a", "b"], ["c", "d"]], "could not convert string"),
        (X53.to_sparse(), "X: got layout torch.sparse_coo, want a dense tensor"),
        (X53.long(), "X: got dtype torch.int64, want torch.float32 or torch.float64"),
        (X53.half(), "X: got dtype torch.float16"),
        (X53[0], r"X: got shape \(3,\), want \(n, d\)"),
        (X53[:0], r"X: got shape \(0, 3\), want \(n, d\) with at least one row and one column"),
        (X53[:1], "want at least 2 samples"),
        (X53.where(X53 != 4, torch.nan), "X: got NaN or infinite values"),
        (X53.where(X53 != 4, torch.inf), "X: got NaN or infinite values"),
    ],
)
def test_fit_names_what_is_wrong_with_the_data(X, message):
    with pytest.raises(ValueError, match=message):
        PCA(1).fit(X)


def test_a_sum_that_overflows_is_not_taken_for_infinite_data():
    X = torch.full((2, 3), 3e38) * torch.tensor([[1.0], [0.5]])
    with pytest.raises(ValueError, match="want finite"):
        PCA(1).fit(X / 0.0)
    assert PCA(1).fit(torch.eye(3) * 1e10).n_components_ == 1


@pytest.mark.parametrize("n_components", [0, 4, -1, 1.5, 0.0, 1.0, True, "mle"])
def test_n_components_out_of_range(n_components):
    with pytest.raises(ValueError, match=r"n_components: got .* \(5, 3\), want an integer from 1"):
        PCA(n_components).fit(X53)


def test_pca_refuses_solvers_that_do_not_fit():
    with pytest.raises(ValueError, match="svd_solver: got 'arpack', want one of auto"):
        PCA(1, svd_solver="arpack").fit(X53)
    with pytest.raises(ValueError, match="randomized solver, which needs the number"):
        PCA(0.5, svd_solver="randomized").fit(X53)
    with pytest.raises(ValueError, match="random_state: got 'a', want an integer"):
        PCA(1, svd_solver="randomized", random_state="a").fit(X53)
    with pytest.raises(NotFittedError, match="call fit"):
        PCA(1).transform(X53)
    with pytest.raises(ValueError, match="call fit"):
        PCA(1).inverse_transform(X53)
    pca = PCA(1).fit(X53)
    with pytest.raises(ValueError, match=r"X: got shape \(5, 2\), want \(n, 3\)"):
        pca.transform(X53[:, :2])
    with pytest.raises(ValueError, match=r"H: got shape \(5, 3\), want \(n, 1\)"):
        pca.inverse_transform(X53)
    with pytest.raises(ValueError, match=r"got dtype torch.float64, want torch.float32, as in fit"):
        pca.transform(X53.double())
    assert repr(pca) == "PCA(n_components=1)"


def test_numpys_integers_are_integers():
    assert PCA(np.int64(2)).fit(X53).n_components_ == 2
    assert PCA(np.float64(0.5)).fit(X53).n_components_ == 1


# The likelihood


@pytest.mark.parametrize(("n", "d", "m"), [(200, 12, 4), (200, 12, 12), (15, 40, 5)])
def test_the_score_is_scikit_learns(n, d, m):
    X, new = sample(n, d), sample(30, d, seed=1)
    ours, peer = PCA(m).fit(X), SklearnPCA(m).fit(X.numpy())
    for data in (X, new):
        theirs = torch.from_numpy(peer.score_samples(data.numpy()))
        # They subtract the codes' squares from those of x; we square the residual.
        torch.testing.assert_close(ours.score_samples(data), theirs, rtol=1e-5, atol=1e-5)
        assert ours.score(data) == pytest.approx(peer.score(data.numpy()), rel=1e-5)
    # Whitening changes the codes and not the model of the data (in scikit-learn 1.9 it changes
    # the score too: its covariance takes components for longer than they are).
    assert torch.equal(PCA(m, whiten=True).fit(X).score_samples(new), ours.score_samples(new))


def test_the_score_is_the_density_of_the_model():
    X = sample(60, 5)
    pca = PCA(2).fit(X)
    V, variances = pca.components_, pca.explained_variance_
    covariance = V.T @ torch.diag(variances - pca.noise_variance_) @ V
    covariance += pca.noise_variance_ * torch.eye(5, dtype=X.dtype)
    normal = torch.distributions.MultivariateNormal(pca.mean_, covariance)
    torch.testing.assert_close(pca.score_samples(X), normal.log_prob(X))
    assert PCA(2).fit(X.float()).score(X.float()) == pytest.approx(pca.score(X), rel=1e-4)


@pytest.mark.parametrize("solver", SOLVERS)
def test_data_without_a_density_has_no_score(solver):
    for pca in (PCA(6, svd_solver=solver), PCA(3, svd_solver=solver), PCA(2, svd_solver=solver)):
        pca.fit(rank_two(40, 10))
        with pytest.raises(ValueError, match=r"n_components: got .* there is no density to score"):
            pca.score(rank_two(40, 10))


# Incremental, and reports of scikit-learn's tracker (github.com/scikit-learn/scikit-learn/issues)


def test_report_13898_whitening_leaves_the_score_as_it_is():
    X = sample(100, 4)
    assert PCA(2, whiten=True).fit(X).score(X) == PCA(2).fit(X).score(X)


@pytest.mark.parametrize("solver", SOLVERS)
def test_reports_13032_and_7568_a_score_of_data_with_constant_features(solver):
    X = torch.tensor(load_digits().data)  # 64 pixels, of which three never change
    assert math.isfinite(PCA(30, svd_solver=solver).fit(X).score(X))
    with pytest.raises(ValueError, match="there is no density to score with"):
        PCA(61, svd_solver=solver, whiten=True).fit(X).score(X)


def test_report_12489_fewer_samples_than_features():
    X = sample(5, 100)
    with pytest.raises(ValueError, match=r"n_components: got 5 of 100 dimensions and no variance"):
        PCA().fit(X).score(X)
    assert math.isfinite(PCA(3).fit(X).score(X))


@pytest.mark.parametrize("solver", SOLVERS)
def test_report_29534_whitening_blows_no_rounding_up(solver):
    X = make_low_rank_matrix(1000, 10, effective_rank=2, random_state=0, tail_strength=0)
    assert np.abs(PCA(svd_solver=solver, whiten=True).fit_transform(X)).max() < 5


def test_report_11001_whitened_codes_have_variance_one():
    H = PCA(whiten=True).fit_transform(sample(1000, 4))
    torch.testing.assert_close(H.var(0), torch.ones(4, dtype=H.dtype))


def test_reports_12234_and_13114_batches_smaller_than_the_components():
    X = sample(101, 4)
    pca = PCA(4)
    for batch in X.split(10):  # the last holds one sample
        pca.partial_fit(batch)
    torch.testing.assert_close(pca.components_, PCA(4).fit(X).components_)


def test_report_15669_a_fraction_is_exceeded_and_not_only_reached():
    X = torch.diag(torch.tensor([1.0, -1, 1, -1])).double()
    X = X - X.mean(0)
    shares = PCA().fit(X).explained_variance_ratio_
    assert float(PCA(float(shares[0])).fit(X).explained_variance_ratio_.sum()) > float(shares[0])


def test_report_12823_float32_stays_close_to_float64():
    X = np.random.RandomState(0).rand(1000, 4)
    for solver in SOLVERS:
        exact = PCA(3, svd_solver=solver).fit(X)
        single = PCA(3, svd_solver=solver).fit(X.astype(np.float32))
        assert single.components_.dtype == np.float32
        np.testing.assert_allclose(single.components_, exact.components_, atol=1e-4)


@pytest.mark.parametrize("sizes", [[60, 60, 60], [10, 1, 50, 1, 118], [30] * 6])
def test_incremental_fits_are_scikit_learns(sizes):
    X, m = sample(180, 8, decay=0.9), 4
    ours, peer = PCA(m), IncrementalPCA(m)
    for batch in X.split(sizes):
        ours.partial_fit(batch)
        peer.partial_fit(batch.numpy())
    cosines = (ours.components_ * torch.from_numpy(peer.components_)).sum(1).abs()
    torch.testing.assert_close(cosines, torch.ones(m, dtype=X.dtype), rtol=0, atol=1e-10)
    for name in ("mean_", "singular_values_", "explained_variance_", "explained_variance_ratio_"):
        theirs = torch.from_numpy(getattr(peer, name))
        torch.testing.assert_close(getattr(ours, name), theirs, rtol=1e-8, atol=1e-10)
    assert ours.n_samples_ == 180


@pytest.mark.parametrize("first", ["fit", "partial_fit"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_incremental_is_the_whole_fit_where_the_components_hold_all(first, dtype):
    X = sample(90, 6, dtype=dtype)
    whole, parts = PCA(6, svd_solver="full").fit(X), PCA(6)
    getattr(parts, first)(X[:20])
    for batch in X[20:].split(7):
        parts.partial_fit(batch)
    tolerance = 1e-4 if dtype == torch.float32 else 1e-10
    for name in ("components_", "mean_", "singular_values_", "explained_variance_ratio_"):
        torch.testing.assert_close(
            getattr(parts, name), getattr(whole, name), rtol=tolerance, atol=tolerance
        )
    torch.testing.assert_close(parts.transform(X), whole.transform(X), rtol=1e-3, atol=tolerance)
    # With fewer components the total variance, and so the noise, still counts everything.
    few = PCA(2).partial_fit(X[:50]).partial_fit(X[50:])
    left = whole.explained_variance_.sum() - few.explained_variance_.sum()
    assert few.noise_variance_ == pytest.approx(float(left) / 4, rel=1e-3)


def test_incremental_arguments_that_do_not_fit_are_refused():
    X = sample(20, 6)
    with pytest.raises(ValueError, match=r"n_components: got 0.5, want an integer or None"):
        PCA(0.5).partial_fit(X)
    with pytest.raises(ValueError, match=r"n_components: got 5 for X of shape \(4, 6\)"):
        PCA(5).partial_fit(X[:4])
    with pytest.raises(ValueError, match="at least 2 samples"):
        PCA(1).partial_fit(X[:1])
    with pytest.raises(ValueError, match="n_components: got 3, want 2, as before; fit starts afr"):
        PCA(2).partial_fit(X).set_params(n_components=3).partial_fit(X)
    with pytest.raises(ValueError, match=r"X: got shape \(20, 5\), want \(n, 6\)"):
        PCA(2).partial_fit(X).partial_fit(X[:, :5])


# Any scale

SCALES = [(torch.float32, s) for s in (1e-18, 1e18)] + [(torch.float64, s) for s in (1e-153, 1e153)]


@pytest.mark.parametrize(("dtype", "scale"), SCALES)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(("n", "d"), [(40, 10), (8, 30)])
def test_components_do_not_depend_on_the_units(dtype, scale, solver, n, d):
    X = sample(n, d, dtype=dtype)
    near, far = (PCA(3, svd_solver=solver).fit(Y) for Y in (X, X * scale))
    tolerance = {"rtol": 1e-3, "atol": 1e-4}
    torch.testing.assert_close(far.components_, near.components_, **tolerance)
    torch.testing.assert_close(
        far.explained_variance_ratio_, near.explained_variance_ratio_, **tolerance
    )
    torch.testing.assert_close(far.singular_values_ / scale, near.singular_values_, **tolerance)
    torch.testing.assert_close(far.transform(X * scale) / scale, near.transform(X), **tolerance)
    white = PCA(3, svd_solver=solver, whiten=True)
    torch.testing.assert_close(white.fit_transform(X * scale), white.fit_transform(X), **tolerance)
    half = PCA(3).partial_fit(X[:4] * scale).partial_fit(X[4:] * scale)
    half_near = PCA(3).partial_fit(X[:4]).partial_fit(X[4:])
    torch.testing.assert_close(half.components_, half_near.components_, **tolerance)
    assert half.score(X * scale) == pytest.approx(
        half_near.score(X) - d * math.log(scale), rel=1e-3
    )


@pytest.mark.parametrize(
    ("dtype", "scale"),
    [(torch.float32, s) for s in (1e-30, 1e20, 1e30, 1e38)] + [(torch.float64, 1e200)],
)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_variances_out_of_the_dtypes_range_are_refused(dtype, scale, solver, call):
    X = sample(40, 10, dtype=dtype)
    X = X / X.abs().max() * scale
    with pytest.raises(ValueError, match=r"X: got values of about 2\^.* leave the range of torch"):
        getattr(PCA(3, svd_solver=solver), call)(X)
    with pytest.raises(ValueError, match=r"X: got values of about 2\^.* leave the range of torch"):
        getattr(PCA(3, svd_solver=solver), call)(X.numpy())


# ---------------------------------------------------------------- linear autoencoder


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_the_autoencoder_computes_what_its_equation_says(tied, bias):
    model = LinearAutoencoder(6, 2, tied=tied, bias=bias, seed=3)
    X = sample(9, 6, dtype=torch.float32)
    if bias:
        torch.nn.init.ones_(model.b_enc)
        torch.nn.init.constant_(model.b_dec, 2.0)
    else:
        assert model.b_enc is None
        assert model.b_dec is None
    rows = [model.D @ (model.W @ x + float(bias)) + 2.0 * bias for x in X]
    assert torch.allclose(model(X), torch.stack(rows), atol=1e-5)
    assert torch.equal(model.decoder, model.D)
    names = {name for name, _ in model.named_parameters()}
    assert names == {"W"} | ({"b_enc", "b_dec"} if bias else set()) | (set() if tied else {"D"})
    if tied:
        assert torch.equal(model.D, model.W.T)
    assert f"tied={tied}" in repr(model)


def test_the_autoencoder_starts_from_its_seed_and_not_from_the_global_state():
    state = torch.random.get_rng_state()
    first, second = LinearAutoencoder(50, 4, seed=1), LinearAutoencoder(50, 4, seed=1)
    assert torch.equal(first.W, second.W)
    assert torch.equal(first.D, second.D)
    assert not torch.equal(first.W, LinearAutoencoder(50, 4, seed=2).W)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert float(first.W.detach().norm(dim=1).max()) < 1.5  # rows of length about one


def test_an_autoencoder_set_to_the_principal_subspace_reaches_the_error_of_pca():
    X = sample(60, 8)
    pca = PCA(3).fit(X)
    model = LinearAutoencoder(8, 3).double()
    A = torch.tensor([[2.0, 1.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 3.0]], dtype=X.dtype)
    with torch.no_grad():
        model.W.copy_(A @ pca.components_)
        model.D.copy_(pca.components_.T @ torch.linalg.inv(A))
        model.b_enc.copy_(-model.W @ pca.mean_)
        model.b_dec.copy_(pca.mean_)
    error = reconstruction_loss(model, X)
    rest = pca.noise_variance_ * 5 * 59 / 60
    error.backward()
    assert error.item() == pytest.approx(rest, rel=1e-9)
    largest = max(float(p.grad.abs().max()) for p in model.parameters())
    assert largest < 1e-10  # it is a critical point
    assert error.item() == pytest.approx(reconstruction_error(X, model(X)))


def test_autoencoder_refusals():
    with pytest.raises(ValueError, match="got d=0, m=2"):
        LinearAutoencoder(0, 2)
    with pytest.raises(ValueError, match=r"m: got 2.5, want an integer"):
        LinearAutoencoder(5, 2.5)
    with pytest.raises(ValueError, match="d: got '5', want an integer"):
        LinearAutoencoder("5", 2)
    with pytest.raises(ValueError, match=r"seed: got 0.5, want an integer"):
        LinearAutoencoder(5, 2, seed=0.5)
    model = LinearAutoencoder(3, 2)
    with pytest.raises(ValueError, match=r"X: got shape \(5, 2\), want \(n, 3\)"):
        model(X53[:, :2])
    with pytest.raises(ValueError, match=r"H: got shape \(3,\), want \(n, 2\)"):
        model.decode(X53[0])
    with pytest.raises(ValueError, match=r"X: got shape \(5, 3\) and model output \(5, 2\)"):
        reconstruction_loss(torch.nn.Linear(3, 2), X53)
    with pytest.raises(AttributeError, match="no attribute 'codes'"):
        _ = model.codes


# ---------------------------------------------------------------- factorisation


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_factorisation_reaches_the_error_and_the_subspace_of_pca(seed, m):
    X = sample(40, 6, seed=seed, decay=0.6)
    result = factorise(X, m, seed=seed, iterations=300, tol=0.0)
    pca = PCA(m, svd_solver="full").fit(X)
    error = reconstruction_error(X, pca.inverse_transform(pca.transform(X)))
    assert result.errors[-1] == pytest.approx(error, rel=1e-6)
    assert (np.diff(result.errors) <= 0).all()
    assert principal_angles(result.D, pca.components_.T).max() < 1e-2  # slow where a gap is small
    assert reconstruction_error(X, result.mean + result.H @ result.D.T) == pytest.approx(
        result.errors[-1]
    )


def test_factorisation_of_rank_deficient_data_stops_at_no_error():
    X = sample(30, 5)[:, :1] * torch.ones(1, 5)
    result = factorise(X, 3)
    assert result.errors[-1] < 1e-20
    assert len(result.errors) < 100


def test_factorisation_stops_at_its_tolerance_and_its_limit():
    X = sample(50, 8, dtype=torch.float32)
    assert len(factorise(X, 2, iterations=3).errors) == 3
    loose, tight = factorise(X, 2, tol=1e-2), factorise(X, 2, tol=1e-6)
    assert len(loose.errors) < len(tight.errors) < 100
    assert loose.H.dtype == torch.float32


def test_factorisation_refusals():
    with pytest.raises(ValueError, match=r"m: got 4 for X of shape \(5, 3\), want 1 to 3"):
        factorise(X53, 4)
    with pytest.raises(ValueError, match=r"m: got 1.5, want an integer"):
        factorise(X53, 1.5)
    for tol in (-1, np.nan, "small"):
        with pytest.raises(ValueError, match=f"tol: got {tol!r}, want a number of at least 0"):
            factorise(X53, 1, tol=tol)
    with pytest.raises(ValueError, match="iterations: got 0"):
        factorise(X53, 1, iterations=0)
    with pytest.raises(ValueError, match="X: got dtype"):
        factorise(X53.int(), 1)


@pytest.mark.parametrize(
    ("dtype", "scale"),
    [(torch.float32, s) for s in (1e-30, 1e19, 1e30)] + [(torch.float64, 1e153)],
)
def test_factorisation_does_not_depend_on_the_units(dtype, scale):
    X = sample(40, 6, dtype=dtype)
    near, far = factorise(X, 2), factorise(X * scale, 2)
    torch.testing.assert_close(
        (far.mean + far.H @ far.D.T) / scale, near.mean + near.H @ near.D.T, rtol=1e-3, atol=1e-3
    )
    assert far.errors[-1] == pytest.approx(near.errors[-1] * scale**2, rel=1e-3)
    assert near.converged
    assert not factorise(X, 2, iterations=2, tol=0.0).converged
    if dtype == torch.float64:
        with pytest.raises(ValueError, match=r"X: got values of about 2\^.* want other units"):
            factorise(X * 1e200, 2)


def test_autoencoders_and_factorisations_are_made_where_their_data_lies():
    X = sample(20, 4, dtype=torch.float32)
    with torch.device("meta"):
        assert LinearAutoencoder(4, 2)(X).device.type == "cpu"
        assert factorise(X, 2).H.device.type == "cpu"


@pytest.mark.parametrize("solver", ["full", "covariance_eigh", "randomized"])
@pytest.mark.parametrize("value", [0.0, 0.7, 1.0, 3e30])
def test_samples_that_are_all_the_same_have_no_variance(value: float, solver: str) -> None:
    """0 and 0.7 need no scaling, after which the sum of squares is 0 still."""
    pca = PCA(2, svd_solver=solver).fit(torch.full((6, 3), value))
    assert pca.explained_variance_.tolist() == [0.0, 0.0]
    assert pca.explained_variance_ratio_.tolist() == [0.0, 0.0]
    torch.testing.assert_close(pca.mean_, torch.full((3,), value))


def test_a_log_likelihood_beyond_the_dtype_is_refused() -> None:
    pca = PCA(1).fit(torch.randn(20, 3, generator=torch.Generator().manual_seed(0)))
    with pytest.raises(ValueError, match="X: got values whose log-likelihoods leave the range"):
        pca.score_samples(torch.full((2, 3), 1e30))


@pytest.mark.parametrize("solver", ["full", "covariance_eigh"])
@pytest.mark.parametrize(
    ("dtype", "n"), [(torch.float64, 50), (torch.float64, 1000), (torch.float32, 333)]
)
def test_a_constant_column_is_no_direction_whatever_its_value(solver, dtype, n):
    """The mean of n equal values is rounded; what is left of them is no variance."""
    generator = torch.Generator().manual_seed(0)
    constants = 100 + 2900 * torch.rand(25, generator=generator, dtype=torch.float64)
    for constant in constants.tolist():
        column = torch.full((n, 1), constant, dtype=dtype)
        X = torch.cat([torch.randn(n, 2, generator=generator).to(dtype), column], 1)
        model = PCA(3, whiten=True, svd_solver=solver).fit(X)
        assert not model.transform(X)[:, 2].any()
        with pytest.raises(ValueError, match="no variance in some direction"):
            PCA(3, svd_solver=solver).fit(X).score(X)


@pytest.mark.parametrize("solver", ["full", "covariance_eigh"])
def test_equal_samples_have_no_directions(solver):
    for dtype in (torch.float32, torch.float64):
        X = torch.full((7, 5), 1 / 3, dtype=dtype)
        assert not PCA(2, whiten=True, svd_solver=solver).fit_transform(X).any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_direction_of_little_variance_far_from_the_origin_is_kept(dtype):
    """Ten times what the rounding of the mean may leave."""
    eps = torch.finfo(dtype).eps
    X = sample(400, 3, dtype=dtype) + 1000
    noise = torch.randn(400, generator=torch.Generator().manual_seed(1), dtype=dtype)
    X[:, 2] = 1000 + 1000 * 40 * eps * noise
    assert PCA(3, whiten=True).fit_transform(X)[:, 2].std() == pytest.approx(1, rel=0.3)


def test_whiten_is_true_or_false():
    with pytest.raises(ValueError, match="whiten: got 'no', want True or False"):
        PCA(2, whiten="no").fit(sample(20, 4))
