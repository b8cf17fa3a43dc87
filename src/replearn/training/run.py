"""The state of a training run, and its way to disk and back."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from replearn import _checkpoint
from replearn._checkpoint import fingerprint
from replearn._identity import Entries, identity
from replearn.training.history import History

WRITER, VERSION = "train", 3  # of checkpoints


class Run:
    """All that changes during training, and its way to disk and back."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        scheduler: LRScheduler | None,
        generator: torch.Generator,
    ) -> None:
        self.model, self.optimizer, self.scheduler = model, optimizer, scheduler
        self.generator = generator
        self.history = History()
        self.best: dict[str, Any] | None = None  # weights of the lowest validation loss

    @property
    def lr(self) -> float:
        """The learning rate of the first group of parameters."""
        return float(self.optimizer.param_groups[0]["lr"])

    def end_epoch(self) -> None:
        """A step of a schedule that goes by epochs."""
        if isinstance(self.scheduler, ReduceLROnPlateau):
            self.scheduler.step((self.history.val_loss or self.history.loss)[-1])
        elif self.scheduler is not None:
            self.scheduler.step()

    def stop_early(self, patience: int) -> None:
        """Keep the weights if they are the best so far; decide whether to stop."""
        val_loss = self.history.val_loss
        best_epoch = min(range(len(val_loss)), key=val_loss.__getitem__)
        if best_epoch == len(val_loss) - 1:
            self.best = copy.deepcopy(self.model.state_dict())
        self.history.stopped_early = len(val_loss) - 1 - best_epoch >= patience

    def save(self, path: Path, mine: Entries) -> None:
        """Replace the checkpoint in one step: a kill leaves the old one or the new one."""
        device = self.generator.device
        state = {
            "writer": WRITER,
            "version": VERSION,
            "identity": mine,
            "model": self.model.state_dict(),
            "buffers": self._other_buffers(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": None if self.scheduler is None else self.scheduler.state_dict(),
            "order": self.generator.get_state(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
            "history": asdict(self.history),
            "best": self.best,
        }
        _checkpoint.save(path, state)

    def _other_buffers(self) -> dict[str, Tensor]:
        """Those that are not persistent, which ``state_dict`` leaves out."""
        kept = self.model.state_dict()
        return {name: b for name, b in self.model.named_buffers() if name not in kept}

    def resume(self, path: Path, mine: Entries, epochs: int) -> None:
        """Take up the run that was saved, if it is this one."""
        device = self.generator.device
        state = _checkpoint.load(path, writer=WRITER, version=VERSION, identity=mine)
        done = state["history"]["epochs"]
        if done > epochs:
            raise ValueError(
                f"epochs: got {epochs}, want at least the {done} that checkpoint {path} has behind "
                "it, or another path"
            )
        self.model.load_state_dict(state["model"])
        buffers = dict(self.model.named_buffers())
        for name, value in state["buffers"].items():
            buffers[name].copy_(value)
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state["scheduler"])
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


def identity_of_run(
    model: nn.Module,
    optimizer: Optimizer,
    data: dict[str, Tensor | None],
    settings: dict[str, object],
    functions: dict[str, Callable[..., object] | None],
    key: str | None,
) -> Entries:
    """What a checkpoint must share with the run that resumes it, under the arguments' names.

    The weights that the model starts from are not in it: those of the checkpoint replace them.
    With a key that stands for the functions and the code of the model.
    """
    found = {name: repr(value) for name, value in settings.items()}
    found |= {name: "None" if X is None else fingerprint(X) for name, X in data.items()}
    found |= _of_optimizer(optimizer)
    if key is not None:
        shapes = [f"{name} {tuple(p.shape)} {p.dtype}" for name, p in model.named_parameters()]
        return found | {"key": repr(key), "model": f"{type(model).__qualname__} {shapes}"}
    found["Python"] = f"{sys.version_info.major}.{sys.version_info.minor}"  # of the bytecode
    found |= identity("model", model, weights=False)
    frozen = [name for name, module in model.named_modules() if not module.training]
    if model.training and frozen:
        found["model, in evaluation mode"] = repr(frozen)
    known = {id(module): f"model's {name}" for name, module in model.named_modules()}
    known |= {id(p): f"model's {name}" for name, p in model.named_parameters()}
    known |= {id(b): f"model's {name}" for name, b in model.named_buffers()}
    known |= {id(model): "model"} | {id(X): name for name, X in data.items() if X is not None}
    for name, function in functions.items():
        found |= identity(name, function, known)
    return found


def _of_optimizer(optimizer: Optimizer) -> Entries:
    found = {"optimizer": type(optimizer).__qualname__}
    found |= identity("optimizer, class", type(optimizer))
    for i, group in enumerate(optimizer.param_groups):
        for name, value in group.items():
            if name != "params":
                place = name if i == 0 else f"{name} (parameter group {i})"
                found |= identity(place, value)
    return found
