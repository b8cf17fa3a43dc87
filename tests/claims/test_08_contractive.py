"""The claims of chapter 08, one test each.

What is proved for every layer, every sample or every covariance is tested on ones drawn by
hypothesis, in float64. The two observations are measurements with the criterion that the chapter
states, on smaller networks and other random starts.
"""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from replearn.autoencoders import (
    contractive,
    cross_entropy,
    dense_autoencoder,
    hutchinson,
    objective,
    squared_error,
)
from replearn.geometry import local_pca, tangent_planes
from replearn.metrics import principal_angles
from replearn.training import train

seeds = st.integers(0, 2**31 - 1)
claim = pytest.mark.claim
many = settings(max_examples=40, deadline=None)

ACTIVATIONS = {
    "linear": lambda A: A,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "softplus": torch.nn.functional.softplus,
}


def generator(seed):
    return torch.Generator().manual_seed(seed)


def normal(*shape, g):
    return torch.randn(*shape, generator=g, dtype=torch.float64)


def whole(low, high, g):
    return int(torch.randint(low, high + 1, (), generator=g))


def autograd_jacobian(function, x):
    """(m, d), by torch's own routine and not by the library's."""
    return torch.autograd.functional.jacobian(function, x)


@claim("prop-cae-closed-form")
@pytest.mark.parametrize("activation", ACTIVATIONS)
@given(seed=seeds)
@settings(max_examples=15, deadline=None)
def test_closed_form_is_the_norm_of_the_automatic_jacobian(activation, seed):
    g = generator(seed)
    n, d, m = whole(1, 6, g), whole(1, 7, g), whole(1, 7, g)
    W, b, X = normal(m, d, g=g), normal(m, g=g), normal(n, d, g=g)
    s = ACTIVATIONS[activation]
    stated = 0.0
    automatic = 0.0
    for x in X:
        a = (W @ x + b).requires_grad_()
        (slope,) = torch.autograd.grad(s(a).sum(), a)
        J = autograd_jacobian(lambda z: s(W @ z + b), x)
        assert torch.allclose(J, torch.diag(slope) @ W, atol=1e-12)
        stated += float((slope**2 * (W**2).sum(1)).sum()) / n
        automatic += float((J**2).sum()) / n
    assert stated == pytest.approx(automatic, rel=1e-10, abs=1e-12)
    model = dense_autoencoder([d, m], activation=activation, output="linear").double()
    with torch.no_grad():
        model.encoder[0].weight.copy_(W)
        model.encoder[0].bias.copy_(b)
        library = float(contractive(model, X, model.encode(X)))
    assert library == pytest.approx(automatic, rel=1e-10, abs=1e-12)


def fourth_power_bound(J):
    return 2 * float(torch.linalg.svdvals(J).pow(4).sum())


@given(seeds)
@settings(max_examples=25, deadline=None)
def all_sign_vectors_give_the_stated_mean_and_variance(seed):
    # Over all 2^d vectors of signs the mean and the variance are exact.
    g = generator(seed)
    d, m = whole(1, 7, g), whole(1, 6, g)
    J = normal(m, d, g=g)
    signs = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0], dtype=torch.float64)] * d)
    values = (signs.view(-1, d) @ J.T).square().sum(1)
    A = J.T @ J
    variance = 2 * float(A.square().sum() - A.diagonal().square().sum())
    size = float(A.square().sum())
    assert float(values.mean()) == pytest.approx(float(J.square().sum()), rel=1e-10)
    assert float(values.var(unbiased=False)) == pytest.approx(variance, abs=1e-9 * size)
    fourth = float(torch.linalg.svdvals(J).pow(4).sum())
    assert variance <= fourth_power_bound(J) * (1 + 1e-12)
    assert size == pytest.approx(fourth, rel=1e-9)
    # Directions that are uncorrelated and far from independent: +-sqrt(d) e_k.
    axes = math.sqrt(d) * torch.cat([torch.eye(d), -torch.eye(d)]).double()
    along_axes = (axes @ J.T).square().sum(1)
    assert float(along_axes.mean()) == pytest.approx(float(J.square().sum()), rel=1e-10)


