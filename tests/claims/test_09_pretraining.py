"""The claims of chapter 09, one test each.

Distributions of tiny machines are computed by going through all states, without sampling, so what
the theorems say holds up to rounding in float64. Machines, data distributions and networks are
drawn by hypothesis. The last two tests are measurements with the criterion that the chapter states,
on the digits that come with scikit-learn; what the last one compares is trained in measured.py.
"""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from replearn.autoencoders import dense_autoencoder, objective, squared_error
from replearn.autoencoders.layers import activation_derivative
from replearn.data import load_digits
from replearn.metrics import reconstruction_error
from replearn.pca import PCA
from replearn.pretraining import RBM, unroll
from replearn.training import train
from tests.claims.measured import label_errors

TOLERANCE = 1e-9
SQUASH = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "linear": torch.clone}

seeds = st.integers(0, 2**31 - 1)
claim = pytest.mark.claim
many = settings(max_examples=30, deadline=None)
digits = pytest.fixture(scope="module")(load_digits)


def whole(g, low: int, high: int) -> int:
    return int(torch.randint(low, high + 1, (), generator=g))


def states(k: int) -> torch.Tensor:
    """All 2^k binary vectors (2^k, k)."""
    return torch.cartesian_prod(*[torch.tensor([0.0, 1.0]).double()] * k).reshape(-1, k)


def draw(seed: int):
    """A tiny machine with weights of any size, and a distribution of the data over its states."""
    g = torch.Generator().manual_seed(seed)
    d, m = whole(g, 1, 5), whole(g, 1, 4)
    rbm = RBM(d, m, seed=seed % 1000).double()
    size = 10.0 ** whole(g, -1, 0) * 2
    with torch.no_grad():
        for parameter in rbm.parameters():
            parameter.copy_(size * torch.randn(parameter.shape, generator=g, dtype=torch.float64))
    p0 = torch.rand(2**d, generator=g, dtype=torch.float64) ** 4 + 1e-3
    return rbm, p0 / p0.sum(), g


def joint(rbm: RBM) -> torch.Tensor:
    """log p(x, h) for all states (2^d, 2^m), from the energy alone."""
    X, H = states(rbm.weight.shape[1]), states(rbm.weight.shape[0])
    energy = -torch.einsum("am,mk,vk->va", H, rbm.weight, X)
    energy = energy - (H @ rbm.bias)[None] - (X @ rbm.visible_bias)[:, None]
    return -energy - torch.logsumexp(-energy.flatten(), 0)


def log_product(P: torch.Tensor, S: torch.Tensor) -> torch.Tensor:
    """log of prod_j P_ij^s_j (1 - P_ij)^(1 - s_j): (n, states) of probabilities P (n, k)."""
    return P.log() @ S.T + torch.log1p(-P) @ (1 - S).T


def flat(tensors) -> torch.Tensor:
    return torch.cat([t.flatten() for t in tensors])


def mean_minus_slope(rbm: RBM, p: torch.Tensor) -> torch.Tensor:
    """E_p[-dF] of all parameters, by autograd through the free energy."""
    value = -(p * rbm.free_energy(states(rbm.weight.shape[1]))).sum()
    return flat(torch.autograd.grad(value, list(rbm.parameters())))


def chain(rbm: RBM) -> torch.Tensor:
    """The transition matrix x -> h -> x (2^d, 2^d), from the joint distribution alone."""
    p = joint(rbm).detach().exp()
    return (p / p.sum(1, keepdim=True)) @ (p / p.sum(0, keepdim=True)).T


def at_the_steepest_point_a_signal_shrinks_by_just_the_bound() -> None:
    for s, kappa in ((torch.sigmoid, 0.25), (torch.tanh, 1.0)):
        w = 3.0
        sums = [torch.zeros(1, dtype=torch.float64, requires_grad=True)]  # a = 0 in each layer
        for _ in range(3):
            h = s(sums[-1])
            sums.append(w * (h - h.detach()))
        sums[-1].sum().backward()
        assert float(sums[0].grad) == pytest.approx((kappa * w) ** 3, rel=1e-12)


