"""The training loop against the loop that most tutorials teach, on the autoencoder 784-32-784.

Both train the same fresh model on the same data with the same loss for one epoch of batches of
256, with Adam at its default learning rate. The tutorial loop gets what a tutorial's MNIST gives
it, images with labels that it throws away; the same loop without labels is timed beside it.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from replearn.training import train
from tests.benchmarks.case import Case, Goal

N, D, M, BATCH = 60_000, 784, 32, 256


def _data() -> Tensor:
    return torch.rand(N, D, generator=torch.Generator().manual_seed(0))


def _model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(D, M), nn.ReLU(), nn.Linear(M, D))


def library() -> Callable[[], object]:
    X = _data()

    def loss(model: nn.Module, x: Tensor) -> Tensor:
        return nn.functional.mse_loss(model(x), x)

    def run() -> object:
        return train(_model(), X, loss=loss, epochs=1, batch_size=BATCH, progress=False)

    run()
    return run


def data_loader_epoch(
    loader: DataLoader[tuple[Tensor, ...]], make: Callable[[], nn.Module]
) -> Callable[[], object]:
    """The loop that most tutorials teach: one epoch with a fresh model."""

    def run() -> object:
        model = make()
        optimizer = torch.optim.Adam(model.parameters())
        criterion = nn.MSELoss()
        running = 0.0
        for batch in loader:
            x = batch[0].view(len(batch[0]), -1)
            optimizer.zero_grad()
            loss = criterion(model(x), x)
            loss.backward()
            optimizer.step()
            running += loss.item()
        return running / len(loader)

    run()
    return run


def tutorial() -> Callable[[], object]:
    images, labels = _data().view(N, 1, 28, 28), torch.zeros(N, dtype=torch.long)
    return data_loader_epoch(DataLoader(TensorDataset(images, labels), BATCH, shuffle=True), _model)


def tutorial_without_labels() -> Callable[[], object]:
    return data_loader_epoch(DataLoader(TensorDataset(_data()), BATCH, shuffle=True), _model)


CASES = [
    Case(
        name="training",
        title=f"Training {D}-{M}-{D}, one epoch of {N:,} samples, batches of {BATCH}",
        implementations={
            "replearn.training.train": library,
            "tutorial DataLoader loop": tutorial,
            "the same without labels": tutorial_without_labels,
        },
        goals=[Goal("replearn.training.train", "tutorial DataLoader loop", at_least=2.5)],
    )
]