@claim("thm-cae-hutchinson")
def test_one_random_direction_is_unbiased_with_the_stated_variance():
    all_sign_vectors_give_the_stated_mean_and_variance()
    g = generator(0)
    J = normal(4, 6, g=g)
    A = J.T @ J
    v = normal(400_000, 6, g=g)
    values = (v @ J.T).square().sum(1)
    assert float(values.mean()) == pytest.approx(float(J.square().sum()), rel=0.01)
    normal_variance = 2 * float(A.square().sum())
    assert float(values.var()) == pytest.approx(normal_variance, rel=0.03)
    signs = 2.0 * torch.randint(0, 2, (400_000, 6), generator=g).double() - 1
    assert float((signs @ J.T).square().sum(1).var()) < normal_variance
    # The bound is nearly reached by one row of many equal entries.
    many_equal = torch.ones(1, 400, dtype=torch.float64)
    A = many_equal.T @ many_equal
    reached = 2 * float(A.square().sum() - A.diagonal().square().sum())
    assert 0.99 * fourth_power_bound(many_equal) < reached < fourth_power_bound(many_equal)
    # The library on a deep encoder, where only automatic differentiation knows the truth.
    model = dense_autoencoder([6, 5, 4], activation="tanh", output="linear", seed=1).double()
    X = normal(200, 6, g=g)
    J = torch.stack([autograd_jacobian(lambda z: model.encode(z[None])[0], x) for x in X])
    exact = J.square().sum((1, 2))
    A = J.mT @ J
    spread = 2 * (A.square().sum((1, 2)) - A.diagonal(dim1=1, dim2=2).square().sum(1))
    for probes in (1, 4):
        torch.manual_seed(probes)
        draws = torch.stack([hutchinson(probes)(model, X, X).detach() for _ in range(300)])
        deviation = float(spread.sum() / probes).__pow__(0.5) / len(X)
        assert abs(float(draws.mean() - exact.mean())) < 4 * deviation / math.sqrt(300)
        assert float(draws.std()) == pytest.approx(deviation, rel=0.2)


@claim("prop-cae-cheat")
@pytest.mark.parametrize("activation", ["linear", "relu"])
@given(seed=seeds, exponent=st.floats(-4, 2))
@settings(max_examples=25, deadline=None)
def test_a_change_of_units_keeps_the_reconstruction_and_scales_the_penalty(
    activation, seed, exponent
):
    g = generator(seed)
    n, d, m = whole(2, 8, g), whole(1, 6, g), whole(1, 8, g)
    epsilon = 10.0**exponent
    s = ACTIVATIONS[activation]
    W, b, D, c = normal(m, d, g=g), normal(m, g=g), normal(d, m, g=g), normal(d, g=g)
    X = normal(n, d, g=g)

    def measured(W, b, D):
        H = s(X @ W.T + b)
        slopes = (H > 0).double() if activation == "relu" else torch.ones_like(H)
        return H @ D.T + c, float((slopes @ (W**2).sum(1)).mean())

    X_hat, penalty = measured(W, b, D)
    again, smaller = measured(epsilon * W, epsilon * b, D / epsilon)
    assert torch.allclose(again, X_hat, atol=1e-9 * (1 + float(X_hat.abs().max())))
    assert smaller == pytest.approx(epsilon**2 * penalty, rel=1e-9, abs=1e-15)
    # Penalty zero means one code for all samples: switch every unit off that has weights.
    low = -(X @ W.T).amax(0) - 0.1
    idle = torch.arange(m) % 2 == 0
    W_off = torch.where(idle[:, None], torch.zeros_like(W), W)
    b_off = torch.where(idle, b, low)
    if activation == "linear":
        W_off = torch.zeros_like(W)
    X_hat, penalty = measured(W_off, b_off, D)
    assert penalty == 0
    assert torch.allclose(X_hat, X_hat[:1].expand_as(X_hat))


def cheating_error_bound(epsilon, D, A):
    return epsilon**2 / 12 * torch.linalg.matrix_norm(D, 2) * A.pow(6).sum(1).sqrt()


def cheating_penalty_bound(epsilon, W):
    return epsilon**2 / 16 * float((W**2).sum())


def cheat(W, b, D, c, epsilon, X):
    """The reconstructions with sigmoids, and the penalty of each sample."""
    H = torch.sigmoid(epsilon * (X @ W.T + b))
    penalties = ((H * (1 - H)) ** 2) @ (epsilon * W).square().sum(1)
    return H @ (4 / epsilon * D).T + c - 2 / epsilon * D.sum(1), penalties


