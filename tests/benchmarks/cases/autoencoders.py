"""Autoencoders: what the contractive penalty costs beside its layer, and training a deep one.

The penalty is timed on one sigmoid layer 784-256 and one batch of 256, forward and backward; the
layer alone, with the sum of the squares of its codes as the loss, is what each adds to. Memory that
a step frees stays with the process, as it does inside replearn.training.train: otherwise page
faults, which come and go with the order of allocations, take as long as the products. The deep
autoencoder is that of Hinton and Salakhutdinov (2006), 784-1000-500-250-30 and back, trained for
one epoch of batches of 256 by both loops, with the same loss and Adam at its default rate.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from replearn._memory import keep_freed_memory
from replearn.autoencoders import Autoencoder, contractive, dense_autoencoder, hutchinson
from replearn.training import train
from tests.benchmarks.case import Case, FactGoal, Goal, Measured, Prepared
from tests.benchmarks.cases.sparse_codes import SHARE
from tests.benchmarks.cases.training import data_loader_epoch
from tests.benchmarks.products import Products
from tests.benchmarks.quick import size

D, M, BATCH = 784, 256, 256
WIDTHS = (784, 1000, 500, 250, 30)

LAYER, CLOSED = "the layer alone", "with contractive, closed form"
HUTCHINSON, JACREV = "with hutchinson, one probe", "with the Jacobian by vmap(jacrev)"
LOOP, TUTORIAL = "replearn.training.train", "tutorial DataLoader loop"

Penalty = Callable[[Autoencoder, Tensor, Tensor], Tensor]


def _data(n: int) -> Tensor:
    return torch.rand(n, D, generator=torch.Generator().manual_seed(0))


def _nothing(model: Autoencoder, X: Tensor, H: Tensor) -> Tensor:
    return H.new_zeros(())


def _by_jacrev(model: Autoencoder, X: Tensor, H: Tensor) -> Tensor:
    J = torch.func.vmap(torch.func.jacrev(lambda x: model.encode(x[None])[0]))(X)
    return J.square().sum() / len(X)


def penalty(penalty: Penalty, calls: int, rounds: int | None = None) -> Prepared:
    """So many calls a round: one takes a millisecond, less than the clock's disturbances."""
    keep_freed_memory()
    model, X = dense_autoencoder([D, M], activation="sigmoid"), _data(BATCH)

    def step() -> None:
        model.zero_grad()
        H = model.encode(X)
        loss = H.square().sum() / BATCH + penalty(model, X, H)
        loss.backward()  # type: ignore[no-untyped-call]

    def timed() -> Measured:
        start = time.perf_counter()
        for _ in range(calls):
            step()
        return Measured((time.perf_counter() - start) / calls)

    step()
    return Prepared(timed, rounds=rounds)


def _deep() -> nn.Module:
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for a, b in pairwise([*WIDTHS, *WIDTHS[-2::-1]]):
        layers += [nn.Linear(a, b), nn.ReLU()]
    del layers[2 * len(WIDTHS) - 3]  # the code is linear,
    return nn.Sequential(*layers[:-1])  # and so is the output


def loop() -> Prepared:
    """One epoch, and in each round its matrix products again by themselves."""
    X = _data(size(60_000, 2_560))

    def loss(model: nn.Module, x: Tensor) -> Tensor:
        return nn.functional.mse_loss(model(x), x)

    def run() -> object:
        return train(_deep(), X, loss=loss, epochs=1, batch_size=BATCH, progress=False)

    with Products() as products:
        run()
    replay = products.replay()
    replay()

    def timed() -> Measured:
        start = time.perf_counter()
        run()
        seconds = time.perf_counter() - start
        alone = replay()
        return Measured(
            seconds,
            {
                "GFLOP/s of matrix products": products.flops / seconds / 1e9,
                "GFLOP/s of these products alone": products.flops / alone / 1e9,
                SHARE: alone / seconds,
            },
        )

    return Prepared(timed)


def tutorial() -> Callable[[], object]:
    """The loop of tests.benchmarks.cases.training, for the deep model."""
    X = _data(size(60_000, 2_560))
    images, labels = X.view(-1, 1, 28, 28), torch.zeros(len(X), dtype=torch.long)
    loader = DataLoader(TensorDataset(images, labels), BATCH, shuffle=True)
    return data_loader_epoch(loader, _deep)


def _dashes(widths: Sequence[int]) -> str:
    return "-".join(map(str, widths))


CASES = [
    Case(
        name="contractive",
        title=f"Contractive penalty of a sigmoid layer {D}-{M}, batch of {BATCH}, with gradients",
        implementations={
            LAYER: partial(penalty, _nothing, 200),
            CLOSED: partial(penalty, contractive, 200),
            HUTCHINSON: partial(penalty, hutchinson(1), 100),
            JACREV: partial(penalty, _by_jacrev, 1, 2),
        },
        # At most 1.3 times the time of the layer alone.
        goals=[Goal(CLOSED, LAYER, at_least=round(1 / 1.3, 2))],
        repeats=9,
    ),
    Case(
        name="training-deep",
        title=f"Training {_dashes(WIDTHS)} and back, one epoch of 60,000 samples",
        implementations={LOOP: loop, TUTORIAL: tutorial},
        goals=[FactGoal(LOOP, SHARE, at_least=0.8), Goal(LOOP, TUTORIAL, at_least=1.0)],
        shown=(SHARE,),
    ),
]
