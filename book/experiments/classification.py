"""Experiments that are scored by test error: pretrained without labels, then fine-tuned with all.

Every network starts from layers that were pretrained without labels, or at random in the same
shape, gets a softmax layer on top, and is trained on with the labels for a fixed number of epochs.
This is done by two rules: with dropout and adversarial samples, and plainly. The rates and epochs,
and the first rule's dropout and size of the adversarial steps, were chosen by training on 50,000
images and the error of the other 10,000, as with ``--validate``; the network that is scored on the
test set is trained on all 60,000.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import cast

from torch import nn

from book.experiments.stages import train_in_stages
from book.experiments.task import Experiment, Job, Outcome, Published
from replearn.autoencoders import (
    Autoencoder,
    Dense,
    Masking,
    contractive,
    cross_entropy,
    dense_autoencoder,
    objective,
    squared_error,
)
from replearn.pretraining import (
    Classifier,
    adversarial,
    classification_loss,
    error_rate,
    greedy,
    stacked_encoder,
)

_FAMILY = "test error after fine-tuning"
_STAGES = ((1e-3, 25), (3e-4, 8), (5e-5, 4))  # learning rates and epochs of fine-tuning


@dataclass(frozen=True)
class Rules:
    """How a network is fine-tuned: dropout of its codes, and the size of the adversarial steps."""

    dropout: float = 0.0
    step: float = 0.0


PLAIN = Rules()
REGULARISED = Rules(dropout=0.3, step=0.08)

Start = Callable[[Job, Outcome], tuple[nn.Module, int]]  # an encoder and the width of its code


def _fine_tuned(job: Job, start: Start, rules: Rules) -> Outcome:
    """Train encoder and softmax layer together; errors in per cent."""
    outcome = Outcome(float("nan"))
    encoder, m = start(job, outcome)
    data = job.scored
    X_val, y_val = (data.X_test, data.y_test) if job.validate else (None, None)
    model = Classifier(encoder, m, 10, dropout=rules.dropout)
    model = model.to(data.X.device)
    train_in_stages(
        model,
        data.X,
        job,
        outcome,
        _STAGES,
        loss=adversarial(rules.step) if rules.step else classification_loss,
        batch_size=128,
        y=data.y,
        X_val=X_val,
        y_val=y_val,
        task="fine-tuning",
    )
    outcome.details["training"] = 100 * error_rate(model, data.X, data.y)
    outcome.value = 100 * error_rate(model, data.X_test, data.y_test)
    return outcome


def _pretrain(
    layers: Sequence[Autoencoder], losses: Sequence[object], job: Job, outcome: Outcome, epochs: int
) -> None:
    """Train the layers in place, one after the other."""
    X = job.scored.X
    histories = greedy(
        [layer.to(X.device) for layer in layers],
        X,
        losses,  # type: ignore[arg-type]
        epochs=job.epochs(epochs),
        batch_size=128,
        lr=1e-3,
        checkpoint=job.checkpoint("pretraining"),
        seed=job.seed,
        progress="always",
    )
    for number, history in enumerate(histories, 1):
        outcome.add_curve(f"pretraining, layer {number}", history)


def _sizes(job: Job, *widths: int) -> list[int]:
    return [job.data.X.shape[1], *(16 if job.quick else width for width in widths)]


def _sigmoid_layers(sizes: Sequence[int], seed: int) -> list[Autoencoder]:
    """Tied sigmoid autoencoders of one layer, each on the code of the one before."""
    return [
        dense_autoencoder([d, m], activation="sigmoid", tied=True, seed=seed * 10 + i)
        for i, (d, m) in enumerate(pairwise(sizes))
    ]


def _denoising(job: Job, outcome: Outcome) -> tuple[nn.Module, int]:
    """784-1000-1000-1000, masking noise of 10, 20 and 30%, cross-entropy, tied weights."""
    sizes = _sizes(job, 1000, 1000, 1000)
    layers = _sigmoid_layers(sizes, job.seed)
    losses = [objective(cross_entropy, corruption=Masking(rate)) for rate in (0.1, 0.2, 0.3)]
    _pretrain(layers, losses, job, outcome, epochs=15)
    return stacked_encoder(layers), sizes[-1]


def _contractive(job: Job, outcome: Outcome, *, depth: int) -> tuple[nn.Module, int]:
    """784 and layers of 1000, closed-form penalty of weight 0.1, cross-entropy, tied weights."""
    sizes = _sizes(job, *[1000] * depth)
    layers = _sigmoid_layers(sizes, job.seed)
    losses = [objective(cross_entropy, penalties={contractive: 0.1})] * depth
    _pretrain(layers, losses, job, outcome, epochs=20)
    return stacked_encoder(layers), sizes[-1]


def _k_sparse(job: Job, outcome: Outcome) -> tuple[nn.Module, int]:
    """784-1000, linear and tied, the 25 largest activations kept; then ReLU."""
    sizes = _sizes(job, 1000)
    k = 4 if job.quick else 25
    model = dense_autoencoder(
        sizes, activation="linear", output="linear", tied=True, k=k, seed=job.seed
    )
    _pretrain([model], [objective(squared_error)], job, outcome, epochs=25)
    layer = Dense(sizes[0], sizes[1], "relu")
    layer.load_state_dict(cast(Dense, cast(nn.Sequential, model.encoder)[0]).state_dict())
    return layer, sizes[-1]


def _random(job: Job, outcome: Outcome, *, depth: int, activation: str) -> tuple[nn.Module, int]:
    """784 and layers of 1000 from Glorot's start: what do the rules reach by themselves?"""
    sizes = _sizes(job, *[1000] * depth)
    if activation == "sigmoid":  # the layers that pretraining would have begun with
        return stacked_encoder(_sigmoid_layers(sizes, job.seed)), sizes[-1]
    return dense_autoencoder(sizes, activation=activation, seed=job.seed).encoder, sizes[-1]


