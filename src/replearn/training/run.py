"""The state of a training run, and its way to disk and back."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from replearn import _checkpoint
from replearn.training.history import History

WRITER, VERSION = "train", 1  # of checkpoints


class Run:
    """All that changes during training, and its way to disk and back."""

    def __init__(self, model: nn.Module, optimizer: Optimizer, generator: torch.Generator) -> None:
        self.model, self.optimizer, self.generator = model, optimizer, generator
        self.history = History()
        self.best: dict[str, Any] | None = None  # weights of the lowest validation loss

    def stop_early(self, patience: int) -> None:
        """Keep the weights if they are the best so far; decide whether to stop."""
        val_loss = self.history.val_loss
        best_epoch = min(range(len(val_loss)), key=val_loss.__getitem__)
        if best_epoch == len(val_loss) - 1:
            self.best = copy.deepcopy(self.model.state_dict())
        self.history.stopped_early = len(val_loss) - 1 - best_epoch >= patience

    def save(self, path: Path, identity: dict[str, str]) -> None:
        """Replace the checkpoint in one step: a kill leaves the old one or the new one."""
        device = self.generator.device
        state = {
            "writer": WRITER,
            "version": VERSION,
            "identity": identity,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "order": self.generator.get_state(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
            "history": asdict(self.history),
            "best": self.best,
        }
        _checkpoint.save(path, state)

    def resume(self, path: Path, identity: dict[str, str], epochs: int) -> None:
        """Take up the run that was saved, if it is this one."""
        device = self.generator.device
        state = _checkpoint.load(path, writer=WRITER, version=VERSION, identity=identity)
        if state["history"]["epochs"] > epochs:
            raise ValueError(
                f"epochs is {epochs}, but checkpoint {path} has {state['history']['epochs']} "
                "epochs behind it: wanted at least as many, or another path"
            )
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["order"])
        torch.set_rng_state(state["random"])
        if device.type == "cuda":
            torch.cuda.set_rng_state(state["random_cuda"], device)
        self.history = History(**state["history"])
        self.best = state["best"]


@contextmanager
def own_random_numbers(device: torch.device, seed: int) -> Iterator[None]:
    """Seed torch's global generators inside the block; put them back as they were after it."""
    cuda = device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if cuda else []):
        torch.default_generator.manual_seed(seed)
        if cuda:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield


def identity(
    run: Run,
    X: Tensor,
    X_val: Tensor | None,
    seed: int,
    batch_size: int | None,
    patience: int | None,
) -> dict[str, str]:
    """What a checkpoint must share with the run that resumes it, under the arguments' names."""
    state = ((k, v) for k, v in run.model.state_dict().items() if isinstance(v, Tensor))
    weights = ", ".join(f"{k} {tuple(v.shape)} {v.dtype}" for k, v in state)
    settings = {
        "model": f"{type(run.model).__qualname__} [{weights}]",
        "seed": seed,
        "batch_size": batch_size,
        "X": _shape(X),
        "X_val": None if X_val is None else _shape(X_val),
        "patience": patience,
        "optimizer": type(run.optimizer).__qualname__,
    }
    for i, group in enumerate(run.optimizer.param_groups):
        for key, value in group.items():
            if key != "params":
                settings[key if i == 0 else f"{key} (parameter group {i})"] = value
    return {key: str(value) for key, value in settings.items()}


def _shape(X: Tensor) -> str:
    return f"{tuple(X.shape)} {X.dtype} on {X.device.type}"
