"""Losses are the likelihoods they are said to be, and their gradients those of differences."""

import math

import pytest
import torch
from torch.distributions import Bernoulli, Normal

from gradekit.checks import finite_difference_gradient
from replearn.autoencoders import (
    convolutional_autoencoder,
    cross_entropy,
    dense_autoencoder,
    objective,
    squared_error,
)
from replearn.metrics import reconstruction_error

LOSSES = {"squared_error": squared_error, "cross_entropy": cross_entropy}


def uniform(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def assert_gradients_are_differences(model, function, *, step=1e-6, tolerance=1e-7):
    """Those of function() with respect to every parameter of a float64 model."""
    model.zero_grad()
    function().backward()
    for name, parameter in model.named_parameters():
        kept = parameter.detach().clone()

        def at(values, parameter=parameter):
            with torch.no_grad():
                parameter.copy_(values)
            return float(function().detach())

        want = finite_difference_gradient(at, kept, step=step)
        at(kept)
        got = torch.zeros_like(kept) if parameter.grad is None else parameter.grad
        torch.testing.assert_close(
            got, want, rtol=1e-5, atol=tolerance, msg=lambda text, name=name: f"{name}: {text}"
        )


def test_the_squared_error_is_that_of_the_metrics_and_of_a_gaussian():
    model, X = dense_autoencoder([5, 3], output="linear").double(), uniform(7, 5)
    value = squared_error(model, model.encode(X), X)
    want = reconstruction_error(X, model(X).detach())
    assert float(value.detach()) == pytest.approx(want, rel=1e-12)
    log_likelihood = Normal(model(X), math.sqrt(0.5)).log_prob(X).sum(1).mean()
    assert float(value.detach()) == pytest.approx(
        -float(log_likelihood.detach()) - 2.5 * math.log(math.pi)
    )


def test_the_cross_entropy_is_that_of_bernoulli_variables():
    model = dense_autoencoder([5, 3], output="sigmoid").double()
    X = (uniform(7, 5) > 0.5).double()
    H = model.encode(X)
    want = -Bernoulli(logits=model.decoder(H)).log_prob(X).sum(1).mean()
    assert float(cross_entropy(model, H, X).detach()) == pytest.approx(float(want.detach()))


def test_between_0_and_1_the_least_cross_entropy_is_the_entropy():
    X = uniform(1, 5, seed=2)
    model = dense_autoencoder([5, 3]).double()
    entropy = -float((X * X.log() + (1 - X) * (1 - X).log()).sum())
    with torch.no_grad():
        model.decoder[0].weight.zero_()
        model.decoder[0].bias.copy_((X / (1 - X)).log()[0])
    assert float(cross_entropy(model, model.encode(X), X)) == pytest.approx(entropy)
    with torch.no_grad():
        model.decoder[0].bias += 0.1
    assert float(cross_entropy(model, model.encode(X), X)) > entropy + 1e-4


def test_the_cross_entropy_of_large_logits_is_exact():
    model, X = dense_autoencoder([1, 1]), torch.tensor([[0.0], [1.0]])
    with torch.no_grad():
        model.decoder[0].bias.fill_(200.0)
        model.decoder[0].weight.zero_()
    assert float(cross_entropy(model, model.encode(X), X)) == 100.0


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    "build",
    [
        lambda: dense_autoencoder([5, 4, 3], activation="sigmoid"),
        lambda: dense_autoencoder([5, 4, 3], activation="softplus", code="linear"),
        lambda: dense_autoencoder([5, 4, 3], activation="tanh", tied=True),
        lambda: dense_autoencoder([5, 4], activation="relu", k=2),
        lambda: convolutional_autoencoder((3, 2), (2, 2)),
    ],
    ids=["sigmoid", "softplus", "tied", "k-sparse", "convolutional"],
)
def test_gradients_are_those_of_differences(loss, build):
    model = build().double()
    X = uniform(4, 6 if isinstance(model.encoder[0], torch.nn.Unflatten) else 5)
    total = objective(LOSSES[loss])
    assert_gradients_are_differences(model, lambda: total(model, X))


def test_the_cross_entropy_of_a_linear_output_is_refused():
    model = dense_autoencoder([5, 3], output="linear")
    with pytest.raises(ValueError, match="output: got a model with 'linear', want 'sigmoid'"):
        cross_entropy(model, torch.ones(2, 3), torch.ones(2, 5))
