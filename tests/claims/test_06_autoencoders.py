"""The claims of chapter 06, one test each.

A theorem that speaks of every data set is tested on data sets drawn by hypothesis, in float64. The
library's losses, penalties and layers stand for the formulas where the chapter uses them.
"""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.distributions import Bernoulli, Laplace, Normal
from torch.nn.functional import avg_pool2d, conv2d, max_pool2d, pad

from replearn.autoencoders import (
    Autoencoder,
    Dense,
    cross_entropy,
    dense_autoencoder,
    kl_to_rate,
    l1,
    objective,
    squared_error,
)
from replearn.autoencoders.predictive import PredictiveSparse
from replearn.metrics import principal_angles, reconstruction_error, sparsity
from replearn.pca import PCA
from replearn.sparse import ista, optimality, soft_threshold
from replearn.training import train

seeds = st.integers(0, 2**31 - 1)
claim = pytest.mark.claim
many = settings(max_examples=40, deadline=None)


def normal(*shape, g):
    return torch.randn(*shape, generator=g, dtype=torch.float64)


def whole(low: int, high: int, g) -> int:
    return int(torch.randint(low, high + 1, (), generator=g))


def eye(*shape):
    return torch.eye(*shape, dtype=torch.float64)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def orthonormal(d: int, m: int, g):
    return torch.linalg.qr(normal(d, m, g=g)).Q


class Constant(torch.nn.Module):
    """A decoder that outputs what it was given, whatever the code."""

    def __init__(self, A):
        super().__init__()
        self.A = A

    def forward(self, H):
        return self.A


def fixed(A, output):
    return Autoencoder(torch.nn.Identity(), Constant(A), output=output)


@claim("prop-ae-gaussian")
@given(seeds, st.floats(0.1, 10.0))
@many
def test_squared_error_is_the_gaussian_likelihood(seed, rho):
    g = generator(seed)
    X, A = normal(5, 3, g=g), normal(5, 3, g=g)
    d = X.shape[1]
    loss = float(squared_error(fixed(A, "linear"), X, X))

    def nll(scale):
        return -float(Normal(A, scale).log_prob(X).sum(1).mean())

    stated = loss / (2 * rho**2) + d / 2 * math.log(2 * math.pi * rho**2)
    assert nll(rho) == pytest.approx(stated, rel=1e-10)
    assert nll(math.sqrt(0.5)) == pytest.approx(loss + d / 2 * math.log(math.pi), rel=1e-10)
    best = math.sqrt(loss / d)  # scale of the best variance
    assert nll(best) <= nll(rho) + 1e-12
    assert nll(best) < min(nll(1.01 * best), nll(best / 1.01))
    # for each scale the smaller squared error is the more probable
    worse = A + (A - X)
    assert float(squared_error(fixed(worse, "linear"), X, X)) > loss
    assert -float(Normal(worse, rho).log_prob(X).sum(1).mean()) > nll(rho)


