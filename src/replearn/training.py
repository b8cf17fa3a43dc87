r"""One training loop for every model of the book: stochastic gradient descent on tensors in memory.

For an objective that is a mean over samples, L(theta) = (1/n) sum_i l(theta; x_i), each epoch
draws a random order of the n samples, cuts it into batches B and takes one optimiser step per
batch on (1/|B|) sum_{i in B} l(theta; x_i).

The data stay where they are, on the CPU or the GPU: a batch is one indexed read, where a
``DataLoader`` fetches and stacks its samples one at a time, and the device is waited for once an
epoch, not once a step. Memory that a step frees is kept for the next one, on the CPU as on the GPU.

Sources: Bottou, Curtis & Nocedal (2018), Optimization methods for large-scale machine learning,
SIAM Review 60(2), for the method; Kingma & Ba (2015), Adam, ICLR, for the default optimiser;
Prechelt (1998), Early stopping - but when?, for the stopping rule.
"""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from replearn import _checkpoint
from replearn._batches import slices
from replearn._memory import keep_freed_memory
from replearn._progress import Progress, progress_bar
from replearn._validate import check_integer, check_not_negative, check_seed, check_tensor

__all__ = ["History", "train"]

Loss = Callable[..., Tensor]

_WRITER, _VERSION = "train", 1  # of checkpoints
# Validation needs no gradients, so it can take larger bites than training.
_MIN_VALIDATION_BATCH = 1024


@dataclass
class History:
    """What happened in a training run, the part before a resume included.

    Attributes
    ----------
    loss : list of float, one per epoch
        Mean over the samples of the loss of the batch they were in, at the weights of that step.
    val_loss : list of float, one per epoch; empty without X_val
        Mean loss over the validation samples at the end of the epoch.
    epochs : int
        Epochs that were run.
    stopped_early : bool
        Whether the validation loss ended the run.
    seconds : float
        Wall-clock time of training.
    steps : int
        Optimiser steps.
    """

    loss: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    epochs: int = 0
    stopped_early: bool = False
    seconds: float = 0.0
    steps: int = 0


def train(
    model: nn.Module,
    X: Tensor,
    *,
    loss: Loss,
    y: Tensor | None = None,
    epochs: int,
    batch_size: int | None = 256,
    lr: float = 1e-3,
    optimizer: Callable[[Iterable[nn.Parameter]], Optimizer] | None = None,
    X_val: Tensor | None = None,
    y_val: Tensor | None = None,
    patience: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    seed: int = 0,
    progress: Progress = True,
) -> History:
    """Train ``model`` in place by mini-batch gradient descent and return the history.

    Everything random is drawn from ``seed``: the order of the samples, and what the model or the
    loss draws from torch's global generator (dropout, added noise).  The global generator itself
    is left as it was found.

    Parameters
    ----------
    model : nn.Module
        Trained in place; parameters that do not require a gradient stay as they are.
    X : Tensor, (n, ...)
        Samples, on the device of the model; nothing is moved.
    loss : callable
        ``loss(model, x)``, or ``loss(model, x, y)`` when ``y`` is given, returns a scalar
        tensor: the mean over the samples of the batch.
    y : Tensor, (n, ...), optional
        Targets, batched together with X.
    epochs : int
        Passes over the data, at most (see ``patience``).
    batch_size : int or None
        Samples per step; None takes all of them in each step.  The last batch of an epoch may
        be smaller.
    lr : float
        Learning rate of the default optimiser; unused when ``optimizer`` is given.
    optimizer : callable, optional
        Makes the optimiser from the trainable parameters, for example
        ``lambda p: torch.optim.SGD(p, lr=0.1)``; its ``step`` must not need a closure.
        Default: Adam, with torch's fused kernel.
    X_val, y_val : Tensor, optional
        Validation data, evaluated (in evaluation mode) at the end of every epoch.
    patience : int, optional
        Stop when the validation loss has not improved for this many epochs.  With ``patience``
        the model ends with the weights of the epoch that had the lowest validation loss.
    checkpoint : path, optional
        File that holds the state after the last complete epoch, replaced atomically.  If it
        exists, training resumes there and ends with exactly the weights of a run that was never
        interrupted; a finished run is not repeated.  A larger ``epochs`` carries it on.
    seed : int
        Of everything random: the same seed gives the same weights.
    progress : bool or "always"
        True shows a progress bar on standard error if that is a terminal, so that notebooks
        turned into pages stay clean; "always" shows it in a notebook or a log file as well.

    Returns
    -------
    History

    Raises
    ------
    ValueError
        An argument does not fit (types, shapes, dtypes, devices, ranges), or the checkpoint
        belongs to another run; the message names what differs.
    FloatingPointError
        The loss became infinite or not a number.  The checkpoint keeps the epoch before.

    Examples
    --------
    >>> X = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))
    >>> model = nn.Linear(8, 8)
    >>> def squared_error(model, x):
    ...     return (model(x) - x).square().sum(1).mean()
    >>> history = train(model, X, loss=squared_error, epochs=20, batch_size=16, lr=0.01)
    >>> history.steps, history.loss[-1] < history.loss[0]
    (80, True)
    """
    seed = check_seed(seed)
    _check_types(model, optimizer, lr)
    _check_counts(epochs, batch_size, patience, X_val)
    parameters = _check_data(model, X, y, X_val, y_val)
    batch = len(X) if batch_size is None else batch_size
    build = optimizer or (lambda p: torch.optim.Adam(p, lr=lr, fused=True))
    run = _Run(model, build(parameters), torch.Generator(X.device).manual_seed(seed))
    path = None if checkpoint is None else Path(checkpoint)
    identity = _identity(run, X, X_val, seed, batch_size, patience) if path else {}
    was_training = model.training
    keep_freed_memory()

    with _own_random_numbers(X.device, seed):
        if path is not None and path.exists():
            run.resume(path, identity, epochs)
        elif path is not None:
            # Written before the first step: an interrupted first epoch starts afresh as well.
            run.save(path, identity)
        history = run.history
        with progress_bar(progress, total=epochs, initial=history.epochs, unit="epoch") as bar:
            while history.epochs < epochs and not history.stopped_early:
                start = time.perf_counter()
                model.train()
                history.loss.append(_epoch(run, loss, X, y, batch))
                if X_val is not None:
                    history.val_loss.append(_evaluate(run, loss, X_val, y_val, batch))
                if patience is not None:
                    run.stop_early(patience)
                history.epochs += 1
                history.seconds += time.perf_counter() - start
                if path is not None:
                    run.save(path, identity)
                bar.set_postfix(
                    {"loss": history.loss[-1]}
                    | ({"val_loss": history.val_loss[-1]} if X_val is not None else {})
                )
                bar.update()
    if run.best is not None:
        model.load_state_dict(run.best)
    model.train(was_training)
    return history


