"""Classifiers on encoders: dropout, the start, the loss, the error rate and fine-tuning."""

import math

import pytest
import torch
from torch import nn

from replearn.autoencoders import Dense, dense_autoencoder
from replearn.pretraining import (
    Classifier,
    adversarial,
    classification_loss,
    error_rate,
    stacked_encoder,
)
from replearn.training import train


def blobs(n=300, seed=0):
    """Three classes in twelve dimensions that a line can part."""
    random = torch.Generator().manual_seed(seed)
    y = torch.arange(n) % 3
    centres = 2 * torch.eye(3, 12)
    return centres[y] + 0.2 * torch.randn(n, 12, generator=random), y


def classifier(seed=0, **options):
    encoder = dense_autoencoder([12, 10, 6], activation="tanh", seed=seed).encoder
    return Classifier(encoder, 6, 3, **options)


class Identity(nn.Module):
    def forward(self, X):
        return X


def test_the_head_starts_at_zero_so_that_all_classes_are_equally_probable():
    before = torch.get_rng_state()
    model = classifier()
    assert torch.equal(torch.get_rng_state(), before)
    X, y = blobs()
    assert not model(X).any()
    assert classification_loss(model, X, y).item() == pytest.approx(math.log(3))


def test_the_loss_is_the_mean_negative_log_probability_of_the_label():
    model = classifier()
    nn.init.normal_(model.head.weight, generator=torch.Generator().manual_seed(1))
    X, y = blobs(20)
    p = (model.encoder(X) @ model.head.weight.T + model.head.bias).softmax(1)
    wanted = -p[torch.arange(20), y].log().mean()
    torch.testing.assert_close(classification_loss(model, X, y), wanted)


def started(seed=1):
    model = classifier().double()
    nn.init.normal_(model.head.weight, generator=torch.Generator().manual_seed(seed))
    return model


def test_the_adversarial_loss_is_the_mean_of_the_loss_and_of_that_at_the_moved_samples():
    model, (X, y) = started(), blobs(20)
    X = X.double()
    moved = X.clone().requires_grad_()
    (slope,) = torch.autograd.grad(classification_loss(model, moved, y), moved)
    wanted = [classification_loss(model, x, y) for x in (X, X + 0.1 * slope.sign())]
    assert wanted[1] > wanted[0]  # the corner is where the loss is larger
    torch.testing.assert_close(adversarial(0.1)(model, X, y), sum(wanted) / 2)
    torch.testing.assert_close(adversarial(0)(model, X, y), wanted[0])
    # to first order half of epsilon times the sum of the slope's absolute values
    step = 1e-6
    rise = (adversarial(step)(model, X, y) - wanted[0]) / step
    torch.testing.assert_close(rise, slope.abs().sum() / 2, rtol=1e-4, atol=0)


def test_the_adversarial_gradient_holds_the_moved_samples_fixed():
    model, (X, y) = started(), blobs(20)
    X, W = X.double(), model.encoder[0].weight
    moved = X.clone().requires_grad_()
    (slope,) = torch.autograd.grad(classification_loss(model, moved, y), moved)
    both = (classification_loss(model, x, y) / 2 for x in (X, X + 0.1 * slope.sign()))
    (wanted,) = torch.autograd.grad(sum(both), W)
    (got,) = torch.autograd.grad(adversarial(0.1)(model, X, y), W)
    torch.testing.assert_close(got, wanted)
    assert X.requires_grad is False


def test_in_evaluation_mode_the_adversarial_loss_is_the_plain_one():
    model, (X, y) = started().eval(), blobs(20)
    with torch.no_grad():
        got = adversarial(0.1)(model, X.double(), y)
    torch.testing.assert_close(got, classification_loss(model, X.double(), y))


@pytest.mark.parametrize("epsilon", [-0.1, math.inf, math.nan, "much"])
def test_an_epsilon_that_is_no_distance_is_refused(epsilon):
    with pytest.raises(ValueError, match=r"epsilon: got .*, want a finite number from 0"):
        adversarial(epsilon)


def test_gradients_reach_the_encoder_once_the_head_has_moved():
    X, y = blobs()
    model = classifier()
    first = model.encoder[0].weight.clone()
    train(model, X, y=y, loss=classification_loss, epochs=2, lr=0.01, progress=False)
    assert not torch.equal(model.encoder[0].weight, first)


