"""The claims of chapter 07, one test each.

Expectations are exact: sums over finite distributions and over all masks, Gauss-Hermite quadrature
for Gaussian noise, or points with the right mean and covariance where the integrand is quadratic.
Data, corruptions, maps and noise levels are drawn by hypothesis. Everything is float64.
"""

import math
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import MultivariateNormal

from replearn.mixtures import GaussianMixture

seeds = st.integers(0, 2**31 - 1)
claim = pytest.mark.claim
many = settings(max_examples=40, deadline=None)
few = settings(max_examples=12, deadline=None)


def normal(*shape, g):
    return torch.randn(*shape, generator=g, dtype=torch.float64)


def uniform(low, high, g):
    return low + (high - low) * float(torch.rand((), generator=g, dtype=torch.float64))


def whole(low, high, g):
    return int(torch.randint(low, high + 1, (), generator=g))


def close(a, b, rtol=1e-9, atol=1e-11):
    return torch.allclose(torch.as_tensor(a), torch.as_tensor(b), rtol=rtol, atol=atol)


def hermite(d, count=40):
    """Nodes (k, d) and weights (k,) with sum_k w_k f(e_k) = E f(e), e standard normal."""
    nodes, mass = map(torch.from_numpy, np.polynomial.hermite_e.hermegauss(count))
    E = torch.cartesian_prod(*[nodes] * d).reshape(-1, d)
    w = torch.cartesian_prod(*[mass / mass.sum()] * d).reshape(-1, d).prod(1)
    return E, w


def corruption(g, *, within_unit=False):
    """Clean X (k, d), joint probabilities (k, c) with c damaged values, and the posterior means.

    Any corruption of finitely many samples is a table of probabilities; a third of it is zero.
    """
    k, d, c = whole(1, 6, g), whole(1, 4, g), whole(2, 7, g)
    X = torch.rand(k, d, generator=g, dtype=torch.float64) if within_unit else normal(k, d, g=g)
    if within_unit:  # some pixels are exactly black or white
        X = torch.where(torch.rand(k, d, generator=g) < 0.4, X.round(), X)
    table = torch.rand(k, c, generator=g, dtype=torch.float64)
    table *= torch.rand(k, c, generator=g) > 0.33
    table[:, 0] += 0.1  # no row of zeros
    table[0] += 0.1  # no column of zeros
    prior = torch.rand(k, generator=g, dtype=torch.float64) + 0.1
    joint = prior[:, None] * table / table.sum(1, keepdim=True)
    joint /= joint.sum()
    m = joint.T @ X / joint.sum(0)[:, None]
    return X, joint, m.clamp(0, 1) if within_unit else m  # rounding may pass 1


def squared_loss(X, joint, r):
    return float((joint * (r[None] - X[:, None]).square().sum(2)).sum())


@claim("thm-dae-posterior")
@given(seeds)
@many
def test_the_best_reconstruction_is_the_posterior_mean(seed):
    g = torch.Generator().manual_seed(seed)
    X, joint, m = corruption(g)
    r = m + normal(*m.shape, g=g)
    gap = float(joint.sum(0) @ (r - m).square().sum(1))
    assert close(squared_loss(X, joint, r), gap + squared_loss(X, joint, m))
    # found again by weighted least squares, which knows no conditional expectation
    one_hot = torch.eye(len(m), dtype=X.dtype).repeat(len(X), 1)
    targets = X.repeat_interleave(len(m), 0)
    root = joint.flatten().sqrt()[:, None]
    solution = torch.linalg.lstsq(root * one_hot, root * targets).solution
    assert close(solution, m)
    # within a set (here: three maps equally far off) the best is the nearest to m
    maps = [m + normal(*m.shape, g=g) for _ in range(3)]
    losses = [squared_loss(X, joint, q) for q in maps]
    gaps = [float(joint.sum(0) @ (q - m).square().sum(1)) for q in maps]
    assert losses.index(min(losses)) == gaps.index(min(gaps))