@claim("prop-pre-vanish")
@given(seeds)
@many
def test_error_signals_shrink_by_slope_times_norm_in_each_layer(seed):
    at_the_steepest_point_a_signal_shrinks_by_just_the_bound()
    g = torch.Generator().manual_seed(seed)
    sizes = [whole(g, 1, 6) for _ in range(whole(g, 2, 6) + 1)]
    scale = 10.0 ** whole(g, -2, 1)
    bounds = (("sigmoid", 0.25), ("tanh", 1.0), ("linear", 1.0))
    for kinds in ([0], [1], [0, 2], [1, 2, 0]):  # alone, and in turn in one network
        slopes = [bounds[kinds[i % len(kinds)]] for i in range(len(sizes) - 1)]
        layers = list(dense_autoencoder(sizes, seed=seed % 1000).double().encoder)
        H = torch.randn(1, sizes[0], generator=g, dtype=torch.float64)
        inputs, sums = [], []
        for layer, (activation, kappa) in zip(layers, slopes, strict=True):
            with torch.no_grad():
                layer.weight.mul_(scale)
                layer.bias.copy_(torch.randn(layer.bias.shape, generator=g, dtype=torch.float64))
            inputs.append(H)
            sums.append(H @ layer.weight.T + layer.bias)
            H = SQUASH[activation](sums[-1])
            assert float(activation_derivative(activation, H.detach()).max()) <= kappa
        loss = (H - torch.randn(H.shape, generator=g, dtype=torch.float64)).square().sum()
        deltas = torch.autograd.grad(loss, sums, retain_graph=True)
        weights = torch.autograd.grad(loss, [layer.weight for layer in layers])
        bound = deltas[-1].norm()
        for i in reversed(range(len(layers))):
            assert deltas[i].norm() <= bound * (1 + TOLERANCE) + 1e-300
            product = deltas[i].norm() * inputs[i].norm()
            assert torch.allclose(weights[i].norm(), product, rtol=1e-9, atol=1e-300)
            kappa = slopes[i - 1][1]  # of the layer below, whose turn is next
            bound = bound * kappa * torch.linalg.matrix_norm(layers[i].weight, 2)


def random_stack(seed: int, activation: str):
    g = torch.Generator().manual_seed(seed)
    sizes = [whole(g, 2, 7) for _ in range(whole(g, 1, 4) + 1)]
    layers = []
    for i, (d, m) in enumerate(pairwise(sizes)):
        # the activation of a layer's output is that of the codes it reconstructs
        output = "sigmoid" if activation == "sigmoid" and i else "linear"
        layer = dense_autoencoder([d, m], activation=activation, output=output, seed=seed % 1000)
        layers.append(layer.double())
        for parameter in layers[-1].parameters():
            with torch.no_grad():
                noise = torch.randn(parameter.shape, generator=g, dtype=torch.float64)
                parameter.add_(noise)
    X = torch.randn(5, sizes[0], generator=g, dtype=torch.float64)
    return layers, X


def stack_bound(layers, X, kappas):
    """The terms of the bound, sample by sample: one (n,) for each layer."""
    terms, H, lipschitz = [], X, 1.0
    for layer, kappa in zip(layers, kappas, strict=True):
        code = layer.encode(H)
        terms.append(lipschitz * (H - layer.decode(code)).norm(dim=1))
        D = layer.decoder[0].weight
        lipschitz = lipschitz * kappa * torch.linalg.matrix_norm(D, 2)
        H = code
    return terms


def one_number_layers():
    """Three layers of one number each, where every error is magnified as much as it can be.

    The first decoder is sigma(2 h) at h = 0, where its slope is largest; the second is 3 h and
    copies its input; the third answers 0.001 to 0.
    """
    outputs, weights, offsets = ("sigmoid", "linear", "linear"), (2.0, 3.0, 0.0), (0.0, 0.0, 1e-3)
    layers = []
    for output, weight, offset in zip(outputs, weights, offsets, strict=True):
        layer = dense_autoencoder([1, 1], activation="linear", output=output).double()
        with torch.no_grad():
            for parameter in layer.parameters():
                parameter.zero_()
            layer.decoder[0].weight.fill_(weight)
            layer.decoder[0].bias.fill_(offset)
        layers.append(layer)
    return layers, torch.zeros(1, 1, dtype=torch.float64)


def the_bound_of_a_stack_is_reached() -> None:
    layers, X = one_number_layers()
    slope = 0.25
    terms = stack_bound(layers, X, [slope, 1.0, 1.0])
    errors = [(X - unroll(layers[:k])(X)).norm(dim=1).detach() for k in (1, 2, 3)]
    assert float(errors[2]) == pytest.approx(float(sum(terms).detach()), rel=1e-7)
    assert float(errors[1]) == float(errors[0])  # the second layer copies
    assert float(errors[2] - errors[1]) == pytest.approx(float(terms[2].detach()), rel=1e-4)


