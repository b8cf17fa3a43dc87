"""Restricted Boltzmann machines against the enumeration of all their states."""

import itertools
import math

import pytest
import torch
from sklearn.neural_network import BernoulliRBM

from replearn.pretraining import RBM, contrastive_divergence
from replearn.training import train

double = torch.float64
D, M = 4, 3
KINDS = list(itertools.product(["binary", "gaussian"], repeat=2))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def states(k):
    """All binary vectors of k values, (2^k, k)."""
    return torch.cartesian_prod(*[torch.tensor([0.0, 1.0], dtype=double)] * k).reshape(-1, k)


def machine(size=1.0, visible="binary", hidden="binary", seed=0):
    """A machine of D and M units with weights and biases of this size."""
    model = RBM(D, M, visible=visible, hidden=hidden).double()
    random = generator(seed)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(size * torch.randn(p.shape, generator=random, dtype=double))
    return model


def energy(model, X, H):
    """E(x, h) of the module's text for each pair of rows, (n, k)."""
    E = -X @ model.weight.T @ H.T - H @ model.bias
    if model.visible == "gaussian":
        E = E + 0.5 * (X - model.visible_bias).square().sum(1)[:, None]
    else:
        E = E - (X @ model.visible_bias)[:, None]
    if model.hidden == "gaussian":
        E = E + 0.5 * H.square().sum(1)
    return E


def log_likelihood(model, X):
    """log p(x) (n,) of a binary machine, by enumeration of all pairs."""
    log_z = torch.logsumexp(-energy(model, states(D), states(M)).flatten(), 0)
    return torch.logsumexp(-energy(model, X, states(M)), 1) - log_z


def gradients(value, model):
    return torch.autograd.grad(value, tuple(model.parameters()))


def distance(one, other):
    return max(float((a - b).abs().max()) for a, b in zip(one, other, strict=True))


def test_free_energy_sums_over_all_codes():
    model = machine()
    wanted = -torch.logsumexp(-energy(model, states(D), states(M)), 1)
    torch.testing.assert_close(model.free_energy(states(D)), wanted)


def test_the_conditionals_are_those_of_the_joint_distribution():
    model = machine()
    joint = torch.exp(-energy(model, states(D), states(M)))
    of_h = joint / joint.sum(1, keepdim=True)
    torch.testing.assert_close(model.encode(states(D)), of_h @ states(M))
    of_x = (joint / joint.sum(0)).T
    torch.testing.assert_close(model.decode(states(M)), of_x @ states(D))
    # and they factorise: a code's probability is the product of its units'
    p = model.encode(states(D))[:, None]
    product = torch.where(states(M) == 1, p, 1 - p).prod(2)
    torch.testing.assert_close(of_h, product)


def test_free_energy_and_mean_of_gaussian_codes_by_integration():
    model = machine(0.5, hidden="gaussian")
    with torch.no_grad():  # one code, two visible units: an integral along a line
        model.weight, model.bias = (torch.nn.Parameter(p[:1]) for p in (model.weight, model.bias))
    X, h = states(D), torch.linspace(-15, 15, 20001, dtype=double)
    weights = torch.exp(-energy(model, X, h[:, None]))
    integral = torch.trapezoid(weights, h)
    constant = 0.5 * math.log(2 * math.pi)
    torch.testing.assert_close(model.free_energy(X), constant - integral.log())
    mean = torch.trapezoid(weights * h, h) / integral
    torch.testing.assert_close(model.encode(X)[:, 0], mean)


@pytest.mark.parametrize("hidden", ["binary", "gaussian"])
def test_the_mean_and_the_free_energy_of_gaussian_samples_by_integration(hidden):
    model = machine(0.5, visible="gaussian", hidden=hidden)
    with torch.no_grad():
        model.weight = torch.nn.Parameter(model.weight[:, :1])
        model.visible_bias = torch.nn.Parameter(model.visible_bias[:1])
    H, x = states(M), torch.linspace(-15, 15, 20001, dtype=double)
    weights = torch.exp(-energy(model, x[:, None], H)).T
    mean = torch.trapezoid(weights * x, x) / torch.trapezoid(weights, x)
    torch.testing.assert_close(model.decode(H)[:, 0], mean)
    if hidden == "binary":
        wanted = -torch.logsumexp(-energy(model, x[:, None], H), 1)
        torch.testing.assert_close(model.free_energy(x[:, None]), wanted)
    else:
        A = x[:, None] @ model.weight.T + model.bias
        wanted = 0.5 * (x - model.visible_bias).square() - 0.5 * A.square().sum(1)
        torch.testing.assert_close(model.free_energy(x[:, None]), wanted)


