"""Penalties: against their definitions, against automatic Jacobians, and their gradients."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from replearn.autoencoders import (
    Autoencoder,
    contractive,
    convolutional_autoencoder,
    dense_autoencoder,
    hutchinson,
    kl_to_rate,
    l1,
    weight_decay,
)
from replearn.autoencoders.layers import ACTIVATIONS
from replearn.autoencoders.penalties import _ClosedForm
from tests.replearn.autoencoders.test_losses import assert_gradients_are_differences

no_deadline = settings(deadline=None)
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def layer(activation="sigmoid", d=5, m=4, seed=0, **options):
    """One layer with biases that are not 0."""
    model = dense_autoencoder([d, m], activation=activation, seed=seed, **options).double()
    with torch.no_grad():
        model.encoder[0].bias.copy_(normal(m, seed=seed + 1))
    return model


def jacobians(model, X):
    """(n, m, d), by automatic differentiation."""
    return torch.func.vmap(torch.func.jacrev(lambda x: model.encode(x[None])[0]))(X)


def frozen(penalty, seed=0):
    """The penalty with the same random numbers in every call."""

    def call(model, X, H):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return penalty(model, X, H)

    return call


def test_l1_is_the_mean_of_the_sums():
    H = torch.tensor([[1.0, -2.0], [0.0, 4.0]])
    assert float(l1(layer(), torch.zeros(2, 5), H)) == 3.5


def test_kl_is_its_definition_and_0_at_the_rate():
    H = torch.tensor([[0.1, 0.5], [0.3, 0.9]])
    q = [0.2, 0.7]
    want = sum(0.05 * math.log(0.05 / p) + 0.95 * math.log(0.95 / (1 - p)) for p in q)
    assert float(kl_to_rate(0.05)(layer(), H, H)) == pytest.approx(want, rel=1e-6)
    assert float(kl_to_rate(0.2)(layer(), H, H[:, :1])) == pytest.approx(0.0, abs=1e-7)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_kl_of_units_that_never_or_always_fire_is_finite(value):
    H = torch.full((3, 2), value, requires_grad=True)
    penalty = kl_to_rate(0.1)(layer(), H, H)
    assert math.isfinite(float(penalty.detach()))
    assert float(penalty.detach()) > 0.5


@no_deadline
@given(
    st.sampled_from(sorted(ACTIVATIONS)),
    st.integers(1, 6),
    st.integers(1, 6),
    st.integers(1, 5),
    st.integers(0, 99),
)
def test_the_closed_form_is_the_frobenius_norm_of_the_jacobian(activation, d, m, n, seed):
    model, X = layer(activation, d, m, seed), normal(n, d, seed=seed)
    want = jacobians(model, X).square().sum() / n
    torch.testing.assert_close(contractive(model, X, model.encode(X)), want)


@no_deadline
@given(
    st.sampled_from(sorted(ACTIVATIONS)), st.integers(1, 6), st.integers(1, 6), st.integers(0, 99)
)
def test_the_gradient_of_the_closed_form_is_autograds_of_the_jacobian(activation, d, m, seed):
    model, X = layer(activation, d, m, seed), normal(3, d, seed=seed)
    weights = list(model.encoder.parameters())
    slow = jacobians(model, X).square().sum() / len(X)
    want = torch.autograd.grad(slow, weights, allow_unused=True)
    got = torch.autograd.grad(2 * contractive(model, X, model.encode(X)), weights)
    for g, w in zip(got, want, strict=True):
        torch.testing.assert_close(g, torch.zeros_like(g) if w is None else 2 * w)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_closed_form_has_right_second_derivatives(activation):
    model, X = layer(activation), normal(3, 5)
    W = model.encoder[0].weight.detach().clone().requires_grad_()
    b = model.encoder[0].bias.detach().clone().requires_grad_()

    def penalty(W, b):
        parameters = {"0.weight": W, "0.bias": b}
        H = torch.func.functional_call(model.encoder, parameters, (X,))
        return _ClosedForm.apply(H, W, activation)

    assert torch.autograd.gradgradcheck(penalty, (W, b))


def test_the_closed_form_takes_a_bare_layer_too():
    model, X = layer(), normal(3, 5)
    bare = Autoencoder(model.encoder[0], model.decoder[0])
    assert torch.equal(contractive(bare, X, bare.encode(X)), contractive(model, X, model.encode(X)))


@pytest.mark.parametrize(
    "model",
    [
        dense_autoencoder([6, 5, 3], activation="tanh").double(),
        convolutional_autoencoder((3, 2), (2,)).double(),
        layer("softplus", d=6),
    ],
    ids=["deep", "convolutional", "one layer"],
)
def test_hutchinson_is_unbiased(model):
    X = normal(3, 6)
    want = float(jacobians(model, X).square().sum() / len(X))
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        draws = torch.stack([hutchinson(1)(model, X, model.encode(X)) for _ in range(500)])
    error = float(draws.std()) / math.sqrt(len(draws))
    assert abs(float(draws.mean()) - want) < 5 * error
    assert error < 0.05 * want  # the test can tell


def test_more_probes_have_less_variance():
    model, X = layer(m=1), normal(1, 5)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        variance = [
            float(torch.stack([hutchinson(k)(model, X, X) for _ in range(200)]).var())
            for k in (1, 8)
        ]
    # An eighth. The relative standard error of each variance is about 0.1 and 0.15.
    assert 4 < variance[0] / variance[1] < 16


def test_hutchinson_is_exact_for_one_input_as_signs_are_used():
    model, X = layer(d=1), normal(4, 1)
    for k in (1, 3):
        torch.testing.assert_close(
            hutchinson(k)(model, X, X), contractive(model, X, model.encode(X))
        )


def test_hutchinson_draws_from_the_global_generator():
    model, X = layer(), normal(4, 5)
    a, b, c = (frozen(hutchinson(1), seed)(model, X, X) for seed in (0, 0, 1))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_weight_decay_leaves_biases_out_and_counts_tied_matrices_once():
    model = layer()
    want = model.encoder[0].weight.square().sum() + model.decoder[0].weight.square().sum()
    torch.testing.assert_close(weight_decay(model, None, None), want)
    tied = layer(tied=True)
    torch.testing.assert_close(
        weight_decay(tied, None, None), tied.encoder[0].weight.square().sum()
    )


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("penalty", [l1, contractive, frozen(hutchinson(2)), weight_decay])
def test_gradients_are_those_of_differences(activation, penalty):
    model, X = layer(activation), normal(3, 5)
    assert_gradients_are_differences(model, lambda: penalty(model, X, model.encode(X)))


@pytest.mark.parametrize(
    ("model", "penalty"),
    [
        (layer("sigmoid"), kl_to_rate(0.1)),
        (layer("relu", k=2), l1),
        (layer("sigmoid", tied=True), contractive),
        (dense_autoencoder([5, 4, 3], activation="tanh").double(), frozen(hutchinson(1))),
        (dense_autoencoder([5, 4], activation="softplus", k=2).double(), frozen(hutchinson(1))),
    ],
    ids=["kl", "l1 of k-sparse", "contractive, tied", "hutchinson, deep", "hutchinson, k-sparse"],
)
def test_gradients_of_more_models(model, penalty):
    X = normal(3, 5)
    assert_gradients_are_differences(model, lambda: penalty(model, X, model.encode(X)))


@needs_gpu
@pytest.mark.parametrize("penalty", [l1, contractive, kl_to_rate(0.1), weight_decay])
def test_a_gpu_computes_the_same(penalty):
    here, there, X = layer(), layer().cuda(), normal(6, 5)
    a = penalty(here, X, here.encode(X))
    b = penalty(there, X.cuda(), there.encode(X.cuda()))
    a.backward()
    b.backward()
    torch.testing.assert_close(b.cpu(), a)
    torch.testing.assert_close(there.encoder[0].weight.grad.cpu(), here.encoder[0].weight.grad)


@needs_gpu
def test_hutchinson_runs_where_the_data_are():
    model, X = layer(d=1).cuda(), normal(4, 1).cuda()
    torch.testing.assert_close(hutchinson(1)(model, X, X), contractive(model, X, model.encode(X)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kl_to_rate(0), "rate: got 0, want a number between 0 and 1"),
        (lambda: kl_to_rate(1.0), "rate: got 1.0, want a number between 0 and 1"),
        (
            lambda: kl_to_rate(0.1)(layer(), torch.ones(2, 5), 2 * torch.ones(2, 3)),
            r"H: got codes outside \[0, 1\], want those of a sigmoid layer",
        ),
        (
            lambda: kl_to_rate(0.1)(layer(), torch.ones(2, 5), -torch.ones(2, 3)),
            r"H: got codes outside \[0, 1\]",
        ),
        (lambda: hutchinson(0), "n_probes: got 0, want at least 1"),
        (lambda: hutchinson(1.5), "n_probes: got 1.5, want an integer"),
        (
            lambda: contractive(dense_autoencoder([5, 4, 3]), torch.ones(2, 5), torch.ones(2, 3)),
            "encoder: got Sequential, want one Dense layer; hutchinson takes any",
        ),
        (
            lambda: contractive(layer(k=2), torch.ones(2, 5), torch.ones(2, 4)),
            "encoder: got Sequential, want one Dense layer",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