@claim("prop-dae-crossentropy")
@given(seeds)
@many
def test_with_cross_entropy_too(seed):
    g = torch.Generator().manual_seed(seed)
    X, joint, m = corruption(g, within_unit=True)

    def loss(r):
        r, x = r[None], X[:, None]
        value = -(torch.xlogy(x, r) + torch.xlogy(1 - x, 1 - r)).sum(2)
        return float((joint * value)[joint > 0].sum())

    def entropy(a):
        return -(torch.xlogy(a, a) + torch.xlogy(1 - a, 1 - a))

    r = torch.sigmoid(2 * normal(*m.shape, g=g))
    kl = torch.xlogy(m, m / r) + torch.xlogy(1 - m, (1 - m) / (1 - r))
    weight = joint.sum(0)[:, None]
    assert close(loss(r), float((weight * (kl + entropy(m))).sum()))
    assert close(loss(m), float((weight * entropy(m)).sum()))
    assert loss(r) > loss(m)
    for step in (1e-2, -1e-2):  # and m is no better moved
        assert loss((m + step).clamp(0, 1)) >= loss(m) - 1e-12


@claim("prop-dae-empirical")
@given(seeds)
@many
def test_on_the_training_set_the_best_denoiser_remembers(seed):
    g = torch.Generator().manual_seed(seed)
    n, d, std = whole(1, 8, g), whole(1, 4, g), uniform(0.1, 2.0, g)
    X, Y = normal(n, d, g=g), 2 * normal(5, d, g=g)
    # Bayes' rule with a density from elsewhere
    eye = torch.eye(d, dtype=X.dtype)
    likelihood = MultivariateNormal(X, std**2 * eye).log_prob(Y[:, None])
    by_bayes = likelihood.softmax(1) @ X
    stated = (-torch.cdist(Y, X).square() / (2 * std**2)).softmax(1) @ X
    assert close(stated, by_bayes)
    assert close(GaussianMixture(X, 0.0).posterior_mean(Y, std), stated)
    distances = torch.cdist(Y, X)
    two = distances.sort(1).values[:, :2]
    clear = two[:, -1] - two[:, 0] > 1e-2 if n > 1 else torch.ones(5, dtype=torch.bool)
    tiny = (-distances.square() / (2 * 1e-4**2)).softmax(1) @ X
    assert close(tiny[clear], X[distances.argmin(1)][clear])
    huge = (-distances.square() / (2 * 1e6**2)).softmax(1) @ X
    assert close(huge, X.mean(0).expand_as(huge), atol=1e-6)
    # (b) all masks of samples without zeros, of few values so that some agree
    rate = uniform(0.1, 0.9, g)
    X = torch.randint(1, 3, (n, d), generator=g).double()
    reached: dict[tuple[float, ...], torch.Tensor] = {}
    for mask in product((0.0, 1.0), repeat=d):
        kept = torch.tensor(mask, dtype=X.dtype)
        chance = rate ** (d - sum(mask)) * (1 - rate) ** sum(mask) / n
        for i in range(n):
            y = tuple((kept * X[i]).tolist())
            reached.setdefault(y, torch.zeros(n, dtype=X.dtype))[i] += chance
    assert sum(float(p.sum()) for p in reached.values()) == pytest.approx(1)
    for y, chances in reached.items():
        seen = torch.tensor(y, dtype=X.dtype)
        agree = ((seen == X) | (seen == 0)).all(1)
        assert close(chances @ X / chances.sum(), X[agree].mean(0))


def mixture(g):
    """Means (k, d), covariances (k, d, d), weights (k,), a noise level."""
    k, d = whole(1, 4, g), whole(1, 3, g)
    A = normal(k, d, d, g=g)
    weights = torch.rand(k, generator=g, dtype=torch.float64) + 0.1
    return 2 * normal(k, d, g=g), 0.3 * A @ A.mT, weights / weights.sum(), uniform(0.2, 1.5, g)


def points_and_noise(g):
    """Points (k, 2) with weights (k,): a distribution without a density; and a noise level."""
    X = 2 * torch.rand(4, 2, generator=g, dtype=torch.float64) - 1
    weights = torch.rand(4, generator=g, dtype=torch.float64) + 0.1
    return X, weights / weights.sum(), uniform(0.6, 1.5, g)