@claim("prop-cae-cheat-sigmoid")
@given(seeds, st.floats(-3, 0))
@many
def test_sigmoid_units_reach_the_linear_autoencoder_with_no_penalty(seed, exponent):
    g = generator(seed)
    n, d, m = whole(2, 8, g), whole(1, 6, g), whole(1, 8, g)
    epsilon = 10.0**exponent
    W, b, D, c = normal(m, d, g=g), normal(m, g=g), normal(d, m, g=g), normal(d, g=g)
    X = normal(n, d, g=g)
    A = X @ W.T + b
    X_hat, penalties = cheat(W, b, D, c, epsilon, X)
    error = (X_hat - (A @ D.T + c)).norm(dim=1)
    rounding = 1e-13 * (1 + 4 / epsilon * float(D.abs().sum()))
    assert bool((error <= cheating_error_bound(epsilon, D, A) + rounding).all())
    assert float(penalties.max()) <= cheating_penalty_bound(epsilon, W) * (1 + 1e-12)
    # Both bounds are nearly reached: units that answer alike, and a preactivation near zero.
    m_equal, d_out = 3, 2
    ones = torch.ones(m_equal, 1, dtype=torch.float64)
    D_equal = torch.ones(d_out, m_equal, dtype=torch.float64)
    zero, none = torch.zeros(m_equal).double(), torch.zeros(d_out).double()
    x = torch.ones(1, 1, dtype=torch.float64)
    X_hat, penalties = cheat(ones, zero, D_equal, none, 0.05, x)
    error = float((X_hat - x @ ones.T @ D_equal.T).norm())
    bound = float(cheating_error_bound(0.05, D_equal, x @ ones.T))
    assert 0.99 * bound < error <= bound
    assert 0.99 * cheating_penalty_bound(0.05, ones) < float(penalties.max())
    # With PCA for the linear autoencoder, the objective comes as near to PCA's error as one likes.
    k = min(m, d)
    mu = X.mean(0)
    V = torch.linalg.svd(X - mu, full_matrices=True)[2][:k]
    padded = torch.zeros(m, d, dtype=torch.float64)
    padded[:k] = V
    pca_error = float((torch.linalg.svdvals(X - mu)[k:] ** 2).sum()) / n
    weight = 1000.0
    X_hat, penalties = cheat(padded, -padded @ mu, padded.T, mu, 1e-4, X)
    value = float((X - X_hat).square().sum()) / n + weight * float(penalties.mean())
    assert value <= pca_error + 1e-4


def tied_objective(W, C, weight):
    R = torch.eye(len(C), dtype=C.dtype) - W.T @ W
    return float(torch.trace(R @ C @ R) + weight * W.square().sum())


def least_penalty(share):
    """Of a tied linear autoencoder whose error is this share of the variance."""
    return 1 - math.sqrt(share)