@claim("prop-ae-bernoulli")
@given(seeds)
@many
def test_cross_entropy_is_the_bernoulli_likelihood(seed):
    g = generator(seed)
    A = 3 * normal(6, 4, g=g)
    coins = (torch.rand(6, 4, generator=g) < 0.5).double()
    H = torch.zeros(6, 1)
    loss = float(cross_entropy(fixed(A, "sigmoid"), H, coins))
    assert loss == pytest.approx(
        -float(Bernoulli(logits=A).log_prob(coins).sum(1).mean()), rel=1e-10
    )
    # grey values: both forms, the derivative, the mean as the best constant, the entropy as floor
    grey = 0.02 + 0.96 * torch.rand(6, 4, generator=g, dtype=torch.float64)
    p = torch.sigmoid(A)
    other = -(grey * p.log() + (1 - grey) * (1 - p).log()).sum(1).mean()
    loss = float(cross_entropy(fixed(A, "sigmoid"), H, grey))
    assert loss == pytest.approx(float(other), rel=1e-9)
    leaf = A.clone().requires_grad_()
    (slope,) = torch.autograd.grad(cross_entropy(fixed(leaf, "sigmoid"), H, grey), leaf)
    assert torch.allclose(slope * len(grey), p - grey)
    # convex: the middle lies below the mean of the ends, and strictly
    ends = [A, A + normal(6, 4, g=g)]

    def cost(logits):
        return float(cross_entropy(fixed(logits, "sigmoid"), H, grey))

    assert cost(sum(ends) / 2) < (cost(ends[0]) + cost(ends[1])) / 2
    constant = grey.mean(0)  # of each pixel
    best = torch.logit(constant).expand(6, 4)
    at_best = cost(best)
    for j in range(4):
        step = 0.02 * eye(4)[j]
        assert at_best < min(cost(best + step), cost(best - step))
    entropy = -(grey * grey.log() + (1 - grey) * (1 - grey).log()).sum(1).mean()
    floor = float(cross_entropy(fixed(torch.logit(grey), "sigmoid"), H, grey))
    assert floor == pytest.approx(float(entropy), rel=1e-9)
    assert 0 < floor <= loss + 1e-12
    # pixels that are 0 or 1: the cost falls towards 0 and stays above it
    sure = [
        float(cross_entropy(fixed(a * (2 * coins - 1), "sigmoid"), H, coins)) for a in (5, 10, 20)
    ]
    assert sure[0] > sure[1] > sure[2] > 0
    assert sure[2] < 1e-6


@claim("prop-ae-laplace")
@given(seeds, st.floats(0.2, 3.0), st.floats(0.2, 3.0))
@settings(max_examples=20, deadline=None)
def test_l1_is_a_laplace_prior(seed, rho, beta):
    g = generator(seed)
    sizes = 0.5 + 1.5 * torch.rand(3, generator=g, dtype=torch.float64)
    D = orthonormal(4, 3, g) * sizes @ orthonormal(3, 3, g)  # condition at most 4: ISTA converges
    x, H = normal(4, g=g), normal(8, 3, g=g)
    penalty = 2 * rho**2 / beta  # of the squared error
    halved = penalty / 2  # where the square has its factor of a half

    def log_posterior(H):  # up to log p(x)
        likelihood = Normal(H @ D.T, rho).log_prob(x).sum(1)
        return likelihood + Laplace(torch.zeros(3, dtype=H.dtype), beta).log_prob(H).sum(1)

    model = Autoencoder(torch.nn.Identity(), Dense(3, 4, "linear").double())
    with torch.no_grad():
        model.decoder.weight.copy_(D)
        total = objective(squared_error, penalties={l1: penalty})

        class Given(torch.nn.Module):
            def __init__(self, h):
                super().__init__()
                self.h = h

            def forward(self, X):
                return self.h

        values = []
        for h in H:
            model.encoder = Given(h[None])
            values.append(total(model, x[None]))
    values = torch.stack(values)
    differences = -2 * rho**2 * (log_posterior(H) - log_posterior(H)[0])
    assert torch.allclose(values - values[0], differences, rtol=1e-8, atol=1e-8)
    # so the minimiser of sparse coding with penalty / 2 is the most probable code
    code = ista(x[None], D, halved, tol=0.0, max_iter=5_000).H
    assert float(optimality(x[None], D, code, halved).max()) < 1e-7
    for size in (0.1, 0.01):
        nearby = code + size * normal(50, 3, g=g)
        assert bool((log_posterior(nearby) <= log_posterior(code) + 1e-9).all())