@claim("thm-dae-tweedie")
@given(seeds)
@few
def test_tweedies_formula(seed):
    g = torch.Generator().manual_seed(seed)
    means, covariances, weights, std = mixture(g)
    d = means.shape[1]
    eye = torch.eye(d, dtype=torch.float64)
    noisy = covariances + std**2 * eye
    Y = 2 * normal(6, d, g=g)
    leaf = Y.clone().requires_grad_()
    joint = weights.log() + MultivariateNormal(means, noisy).log_prob(leaf[:, None])
    (score,) = torch.autograd.grad(joint.logsumexp(1).sum(), leaf)
    ours = GaussianMixture(means, covariances, weights)
    assert close(ours.score_function(Y, std), score, 1e-7, 1e-9)
    m = ours.posterior_mean(Y, std)
    assert close(m, Y + std**2 * score, 1e-7, 1e-9)
    # the Jacobian is the posterior covariance over std^2, which is put together from the parts
    a = joint.detach().softmax(1)
    gain = covariances @ torch.linalg.inv(noisy)
    part = means + ((Y[:, None] - means)[:, :, None] @ gain.mT)[:, :, 0]
    assert close((a[:, :, None] * part).sum(1), m, 1e-8, 1e-10)
    within = (a[:, :, None, None] * (covariances - gain @ covariances)).sum(1)
    off = part - m[:, None]
    between = torch.einsum("nk,nki,nkj->nij", a, off, off)

    def one(y):
        return ours.posterior_mean(y[None], std)[0]

    J = torch.stack([torch.autograd.functional.jacobian(one, y) for y in Y])
    assert close(J, (within + between) / std**2, 1e-7, 1e-8)
    assert close(J, J.mT, 1e-7, 1e-9)
    assert torch.linalg.eigvalsh((J + J.mT) / 2).min() > -1e-9
    # the least error, for points without a density, in two forms
    X, w, std = points_and_noise(g)
    E, mass = hermite(2)
    Y = X[:, None] + std * E  # (k, nodes, 2)
    flat = Y.reshape(-1, 2)
    points = GaussianMixture(X, 0.0, w)
    m = points.posterior_mean(flat, std).reshape(Y.shape)
    score = points.score_function(flat, std).reshape(Y.shape)
    chance = w[:, None] * mass
    error = float((chance * (m - X[:, None]).square().sum(2)).sum())
    slope = float((chance * score.square().sum(2)).sum())
    assert error == pytest.approx(2 * std**2 - std**4 * slope, rel=1e-5)
    a = (w.log() - torch.cdist(flat, X).square() / (2 * std**2)).softmax(1)
    second = (a @ X.square().sum(1, keepdim=True)).reshape(Y.shape[:2])
    trace = (second - m.square().sum(2)) / std**2
    assert error == pytest.approx(std**2 * float((chance * trace).sum()), rel=1e-5)


@claim("prop-dae-score")
@given(seeds)
@few
def test_denoising_is_score_matching(seed):
    g = torch.Generator().manual_seed(seed)
    X, w, std = points_and_noise(g)
    E, mass = hermite(2, 80)
    Y = X[:, None] + std * E
    flat = Y.reshape(-1, 2)
    chance = w[:, None] * mass
    score = GaussianMixture(X, 0.0, w).score_function(flat, std).reshape(Y.shape)

    def mean(v):
        return float((chance * v.square().sum(2)).sum())

    A, b = 0.2 * normal(2, 2, g=g), normal(2, g=g)
    for psi in (torch.tanh(Y @ A + b), Y @ A - b, torch.zeros_like(Y), score):
        left = mean(Y + std**2 * psi - X[:, None])
        right = std**4 * mean(psi - score) + 2 * std**2 - std**4 * mean(score)
        assert left == pytest.approx(right, rel=1e-5)