@claim("thm-cae-tied")
@given(seeds)
@many
def test_the_tied_linear_minimiser_shrinks_and_drops_principal_directions(seed):
    g = generator(seed)
    d = whole(1, 7, g)
    m = whole(1, d, g)
    X = normal(30, d, g=g) * torch.logspace(-1, 1, d, dtype=torch.float64)
    if d > 1 and seed % 2:
        X[:, 0] = 0  # a direction without variance, which is off at every weight
    X = X - X.mean(0)
    C = X.T @ X / len(X)
    values, vectors = torch.linalg.eigh(C)
    values, V = values.flip(0).clamp(min=0), vectors.flip(1)
    # Somewhere among the thresholds, so that some directions are on and some are off.
    last = max(0, d - 2)
    near = 1.01 if seed % 3 == 0 else 0.5 + float(torch.rand((), generator=g))
    weight = 2 * float(values[whole(0, last, g)]) * near
    omega = (1 - weight / (2 * values[:m])).clamp(min=0).sqrt()
    W = torch.diag(omega) @ V[:, :m].T
    minimum = tied_objective(W, C, weight)
    on = values[:m] > weight / 2
    phi = torch.where(on, (values[:m] - weight / 2) ** 2 / values[:m], torch.zeros_like(omega))
    total = float(values.sum())
    assert minimum == pytest.approx(total - float(phi.sum()), rel=1e-9, abs=1e-9 * total)
    assert bool((omega[~on] == 0).all())
    cubic = omega * (2 * values[:m] * (omega**2 - 1) + weight)
    assert float(cubic.abs().max()) <= 1e-9 * (total + weight)
    # Turned units have the same objective: the weight chooses a rank, not which units carry it.
    turned = torch.linalg.qr(normal(m, m, g=g))[0] @ W
    assert tied_objective(turned, C, weight) == pytest.approx(minimum, rel=1e-9, abs=1e-9 * total)
    # The objective over data is the one over covariances, and nothing does better.
    by_samples = float((X - X @ W.T @ W).square().sum()) / len(X) + weight * float(W.square().sum())
    assert by_samples == pytest.approx(minimum, rel=1e-9, abs=1e-9 * total)
    rivals = [normal(m, d, g=g) * 10.0 ** whole(-2, 0, g) for _ in range(20)]
    rivals += [W + 0.1 * normal(m, d, g=g) for _ in range(10)]
    rivals += [V[:, :m].T, torch.zeros_like(W), 0.9 * W, 1.1 * W]
    chosen = torch.randperm(d, generator=g)[:m]
    scaled = (1 - weight / (2 * values[chosen])).clamp(min=0).sqrt()
    rivals.append(torch.diag(scaled) @ V[:, chosen].T)
    one = torch.zeros(m, d, dtype=torch.float64)
    one[0] = 0.6 * V[:, 0]
    rivals.append(one)
    for rival in rivals:
        assert tied_objective(rival, C, weight) >= minimum - 1e-9 * (total + weight)
        E = tied_objective(rival, C, 0.0)
        if total >= E:
            assert float(rival.square().sum()) >= least_penalty(E / total) - 1e-12
    # Where the samples have one direction, the least penalty is reached: 0.36 of it is kept.
    alone = torch.outer(V[:, 0], V[:, 0])
    E = tied_objective(one, alone, 0.0)
    assert float(one.square().sum()) == pytest.approx(least_penalty(E))


@claim("prop-cae-local")
@given(seeds)
@many
def test_contracting_at_two_samples_says_nothing_about_the_way_between(seed):
    g = generator(seed)
    d = whole(1, 6, g)
    length = 0.5 + 4 * float(torch.rand((), generator=g))
    x = normal(d, g=g)
    u = normal(d, g=g)
    y = x - length * u / u.norm()
    W = (x - y)[None]
    b = -0.5 * W @ (x + y)
    c = 0.5 * (x + y) - 0.5 * W[0]

    def encode(z, times=1.0):
        return torch.sigmoid(times * (W @ z + b))

    bound = length**2 * math.exp(-(length**2))
    for z in (x, y):
        error = float((W.T @ encode(z) + c - z).square().sum())
        penalty = float(autograd_jacobian(encode, z).square().sum())
        assert error <= bound * (1 + 1e-6)
        assert penalty <= bound * (1 + 1e-6)
        if length > 3.5:  # both come near the bound for samples far apart
            assert min(error, penalty) >= 0.98 * bound
    middle = autograd_jacobian(encode, 0.5 * (x + y))
    assert float(torch.linalg.matrix_norm(middle, 2)) == pytest.approx(length / 4, rel=1e-9)
    # Many steep copies: any epsilon and K.
    epsilon, K = 1e-6, 3.0
    copies = int(K**2 * length**2) + 2
    t = 60.0 / length**2

    def steep(z):
        return encode(z, t).expand(copies)

    for z in (x, y):
        assert float(autograd_jacobian(steep, z).square().sum()) <= epsilon
    assert float((steep(x) - steep(y)).norm()) >= K * length
    on_the_way = [
        float(torch.linalg.matrix_norm(autograd_jacobian(steep, y + tau * (x - y)), 2))
        for tau in (0.3, 0.5, 0.7)
    ]
    assert max(on_the_way) >= K


def on_sphere(z, d):
    """A two-dimensional sphere in R^d, turned; its tangents are known."""
    Q = torch.linalg.qr(normal(d, 3, g=generator(d)))[0]
    return Q @ (z / z.norm()), Q