class _Run:
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
            "writer": _WRITER,
            "version": _VERSION,
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
        device = self.generator.device
        state = _checkpoint.load(path, writer=_WRITER, version=_VERSION, identity=identity)
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


def _epoch(run: _Run, loss: Loss, X: Tensor, y: Tensor | None, batch: int) -> float:
    """One pass over the data in random order; return the mean loss."""
    n = len(X)
    # Read when the epoch is over: reading each value would wait for the device at every step.
    losses: list[Tensor] = []
    order = torch.randperm(n, generator=run.generator, device=X.device) if batch < n else None
    run.optimizer.zero_grad()
    for x, targets in _batches(X, y, batch, order):
        value = _value(run, loss, x, targets, first=not losses)
        run.optimizer.step()
        run.optimizer.zero_grad()
        losses.append(value.detach())
    run.history.steps += len(losses)
    return _mean(losses, n, batch, f"epoch {run.history.epochs + 1}")


def _value(run: _Run, loss: Loss, x: Tensor, targets: Tensor | None, first: bool) -> Tensor:
    """The loss of a batch, its gradient in the parameters; says what is wrong with the loss."""
    try:
        value = loss(run.model, x) if targets is None else loss(run.model, x, targets)
    except RuntimeError as error:
        dtypes = dict.fromkeys(p.dtype for p in run.model.parameters())
        if not first or not x.is_floating_point() or x.dtype in dtypes:
            raise
        raise ValueError(
            f"X has dtype {x.dtype}, but the model has {', '.join(map(str, dtypes))}: "
            "bring both to one dtype"
        ) from error
    if not isinstance(value, Tensor) or value.ndim != 0:
        got = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(f"loss returned {got}, wanted a scalar tensor of shape ()")
    try:
        value.backward()  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        if value.requires_grad:
            raise
        raise ValueError(
            "loss returned a tensor without a gradient, wanted one computed from the model's "
            "parameters without detach, item or no_grad"
        ) from error
    return value


@torch.no_grad()
def _evaluate(run: _Run, loss: Loss, X: Tensor, y: Tensor | None, batch: int) -> float:
    """Mean loss in evaluation mode."""
    run.model.eval()
    batch = max(batch, _MIN_VALIDATION_BATCH)
    losses = [
        loss(run.model, x) if targets is None else loss(run.model, x, targets)
        for x, targets in _batches(X, y, batch, None)
    ]
    return _mean(losses, len(X), batch, f"the validation after epoch {run.history.epochs + 1}")