@claim("thm-dae-linear")
@given(seeds)
@many
def test_the_best_linear_denoiser_is_a_ridge_regression(seed):
    g = torch.Generator().manual_seed(seed)
    n, d, std = whole(2, 12, g), whole(1, 5, g), uniform(0.1, 2.0, g)
    X = normal(n, d, g=g) @ normal(d, d, g=g)
    X = X - X.mean(0)
    C = X.T @ X / n
    eye = torch.eye(d, dtype=X.dtype)

    def error(P, Y, chance):
        """Exact: Y (n, c, d) damaged copies with chances (c,) or (n, c)."""
        return float((chance * (Y @ P.mT - X[:, None]).square().sum(2)).sum() / n)

    # points with the mean and covariance of the noise: exact for quadratic integrands
    sigma_points = math.sqrt(d) * torch.cat([eye, -eye])
    Y = X[:, None] + std * sigma_points
    chance = torch.full((2 * d,), 1 / (2 * d), dtype=X.dtype)
    P = normal(d, d, g=g)
    ridge = float((X @ P.T - X).square().sum() / n + std**2 * P.square().sum())
    assert error(P, Y, chance) == pytest.approx(ridge, rel=1e-9)
    best = X.T @ X @ torch.linalg.inv(X.T @ X + n * std**2 * eye)
    rows = torch.cat([X, math.sqrt(n) * std * eye])
    targets = torch.cat([X, torch.zeros_like(eye)])
    solved = torch.linalg.lstsq(rows, targets).solution
    assert close(solved.T, best, 1e-6, 1e-8)
    eigenvalues, V = torch.linalg.eigh(C)
    eigenvalues, V = eigenvalues.flip(0).clamp(min=0), V.flip(1)
    gains = eigenvalues / (eigenvalues + std**2)
    assert close(V * gains @ V.T, best, 1e-6, 1e-8)
    least = float((eigenvalues * std**2 / (eigenvalues + std**2)).sum())
    assert error(best, Y, chance) == pytest.approx(least, rel=1e-8, abs=1e-10)
    assert error(best + 0.1 * P, Y, chance) > error(best, Y, chance)
    # where x is Gaussian, it is the posterior mean
    y = normal(3, d, g=g)
    zero = torch.zeros(1, d, dtype=X.dtype)
    assert close(GaussianMixture(zero, C).posterior_mean(y, std), y @ best.T, 1e-6, 1e-8)
    # (b) against reduced rank regression: fitted values, projected on their principal directions
    m = whole(1, d, g)
    Vt = torch.linalg.svd(rows @ solved, full_matrices=False).Vh[:m]
    reduced = (solved @ Vt.T @ Vt).T
    kept = V[:, :m] * gains[:m] @ V[:, :m].T
    slack = 1e-9 * (1 + float(C.trace()))
    assert abs(error(kept, Y, chance) - error(reduced, Y, chance)) <= slack
    for _ in range(5):
        U, W = kept @ V[:, :m] + 0.2 * normal(d, m, g=g), V[:, :m].T + 0.2 * normal(m, d, g=g)
        assert error(U @ W, Y, chance) >= error(kept, Y, chance) - slack
    # (c) all masks
    rate = uniform(0.05, 0.95, g)
    q = 1 - rate
    masks = torch.tensor(list(product((0.0, 1.0), repeat=d)), dtype=X.dtype)
    chance = rate ** (d - masks.sum(1)) * q ** masks.sum(1)
    Y = X[:, None] * masks
    Q = q * P
    penalised = (X @ Q.T - X).square().sum() / n
    penalised += rate / q * (C.diagonal() * Q.square().sum(0)).sum()
    assert error(P, Y, chance) == pytest.approx(float(penalised), rel=1e-9)
    stated = C @ torch.linalg.inv(q * C + rate * C.diagonal().diag())
    root = chance.sqrt().repeat(n)[:, None]
    solution = torch.linalg.lstsq(
        root * Y.reshape(-1, d), root * X.repeat_interleave(len(masks), 0)
    ).solution
    assert close(solution.T, stated, 1e-5, 1e-6)


def network(g, d=2, m=4):
    """A smooth map of R^d with bounded derivatives, as a function of rows."""
    W, b = 0.8 * normal(m, d, g=g), normal(m, g=g)
    D, c = normal(d, m, g=g), normal(d, g=g)
    return lambda Y: torch.tanh(Y @ W.T + b) @ D.T + c


def curvature_of(r, x):
    """||J||_F^2 and (r(x) - x)^T Laplacian r(x)."""

    def one(y):
        return r(y[None])[0]

    J = torch.func.jacrev(one)(x)
    laplacian = torch.func.hessian(one)(x).diagonal(dim1=1, dim2=2).sum(1)
    return float(J.square().sum()), float((one(x) - x) @ laplacian)


def remainder(r, x, t, *, curvature=True, count=40):
    """What the expansion leaves of E ||r(x + t e) - x||^2."""
    E, mass = hermite(len(x), count)
    exact = float(mass @ (r(x + t * E) - x).square().sum(1))
    jacobian, bend = curvature_of(r, x)
    base = float((r(x[None])[0] - x).square().sum())
    return exact - base - t**2 * (jacobian + (bend if curvature else 0.0))


