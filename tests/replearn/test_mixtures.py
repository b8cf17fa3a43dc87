"""Gaussian mixtures: density, score and posterior mean against integration and autograd."""

import math
import warnings

import numpy as np
import pytest
import torch
from sklearn.mixture import GaussianMixture as SklearnMixture

from replearn import mixtures
from replearn.mixtures import GaussianMixture

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
double = torch.float64
K, D = 4, 3


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=double)


def positive(*shape, seed=0):
    A = randn(*shape, seed=seed)
    return A @ A.mT + 0.1 * torch.eye(shape[-1], dtype=double)


MEANS = 2 * randn(K, D, seed=1)
WEIGHTS = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=double)
COVARIANCES = {
    "number": 0.3,
    "one a component": torch.tensor([0.1, 0.5, 1.0, 0.2], dtype=double),
    "full": positive(D, D, seed=2),
    "full, one a component": positive(K, D, D, seed=3),
    "samples": 0.0,
}
METHODS = ("log_density", "score_function", "posterior_mean")
FORMS = pytest.mark.parametrize("covariances", COVARIANCES.values(), ids=COVARIANCES.keys())


def as_full(covariances):
    """(k, d, d) of any form."""
    S = torch.as_tensor(covariances, dtype=double)
    if S.ndim < 2:
        S = S.reshape(-1, 1, 1) * torch.eye(D, dtype=double)
    return S.expand(K, D, D)


@FORMS
def test_log_density_is_that_of_torchs_distributions(covariances):
    Y, s = 2 * randn(20, D), 0.4
    S = as_full(covariances) + s**2 * torch.eye(D, dtype=double)
    normals = torch.distributions.MultivariateNormal(MEANS, S)
    mixture = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(WEIGHTS), normals
    )
    got = GaussianMixture(MEANS, covariances, WEIGHTS).log_density(Y, s)
    torch.testing.assert_close(got, mixture.log_prob(Y))


@FORMS
def test_score_is_autograds_gradient_of_the_log_density(covariances):
    Y = (2 * randn(20, D)).requires_grad_()
    mixture = GaussianMixture(MEANS, covariances, WEIGHTS)
    (wanted,) = torch.autograd.grad(mixture.log_density(Y, 0.4).sum(), Y)
    torch.testing.assert_close(mixture.score_function(Y, 0.4), wanted)