@claim("prop-pre-stack")
@given(seeds)
@many
def test_the_error_of_a_stack_is_bounded_by_its_layers(seed):
    the_bound_of_a_stack_is_reached()
    for activation, kappa in (("sigmoid", 1 / 4), ("linear", 1.0)):
        layers, X = random_stack(seed, activation)
        terms = stack_bound(layers, X, [1.0] + [kappa] * (len(layers) - 1))
        errors = []
        for depth in range(1, len(layers) + 1):
            errors.append((X - unroll(layers[:depth], output="linear")(X)).norm(dim=1))
            assert bool((errors[-1] <= sum(terms[:depth]) * (1 + TOLERANCE) + 1e-12).all())
            rms = sum(term.square().mean().sqrt() for term in terms[:depth])
            assert errors[-1].square().mean().sqrt() <= rms * (1 + TOLERANCE) + 1e-12
        for before, after, term in zip(errors, errors[1:], terms[1:], strict=False):
            assert bool(((after - before).abs() <= term * (1 + TOLERANCE) + 1e-12).all())
    # a layer that copies its codes adds nothing
    layers, X = random_stack(seed, "linear")
    m = len(layers[-1].encoder[0].weight)
    copier = dense_autoencoder([m, m], activation="linear", output="linear").double()
    with torch.no_grad():
        copier.encoder[0].weight.copy_(torch.eye(m))
        copier.decoder[0].weight.copy_(torch.eye(m))
    whole_stack = unroll([*layers, copier], output="linear")
    assert torch.allclose(whole_stack(X), unroll(layers, output="linear")(X), rtol=1e-9)


@claim("prop-pre-conditionals")
@given(seeds)
@many
def test_given_one_side_the_units_of_the_other_are_independent(seed):
    rbm, _, _ = draw(seed)
    log_p = joint(rbm)
    m, d = rbm.weight.shape
    X, H = states(d), states(m)
    given_x = log_p - log_p.logsumexp(1, keepdim=True)
    given_h = (log_p - log_p.logsumexp(0, keepdim=True)).T
    up = torch.sigmoid(X @ rbm.weight.T + rbm.bias)
    down = torch.sigmoid(H @ rbm.weight + rbm.visible_bias)
    assert torch.allclose(given_x, log_product(up, H), atol=1e-7)
    assert torch.allclose(given_h, log_product(down, X), atol=1e-7)
    assert torch.allclose(rbm.encode(X), up, atol=1e-12)
    assert torch.allclose(rbm.decode(H), down, atol=1e-12)


@claim("prop-pre-free-energy")
@given(seeds)
@many
def test_the_free_energy_sums_the_codes_out(seed):
    rbm, _, _ = draw(seed)
    X = states(rbm.weight.shape[1])
    marginal = joint(rbm).logsumexp(1)
    F = -(X @ rbm.visible_bias) - torch.log1p(torch.exp(X @ rbm.weight.T + rbm.bias)).sum(1)
    assert torch.allclose(rbm.free_energy(X), F, atol=1e-9)
    assert torch.allclose(marginal, -F - torch.logsumexp(-F, 0), atol=1e-9)
    experts = torch.exp(X @ rbm.visible_bias) * (1 + torch.exp(X @ rbm.weight.T + rbm.bias)).prod(1)
    assert torch.allclose(torch.exp(-F), experts, rtol=1e-9)


@claim("thm-pre-gradient")
@given(seeds)
@many
def test_the_gradient_is_a_difference_of_two_expectations(seed):
    rbm, p0, _ = draw(seed)
    X = states(rbm.weight.shape[1])
    log_p = joint(rbm)
    gradient = torch.autograd.grad(p0 @ log_p.logsumexp(1), list(rbm.parameters()))
    p = log_p.detach().exp()
    model, H = p.sum(1), states(rbm.weight.shape[0])
    difference = mean_minus_slope(rbm, p0) - mean_minus_slope(rbm, model)
    assert torch.allclose(flat(gradient), difference, atol=1e-9)
    posterior = p / model[:, None]
    data = p0[:, None] * posterior
    products = torch.einsum("va,am,vd->md", data - p, H, X)  # E_data[h x^T] - E_model[h x^T]
    by_name = dict(zip([n for n, _ in rbm.named_parameters()], gradient, strict=True))
    assert torch.allclose(by_name["weight"], products, atol=1e-9)
    assert torch.allclose(by_name["bias"], torch.einsum("va,am->m", data - p, H), atol=1e-9)
    assert torch.allclose(by_name["visible_bias"], (p0 - model) @ X, atol=1e-9)


def furthest_slopes(rbm: RBM) -> torch.Tensor:
    """The largest distance of the free energy's slopes at two states."""
    X = states(rbm.weight.shape[1])
    slopes = [mean_minus_slope(rbm, e) for e in torch.eye(len(X), dtype=torch.float64)]
    return torch.cdist(torch.stack(slopes), torch.stack(slopes)).max()