_REGULARISED_NOTE = (
    f"Fine-tuned with dropout of {REGULARISED.dropout:.0%} and adversarial samples (steps of "
    f"{REGULARISED.step})."
)
_PLAIN_NOTE = (
    "Fine-tuned without dropout or adversarial samples, at the rates and for the epochs of the "
    "regularised row."
)
_UNLIKE = "it was fine-tuned without dropout and adversarial samples"


def _two(
    name: str,
    title: str,
    network: str,
    start: Start,
    *,
    seconds: tuple[float, float],
    published: tuple[Published, ...] = (),
    control: str = "",
) -> tuple[Experiment, Experiment]:
    """A start under both rules; what was published was fine-tuned plainly."""

    def experiment(rules: Rules) -> Experiment:
        plain = rules == PLAIN
        return Experiment(
            name=f"{name}-plain" if plain else name,
            title=f"{title}, {'plain' if plain else 'regularised'}",
            network=network,
            metric="test error",
            unit="%",
            digits=2,
            published=published
            if plain
            else tuple(replace(f, unlike=_UNLIKE) if f.checked else f for f in published),
            run=partial(_fine_tuned, start=start, rules=rules),
            family=_FAMILY,
            scheduled=True,
            note=_PLAIN_NOTE if plain else _REGULARISED_NOTE,
            control=f"{control}-plain" if control and plain else control,
            seconds=seconds[plain],
        )

    return experiment(REGULARISED), experiment(PLAIN)


_SIGMOID = {depth: f"784-{'1000-' * depth}10, sigmoid" for depth in (1, 2, 3)}
_RELU = "784-1000-10, ReLU"
_RIFAI = Published(
    "1.14", "rifai2011contractive", "the first table", checked="two texts that reprint the table"
)

EXPERIMENTS = (
    *_two(
        "stacked-denoising",
        "Stacked denoising autoencoders",
        _SIGMOID[3],
        _denoising,
        seconds=(1070, 680),
        published=(
            Published("1.3", "lisa2010sda", checked="the text of the tutorial"),
            Published("1.28", "vincent2010stacked"),
        ),
        control="random-sigmoid-3",
    ),
    *_two(
        "random-sigmoid-3",
        "Random start, three layers",
        _SIGMOID[3],
        partial(_random, depth=3, activation="sigmoid"),
        seconds=(790, 400),
    ),
    *_two(
        "stacked-contractive",
        "Stacked contractive autoencoders",
        _SIGMOID[2],
        partial(_contractive, depth=2),
        seconds=(810, 560),
        published=(replace(_RIFAI, network="784-1000-10, one layer"),),
        control="random-sigmoid-2",
    ),
    *_two(
        "random-sigmoid-2",
        "Random start, two layers",
        _SIGMOID[2],
        partial(_random, depth=2, activation="sigmoid"),
        seconds=(510, 260),
    ),
    *_two(
        "contractive",
        "Contractive autoencoder of one layer",
        _SIGMOID[1],
        partial(_contractive, depth=1),
        seconds=(360, 240),
        published=(_RIFAI,),
        control="random-sigmoid-1",
    ),
    *_two(
        "random-sigmoid-1",
        "Random start, one layer",
        _SIGMOID[1],
        partial(_random, depth=1, activation="sigmoid"),
        seconds=(230, 120),
    ),
    *_two(
        "k-sparse",
        "k-sparse autoencoder",
        _RELU,
        _k_sparse,
        seconds=(400, 280),
        published=(Published("1.08", "makhzani2014k"),),
        control="random-start",
    ),
    *_two(
        "random-start",
        "Random start, ReLU",
        _RELU,
        partial(_random, depth=1, activation="relu"),
        seconds=(230, 120),
    ),
)