@pytest.mark.parametrize(("visible", "hidden"), KINDS)
def test_draws_have_the_mean_and_the_variance_of_their_kind(visible, hidden):
    model, n = machine(0.7, visible, hidden), 40_000
    draws = [
        (model.sample_hidden, model.encode, torch.tensor([[1.0, 0, 1, 1]]).double(), hidden),
        (model.sample_visible, model.decode, torch.tensor([[0.0, 1, 1]]).double(), visible),
    ]
    for draw, mean_of, given, kind in draws:
        S = draw(given.expand(n, -1), generator(3))
        mean = mean_of(given)[0]
        variance = torch.ones_like(mean) if kind == "gaussian" else mean * (1 - mean)
        assert ((S.mean(0) - mean).abs() < 5 * (variance / n).sqrt()).all()
        assert ((S.var(0) - variance).abs() < 5 * variance * math.sqrt(2 / n) + 0.01).all()
        correlation = torch.corrcoef(S.T) - torch.eye(S.shape[1], dtype=double)
        assert correlation.abs().max() < 5 / math.sqrt(n)  # units are independent
        if kind == "binary":
            assert ((S == 0) | (S == 1)).all()


@pytest.mark.parametrize(("visible", "hidden"), KINDS)
@pytest.mark.parametrize("mean", [True, False])
def test_gibbs_follows_its_generator_and_leaves_the_global_one(visible, hidden, mean):
    model, X = machine(0.5, visible, hidden), states(D)
    before = torch.get_rng_state()
    one, same, other = (model.gibbs(X, 3, generator(s), mean=mean) for s in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)
    if visible == "binary":
        assert ((one == 0) | (one == 1)).all() != mean
    torch.manual_seed(1)
    drawn = model.gibbs(X, 3, mean=mean)
    torch.manual_seed(1)
    assert torch.equal(model.gibbs(X, 3, mean=mean), drawn)
    assert torch.equal(model.gibbs(X, 0), X)


def test_gibbs_ends_in_the_models_own_distribution():
    model, n = machine(0.8), 60_000
    X = model.gibbs(torch.zeros(n, D, dtype=double), 40, generator(), mean=False)
    index = (X @ torch.tensor([8.0, 4, 2, 1], dtype=double)).long()
    got = torch.bincount(index, minlength=2**D) / n
    wanted = log_likelihood(model, states(D)).exp().detach()
    assert ((got - wanted).abs() < 5 * (wanted * (1 - wanted) / n).sqrt()).all()


@pytest.mark.parametrize(("visible", "hidden"), KINDS)
def test_the_losss_gradient_is_the_rule_of_the_textbooks(visible, hidden, monkeypatch):
    """<h x^T>_data - <h x^T>_k, and likewise for the biases, each with the opposite sign."""
    model = machine(0.5, visible, hidden)
    X, X_k = torch.rand(2, 7, D, generator=generator(1), dtype=double)
    asked = []

    def gibbs(X, steps, mean):
        asked.append((steps, mean))
        return X_k

    monkeypatch.setattr(model, "gibbs", gibbs)
    weight, bias, visible_bias = gradients(contrastive_divergence(5)(model, X), model)
    assert asked == [(5, True)]
    H, H_k = model.encode(X), model.encode(X_k)
    torch.testing.assert_close(weight, -(H.T @ X - H_k.T @ X_k) / 7)
    torch.testing.assert_close(bias, -(H - H_k).mean(0))
    torch.testing.assert_close(visible_bias, -(X - X_k).mean(0))