def test_fine_tuning_lowers_loss_and_error_and_trains_the_encoder_in_place():
    X, y = blobs()
    layers = [dense_autoencoder([12, 10], seed=1), dense_autoencoder([10, 6], seed=2)]
    encoder = stacked_encoder(layers)
    model = Classifier(encoder, 6, 3, dropout=0.1, input_dropout=0.1)
    assert model.encoder is encoder
    before = error_rate(model, X, y)
    history = train(
        model, X, y=y, loss=classification_loss, epochs=30, batch_size=32, lr=0.01, progress=False
    )
    assert history.loss[-1] < 0.5 * history.loss[0]
    assert error_rate(model, *blobs(seed=1)) < 0.05 < before


def test_dropout_is_for_training_only():
    X, _ = blobs()
    model = classifier(dropout=0.5, input_dropout=0.2)
    nn.init.ones_(model.head.weight)
    torch.manual_seed(0)
    assert not torch.equal(model(X), model(X))
    model.eval()
    assert torch.equal(model(X), model(X))
    torch.testing.assert_close(model(X), model.head(model.encoder(X)))


@pytest.mark.parametrize(
    ("layers", "dropout", "input_dropout", "kept"),
    [(0, 0.0, 0.3, 0.7), (1, 0.4, 0.0, 0.6), (2, 0.4, 0.0, 0.36), (2, 0.4, 0.3, 0.252)],
)
def test_dropout_falls_on_the_input_and_on_each_layers_code(layers, dropout, input_dropout, kept):
    model = Classifier(
        nn.Sequential(*(Identity() for _ in range(layers))), 5, 2,
        dropout=dropout, input_dropout=input_dropout,
    )  # fmt: skip
    model.head = Identity()
    torch.manual_seed(0)
    n = 20_000
    H = model(torch.ones(n, 5))
    share = float((H != 0).double().mean())
    assert share == pytest.approx(kept, abs=5 * math.sqrt(kept * (1 - kept) / (5 * n)))
    # what is left is scaled up, so that the mean stays
    torch.testing.assert_close(H[H != 0], torch.full_like(H[H != 0], 1 / kept))


def test_an_encoder_that_is_no_sequence_gets_dropout_on_its_code():
    model = Classifier(Identity(), 5, 2, dropout=0.5)
    model.head = Identity()
    torch.manual_seed(0)
    assert set(model(torch.ones(50, 5)).unique().tolist()) == {0.0, 2.0}


class Table(nn.Module):
    """Its input is its logits."""

    def __init__(self):
        super().__init__()
        self.dropout = nn.Dropout(0.9)
        self.calls = 0

    def forward(self, X):
        self.calls += 1
        return self.dropout(X)


def test_error_rate_counts_the_classes_that_are_not_the_label():
    logits = torch.tensor([[0.1, 2.0, 1.0], [3.0, 2.0, 1.0], [1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    model = Table()
    assert error_rate(model, logits, torch.tensor([1, 2, 0, 1])) == 0.25  # ties: the first class
    assert error_rate(model, logits, torch.tensor([1, 0, 1, 2])) == 0.5
    assert model.training


def test_error_rate_takes_thousands_of_rows_at_a_time_and_restores_the_mode():
    model = Table().eval()
    X = torch.eye(2)[torch.arange(10_000) % 2]
    y = torch.arange(10_000) % 2
    y[:2500] = 1 - y[:2500]
    assert error_rate(model, X, y) == 0.25
    assert model.calls == 3
    assert not model.training


def test_error_rate_refuses_no_samples_and_other_labels():
    for X, y in (
        (torch.ones(0, 2), torch.ones(0)),
        (torch.ones(3, 2), torch.ones(2)),
        (torch.ones(3, 2), torch.ones(3, 1)),  # would be compared with each other's
    ):
        with pytest.raises(ValueError, match=r"X, y: got shapes .* want \(n, d\) and \(n,\)"):
            error_rate(Table(), X, y)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"m": 0}, "m: got 0, want at least 1"),
        ({"m": 1.5}, "m: got 1.5, want an integer"),
        ({"n_classes": 1}, "n_classes: got 1, want at least 2"),
        ({"dropout": 1.0}, "dropout: got 1.0, want a number from 0, below 1"),
        ({"dropout": -0.1}, "dropout: got -0.1"),
        ({"input_dropout": math.nan}, "input_dropout: got nan"),
    ],
)
def test_each_argument_that_does_not_fit_is_named(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        Classifier(**({"encoder": Dense(3, 2), "m": 2} | arguments))