@claim("thm-cae-tangent")
@given(seeds)
@many
def test_least_penalty_with_given_values_leaves_the_tangent_plane(seed):
    g = generator(seed)
    d, m = whole(3, 6, g), whole(3, 6, g)
    x, Q = on_sphere(normal(3, g=g), d)
    inside = Q.T @ x
    T = Q @ torch.linalg.svd(inside[None], full_matrices=True)[2][1:].T  # (d, 2)
    P = T @ T.T
    W, b, V = normal(m, d, g=g), normal(m, g=g), normal(m, d, g=g)

    def project(z):
        inner = Q.T @ z
        return Q @ (inner / inner.norm())

    def rough(z):  # any encoder
        return torch.tanh(W @ z + b)

    def least(z):
        return rough(project(z))

    def other(z):  # another one with the same values on the sphere
        return rough(z) + V @ (z - project(z))

    tangent = T @ normal(2, g=g)
    nearby = project(x + 0.1 * tangent)
    assert torch.allclose(rough(nearby), least(nearby), atol=1e-12)
    assert torch.allclose(rough(nearby), other(nearby), atol=1e-12)
    best = autograd_jacobian(least, x)
    for encode in (rough, least, other):
        J = autograd_jacobian(encode, x)
        split = (J @ P).square().sum() + (J - J @ P).square().sum()
        assert float(split) == pytest.approx(float(J.square().sum()), rel=1e-9)
        assert torch.allclose(J @ P, best, atol=1e-9)
        assert float(best.square().sum()) <= float(J.square().sum()) * (1 + 1e-9)
    s = torch.linalg.svdvals(best)
    assert float(s[2]) <= 1e-9 * (1 + float(s[0]))
    if float(s[1]) > 1e-3 * float(s[0]):  # rank two, clearly
        planes = tangent_planes(lambda Z: torch.stack([least(z) for z in Z]), x[None], 2)
        assert float(principal_angles(planes.bases, T[None]).max()) < 1e-5


@claim("prop-cae-finite")
def test_the_reaction_to_small_noise_is_the_penalty_to_fourth_order():
    # A smooth encoder of one unit in one dimension, where the mean is an integral: by quadrature.
    nodes, weights = torch.linspace(-9, 9, 20_001, dtype=torch.float64), 18 / 20_000
    density = torch.exp(-(nodes**2) / 2) / math.sqrt(2 * math.pi) * weights
    for w, x in ((1.5, 0.3), (-0.8, 1.1), (2.0, -0.4)):
        at = torch.tanh(torch.tensor(w * x, dtype=torch.float64))
        J = w * float(1 - at**2)

        def rest(sigma, w=w, x=x, at=at, J=J):
            moved = torch.tanh(w * (x + sigma * nodes))
            mean = float(((moved - at) ** 2 * density).sum())
            return float(mean - sigma**2 * J**2)

        errors = [abs(rest(sigma)) for sigma in (0.08, 0.04, 0.02)]
        orders = [math.log2(a / b) for a, b in pairwise(errors)]
        assert min(orders) > 3.8, orders
    # And in several dimensions, with many draws.
    g = generator(0)
    model = dense_autoencoder([5, 4, 3], activation="tanh", output="linear", seed=0).double()
    x = normal(1, 5, g=g)
    with torch.no_grad():
        e = normal(200_000, 5, g=g)
        e = torch.cat([e, -e])
        sigma = 0.01
        moved = (model.encode(x + sigma * e) - model.encode(x)).square().sum(1).mean()
    J = autograd_jacobian(lambda z: model.encode(z[None])[0], x[0])
    assert float(moved) / sigma**2 == pytest.approx(float(J.square().sum()), rel=0.01)