def is_fourth_order(at, x, *, curvature=True):
    """Whether the remainder over t^4 converges as t is halved, at(t) being the map for the noise t.

    With a next term c t^6 its steps shrink to a quarter each; a remainder of order two or three
    would make them grow, to four or two times the last.
    """
    K = [remainder(at(t), x, t, curvature=curvature) / t**4 for t in (0.04, 0.02, 0.01)]
    return abs(K[2] - K[1]) <= 0.5 * abs(K[1] - K[0]) + 1e-4 * (1 + abs(K[2]))


def without_noise(f, t):
    """The limit of f(t) as t tends to 0, where f is even: extrapolated from t and t / 2."""
    return (4 * f(t / 2) - f(t)) / 3


@claim("thm-dae-smallnoise")
@given(seeds)
@few
def test_small_noise_is_a_penalty_on_the_jacobian(seed):
    g = torch.Generator().manual_seed(seed)
    r, x = network(g), normal(2, g=g)
    assert is_fourth_order(lambda _: r, x)
    _, bend = curvature_of(r, x)  # without the curvature term, it is what is left over
    limit = without_noise(lambda t: remainder(r, x, t, curvature=False) / t**2, 0.02)
    assert limit == pytest.approx(bend, abs=1e-3 * (1 + abs(bend)))
    # (a) affine maps: no remainder at all, for noise of any size; harmonic ones: fourth order
    A, c = normal(2, 2, g=g), normal(2, g=g)
    size = 1 + float(A.square().sum() + c.square().sum() + x.square().sum())
    assert abs(remainder(lambda Y: Y @ A.T + c, x, 1.7, curvature=False)) <= 1e-10 * size

    def harmonic(Y):
        u, v = Y.T
        return torch.stack([u**2 - v**2, 2 * u * v], 1) @ A + c

    assert is_fourth_order(lambda _: harmonic, x, curvature=False)
    # (b) a sample that is reproduced
    shift = (x - r(x[None]))[0]
    assert is_fourth_order(lambda _: lambda Y: r(Y) + shift, x, curvature=False)
    # (c) a map that moves the sample by t^2 psi(x), with derivatives bounded alike for all t
    psi = network(g)

    def moving(t):
        return lambda Y: r(Y) + shift + t**2 * psi(Y)

    assert is_fourth_order(moving, x, curvature=False)
    laplacian = torch.func.hessian(lambda y: r(y[None])[0])(x).diagonal(dim1=1, dim2=2).sum(1)
    stated = float(psi(x[None])[0] @ laplacian)
    found = without_noise(lambda t: curvature_of(moving(t), x)[1] / t**2, 0.02)
    assert found == pytest.approx(stated, abs=1e-4 * (1 + abs(stated)))
    # the best denoiser of a mixture with one variance: sixth order, and its constant
    best = GaussianMixture(normal(3, 2, g=g), 0.5)

    def score(Y):
        return best.score_function(Y, 0.0)

    laplacian = torch.func.hessian(lambda y: score(y[None])[0])(x).diagonal(dim1=1, dim2=2).sum(1)
    stated = float(score(x[None])[0] @ laplacian)

    def term(t):
        return t**2 * curvature_of(lambda Y: best.posterior_mean(Y, t), x)[1]

    found = without_noise(lambda t: term(t) / t**6, 0.04)
    assert found == pytest.approx(stated, abs=1e-3 * (1 + abs(stated)))
    # derivatives that are not bounded alike: the formula gives t^2, the loss less than t^4
    z = normal(1, g=g)
    for t in (0.4, 0.5):
        wave = t**4 * (1 - math.exp(-2 / t**2)) / 2
        left = remainder(lambda Y, t=t: z + t**2 * torch.sin((Y - z) / t**2), z, t, count=80)
        assert left == pytest.approx(wave - t**2, rel=1e-6)