@claim("thm-ae-infomax")
@given(seeds)
@many
def test_reconstruction_error_bounds_information_on_gaussians(seed):
    g = generator(seed)
    d = whole(1, 4, g)
    m = whole(1, 4, g)
    root = normal(d, d, g=g) + 0.5 * eye(d)
    C = root @ root.T + 0.05 * eye(d)
    W, nu = normal(m, d, g=g), float(0.2 + torch.rand((), generator=g))
    of_code = W @ C @ W.T + nu**2 * eye(m)
    information = 0.5 * (torch.logdet(of_code) - m * math.log(nu**2))
    entropy = 0.5 * torch.logdet(2 * math.pi * math.e * C)
    exact = C @ W.T @ torch.linalg.inv(of_code)  # the posterior mean is linear
    posterior = C - exact @ W @ C
    for decoder in (exact, exact + 0.3 * normal(d, m, g=g), torch.zeros(d, m).double()):
        residual = (eye(d) - decoder @ W) @ C @ (eye(d) - decoder @ W).T
        residual = residual + nu**2 * decoder @ decoder.T
        E = float(torch.trace(residual))
        bound = float(entropy) - d / 2 * math.log(2 * math.pi * math.e * E / d)
        assert bound <= float(information) + 1e-9

        def with_variance(v, E=E):
            return float(entropy) - E / (2 * v) - d / 2 * math.log(2 * math.pi * v)

        best = E / d
        assert with_variance(best) == pytest.approx(bound, abs=1e-9)
        assert max(with_variance(0.98 * best), with_variance(1.02 * best)) < bound
        # the gap is the divergence of the true posterior from q, in closed form
        v = E / d
        shift = residual - posterior  # covariance of the difference of the means
        divergence = 0.5 * (
            torch.trace(posterior + shift) / v - d + d * math.log(v) - torch.logdet(posterior)
        )
        assert float(information) - bound == pytest.approx(float(divergence), abs=1e-7)
    sharp = float(entropy) - 0.5 * float(torch.logdet(2 * math.pi * math.e * posterior))
    assert sharp == pytest.approx(float(information), abs=1e-8)  # q = p: equality


@claim("prop-ae-bourlard")
@given(seeds)
@many
def test_a_linear_decoder_undoes_any_encoder(seed):
    g = generator(seed)
    d, m = 5, whole(1, 4, g)
    X = normal(12, d, g=g) @ normal(d, d, g=g)
    mean = X.mean(0)
    values, vectors = torch.linalg.eigh((X - mean).T @ (X - mean) / len(X))
    values, V = values.flip(0), vectors.flip(1)[:, :m]
    floor = float(values[m:].sum())
    codes = {
        "squares": (X**2) @ normal(d, m, g=g),
        "random": normal(12, m, g=g),  # a function of the sample that looks it up
        "tanh": torch.tanh(X @ normal(d, m, g=g)),
        "pca": (X - mean) @ V,
    }
    for name, H in codes.items():
        design = torch.cat([H, torch.ones(12, 1, dtype=H.dtype)], 1)  # its best linear decoder
        X_hat = design @ (torch.linalg.pinv(design) @ X)
        error = reconstruction_error(X, X_hat)
        assert error >= floor * (1 - 1e-9)
        if name == "pca":
            assert error == pytest.approx(floor, rel=1e-8, abs=1e-10)
    u = (X - mean) @ V
    for eta in (0.5, 0.05, 0.005):
        X_hat = mean + torch.tanh(eta * u) / eta @ V.T
        sixth = (u.abs() ** 6).sum(1).mean().sqrt()
        bound = math.sqrt(floor) + eta**2 / 3 * float(sixth)
        assert math.sqrt(reconstruction_error(X, X_hat)) <= bound + 1e-9
    # tight: samples in the subspace, small weights
    flat = mean + u @ V.T
    eta = 0.02 / float(u.abs().max())
    X_hat = mean + torch.tanh(eta * u) / eta @ V.T
    attained = math.sqrt(reconstruction_error(flat, X_hat))
    bound = eta**2 / 3 * float(sixth)
    assert 0.995 * bound <= attained <= bound * (1 + 1e-6)