def one_pixel(w: float, b: float = 0.0, c: float | None = None):
    """d = m = 1: with b = 0, c = -w/2 the chapter's example."""
    rbm = RBM(1, 1).double()
    values = {"weight": w, "bias": b, "visible_bias": -w / 2 if c is None else c}
    with torch.no_grad():
        for name, parameter in rbm.named_parameters():
            parameter.fill_(values[name])
    return rbm


def a_chain_whose_codes_are_certain_forgets_no_faster_than_the_bound() -> None:
    rbm = one_pixel(40.0, -20.0, -40.0)  # h = x, and x = 1 with probability 1/2 given h = 1
    X, H = states(1), states(1)
    p, T = joint(rbm).detach().exp().sum(1), chain(rbm)
    p0 = torch.tensor([0.0, 1.0], dtype=torch.float64)
    alpha = float(log_product(rbm.decode(H).detach(), X).exp().min(0).values.sum())
    for k in (1, 2, 5):
        p_k = p0 @ torch.linalg.matrix_power(T, k)
        distance = float((p_k - p).abs().sum())
        assert distance == pytest.approx((1 - alpha) ** k * float((p0 - p).abs().sum()), rel=1e-6)
        gap = float((mean_minus_slope(rbm, p) - mean_minus_slope(rbm, p_k)).norm())
        assert gap == pytest.approx(float(furthest_slopes(rbm)) / 2 * distance, rel=1e-6)


@claim("prop-pre-cd")
@given(seeds, st.floats(0.5, 6.0))
@settings(max_examples=12, deadline=None)
def test_contrastive_divergence_is_biased_and_the_bias_dies_out(seed, w):
    a_chain_whose_codes_are_certain_forgets_no_faster_than_the_bound()
    rbm, p0, _ = draw(seed)
    X, H = states(rbm.weight.shape[1]), states(rbm.weight.shape[0])
    p, T = joint(rbm).detach().exp().sum(1), chain(rbm)
    assert torch.allclose(p @ T, p, atol=1e-10)
    alpha = float(log_product(rbm.decode(H).detach(), X).exp().min(0).values.sum())
    largest = furthest_slopes(rbm)
    exact = mean_minus_slope(rbm, p0) - mean_minus_slope(rbm, p)
    p_k = p0
    for k in range(1, 9):
        p_k = p_k @ T
        rate = (1 - alpha) ** k * (p0 - p).abs().sum()
        assert (p_k - p).abs().sum() <= rate + 1e-10
        update = mean_minus_slope(rbm, p0) - mean_minus_slope(rbm, p_k)
        assert (update - exact).norm() <= largest / 2 * (rate + 1e-10)
    with torch.no_grad():  # where the weights are small the chain forgets within a few steps
        rbm.weight.mul_(0.5 / rbm.weight.abs().sum())
    p = joint(rbm).detach().exp().sum(1)
    assert torch.allclose(p0 @ torch.linalg.matrix_power(chain(rbm), 64), p, atol=1e-10)

    # one pixel, always on: the update and its curl in closed form
    rbm, t = one_pixel(w), float(torch.tanh(torch.tensor(w / 4, dtype=torch.float64)))
    on = torch.tensor([0.0, 1.0], dtype=torch.float64)
    after, model = float((on @ chain(rbm))[1]), float(joint(rbm).detach().exp().sum(1)[1])
    assert after == pytest.approx((1 + 3 * t**2) / (2 * (1 + t**2)), rel=1e-9)
    assert model == pytest.approx((1 + t**2) / 2, rel=1e-9)
    assert after - model == pytest.approx(t**2 * (1 - t**2) / (2 * (1 + t**2)), abs=1e-12)

    def update(theta):
        weight, bias, visible = theta
        up = torch.sigmoid(weight + bias)
        again = up * torch.sigmoid(weight + visible) + (1 - up) * torch.sigmoid(visible)
        return (1 - again) * torch.stack([up, up - torch.sigmoid(bias), torch.ones_like(up)])

    theta = torch.tensor([w, 0.0, -w / 2], dtype=torch.float64)
    ours = mean_minus_slope(rbm, on) - mean_minus_slope(rbm, on @ chain(rbm))
    assert torch.allclose(update(theta), ours, atol=1e-12)  # the same field as the library's
    model_p = joint(rbm).detach().exp().sum(1)
    exact = mean_minus_slope(rbm, on) - mean_minus_slope(rbm, model_p)
    assert torch.allclose(ours / ours.norm(), exact / exact.norm(), atol=1e-9)
    assert ours.norm() < exact.norm()
    J = torch.autograd.functional.jacobian(update, theta)
    curl = t**3 * (1 - t**2) / (2 * (1 + t**2) ** 2)
    assert float(J[2, 1] - J[1, 2]) == pytest.approx(curl, rel=1e-6)


