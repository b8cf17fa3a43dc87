"""Trainings that a claim's test compares, each made once in a process.

A mutant changes a test, not this file, and its process is forked from one that has trained
already (see mutation.py), so that the mutants of one claim share the trainings.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache, partial

import torch

from replearn.autoencoders import dense_autoencoder
from replearn.data import load_digits
from replearn.pretraining import (
    RBM,
    Classifier,
    classification_loss,
    contrastive_divergence,
    error_rate,
    greedy,
    stacked_encoder,
)
from replearn.training import train


@cache
def _stack(seed: int) -> torch.nn.Module:
    """The encoders of two machines, pretrained on the digits of 8x8 pixels without labels."""
    machines = [RBM(64, 128, seed=2 * seed), RBM(128, 64, seed=2 * seed + 1)]
    greedy(
        machines, load_digits().X, contrastive_divergence(1), epochs=30, batch_size=50, seed=seed,
        optimizer=lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=2e-4),
    )  # fmt: skip
    return stacked_encoder(machines)


def _random(activation: str, seed: int) -> torch.nn.Module:
    return dense_autoencoder([64, 128, 64], activation=activation, seed=100 + seed).encoder


def _shuffled(seed: int) -> torch.nn.Module:
    """The pretrained weights in another order."""
    model, g = copy.deepcopy(_stack(seed)), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for W in (p for p in model.parameters() if p.ndim == 2):
            W.copy_(W.flatten()[torch.randperm(W.numel(), generator=g)].view_as(W))
    return model


DRAWS = 3
STARTS: dict[str, Callable[[int], torch.nn.Module]] = {
    "pretrained": lambda seed: copy.deepcopy(_stack(seed)),
    "rectifiers": lambda seed: _random("relu", seed),
    "sigmoids": lambda seed: _random("sigmoid", seed),
    "shuffled": _shuffled,
}


def _draw(y: torch.Tensor, labels: int | None, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of labelled samples: four fifths to train on, one fifth to choose by."""
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    if labels is not None:
        each = labels // 10
        order = torch.stack([order[y[order] == c][:each] for c in range(10)], 1).flatten()
    cut = len(order) * 4 // 5
    return order[:cut], order[cut:]


def _best_inside(validation: Callable[[float], float]) -> float:
    """The best learning rate on a grid that is extended until the best is not at its edge."""
    rates = [4e-3, 8e-3, 16e-3]
    while (best := min(rates, key=validation)) in (rates[0], rates[-1]):
        if best == rates[0]:
            rates.insert(0, best / 2)
        else:
            rates.append(2 * best)
    return best


@cache
def label_errors(start: str, labels: int | None) -> torch.Tensor:
    """Test errors in per cent, one a draw of so many labels (None for all), from one of `STARTS`.

    Rate and dropout are those of the smallest validation loss, with few labels over the first two
    draws. Each draw has its own pretrained stack.
    """
    digits = load_digits()
    X, y = digits.X, digits.y
    few = labels is not None

    @cache
    def fit(seed: int, lr: float, dropout: float) -> tuple[torch.nn.Module, float]:
        rows, held_out = _draw(y, labels, seed)
        model = Classifier(STARTS[start](seed), 64, dropout=dropout, input_dropout=0.4 * dropout)
        history = train(
            model, X[rows], y=y[rows], loss=classification_loss, lr=lr, seed=seed,
            batch_size=16 if few else 100, epochs=60 if few else 15,
            X_val=X[held_out], y_val=y[held_out], patience=8 if few else 3,
        )  # fmt: skip
        return model, min(history.val_loss)

    def validation(lr: float, dropout: float) -> float:
        return sum(fit(seed, lr, dropout)[1] for seed in range(2 if few else 1))

    choices = [
        (_best_inside(partial(validation, dropout=dropout)), dropout) for dropout in (0.0, 0.5)
    ]
    best = min(choices, key=lambda choice: validation(*choice))
    models = [fit(seed, *best)[0] for seed in range(DRAWS)]
    return torch.tensor([100 * error_rate(m, digits.X_test, digits.y_test) for m in models])


def _label_study() -> None:
    for start in STARTS:
        label_errors(start, 100)
    for start in ("pretrained", "rectifiers"):
        label_errors(start, None)


#: What to train before the processes of mutants fork, by claim.
TRAINED_ONCE: dict[str, Callable[[], None]] = {"prop-pre-labels": _label_study}