def _batches(
    X: Tensor, y: Tensor | None, batch: int, order: Tensor | None
) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Cut X and y into batches, in the order given (None: as they are, without a copy)."""
    for rows in slices(len(X), batch):
        if order is None:
            yield X[rows], None if y is None else y[rows]
        else:
            index = order[rows]
            yield X.index_select(0, index), None if y is None else y.index_select(0, index)


def _mean(losses: list[Tensor], n: int, batch: int, where: str) -> float:
    """Mean over n samples of the means over batches, of which the last may be smaller."""
    values = torch.stack(losses).cpu().double()
    finite = values.isfinite()
    if not bool(finite.all()):
        step = int((~finite).nonzero()[0])
        raise FloatingPointError(
            f"the loss is {float(values[step])} in {where}, step {step + 1} of {len(losses)}: "
            "try a smaller learning rate, and look for infinite or missing values in the data"
        )
    sizes = values.new_full((len(losses),), batch)
    sizes[-1] = n - batch * (len(losses) - 1)
    return float(values @ sizes) / n


@contextmanager
def _own_random_numbers(device: torch.device, seed: int) -> Iterator[None]:
    """Seed torch's global generators inside the block; put them back as they were after it."""
    cuda = device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if cuda else []):
        torch.default_generator.manual_seed(seed)
        if cuda:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield


def _identity(
    run: _Run,
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


def _check_types(model: object, optimizer: object, lr: float) -> None:
    """Refuse a model, an optimiser or a learning rate that is of no use."""
    if not isinstance(model, nn.Module):
        raise ValueError(f"model: got {type(model).__name__}, want a torch.nn.Module")
    if isinstance(optimizer, Optimizer):
        raise ValueError(
            f"optimizer: got a {type(optimizer).__name__} object, want a callable that makes one "
            "from the parameters, for example lambda p: torch.optim.SGD(p, lr=0.1)"
        )
    if optimizer is None:
        check_not_negative("lr", lr)
        if not math.isfinite(lr):
            raise ValueError(f"lr: got {lr}, want a finite number")
    elif not callable(optimizer):
        raise ValueError(
            f"optimizer: got {optimizer!r}, want a callable that makes an optimiser from the "
            "parameters, for example lambda p: torch.optim.SGD(p, lr=0.1)"
        )


def _check_data(
    model: nn.Module, X: Tensor, y: Tensor | None, X_val: Tensor | None, y_val: Tensor | None
) -> list[nn.Parameter]:
    """Refuse samples that do not fit the model or one another; return what is to be trained."""
    optional = {"y": y, "X_val": X_val, "y_val": y_val}
    given = {"X": X} | {name: tensor for name, tensor in optional.items() if tensor is not None}
    for name, tensor in given.items():
        check_tensor(name, tensor)
    parameters = [p for p in model.parameters() if p.requires_grad]
    if not parameters:
        raise ValueError("model has no parameter that requires a gradient, wanted at least one")
    if (y_val is not None) != (y is not None and X_val is not None):
        raise ValueError("y_val must be given exactly when y and X_val are")
    _check_samples("X", X, y)
    if X_val is not None:
        _check_samples("X_val", X_val, y_val)
        if X_val.shape[1:] != X.shape[1:] or X_val.dtype != X.dtype:
            raise ValueError(
                f"X_val has shape {tuple(X_val.shape)} and dtype {X_val.dtype}, but X has shape "
                f"{tuple(X.shape)} and dtype {X.dtype}: wanted the same but for the number of "
                "samples"
            )
    device = parameters[0].device
    for name, tensor in given.items():
        if tensor.device != device:
            raise ValueError(
                f"{name} is on {tensor.device}, but the model is on {device}: "
                "bring both to one device"
            )
    return parameters


def _check_samples(name: str, samples: Tensor, targets: Tensor | None) -> None:
    """Refuse no samples, or not one target for each."""
    if samples.ndim == 0 or len(samples) == 0:
        raise ValueError(f"{name} has shape {tuple(samples.shape)}, wanted (n, ...), n >= 1")
    if targets is not None and targets.shape[:1] != samples.shape[:1]:
        raise ValueError(
            f"y{name[1:]} has shape {tuple(targets.shape)}, wanted ({len(samples)}, ...) "
            f"to go with {name}"
        )


def _check_counts(
    epochs: int, batch_size: int | None, patience: int | None, X_val: Tensor | None
) -> None:
    """Refuse numbers below 1, and patience with nothing to judge by."""
    for name, value in (("epochs", epochs), ("batch_size", batch_size), ("patience", patience)):
        if value is None and name != "epochs":
            continue
        check_integer(name, value)
        if value is not None and value < 1:
            raise ValueError(f"{name} is {value}, wanted at least 1")
    if patience is not None and X_val is None:
        raise ValueError(f"patience is {patience}, but X_val is missing: it judges X_val's loss")