def second_machine(first, p0, exact: bool) -> float:
    """Check all three parts of the theorem; with exact codes the bound is the likelihood."""
    m, d = first.weight.shape
    log_p = joint(first).detach()
    log_q = log_p - log_p.logsumexp(1, keepdim=True)  # log q(h|x)
    log_x_given_h = log_p - log_p.logsumexp(0, keepdim=True)
    q, codes = log_q.exp(), p0 @ log_q.exp()

    def bound(log_prior):
        return (q * (log_prior + log_x_given_h - log_q)).sum(1)

    def likelihood(log_prior):
        return (log_prior + log_x_given_h).logsumexp(1)

    second = RBM(m, d).double()
    with torch.no_grad():
        second.weight.copy_(first.weight.T)
        second.bias.copy_(first.visible_bias)
        second.visible_bias.copy_(first.bias)

    def prior():
        F = second.free_energy(states(m))
        return -F - torch.logsumexp(-F, 0)

    start = prior().detach()
    assert torch.allclose(start, log_p.logsumexp(0), atol=1e-9)
    assert torch.allclose(bound(start), log_p.logsumexp(1), atol=1e-8)
    assert torch.allclose(likelihood(start), log_p.logsumexp(1), atol=1e-8)
    optimiser = torch.optim.SGD(second.parameters(), lr=0.05)
    for _ in range(20):
        optimiser.zero_grad()
        (-(codes @ prior())).backward()
        optimiser.step()
    now = prior().detach()
    gain = codes @ (now - start)
    assert gain >= -1e-12  # gradient ascent with a small step
    assert torch.allclose(p0 @ (bound(now) - bound(start)), gain, atol=1e-8)
    assert bool((bound(now) <= likelihood(now) + 1e-9).all())
    posterior = now + log_x_given_h
    posterior = posterior - posterior.logsumexp(1, keepdim=True)
    gap = (q * (log_q - posterior)).sum(1)
    assert torch.allclose(likelihood(now) - bound(now), gap, atol=1e-8)
    raised = p0 @ likelihood(now) - p0 @ likelihood(start)
    assert raised >= gain - 1e-9
    if exact:
        assert raised <= 1.001 * gain
    return float(gain)


@claim("thm-pre-bound")
@given(seeds)
@many
def test_a_second_machine_raises_the_bound_by_what_it_gains(seed):
    first, p0, _ = draw(seed)
    second_machine(first, p0, exact=False)
    first = one_pixel(40.0, -20.0, -20.0)  # h = x: the bound is the likelihood
    assert second_machine(first, torch.tensor([0.3, 0.7], dtype=torch.float64), exact=True) > 0.05


@claim("prop-pre-deep")
def test_rectifiers_beat_pca_with_few_numbers_and_linear_layers_do_not(digits):
    X, X_test = digits.X, digits.X_test
    pca = PCA(8).fit(X)
    base = reconstruction_error(X_test, pca.inverse_transform(pca.transform(X_test)))

    def share(activation, seed):
        """Error of the deep network over that of PCA."""
        model = dense_autoencoder(
            [64, 256, 8], activation=activation, code="linear", output="linear", seed=seed
        )
        loss = objective(squared_error)
        train(model, X, loss=loss, epochs=20, batch_size=64, lr=3e-3, seed=seed)
        with torch.no_grad():
            return reconstruction_error(X_test, model(X_test)) / base

    rectifiers = [share("relu", seed) for seed in range(2)]
    control = [share("linear", seed) for seed in range(2)]
    assert max(rectifiers) <= 0.75, rectifiers
    assert min(control) >= 0.97, control


@claim("prop-pre-labels")
def test_pretraining_helps_with_few_labels_and_less_with_many():
    few, everything = 100, None
    pretrained = label_errors("pretrained", few)
    for other in ("rectifiers", "sigmoids", "shuffled"):
        gain = float((label_errors(other, few) - pretrained).mean())
        assert gain >= 1.5, (other, gain)
    gain_few = float((label_errors("rectifiers", few) - pretrained).mean())
    with_all = label_errors("rectifiers", everything) - label_errors("pretrained", everything)
    gain_all = float(with_all.mean())
    assert gain_all <= gain_few / 2, (gain_all, gain_few)
