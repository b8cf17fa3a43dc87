"""Layers: activations and their slopes, dense layers, tied decoders, k-sparse codes."""

import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from replearn.autoencoders import Dense, KSparse, TiedDecoder, dense_autoencoder
from replearn.autoencoders.layers import (
    ACTIVATIONS,
    activation_derivative,
    activation_derivative_grad,
    dense_stack,
)

no_deadline = settings(deadline=None)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_slope_from_the_value_is_the_derivative(activation):
    A = torch.linspace(-6, 6, 49, dtype=torch.float64) + 0.01  # not at the kink of relu
    A.requires_grad_()
    H = ACTIVATIONS[activation](A)
    (want,) = torch.autograd.grad(H.sum(), A)
    torch.testing.assert_close(activation_derivative(activation, H), want, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_derivative_of_the_slope_is_what_autograd_finds(activation):
    A = torch.linspace(-6, 6, 49, dtype=torch.float64) + 0.01
    H = ACTIVATIONS[activation](A).requires_grad_()
    S = activation_derivative(activation, H)
    want = torch.autograd.grad(S.sum(), H)[0] if S.requires_grad else torch.zeros_like(H)
    got = activation_derivative_grad(activation, H.detach())
    torch.testing.assert_close(got, want, rtol=1e-12, atol=1e-14)


def test_activations_are_what_their_names_say():
    A = torch.tensor([-2.0, 0.5])
    want = {
        "linear": [-2.0, 0.5],
        "sigmoid": [1 / (1 + math.exp(2)), 1 / (1 + math.exp(-0.5))],
        "tanh": [math.tanh(-2), math.tanh(0.5)],
        "relu": [0.0, 0.5],
        "softplus": [math.log1p(math.exp(-2)), math.log1p(math.exp(0.5))],
        "elu": [math.expm1(-2), 0.5],
    }
    assert set(want) == set(ACTIVATIONS)
    for name, values in want.items():
        assert ACTIVATIONS[name](A).tolist() == pytest.approx(values, rel=1e-6)


def test_a_dense_layer_is_its_equation_and_starts_as_glorot_and_bengio_say():
    layer = Dense(40, 30, "tanh")
    X = normal(7, 40).float()
    want = torch.stack([torch.tanh(layer.weight @ x + layer.bias) for x in X])
    torch.testing.assert_close(layer(X), want)
    bound = math.sqrt(6 / 70)
    assert layer.weight.shape == (30, 40)
    assert 0.99 * bound < layer.weight.detach().abs().max() <= bound
    # 1,200 uniform values: the standard error of their variance is 2.6% of it.
    assert float(layer.weight.detach().square().mean()) == pytest.approx(bound**2 / 3, rel=0.13)
    assert torch.equal(layer.bias, torch.zeros(30))
    assert repr(layer) == "Dense(40, 30, 'tanh')"


def test_a_tied_decoder_is_the_transposes_in_reverse():
    encoder = [Dense(6, 4, "sigmoid"), Dense(4, 3, "tanh")]
    decoder = TiedDecoder(encoder)
    with torch.no_grad():
        for i, bias in enumerate(decoder.biases):
            bias.copy_(normal(len(bias), seed=i))
    H = normal(5, 3).float()
    W1, W2 = (layer.weight for layer in encoder)
    c2, c1 = decoder.biases
    assert (c2.shape, c1.shape) == ((4,), (6,))
    # Between the layers stands the activation of the encoder's layer below, at the end none.
    torch.testing.assert_close(decoder(H), torch.sigmoid(H @ W2 + c2) @ W1 + c1)


def test_tied_matrices_stay_tied_in_copies_states_and_other_dtypes():
    model = dense_autoencoder([6, 4, 3], activation="tanh", tied=True)
    names = dict(model.named_parameters())
    assert len(names) == 6
    assert [name for name in names if "weight" in name] == ["encoder.0.weight", "encoder.1.weight"]
    H = normal(5, 3)
    for other in (copy.deepcopy(model), dense_autoencoder([6, 4, 3], tied=True, seed=1)):
        other.load_state_dict(model.state_dict())
        other.double()
        before, kept = other.decoder(H), model.decoder(H.float())
        with torch.no_grad():
            other.encoder[0].weight += 1
        assert not torch.allclose(other.decoder(H), before)
        assert torch.equal(model.decoder(H.float()), kept)  # the original is left alone


def test_the_gradient_of_a_tied_matrix_is_that_of_both_its_places():
    tied = dense_autoencoder([5, 3], activation="tanh", output="linear", tied=True).double()
    free = dense_autoencoder([5, 3], activation="tanh", output="linear").double()
    with torch.no_grad():
        free.encoder[0].weight.copy_(tied.encoder[0].weight)
        free.decoder[0].weight.copy_(tied.encoder[0].weight.T)
    X = normal(8, 5)
    for model in (tied, free):
        (X - model(X)).square().sum().backward()
    both = free.encoder[0].weight.grad + free.decoder[0].weight.grad.T
    torch.testing.assert_close(tied.encoder[0].weight.grad, both)


@no_deadline
@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 9))
def test_k_sparse_keeps_the_k_largest_and_their_gradient(k, extra, seed):
    A = normal(5, k + extra, seed=seed).requires_grad_()
    H = KSparse(k)(A)
    for a, h in zip(A, H, strict=True):
        kept = a.sort(descending=True).values[:k]
        assert torch.equal(h, torch.where(a >= kept[-1], a, torch.zeros_like(a)))
    H.sum().backward()
    assert torch.equal(A.grad, (H != 0).double())


def test_k_sparse_keeps_another_number_in_evaluation_mode():
    layer, A = KSparse(2, k_test=3), normal(4, 6)
    assert (layer(A) != 0).sum(1).tolist() == [2] * 4
    layer.eval()
    assert (layer(A) != 0).sum(1).tolist() == [3] * 4
    assert (KSparse(2).eval()(A) != 0).sum(1).tolist() == [2] * 4
    assert repr(layer) == "KSparse(2, k_test=3)"


def test_k_sparse_with_equal_values_keeps_no_more_than_k():
    assert (KSparse(2)(torch.ones(3, 5)) != 0).sum(1).tolist() == [2] * 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Dense(0, 2), "d: got 0, want at least 1"),
        (lambda: Dense(2, 0), "m: got 0, want at least 1"),
        (lambda: Dense(2.5, 2), "d: got 2.5, want an integer"),
        (lambda: Dense(2, 2, "swish"), "activation: got 'swish', want one of linear, sigmoid"),
        (
            lambda: activation_derivative("swish", torch.ones(1)),
            "activation: got 'swish', want one of",
        ),
        (
            lambda: activation_derivative_grad("swish", torch.ones(1)),
            "activation: got 'swish', want",
        ),
        (lambda: KSparse(0), "k: got 0, want at least 1"),
        (lambda: KSparse(1.5), "k: got 1.5, want an integer"),
        (lambda: KSparse(2, k_test=0), "k_test: got 0, want at least 1"),
        (lambda: KSparse(4)(torch.ones(2, 3)), "A: got codes of width 3, want at least k, 4"),
        (lambda: dense_stack([3], "relu", "relu"), r"sizes: got \[3\], want at least two widths"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