@given(seeds)
@many
def no_product_of_matrices_beats_pca_and_one_reaches_it(seed):
    g = generator(seed)
    d, m = 5, whole(1, 5, g)  # m = d: nothing is left out
    X = normal(20, d, g=g) * torch.tensor([3.0, 2.0, 1.0, 0.5, 0.2])
    widths = [d, m + whole(0, 3, g), m, m + whole(0, 3, g), d]
    pca = PCA(min(widths)).fit(X)
    best = pca.inverse_transform(pca.transform(X))
    values = torch.linalg.eigvalsh(torch.cov(X.T, correction=0)).flip(0)
    floor = float(values[m:].sum())
    assert reconstruction_error(X, best) == pytest.approx(floor, rel=1e-9, abs=1e-12)
    # no product of such matrices does better, whatever the offsets
    A = [normal(b, a, g=g) for a, b in pairwise(widths)]
    P = A[3] @ A[2] @ A[1] @ A[0]
    Xc = X - X.mean(0)
    assert reconstruction_error(X, Xc @ P.T + X.mean(0) + 0.1 * normal(d, g=g)) >= floor
    scaled = P / torch.linalg.matrix_norm(P, 2)
    assert reconstruction_error(X, Xc @ scaled.T + X.mean(0)) >= floor * (1 - 1e-9)
    # and the construction of the proof reaches the floor, in any basis of the code
    R = normal(m, m, g=g) + 3 * eye(m)
    V = pca.components_.T
    W, D = R @ V.T, V @ torch.linalg.inv(R)
    first = torch.zeros(widths[1], d).double()
    first[:m] = W
    down, up = eye(m, widths[1]), eye(widths[3], m)
    last = torch.zeros(d, widths[3]).double()
    last[:, :m] = D
    P = last @ up @ down @ first
    X_hat = Xc @ P.T + X.mean(0)
    assert torch.allclose(X_hat, best, atol=1e-8)
    assert float(principal_angles(last @ up, V).max()) < 1e-6


def gradient_descent_on_a_deep_linear_autoencoder_ends_at_pca():
    g = generator(0)
    X = normal(200, 4, g=g) * torch.tensor([2.0, 1.5, 0.7, 0.3])
    pca = PCA(2).fit(X)
    model = dense_autoencoder([4, 6, 2], activation="linear", output="linear").double()
    train(model, X, loss=objective(squared_error), epochs=400, batch_size=None, lr=3e-2)
    X_hat = model(X).detach()
    best = pca.inverse_transform(pca.transform(X))
    assert reconstruction_error(X, X_hat) == pytest.approx(reconstruction_error(X, best), rel=1e-3)
    decoder = model.decoder[1].weight @ model.decoder[0].weight
    assert float(principal_angles(decoder.detach(), pca.components_.T).max()) < 0.05


def where_eigenvalues_are_equal_the_minimum_is_not_unique():
    variances = torch.tensor([2.0, 1.0, 1.0, 0.5], dtype=torch.float64)  # kept: two of them
    X = torch.cat([torch.diag(variances.sqrt()), -torch.diag(variances.sqrt())]) * 2
    values = torch.linalg.eigvalsh(X.T @ X / len(X)).flip(0)
    assert torch.allclose(values, variances)
    first, second = X.clone(), X.clone()
    first[:, 2:], second[:, [1, 3]] = 0, 0
    floor = float(values[2:].sum())
    assert reconstruction_error(X, first) == pytest.approx(floor)
    assert reconstruction_error(X, second) == pytest.approx(floor)
    assert not torch.allclose(first, second)


def as_wide_as_the_sample_with_an_eigenvalue_zero_the_columns_need_be_no_basis():
    g = generator(0)
    X = normal(20, 4, g=g) @ torch.diag(torch.tensor([2.0, 1.0, 0.5, 0.0], dtype=torch.float64))
    last = torch.diag(torch.tensor([1.0, 1.0, 1.0, 0.0], dtype=torch.float64))  # m = d = 4
    X_hat = (X - X.mean(0)) @ last.T + X.mean(0)
    assert reconstruction_error(X, X_hat) == pytest.approx(0.0, abs=1e-12)  # a global minimum
    assert int(torch.linalg.matrix_rank(last)) == 3


