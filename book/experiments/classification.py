"""Experiments that are scored by test error: pretrained without labels, then fine-tuned with all.

Every network is pretrained without labels, gets a softmax layer on top, and is trained on with the
labels for a fixed number of epochs, all by the same rules. These (rates, epochs, dropout, size of
the adversarial steps) were chosen by training on 50,000 images and the error of the other 10,000,
as with ``--validate``; the network that is scored on the test set is trained on all 60,000.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    error_rate,
    greedy,
    stacked_encoder,
)

_FAMILY = "test error after fine-tuning"
_STAGES = ((1e-3, 25), (3e-4, 8), (5e-5, 4))  # learning rates and epochs of fine-tuning
_DROPOUT, _STEP = 0.3, 0.08  # of the codes; of the adversarial samples


def _fine_tune(encoder: nn.Module, m: int, job: Job, outcome: Outcome) -> None:
    """Train encoder and softmax layer together; put errors in per cent into the outcome."""
    data = job.scored
    X_val, y_val = (data.X_test, data.y_test) if job.validate else (None, None)
    model = Classifier(encoder, m, 10, dropout=_DROPOUT)
    model = model.to(data.X.device)
    train_in_stages(
        model,
        data.X,
        job,
        outcome,
        _STAGES,
        loss=adversarial(_STEP),
        batch_size=128,
        y=data.y,
        X_val=X_val,
        y_val=y_val,
        task="fine-tuning",
    )
    outcome.details["training"] = 100 * error_rate(model, data.X, data.y)
    outcome.value = 100 * error_rate(model, data.X_test, data.y_test)


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


def _stacked_denoising(job: Job) -> Outcome:
    """784-1000-1000-1000, masking noise of 10, 20 and 30%, cross-entropy, tied weights."""
    sizes = _sizes(job, 1000, 1000, 1000)
    layers = _sigmoid_layers(sizes, job.seed)
    losses = [objective(cross_entropy, corruption=Masking(rate)) for rate in (0.1, 0.2, 0.3)]
    outcome = Outcome(float("nan"))
    _pretrain(layers, losses, job, outcome, epochs=15)
    _fine_tune(stacked_encoder(layers), sizes[-1], job, outcome)
    return outcome


def _stacked_contractive(job: Job) -> Outcome:
    """784-1000-1000, closed-form penalty of weight 0.1, cross-entropy, tied weights."""
    sizes = _sizes(job, 1000, 1000)
    layers = _sigmoid_layers(sizes, job.seed)
    losses = [objective(cross_entropy, penalties={contractive: 0.1})] * 2
    outcome = Outcome(float("nan"))
    _pretrain(layers, losses, job, outcome, epochs=20)
    _fine_tune(stacked_encoder(layers), sizes[-1], job, outcome)
    return outcome


def _k_sparse(job: Job) -> Outcome:
    """784-1000, linear and tied, the 25 largest activations kept; then ReLU and fine-tuning."""
    sizes = _sizes(job, 1000)
    k = 4 if job.quick else 25
    model = dense_autoencoder(
        sizes, activation="linear", output="linear", tied=True, k=k, seed=job.seed
    )
    outcome = Outcome(float("nan"))
    _pretrain([model], [objective(squared_error)], job, outcome, epochs=25)
    layer = Dense(sizes[0], sizes[1], "relu")
    layer.load_state_dict(cast(Dense, cast(nn.Sequential, model.encoder)[0]).state_dict())
    _fine_tune(layer, sizes[-1], job, outcome)
    return outcome


def _random_start(job: Job) -> Outcome:
    """784-1000 from Glorot's start, fine-tuned as the others are: what is pretraining worth?"""
    sizes = _sizes(job, 1000)
    outcome = Outcome(float("nan"))
    encoder = dense_autoencoder(sizes, activation="relu", seed=job.seed).encoder
    _fine_tune(encoder, sizes[-1], job, outcome)
    return outcome


_ERROR = "test error"
_RULES = (
    f"Fine-tuned with dropout of {_DROPOUT:.0%} and adversarial samples (steps of {_STEP}), which "
    "the published network did not have."
)

EXPERIMENTS = (
    Experiment(
        name="stacked-denoising",
        title="Stacked denoising autoencoders",
        network="784-1000-1000-1000-10, sigmoid",
        metric=_ERROR,
        unit="%",
        digits=2,
        published=(
            Published("1.3", "lisa2010sda", checked="the text of the tutorial"),
            Published("1.28", "vincent2010stacked"),
        ),
        run=_stacked_denoising,
        family=_FAMILY,
        scheduled=True,
        note=_RULES,
    ),
    Experiment(
        name="stacked-contractive",
        title="Stacked contractive autoencoders",
        network="784-1000-1000-10, sigmoid",
        metric=_ERROR,
        unit="%",
        digits=2,
        published=(
            Published(
                "1.14",
                "rifai2011contractive",
                "Table 1",
                network="784-1000-10, one layer",
                checked="two texts that reprint the table",
            ),
        ),
        run=_stacked_contractive,
        family=_FAMILY,
        scheduled=True,
        note=_RULES,
    ),
    Experiment(
        name="k-sparse",
        title="k-sparse autoencoder",
        network="784-1000-10, ReLU",
        metric=_ERROR,
        unit="%",
        digits=2,
        published=(Published("1.08", "makhzani2014k"),),
        run=_k_sparse,
        family=_FAMILY,
        scheduled=True,
        note=_RULES,
    ),
    Experiment(
        name="random-start",
        title="No pretraining",
        network="784-1000-10, ReLU",
        metric=_ERROR,
        unit="%",
        digits=2,
        published=(),
        run=_random_start,
        family=_FAMILY,
        note=(
            "The k-sparse autoencoder's network from a random start, with the same fine-tuning: "
            "what the rules reach by themselves."
        ),
        scheduled=True,
    ),
)