@FORMS
@pytest.mark.parametrize("s", [0.05, 0.4, 3.0])
def test_posterior_mean_and_score_are_tied_by_tweedie(covariances, s):
    Y = 3 * randn(20, D)
    mixture = GaussianMixture(MEANS, covariances, WEIGHTS)
    wanted = Y + s**2 * mixture.score_function(Y, s)
    torch.testing.assert_close(mixture.posterior_mean(Y, s), wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "variances", [0.2, torch.tensor([0.05, 0.6], dtype=double)], ids=["one", "two"]
)
def test_one_dimension_against_numerical_integration(variances):
    means, weights, s = torch.tensor([[-1.0], [1.5]], dtype=double), [0.3, 0.7], 0.7
    x = torch.linspace(-12, 12, 20001, dtype=double)
    prior = torch.zeros_like(x)
    for weight, mu, v in zip(
        weights, means[:, 0], torch.as_tensor(variances).expand(2), strict=True
    ):
        prior += weight * torch.exp(-((x - mu) ** 2) / (2 * v)) / (2 * math.pi * v) ** 0.5
    Y = torch.linspace(-4, 4, 9, dtype=double)[:, None]
    joint = prior * torch.exp(-((Y - x) ** 2) / (2 * s**2)) / (2 * math.pi * s**2) ** 0.5
    density = torch.trapezoid(joint, x)
    mixture = GaussianMixture(means, variances, torch.tensor(weights))
    torch.testing.assert_close(mixture.log_density(Y, s), density.log(), rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(
        mixture.posterior_mean(Y, s)[:, 0],
        torch.trapezoid(x * joint, x) / density,
        rtol=1e-7,
        atol=1e-7,
    )


def test_the_forms_of_one_covariance_agree():
    Y, S = randn(10, D), 0.5 * torch.eye(D, dtype=double)
    for method in METHODS:
        values = [
            getattr(GaussianMixture(MEANS, form, WEIGHTS), method)(Y, 0.3)
            for form in (0.5, torch.full((K,), 0.5, dtype=double), S, S.expand(K, D, D))
        ]
        for value in values[1:]:
            torch.testing.assert_close(value, values[0])


@FORMS
def test_a_few_rows_at_a_time_give_the_same(covariances, monkeypatch):
    Y = randn(11, D)
    mixture = GaussianMixture(MEANS, covariances, WEIGHTS)
    whole = mixture.posterior_mean(Y, 0.5)
    monkeypatch.setattr(mixtures, "_ENTRIES", 1)
    torch.testing.assert_close(mixture.posterior_mean(Y, 0.5), whole)


def test_weights_are_scaled_and_equal_by_default():
    Y = randn(5, D)
    for given, same in ((10 * WEIGHTS, WEIGHTS), (None, torch.ones(K))):
        torch.testing.assert_close(
            GaussianMixture(MEANS, 0.2, given).log_density(Y, 0.1),
            GaussianMixture(MEANS, 0.2, same).log_density(Y, 0.1),
        )
    alone = torch.tensor([0.0, 1.0, 0.0, 0.0])
    torch.testing.assert_close(
        GaussianMixture(MEANS, 0.0, alone).posterior_mean(Y, 0.1), MEANS[1].expand(5, D)
    )


@FORMS
def test_far_away_where_every_density_underflows_nothing_is_lost(covariances):
    Y = torch.tensor([[1e4, 0.0, 0.0], [0.0, -1e5, 1e5]], dtype=double)
    mixture = GaussianMixture(MEANS, covariances, WEIGHTS)
    log_density = mixture.log_density(Y, 0.1)
    assert log_density.isfinite().all()
    assert (log_density.exp() == 0).all()
    score = mixture.score_function(Y, 0.1)
    assert score.isfinite().all()
    assert ((score * Y).sum(1) < 0).all()


def test_with_little_noise_the_best_denoiser_of_samples_takes_the_nearest():
    Y = MEANS + 0.1 * randn(K, D)
    samples = GaussianMixture(MEANS, 0.0)
    torch.testing.assert_close(samples.posterior_mean(Y, 0.02), MEANS)
    far = samples.posterior_mean(Y, 1e4)
    torch.testing.assert_close(far, MEANS.mean(0).expand(K, D), atol=1e-3, rtol=0)


def test_without_noise_the_posterior_mean_is_the_sample_itself():
    Y = randn(6, D)
    torch.testing.assert_close(GaussianMixture(MEANS, 0.3).posterior_mean(Y), Y)


def test_a_common_offset_of_samples_and_means_costs_no_accuracy():
    Y, shift = randn(6, D), 1e5
    torch.testing.assert_close(
        GaussianMixture(MEANS + shift, 0.0, WEIGHTS).log_density(Y + shift, 0.2),
        GaussianMixture(MEANS, 0.0, WEIGHTS).log_density(Y, 0.2),
        rtol=1e-8,
        atol=1e-8,
    )


@FORMS
def test_the_dtype_of_the_samples_is_kept_and_the_rest_may_have_another(covariances):
    Y = randn(6, D).float()
    for method in METHODS:
        function = getattr(GaussianMixture(MEANS, covariances, WEIGHTS), method)
        value = function(Y, 0.5)
        assert value.dtype == torch.float32
        wanted = function(Y.double(), 0.5)
        torch.testing.assert_close(value.double(), wanted, rtol=1e-6, atol=1e-6)


@FORMS
def test_samples_have_the_mixtures_weights_means_and_covariances(covariances):
    n = 40_000
    X, component = GaussianMixture(MEANS, covariances, WEIGHTS).sample(n, generator=generator(5))
    assert X.shape == (n, D)
    assert component.dtype == torch.int64
    S = as_full(covariances)
    for k in range(K):
        own = X[component == k]
        p = float(WEIGHTS[k])
        assert abs(len(own) / n - p) < 5 * math.sqrt(p * (1 - p) / n)
        error = 5 * (S[k].diagonal() / len(own)).sqrt()
        assert ((own.mean(0) - MEANS[k]).abs() <= error + 1e-12).all()
        size = S[k].diagonal()
        error = 5 * ((size[:, None] * size + S[k].square()) / len(own)).sqrt()
        assert ((torch.cov(own.T) - S[k]).abs() <= error + 1e-12).all()


def test_samples_follow_the_generator_and_leave_the_global_one():
    before = torch.get_rng_state()
    mixture = GaussianMixture(MEANS.float(), 0.1)
    first, second = (mixture.sample(9, generator=generator(7)) for _ in range(2))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert first[0].dtype == torch.float32
    assert torch.equal(torch.get_rng_state(), before)
    other = mixture.sample(9, generator=generator(8))
    assert not torch.equal(first[0], other[0])


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"Y": torch.ones(2, 4)}, r"Y: got shape \(2, 4\), want \(n, 3\)"),
        ({"Y": torch.ones(2, 3, dtype=torch.int64)}, "Y: got dtype torch.int64"),
        ({"means": torch.ones(3)}, r"means: got shape \(3,\)"),
        ({"means": torch.full((4, 3), math.inf)}, "means: got NaN or infinite"),
        ({"covariances": torch.ones(5)}, r"covariances: got shape \(5,\) for means \(4, 3\)"),
        ({"covariances": torch.ones(4, 3)}, r"covariances: got shape \(4, 3\)"),
        ({"covariances": -0.1}, "covariances: got variance -0.1, want at least 0"),
        ({"covariances": torch.diag(torch.tensor([1.0, 1, -1]))}, "covariances: got variance -1"),
        ({"covariances": torch.ones(3, 3).triu()}, "covariances: got a matrix that is not symm"),
        ({"covariances": math.nan}, "covariances: got NaN"),
        ({"covariances": 0.0, "noise_std": 0.0}, "covariances: got a variance of 0 and noise_std"),
        ({"weights": torch.ones(3)}, r"weights: got shape \(3,\), want \(4,\)"),
        ({"weights": torch.tensor([1.0, 1, 1, -1])}, "weights: got negative"),
        ({"weights": torch.zeros(4)}, "weights: got negative, infinite or no weight"),
        ({"weights": "equal"}, "weights: got str"),
        ({"noise_std": -1.0}, "noise_std: got -1.0, want a number of at least 0"),
        ({"noise_std": math.inf}, "noise_std: got inf, want a finite number"),
    ],
)
def test_each_argument_that_does_not_fit_is_named(changed, sentence):
    arguments = {
        "Y": torch.ones(2, 3), "means": MEANS.float(), "covariances": 0.1, "weights": None,
        "noise_std": 0.2,
    } | changed  # fmt: skip
    Y, noise_std = arguments.pop("Y"), arguments.pop("noise_std")
    for method in METHODS:
        with pytest.raises(ValueError, match=sentence):
            getattr(GaussianMixture(**arguments), method)(Y, noise_std)