@claim("thm-ae-deep-linear")
def test_deep_linear_autoencoders_are_pca():
    no_product_of_matrices_beats_pca_and_one_reaches_it()
    gradient_descent_on_a_deep_linear_autoencoder_ends_at_pca()
    where_eigenvalues_are_equal_the_minimum_is_not_unique()
    as_wide_as_the_sample_with_an_eigenvalue_zero_the_columns_need_be_no_basis()


@claim("prop-ae-identity")
@given(seeds)
@many
def test_an_overcomplete_linear_autoencoder_learns_nothing(seed):
    g = generator(seed)
    d = whole(2, 6, g)
    m = d + whole(0, 4, g)
    W = normal(m, d, g=g) + eye(m, d)
    D = torch.linalg.pinv(W)
    if m >= d:
        assert torch.allclose(D, torch.linalg.inv(W.T @ W) @ W.T, atol=1e-6)
    condition = float(torch.linalg.cond(W))
    if condition > 1e4:
        return
    X = normal(30, d, g=g)
    noise = torch.rand(30, d, generator=g, dtype=torch.float64)
    for samples in (X, noise, 1e3 * X):  # never trained, yet perfect on all
        assert torch.allclose(samples @ W.T @ D.T, samples, atol=1e-6 * float(samples.abs().max()))
    # (b) linear functions of the code and of the sample are the same functions
    scores = normal(3, d, g=g)
    assert torch.allclose(X @ scores.T, (X @ W.T) @ (scores @ D).T, atol=1e-6)
    # (c) any mixing does as well, and leaves no zero
    R = normal(m, m, g=g)
    if float(torch.linalg.cond(R)) < 1e4:
        mixed = X @ W.T @ R.T
        X_hat = mixed @ torch.linalg.inv(R).T @ D.T
        assert torch.allclose(X_hat, X, atol=1e-5)
        assert sparsity(mixed) == 0


@claim("prop-ae-ista-step")
@given(seeds, st.floats(0.01, 2.0))
@many
def test_a_tied_encoder_is_one_step_of_ista(seed, penalty):
    g = generator(seed)
    d, m = whole(2, 6, g), whole(1, 9, g)
    D, X = normal(d, m, g=g), normal(10, d, g=g)
    alpha = 0.9 / float(torch.linalg.eigvalsh(D.T @ D)[-1])
    one = ista(X, D, penalty, step=alpha, tol=0.0, max_iter=1).H
    W = alpha * D.T
    assert torch.allclose(soft_threshold(X @ W.T, alpha * penalty), one, atol=1e-10)
    # codes that may not be negative: a rectified layer; judged against the objective itself
    layer = Dense(d, m, "relu").double()
    with torch.no_grad():
        layer.weight.copy_(W)
        layer.bias.fill_(-alpha * penalty)
        H = layer(X)
    for _ in range(10):  # the proximal problem of the step, at other codes that are allowed
        other = (H + 0.1 * normal(10, m, g=g)).clamp(min=0)

        def step_objective(H):
            return 0.5 * (H - X @ W.T).square().sum(1) + alpha * penalty * H.sum(1)

        assert bool((step_objective(H) <= step_objective(other) + 1e-12).all())
    # orthonormal atoms: the step ends at the minimum
    Q = orthonormal(d, min(d, m), g)  # atoms
    H = soft_threshold(X @ Q, penalty)
    assert float(optimality(X, Q, H, penalty).max()) < 1e-9