def transition(model):
    """P(x' | x) of one step x -> h -> x' by enumeration, and P(h | x)."""
    joint = torch.exp(-energy(model, states(D), states(M))).detach()
    of_h = joint / joint.sum(1, keepdim=True)
    of_x = (joint / joint.sum(0)).T
    return of_h @ of_x, of_h


def exact_contrastive_divergence(model, start, steps, mean):
    """Expected gradient of CD-k from the distribution ``start`` over the 2^d samples."""
    P, of_h = transition(model)
    before = start @ torch.linalg.matrix_power(P, steps - 1)
    loss = start @ model.free_energy(states(D))
    if mean:
        with torch.no_grad():
            X_k = model.decode(states(M))
        return gradients(loss - (before @ of_h) @ model.free_energy(X_k), model)
    return gradients(loss - (before @ P) @ model.free_energy(states(D)), model)


START = torch.zeros(2**D, dtype=double).index_fill_(0, torch.tensor([0, 3, 12, 14]), 0.25)


def test_the_gradient_tends_to_the_likelihoods_with_the_number_of_steps():
    model = machine(1.2)
    wanted = gradients(-START @ log_likelihood(model, states(D)), model)
    errors = [
        distance(exact_contrastive_divergence(model, START, k, False), wanted)
        for k in (1, 3, 10, 100)
    ]
    assert errors[0] > 0.05
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-3
    # the mean in place of the last draw keeps a distance, which is why it can be turned off
    assert distance(exact_contrastive_divergence(model, START, 1000, True), wanted) > 0.01


@pytest.mark.parametrize("mean", [True, False])
@pytest.mark.parametrize("steps", [1, 4, 25])
def test_the_sampled_gradient_is_the_expected_one(steps, mean):
    model, copies = machine(1.2), 20_000
    X = states(D)[START > 0].repeat(copies, 1)
    torch.manual_seed(0)
    got = gradients(contrastive_divergence(steps, mean=mean)(model, X), model)
    wanted = exact_contrastive_divergence(model, START, steps, mean)
    # each entry is a mean of values between 0 and 1, of standard deviation at most 1/2
    assert distance(got, wanted) < 5 * 0.5 / math.sqrt(len(X))


def test_gaussian_samples_are_drawn_also_in_the_last_step():
    model = machine(0.5, visible="gaussian")
    X = torch.zeros(20_000, D, dtype=double)
    X_k = model.gibbs(X, 1, generator())
    H = model.sample_hidden(X, generator())  # the same first draws
    assert ((X_k - model.decode(H)).var(0) - 1).abs().max() < 0.06


def test_training_lowers_the_exact_negative_log_likelihood_of_bars():
    rows = states(3)[:, :, None].expand(-1, 3, 3).reshape(-1, 9)
    columns = states(3)[:, None, :].expand(-1, 3, 3).reshape(-1, 9)
    X = torch.unique(torch.cat([rows, columns]), dim=0).float()
    assert len(X) == 14
    model = RBM(9, 8, std=0.1)

    def error():
        everything = states(9).float()
        log_z = torch.logsumexp(-model.free_energy(everything), 0)
        return float((model.free_energy(X) + log_z).mean().detach())

    before = error()
    assert before == pytest.approx(9 * math.log(2), abs=0.1)
    train(
        model, X, loss=contrastive_divergence(5), epochs=600, batch_size=None, lr=0.02,
        progress=False,
    )  # fmt: skip
    assert math.log(14) < error() < 0.75 * before


def test_the_start_follows_the_seed_and_leaves_the_global_generator():
    before = torch.get_rng_state()
    one, same, other = (RBM(50, 40, std=0.3, seed=s) for s in (4, 4, 5))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one.weight, same.weight)
    assert not torch.equal(one.weight, other.weight)
    assert one.weight.std().item() == pytest.approx(0.3, rel=0.1)
    assert not one.bias.any()
    assert not one.visible_bias.any()


