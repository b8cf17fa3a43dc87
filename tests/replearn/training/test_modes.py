"""The modes of modules are the caller's: frozen ones stay frozen, and all are put back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from replearn.autoencoders import Autoencoder
from replearn.geometry import reconstruction_field
from replearn.pretraining import Classifier, encode, error_rate
from replearn.training import train

D = 4


def data(n: int = 20, seed: int = 0) -> Tensor:
    return torch.randn(n, D, generator=torch.Generator().manual_seed(seed))


def model() -> nn.Module:
    """One normalisation is frozen, one trains; a dropout is in evaluation mode."""
    layers = nn.Sequential(
        nn.Linear(D, D), nn.BatchNorm1d(D), nn.Linear(D, D), nn.BatchNorm1d(D), nn.Dropout(0.5)
    )
    layers[1].eval()
    layers[4].eval()
    return layers


def modes(module: nn.Module) -> list[bool]:
    return [part.training for part in module.modules()]


def squared(module: nn.Module, x: Tensor) -> Tensor:
    return (module(x) - x).square().mean()


class Interrupted(BaseException):
    """No Exception, like Ctrl-C."""


def test_a_frozen_normalisation_stays_frozen_while_the_rest_trains() -> None:
    net = model()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    wanted = modes(net)
    train(net, data(), loss=squared, epochs=3, batch_size=5, X_val=data(9), progress=False)
    after = net.state_dict()
    assert torch.equal(after["1.running_mean"], before["1.running_mean"])
    assert int(after["1.num_batches_tracked"]) == 0
    assert int(after["3.num_batches_tracked"]) == 12
    assert modes(net) == wanted


def test_frozen_modules_are_in_evaluation_mode_in_every_step() -> None:
    net, seen = model(), []

    def loss(module: nn.Module, x: Tensor) -> Tensor:
        seen.append(modes(module))
        return squared(module, x)

    wanted = modes(net)
    train(net, data(), loss=loss, epochs=2, batch_size=10, X_val=data(9), progress=False)
    everything_off = [False] * len(wanted)
    assert seen == 2 * [wanted, wanted, everything_off]


def test_a_model_in_evaluation_mode_is_trained_as_a_whole_and_put_back() -> None:
    net = model().eval()
    train(net, data(), loss=squared, epochs=1, batch_size=5, progress=False)
    assert int(net.state_dict()["1.num_batches_tracked"]) == 4
    assert not any(modes(net))


@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("error", [ValueError, Interrupted])
def test_an_error_in_training_or_validation_leaves_the_modes(
    at: int, error: type[BaseException]
) -> None:
    net, calls = model(), []
    wanted = modes(net)

    def loss(module: nn.Module, x: Tensor) -> Tensor:
        calls.append(1)
        if len(calls) == at:
            raise error
        return squared(module, x)

    with pytest.raises(error):
        train(net, data(), loss=loss, epochs=2, X_val=data(9), progress=False)
    assert modes(net) == wanted


def test_no_loss_at_all_leaves_the_modes() -> None:
    net = model().eval()
    with pytest.raises(FloatingPointError):
        train(net, data() * torch.inf, loss=squared, epochs=1, progress=False)
    assert not any(modes(net))


def uses(broken: bool) -> dict[str, tuple[nn.Module, Callable[[Any], object]]]:
    """Every function that puts a model into evaluation mode, and how it is called."""

    class Breaks(nn.Module):
        def forward(self, X: Tensor) -> Tensor:
            if broken:
                raise Interrupted
            assert not self.training
            return X

    encoder = nn.Sequential(*model(), Breaks())
    return {
        "error_rate": (
            Classifier(encoder, D, 2),
            lambda net: error_rate(net, data(), torch.zeros(20, dtype=torch.int64)),
        ),
        "encode": (Autoencoder(encoder, nn.Linear(D, D)), lambda net: encode(net, data())),
        "reconstruction_field": (
            nn.Sequential(encoder, nn.Linear(D, D)),
            lambda net: reconstruction_field(net, data()),
        ),
    }


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("name", ["error_rate", "encode", "reconstruction_field"])
@pytest.mark.parametrize("training", [True, False])
def test_every_function_puts_back_every_mode(name: str, training: bool, broken: bool) -> None:
    net, call = uses(broken)[name]
    net.training = training  # the root in one mode, its parts in theirs
    wanted = modes(net)
    if broken:
        with pytest.raises(Interrupted):
            call(net)
    else:
        call(net)
    assert modes(net) == wanted
    assert len(set(wanted)) == 2


def test_whether_weights_take_gradients_is_left_alone() -> None:
    net = model()
    net[0].requires_grad_(False)
    wanted = [p.requires_grad for p in net.parameters()]
    train(net, data(), loss=squared, epochs=1, progress=False)
    assert [p.requires_grad for p in net.parameters()] == wanted