@claim("thm-ae-threshold")
@given(seeds, st.floats(0.0, 0.4999), st.floats(0.01, 100.0))
@example(1, 0.4999, 1.0)
@example(3, 0.4999, 1.0)
@example(6, 0.4999, 1.0)
@many
def test_the_tied_threshold_autoencoder(seed, share, tau):
    g = generator(seed)
    d = whole(2, 10, g)
    m = whole(1, d, g)
    D = orthonormal(d, m, g)
    z = tau * (torch.rand(m, generator=g) < 0.4).double()
    noise = normal(d, g=g)
    noise = share * tau * noise / noise.norm()
    if seed % 3 == 0:  # the worst direction: along an atom, used or not
        noise = share * tau * D[:, 0] * (1 if seed % 2 else -1)
        z[0] = 0.0 if seed % 2 else tau
    x = D @ z + noise
    J = z > 0
    delta = D.T @ noise
    a = D.T @ x
    codes = {
        "soft": soft_threshold(a, tau / 2),
        "hard": a * (a.abs() > tau / 2),
        "quantising": tau * (a > tau / 2).double(),
    }
    squared = {name: float((x - D @ h).square().sum()) for name, h in codes.items()}
    n2, on_atoms = float(noise @ noise), float(delta[J].square().sum())
    slack = 1e-9 * tau**2
    for h in codes.values():
        assert torch.equal(h != 0, J)
    assert torch.allclose(codes["soft"][J], z[J] + delta[J] - tau / 2, rtol=1e-8)
    assert torch.allclose(codes["hard"][J], z[J] + delta[J], rtol=1e-8)
    assert torch.equal(codes["quantising"], z)
    stated = n2 - on_atoms + tau**2 / 4 * int(J.sum())
    assert squared["soft"] == pytest.approx(stated, abs=slack)
    assert squared["hard"] == pytest.approx(n2 - on_atoms, abs=slack)
    assert squared["quantising"] == pytest.approx(n2, abs=slack)
    assert squared["hard"] <= n2 + slack
    if bool(J.any()):
        assert squared["soft"] > n2
    # without noise a decoder twice as long repairs the soft threshold
    clean = soft_threshold(z, tau / 2)
    assert torch.allclose(2 * D @ clean, D @ z, atol=1e-9 * tau)


@claim("prop-ae-kl")
@given(seeds, st.floats(0.02, 0.9))
@many
def test_how_an_untied_autoencoder_cheats_a_penalty(seed, rate):
    g = generator(seed)
    H, D, c = normal(12, 4, g=g), normal(3, 4, g=g), normal(3, g=g)
    X_hat = H @ D.T + c
    kappa = 0.5 * float(torch.rand((), generator=g)) + 0.01
    assert torch.allclose((kappa * H) @ (D / kappa).T + c, X_hat)
    assert float(l1(None, None, kappa * H)) == pytest.approx(kappa * float(l1(None, None, H)))
    # the divergence: zero at the rate, positive elsewhere
    penalty = kl_to_rate(rate)

    def at(q):
        return float(penalty(None, None, torch.full((2, 1), q, dtype=torch.float64)))

    assert at(rate) == pytest.approx(0.0, abs=1e-12)
    for q in (0.5 * rate, 0.95 * rate, 1.05 * rate, 0.5 * (1 + rate)):
        assert at(q) > 1e-6
    # dense codes with no penalty and the same reconstructions
    deviation = H - H.mean(0)
    for small in (1e-2, 1e-4):
        kappa = small * rate / float(deviation.abs().max())
        cheat = rate + kappa * deviation
        assert float(cheat.min()) > 0
        assert float(cheat.max()) < 1
        assert float(penalty(None, None, cheat)) == pytest.approx(0.0, abs=1e-9)
        offset = c + D @ H.mean(0) - rate / kappa * D.sum(1)
        assert torch.allclose(cheat @ (D / kappa).T + offset, X_hat, atol=1e-6)
        assert float((cheat / rate - 1).abs().max()) <= small * (1 + 1e-9)