@claim("prop-dae-chain")
@given(seeds)
@many
def test_damage_and_draw_again(seed):
    g = torch.Generator().manual_seed(seed)
    X, joint, m = corruption(g)
    prior, seen = joint.sum(1), joint.sum(0)
    # (a) a damaged value from each sample, then a sample from each posterior
    step = (joint / prior[:, None]) @ (joint / seen).T
    assert close(prior @ step, prior)
    # (b) every damage possible: two starts come together, at least as fast as stated
    k, c = whole(2, 6, g), whole(2, 7, g)
    every = torch.rand(k, c, generator=g, dtype=torch.float64) + 0.05
    every /= every.sum()
    p = every.sum(1)
    step = (every / p[:, None]) @ (every / every.sum(0)).T
    least = float(step.min())
    start = torch.eye(k, dtype=torch.float64)[0]
    for times in range(1, 6):
        start = start @ step
        assert float((start - p).abs().sum()) <= 2 * (1 - k * least) ** times + 1e-12
    # and no faster where the bound is tight: a step that stays with one probability, else moves
    stay = torch.full((k, k), 0.1 / k, dtype=torch.float64) + 0.9 * torch.eye(k).double()
    apart = (stay[0] - stay[1]).abs().sum()
    assert float(apart) == pytest.approx(2 * (1 - k * float(stay.min())))
    # (c) answering with the mean loses the posterior's covariance
    x_bar = prior @ X
    spread = (X - x_bar).T @ (prior[:, None] * (X - x_bar))
    kept = (m - x_bar).T @ (seen[:, None] * (m - x_bar))
    off = X[:, None] - m[None]
    lost = torch.einsum("kc,kci,kcj->ij", joint, off, off)
    assert close(kept, spread - lost)


@claim("prop-dae-langevin")
@given(seeds)
@few
def test_langevins_step(seed):
    g = torch.Generator().manual_seed(seed)
    # (a) a mixture on a line, the mean of a wave before and after a step
    means, weights = 1.5 * normal(3, 1, g=g), torch.rand(3, generator=g, dtype=torch.float64) + 0.2
    weights /= weights.sum()
    s, std = uniform(0.3, 0.8, g), uniform(0.4, 0.9, g)
    v = s**2 + std**2
    e, mass = hermite(1, 60)
    y = (means + math.sqrt(v) * e.T).reshape(-1, 1)  # p_sigma, around each centre
    chance = (weights[:, None] * mass).flatten()
    m = GaussianMixture(means, s**2, weights).posterior_mean(y, std)
    a, b = uniform(0.5, 1.5, g), uniform(0.0, 6.0, g)

    def change(eta):
        after = y + eta / std**2 * (m - y) + math.sqrt(2 * eta) * e.T
        return float(chance @ (torch.sin(a * after + b) @ mass - torch.sin(a * y + b)[:, 0]))

    K = [change(eta) / eta**2 for eta in (0.04 * v, 0.02 * v, 0.01 * v)]
    # of order two: K hardly changes when a small step is halved; of order one it would double
    assert abs(K[2] - K[1]) <= 0.02 * (1 + abs(K[2]))
    # (b) one normal distribution: the chain's mean and variance, step by step
    mu = normal(1, 1, g=g)
    one = GaussianMixture(mu, s**2)

    def run(eta, count, mean, variance):
        def drift(z):
            return z + eta / std**2 * (one.posterior_mean(z, std) - z)

        offset = drift(torch.zeros(1, 1, dtype=torch.float64))
        slope = float(drift(torch.ones(1, 1, dtype=torch.float64)) - offset)
        for _ in range(count):
            mean, variance = slope * mean + float(offset), slope**2 * variance + 2 * eta
        return mean, variance

    for share in (0.1, uniform(0.1, 1.9, g), 1.9):
        eta = share * v
        mean, variance = run(eta, 400, 5.0, 3.0)
        assert mean == pytest.approx(float(mu), abs=1e-7)
        assert variance == pytest.approx(v / (1 - eta / (2 * v)), rel=1e-7)
    # at twice the variance it does not settle: each step adds to the variance what it did before
    assert run(2 * v, 100, 5.0, 3.0)[1] == pytest.approx(3.0 + 100 * 4 * v, rel=1e-6)


@claim("prop-dae-sure")
@given(seeds)
@few
def test_the_error_can_be_estimated_without_a_clean_sample(seed):
    g = torch.Generator().manual_seed(seed)
    x, std = normal(2, g=g), uniform(0.1, 0.5, g)
    E, mass = hermite(2, 80)
    Y = x + std * E
    A, c = normal(2, 2, g=g), normal(2, g=g)
    for r in (network(g), lambda Y: Y @ A.T + c, lambda Y: Y):

        def total(y, r=r):
            return r(y[None])[0]

        divergence = torch.func.vmap(torch.func.jacrev(total))(Y).diagonal(dim1=1, dim2=2).sum(1)
        truth = float(mass @ (r(Y) - x).square().sum(1))
        estimate = float(mass @ ((r(Y) - Y).square().sum(1) + 2 * std**2 * divergence))
        assert truth == pytest.approx(estimate - 2 * std**2, rel=1e-6, abs=1e-8)