@claim("prop-cae-denoising-linear")
@given(seeds)
@many
def test_linear_denoising_and_contraction_shrink_alike(seed):
    g = generator(seed)
    d = whole(1, 6, g)
    n = d + whole(2, 10, g)
    X = normal(n, d, g=g) * torch.logspace(-0.7, 0.7, d, dtype=torch.float64)
    X = X - X.mean(0)
    C = X.T @ X / n
    values, V = torch.linalg.eigh(C)
    sigma2 = float(values.mean()) * 10.0 ** whole(-2, 1, g)
    # Noise with mean zero and covariance I that can be summed exactly: +-sqrt(d) e_k.
    noise = math.sqrt(d * sigma2) * torch.cat([torch.eye(d), -torch.eye(d)]).double()

    def denoising(P):
        return float((X[:, None] - (X[:, None] + noise) @ P.T).square().sum(2).mean())

    def penalised(P):
        return float((X - X @ P.T).square().sum(1).mean() + sigma2 * P.square().sum())

    best = C @ torch.linalg.inv(C + sigma2 * torch.eye(d, dtype=C.dtype))
    for P in (best, normal(d, d, g=g), torch.eye(d, dtype=C.dtype)):
        assert denoising(P) == pytest.approx(penalised(P), rel=1e-9)
        assert denoising(P) >= denoising(best) * (1 - 1e-12)
    shrink = torch.diagonal(V.T @ best @ V)
    assert torch.allclose(shrink, values / (values + sigma2), atol=1e-9)
    tied = (1 - sigma2 / values).clamp(min=0)
    assert bool((tied <= shrink + 1e-12).all())
    on = values >= sigma2
    gap = sigma2**2 / (values * (values + sigma2))
    assert torch.allclose((shrink - tied)[on], gap[on], atol=1e-9)
    # The factor is the tied autoencoder's: it minimises its objective in every direction.
    for value, factor in zip(values.tolist(), tied.tolist(), strict=True):
        grid = torch.linspace(0, 1.2, 2401, dtype=torch.float64)
        cost = value * (1 - grid) ** 2 + 2 * sigma2 * grid
        assert value * (1 - factor) ** 2 + 2 * sigma2 * factor <= float(cost.min()) + 1e-12


@claim("clm-cae-spectrum")
@pytest.mark.parametrize("seed", [0, 1])
def test_most_singular_values_at_held_out_digits_are_below_one(seed):
    images = torch.from_numpy(load_digits().images).float() / 16
    X = images.repeat_interleave(3, 1).repeat_interleave(3, 2).flatten(1)  # (n, 576)
    above = {}
    for name, penalties in (("plain", {}), ("contractive", {contractive: 2.0})):
        model = dense_autoencoder([576, 100], activation="sigmoid", tied=True, seed=seed)
        loss = objective(cross_entropy, penalties=penalties)
        train(model, X[:1200], loss=loss, epochs=25, lr=3e-3, batch_size=100, seed=seed)
        s = tangent_planes(model.encode, X[1200:1240], 1).singular_values
        above[name] = float((s > 1).float().mean())
    assert above["contractive"] <= 0.05
    assert above["contractive"] < above["plain"] / 2


def moving_blobs(n, g, side=14, width=2.0):
    pixel = torch.arange(side, dtype=torch.float32)
    position = 3 + (side - 7) * torch.rand(n, 2, generator=g)
    away = pixel - position[:, :, None]
    rows, columns = (-(away**2) / (2 * width**2)).exp().unbind(1)
    image = rows[:, :, None] * columns[:, None, :]
    tangents = torch.stack(
        [
            (image * away[:, 0, :, None]).flatten(1),
            (image * away[:, 1, None, :]).flatten(1),
        ],
        2,
    )
    noisy = image.flatten(1) + 0.05 * torch.randn(n, side * side, generator=g)
    return noisy, tangents


@claim("clm-cae-tangents")
@pytest.mark.parametrize("seed", [1, 2])
def test_learned_tangents_are_near_the_true_ones_and_local_pca_at_its_best_is_nearer(seed):
    g = generator(seed)
    X, _ = moving_blobs(1000, g)
    X_new, truth = moving_blobs(60, g)

    def degrees(planes):
        return math.degrees(float(principal_angles(planes.bases, truth).mean()))

    angle = {}
    for name, penalties in (("plain", {}), ("contractive", {contractive: 0.1})):
        model = dense_autoencoder(
            [196, 100], activation="sigmoid", output="linear", tied=True, seed=seed
        )
        loss = objective(squared_error, penalties=penalties)
        train(model, X, loss=loss, epochs=120, lr=3e-3, batch_size=100, seed=seed)
        angle[name] = degrees(tangent_planes(model.encode, X_new, 2))
    pca = {k: degrees(local_pca(X, X_new, 2, k)) for k in (5, 20, 80, 320)}
    assert angle["contractive"] < 35
    assert angle["contractive"] < angle["plain"] / 2
    assert min(pca.values()) < angle["contractive"] < pca[5]