@claim("prop-ae-predictive")
@given(seeds, st.floats(0.05, 5.0), st.floats(0.0, 1.0))
@settings(max_examples=25, deadline=None)
def test_the_pull_makes_the_code_unique_and_sets_a_rate(seed, pull, penalty):
    g = generator(seed)
    d, m = whole(2, 5, g), whole(2, 8, g)  # often overcomplete: the lasso alone is not unique
    model = PredictiveSparse(d, m, penalty=penalty, pull=pull, seed=seed % 1000).double()
    X = normal(6, d, g=g)
    D = model.D.detach()
    L = float(torch.linalg.eigvalsh(D.T @ D)[-1])
    factor = L / (L + pull)
    best = model.infer(X, steps=math.ceil(40 / -math.log(factor)))
    start = model.encode(X).detach()
    distance = (start - best).norm(dim=1)
    for k in (1, 2, 5, 20):
        left = (model.infer(X, steps=k) - best).norm(dim=1)
        assert bool((left <= factor**k * distance + 1e-9).all())
    # from somewhere else by hand: the same minimiser, and it is one
    Z, alpha = 3 * normal(6, m, g=g), 1 / (L + pull)
    for _ in range(math.ceil(40 / -math.log(factor))):
        slope = (Z @ D.T - X) @ D + pull * (Z - start)
        Z = soft_threshold(Z - alpha * slope, alpha * penalty)
    assert torch.allclose(Z, best, atol=1e-8)
    # tight: without a penalty, from a start that differs where D sees nothing
    model.penalty = 0.0
    right = torch.linalg.svd(D).Vh
    if m > d:
        best = model.infer(X, steps=math.ceil(40 / -math.log(factor)))
        Z, alpha, invisible = best + right[-1], 1 / (L + pull), right[-1]
        assert float((D @ invisible).norm()) < 1e-9
        for k in range(1, 4):
            slope = (Z @ D.T - X) @ D + pull * (Z - start)
            Z = Z - alpha * slope
            left = (Z - best).norm(dim=1)
            assert torch.allclose(left, torch.full_like(left, factor**k), rtol=1e-6)
        growth = model.energy(X, best + invisible) - model.energy(X, best)
        assert torch.allclose(growth.detach(), torch.full_like(start[:, 0], pull / 2))
    model.penalty = penalty
    best = model.infer(X, steps=math.ceil(40 / -math.log(factor)))
    energy = model.energy(X, best).detach()
    for _ in range(5):
        step = 0.1 * normal(6, m, g=g)
        growth = model.energy(X, best + step).detach() - energy
        assert bool((growth >= pull / 2 * step.square().sum(1) - 1e-9).all())


@given(seeds)
@many
def convolutions_commute_with_all_shifts_and_pooling_with_whole_blocks(seed):
    g = generator(seed)
    images = normal(2, 1, 8, 12, g=g)
    kernel, bias = normal(3, 1, 3, 3, g=g), normal(3, g=g)

    def layer(Z):
        around = pad(Z, (1, 1, 1, 1), mode="circular")
        return torch.relu(conv2d(around, kernel, bias))

    a, b = whole(-7, 7, g), whole(-7, 7, g)
    shifted = torch.roll(images, (a, b), (2, 3))
    assert torch.allclose(layer(shifted), torch.roll(layer(images), (a, b), (2, 3)))
    for p in (2, 4):
        moved = torch.roll(images, (p * a, p * b), (2, 3))
        for pool in (max_pool2d, avg_pool2d):
            assert torch.allclose(pool(moved, p), torch.roll(pool(images, p), (a, b), (2, 3)))


def pooling_does_not_commute_with_a_shift_by_one():
    row = torch.tensor([1.0, 1.0, 0.0, 0.0]).view(1, 1, 1, 4)

    def pooled(image):
        return max_pool2d(image, (1, 2)).flatten().tolist()

    assert pooled(row) == [1.0, 0.0]
    assert pooled(torch.roll(row, 1, 3)) == [1.0, 1.0]  # no shift of (1, 0)
    assert sorted(pooled(torch.roll(row, 2, 3))) == [0.0, 1.0]  # by a whole block: one
    mean = [avg_pool2d(torch.roll(row, s, 3), (1, 2)).flatten().tolist() for s in (0, 1)]
    assert mean == [[1.0, 0.0], [0.5, 0.5]]


@claim("prop-ae-shift")
def test_convolutions_commute_with_shifts_and_pooling_with_some():
    convolutions_commute_with_all_shifts_and_pooling_with_whole_blocks()
    pooling_does_not_commute_with_a_shift_by_one()