def test_forward_decodes_the_mean_of_the_code():
    model, X = machine(), states(D)
    torch.testing.assert_close(model(X), model.decode(model.encode(X)))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"d": 0}, "d: got 0, want at least 1"),
        ({"m": 0}, "m: got 0, want at least 1"),
        ({"m": 2.5}, "m: got 2.5, want an integer"),
        ({"visible": "real"}, "visible: got 'real', want one of binary, gaussian"),
        ({"hidden": "relu"}, "hidden: got 'relu', want one of binary, gaussian"),
        ({"seed": "a"}, "seed: got 'a', want an integer"),
    ],
)
def test_each_argument_that_does_not_fit_is_named(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        RBM(**({"d": 3, "m": 2} | arguments))


@pytest.mark.parametrize("steps", [0, -1, 1.5, True])
def test_steps_that_do_not_fit_are_named(steps):
    with pytest.raises(ValueError, match="steps: got"):
        contrastive_divergence(steps)


# Pseudo-likelihood and partition function, against their definitions


def exact_log_partition(model):
    """log of the sum of exp(-F) over all bits, or over the hidden ones for Gaussian samples."""
    if model.visible == "binary":
        return float(torch.logsumexp(-model.free_energy(states(D)), 0).detach())
    # sum_h (2 pi)^(d/2) exp(b.h + ||W^T h||^2/2 + c.W^T h)
    H, d = states(M), model.weight.shape[1]
    V = H @ model.weight
    total = torch.logsumexp(H @ model.bias + V @ model.visible_bias + 0.5 * V.square().sum(1), 0)
    return float(total.detach()) + 0.5 * d * math.log(2 * math.pi)


@pytest.mark.parametrize("hidden", ["binary", "gaussian"])
def test_the_pseudo_likelihood_is_the_product_of_the_conditionals(hidden):
    model, X = machine(0.8, hidden=hidden), states(D)
    log_p = -model.free_energy(X).detach()  # up to log Z, which cancels
    wanted = torch.zeros(len(X), dtype=double)
    for k in range(D):
        flipped = X.clone()
        flipped[:, k] = 1 - flipped[:, k]
        other = -model.free_energy(flipped).detach()
        wanted += log_p - torch.logaddexp(log_p, other)
    torch.testing.assert_close(model.pseudo_log_likelihood(X), wanted)
    # Means: linear in each unit while the others are bits.
    mixed = X[5].clone()
    mixed[2] = 0.25
    ends = X[5].repeat(2, 1)
    ends[:, 2] = torch.tensor([0.0, 1.0])

    def of_unit_2(x):
        rest = machine(0.8, hidden=hidden)
        on, off = x.clone(), x.clone()
        on[2], off[2] = 1, 0
        logit = -(rest.free_energy(on[None]) - rest.free_energy(off[None])).detach()
        return x[2] * logit - torch.nn.functional.softplus(logit)

    assert float(of_unit_2(mixed)) == pytest.approx(
        0.75 * float(of_unit_2(ends[0])) + 0.25 * float(of_unit_2(ends[1]))
    )


def test_the_pseudo_likelihood_is_that_of_scikit_learn_on_average():
    """BernoulliRBM flips one unit drawn at random and multiplies by their number."""
    model, X = machine(0.8), states(D)
    peer = BernoulliRBM(M, random_state=0)
    peer.components_ = model.weight.detach().numpy()
    peer.intercept_hidden_ = model.bias.detach().numpy()
    peer.intercept_visible_ = model.visible_bias.detach().numpy()
    many = X.repeat(4000, 1)
    theirs = torch.tensor(peer.score_samples(many.numpy())).reshape(4000, -1)
    error = theirs.std(0) / math.sqrt(4000)
    assert ((theirs.mean(0) - model.pseudo_log_likelihood(X)).abs() < 5 * error + 1e-9).all()


@pytest.mark.parametrize(("visible", "hidden"), [k for k in KINDS if k != ("gaussian", "gaussian")])
@pytest.mark.parametrize("with_data", [False, True])
def test_annealed_importance_sampling_finds_the_exact_partition_function(
    visible, hidden, with_data
):
    model = machine(0.7, visible, hidden)
    X = states(D)[3:9] if with_data else None
    found = model.log_partition(X, chains=400, temperatures=200, generator=generator(1))
    exact = exact_log_partition(model)
    assert 0 < found.standard_error < 0.1
    assert abs(found.value - exact) < 4 * found.standard_error
    before = torch.get_rng_state()
    assert found == model.log_partition(X, chains=400, temperatures=200, generator=generator(1))
    assert torch.equal(torch.get_rng_state(), before)


def test_one_temperature_is_plain_importance_sampling_and_its_error_is_honest():
    model = machine(0.7)
    exact = exact_log_partition(model)
    runs = [
        model.log_partition(chains=50, temperatures=3, generator=generator(s)) for s in range(200)
    ]
    values = torch.tensor([run.value for run in runs], dtype=double)
    errors = torch.tensor([run.standard_error for run in runs], dtype=double)
    assert abs(float(values.exp().mean().log()) - exact) < 0.05  # unbiased in Z
    assert float(values.std()) == pytest.approx(float(errors.mean()), rel=0.2)


def test_gaussian_units_on_both_sides_need_small_weights():
    model = RBM(2, 2, visible="gaussian", hidden="gaussian", std=0.0).double()
    with torch.no_grad():
        model.weight.copy_(torch.diag(torch.tensor([0.5, 0.3])))
        model.bias.copy_(torch.tensor([0.2, -0.1]))
    # Z of exp(-||x||^2/2 + ||W x + b||^2/2): a normal integral with precision I - W^T W.
    W, b = model.weight.detach(), model.bias.detach()
    P = torch.eye(2, dtype=double) - W.T @ W
    r = W.T @ b
    exact = math.log(2 * math.pi) - 0.5 * float(torch.logdet(P))
    exact += 0.5 * float(r @ torch.linalg.solve(P, r) + b @ b)
    found = model.log_partition(chains=2000, temperatures=100, generator=generator(1))
    assert abs(found.value - exact) < 4 * found.standard_error
    with torch.no_grad():
        model.weight.mul_(2)
    with pytest.raises(ValueError, match="weight: got largest singular value 1, want below 1"):
        model.log_partition()


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda m: m.encode(torch.full((1, D), 1.5)),
            "X: got values from 1.5 to 1.5, want values in",
        ),
        (lambda m: m.free_energy(-torch.ones(1, D)), "X: got values from -1 to -1, want values in"),
        (lambda m: m.gibbs(2 * torch.ones(1, D)), "X: got values from 2 to 2, want values in"),
        (lambda m: contrastive_divergence()(m, 2 * torch.ones(1, D)), "X: got values from 2 to 2"),
        (
            lambda m: m(torch.ones(1, D, dtype=double)),
            "X: got torch.float64 on cpu, want torch.float3",
        ),
        (lambda m: m.decode(torch.ones(1, M, dtype=double)), "H: got torch.float64 on cpu, want"),
        (lambda m: m.encode(torch.ones(1, D + 1)), r"X: got shape \(1, 5\), want \(n, 4\)"),
        (lambda m: m.encode(torch.ones(1, D, dtype=int)), "X: got dtype torch.int64, want"),
        (lambda m: m.encode(torch.full((1, D), torch.nan)), "X: got NaN or infinite values"),
        (lambda m: m.log_partition(chains=1), "chains: got 1, want at least 2"),
        (lambda m: m.log_partition(temperatures=0), "temperatures: got 0, want at least 1"),
    ],
)
def test_values_that_are_none_of_the_machines_are_refused(call, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}"):
        call(RBM(D, M))


def test_a_pseudo_likelihood_of_gaussian_samples_is_refused():
    with pytest.raises(ValueError, match="visible: got 'gaussian', want 'binary'"):
        RBM(D, M, visible="gaussian").pseudo_log_likelihood(torch.ones(1, D))


@pytest.mark.parametrize("std", [float("nan"), float("inf"), -1.0, "1"])
def test_a_start_that_is_no_standard_deviation_is_refused(std):
    with pytest.raises(ValueError, match=r"^std: got"):
        RBM(2, 2, std=std)


@pytest.mark.parametrize("steps", [-1, 1.5, True, "2"])
def test_steps_are_a_number_of_steps(steps):
    with pytest.raises(ValueError, match=r"^steps: got"):
        RBM(2, 2).gibbs(torch.zeros(3, 2), steps)