@pytest.mark.parametrize("n", [0, 2.5])
def test_the_number_of_samples_must_fit(n):
    with pytest.raises(ValueError, match="n: got"):
        GaussianMixture(MEANS, 0.1).sample(n)


@needs_gpu
@FORMS
def test_the_gpu_gives_the_same(covariances):
    Y = randn(20, D)
    for method in METHODS:
        function = getattr(GaussianMixture(MEANS, covariances, WEIGHTS), method)
        torch.testing.assert_close(function(Y.cuda(), 0.4).cpu(), function(Y, 0.4))
    X, component = GaussianMixture(MEANS.cuda(), covariances, WEIGHTS).sample(
        9, generator=torch.Generator("cuda").manual_seed(0)
    )
    assert X.is_cuda
    assert component.is_cuda


def test_the_score_is_the_mean_log_density_and_arrays_give_arrays():
    mixture = GaussianMixture(MEANS, 0.3, WEIGHTS)
    Y = torch.randn(6, MEANS.shape[1], generator=generator(1), dtype=torch.float64)
    assert mixture.score(Y, 0.2) == pytest.approx(float(mixture.log_density(Y, 0.2).mean()))
    for method in METHODS:
        found = getattr(mixture, method)(Y.numpy(), 0.2)
        assert isinstance(found, np.ndarray)
        np.testing.assert_array_equal(found, getattr(mixture, method)(Y, 0.2).numpy())
    with pytest.raises(ValueError, match="Input Y contains NaN"):
        mixture.score(np.full((2, MEANS.shape[1]), np.nan))


@pytest.mark.parametrize("kind", ["full", "tied", "spherical"])
def test_what_scikit_learn_has_learnt_can_be_handed_over(kind):
    X = GaussianMixture(MEANS, 0.2).sample(400, generator=generator(2))[0].numpy()
    peer = SklearnMixture(3, covariance_type=kind, random_state=0).fit(X)
    ours = GaussianMixture(peer.means_, peer.covariances_, peer.weights_)
    np.testing.assert_allclose(ours.log_density(X), peer.score_samples(X), rtol=1e-6)
    assert ours.score(X) == pytest.approx(peer.score(X))


@pytest.mark.parametrize("variance", [0.1, np.float64(0.1), [0.1, 0.1], [[0.1, 0.0], [0.0, 0.1]]])
def test_covariances_that_are_no_tensor_keep_their_digits(variance: object) -> None:
    """0.1 in float32 is another number, by 1e-9."""
    mixture = GaussianMixture(torch.zeros(2, 2), variance)
    assert mixture.covariances.dtype == double
    assert float(mixture.covariances.max()) == 0.1
    wanted = -math.log(2 * math.pi * 0.1)
    assert float(mixture.log_density(torch.zeros(1, 2, dtype=double))) == pytest.approx(
        wanted, rel=1e-14
    )


def test_a_log_density_beyond_the_dtype_is_refused() -> None:
    with pytest.raises(ValueError, match="Y: got values whose log-densities leave the range"):
        GaussianMixture(torch.zeros(1, 2), 0.1).log_density(torch.full((1, 2), 1e30))


def test_gradients_reach_the_parameters_without_a_warning() -> None:
    means, covariances = MEANS.clone().requires_grad_(), torch.eye(D, dtype=double)
    covariances.requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        GaussianMixture(means, covariances).log_density(MEANS).sum().backward()
    assert means.grad is not None
    assert bool(means.grad.any())
    assert covariances.grad is not None
    assert bool(covariances.grad.any())
