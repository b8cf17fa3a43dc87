"""The objective: loss and weighted penalties, corruption in training only."""

import pytest
import torch

from replearn.autoencoders import (
    Masking,
    contractive,
    cross_entropy,
    dense_autoencoder,
    hutchinson,
    l1,
    objective,
    squared_error,
    weight_decay,
)


def model(**options):
    return dense_autoencoder([5, 3], activation="sigmoid", **options).double()


def data(n=6):
    return torch.rand(n, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def wipe(X):
    return torch.zeros_like(X)


@pytest.mark.parametrize("loss", [squared_error, cross_entropy])
def test_it_is_the_loss_plus_the_weighted_penalties(loss):
    net, X = model(), data()
    H = net.encode(X)
    total = objective(loss, penalties={l1: 0.5, contractive: 2.0, weight_decay: 0.25})
    want = (
        loss(net, H, X)
        + 0.5 * l1(net, X, H)
        + 2.0 * contractive(net, X, H)
        + 0.25 * weight_decay(net, X, H)
    )
    torch.testing.assert_close(total(net, X), want)
    assert torch.equal(objective(loss)(net, X), loss(net, H, X))


def test_the_squared_error_is_the_default():
    net, X = model(), data()
    assert torch.equal(objective()(net, X), squared_error(net, net.encode(X), X))


def test_the_encoder_sees_the_corrupted_input_and_the_loss_the_clean_one():
    net, X = model(), data()
    blind = net.encode(torch.zeros_like(X))
    assert torch.equal(objective(corruption=wipe)(net, X), squared_error(net, blind, X))


def test_penalties_see_what_the_encoder_saw():
    seen = []

    def spy(net, X, H):
        seen.append((X, H))
        return H.sum() * 0

    net, X = model(), data()
    objective(corruption=wipe, penalties={spy: 1.0})(net, X)
    assert torch.equal(seen[0][0], torch.zeros_like(X))
    assert torch.equal(seen[0][1], net.encode(torch.zeros_like(X)))


def test_nothing_is_corrupted_in_evaluation_mode():
    net, X = model(), data()
    total = objective(corruption=Masking(0.5))
    clean = squared_error(net, net.encode(X), X)
    net.eval()
    assert torch.equal(total(net, X), clean)
    net.train()
    assert not torch.equal(total(net, X), clean)
    assert not torch.equal(total(net, X), total(net, X))  # drawn anew


def test_penalties_count_in_evaluation_mode_too():
    net, X = model().eval(), data()
    H = net.encode(X)
    want = squared_error(net, H, X) + 3 * l1(net, X, H)
    torch.testing.assert_close(objective(penalties={l1: 3.0})(net, X), want)


def test_later_changes_of_the_weights_given_do_not_count():
    net, X, weights = model(), data(), {l1: 1.0}
    total = objective(penalties=weights)
    before = total(net, X)
    weights[l1] = 9.0
    assert torch.equal(total(net, X), before)


def test_a_penalty_can_stand_twice_with_settings_of_its_own():
    net, X = model(), data()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        got = objective(penalties={hutchinson(1): 1.0, hutchinson(2): 1.0})(net, X)
        torch.manual_seed(0)
        parts = [penalty(net, X, net.encode(X)) for penalty in (hutchinson(1), hutchinson(2))]
    torch.testing.assert_close(got, squared_error(net, net.encode(X), X) + sum(parts))


@pytest.mark.parametrize("weight", [-1.0, float("nan"), "much"])
def test_a_weight_that_does_not_fit_is_refused_by_name(weight):
    with pytest.raises(ValueError, match=r"weight of l1: got .*, want a number of at least 0"):
        objective(penalties={l1: weight})
