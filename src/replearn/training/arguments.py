"""Checks of the arguments of ``train``."""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from replearn._validate import check_integer, check_not_negative, check_tensor

_EXAMPLE = "for example lambda p: torch.optim.SGD(p, lr=0.1)"
_SCHEDULE = "for example lambda o: torch.optim.lr_scheduler.StepLR(o, 10)"


def check_functions(
    model: object, loss: object, optimizer: object, schedule: object, callbacks: object
) -> None:
    """Refuse a model, or what is to be called, that is of no use."""
    if not isinstance(model, nn.Module):
        raise ValueError(f"model: got {type(model).__name__}, want a torch.nn.Module")
    if not callable(loss):
        raise ValueError(f"loss: got {loss!r}, want a callable (model, x) -> scalar tensor")
    if isinstance(optimizer, Optimizer):
        raise ValueError(
            f"optimizer: got a {type(optimizer).__name__} object, want a callable that makes one "
            f"from the parameters, {_EXAMPLE}"
        )
    if optimizer is not None and not callable(optimizer):
        raise ValueError(
            f"optimizer: got {optimizer!r}, want a callable that makes an optimiser from the "
            f"parameters, {_EXAMPLE}"
        )
    if schedule is not None and (isinstance(schedule, LRScheduler) or not callable(schedule)):
        got = f"a {type(schedule).__name__} object" if hasattr(schedule, "step") else repr(schedule)
        raise ValueError(
            f"schedule: got {got}, want a callable that makes one from the optimiser, {_SCHEDULE}"
        )
    if not isinstance(callbacks, Iterable) or not all(callable(c) for c in callbacks):
        raise ValueError(f"callbacks: got {callbacks!r}, want a sequence of callables (state)")


def check_optimizer(optimizer: object, parameters: Sequence[nn.Parameter]) -> Optimizer:
    """The optimiser that was made, if it trains the parameters and steps from gradients alone."""
    if not isinstance(optimizer, Optimizer):
        raise ValueError(
            f"optimizer: got a callable that returns {type(optimizer).__name__}, want one that "
            f"makes a torch.optim.Optimizer, {_EXAMPLE}"
        )
    closure = inspect.signature(type(optimizer).step).parameters.get("closure")
    if closure is not None and closure.default is inspect.Parameter.empty:
        raise ValueError(
            f"optimizer: got {type(optimizer).__name__}, whose step computes the loss again and "
            f"again by a closure, want one that steps from gradients alone, {_EXAMPLE}"
        )
    theirs = {id(p) for group in optimizer.param_groups for p in group["params"]}
    if theirs.isdisjoint(map(id, parameters)):
        raise ValueError(
            "optimizer: got one of none of the model's parameters, want one made from the "
            f"parameters that the callable is given, {_EXAMPLE}"
        )
    return optimizer


def check_path(checkpoint: object) -> Path:
    """The path of a checkpoint."""
    if not isinstance(checkpoint, str | os.PathLike):
        raise ValueError(f"checkpoint: got {checkpoint!r}, want a path or None")
    return Path(checkpoint)


def check_scheduler(scheduler: object, optimizer: Optimizer, schedule_by: str) -> LRScheduler:
    """The schedule that was made, if it is one of this optimiser's."""
    if not isinstance(scheduler, LRScheduler) or scheduler.optimizer is not optimizer:
        raise ValueError(
            f"schedule: got a callable that returns {type(scheduler).__name__}, want one that "
            f"makes a schedule of the optimiser it is given, {_SCHEDULE}"
        )
    if isinstance(scheduler, ReduceLROnPlateau) and schedule_by == "step":
        raise ValueError('schedule_by: got "step" for ReduceLROnPlateau, want "epoch"')
    return scheduler


def check_numbers(lr: float | None, max_norm: float | None, schedule_by: str, key: object) -> None:
    """Refuse numbers out of range and words out of place."""
    if lr is not None:
        check_not_negative("lr", lr)
        if not math.isfinite(lr):
            raise ValueError(f"lr: got {lr}, want a finite number")
    if max_norm is not None:
        check_not_negative("max_norm", max_norm)
        if not 0 < float(max_norm) < math.inf:
            raise ValueError(f"max_norm: got {max_norm}, want a finite number above 0")
    if schedule_by not in ("epoch", "step"):
        raise ValueError(f'schedule_by: got {schedule_by!r}, want "epoch" or "step"')
    if key is not None and not isinstance(key, str):
        raise ValueError(f"key: got {key!r}, want a text")


def check_data(
    model: nn.Module, X: Tensor, y: Tensor | None, X_val: Tensor | None, y_val: Tensor | None
) -> list[nn.Parameter]:
    """Refuse samples that do not fit the model or one another; return what is to be trained."""
    optional = {"y": y, "X_val": X_val, "y_val": y_val}
    given = {"X": X} | {name: tensor for name, tensor in optional.items() if tensor is not None}
    for name, tensor in given.items():
        check_tensor(name, tensor)
    parameters = [p for p in model.parameters() if p.requires_grad]
    if not parameters:
        raise ValueError("model: got no parameter that requires a gradient, want at least one")
    if (y_val is not None) != (y is not None and X_val is not None):
        there = [name for name in ("y", "X_val", "y_val") if name in given]
        raise ValueError(
            f"y_val: got {', '.join(there) or 'none of them'}, want y_val exactly where y and "
            "X_val are given"
        )
    _check_samples("X", X, y)
    if X_val is not None:
        _check_samples("X_val", X_val, y_val)
        if X_val.shape[1:] != X.shape[1:] or X_val.dtype != X.dtype:
            raise ValueError(
                f"X_val: got shape {tuple(X_val.shape)} and dtype {X_val.dtype}, want those of X, "
                f"{tuple(X.shape)} and {X.dtype}, but for the number of samples"
            )
    device = parameters[0].device
    for name, tensor in given.items():
        if tensor.device != device:
            raise ValueError(f"{name}: got device {tensor.device}, want {device}, as the model")
    return parameters


def _check_samples(name: str, samples: Tensor, targets: Tensor | None) -> None:
    """Refuse no samples, or not one target for each."""
    if samples.ndim == 0 or len(samples) == 0:
        raise ValueError(f"{name}: got shape {tuple(samples.shape)}, want (n, ...), n >= 1")
    if targets is not None and targets.shape[:1] != samples.shape[:1]:
        raise ValueError(
            f"y{name[1:]}: got shape {tuple(targets.shape)}, want ({len(samples)}, ...) "
            f"to go with {name}"
        )


def check_counts(
    epochs: int, batch_size: int | None, patience: int | None, X_val: Tensor | None
) -> None:
    """Refuse numbers below 1, and patience with nothing to judge by."""
    for name, value in (("epochs", epochs), ("batch_size", batch_size), ("patience", patience)):
        if value is None and name != "epochs":
            continue
        check_integer(name, value)
        if value is not None and value < 1:
            raise ValueError(f"{name}: got {value}, want at least 1")
    if patience is not None and X_val is None:
        raise ValueError(
            f"patience: got {patience} without X_val, want X_val, whose loss it judges"
        )


def check_dtypes(model: nn.Module, data: Mapping[str, Tensor | None], error: Exception) -> None:
    """Name the dtypes where those of the data explain an error of the loss."""
    wanted = list(dict.fromkeys(p.dtype for p in model.parameters()))
    text = ", ".join(map(str, wanted))
    X, y = data["X"], data["y"]
    if X is not None and X.dtype not in wanted:
        raise ValueError(f"X: got dtype {X.dtype}, want {text}, as the model") from error
    if y is not None and "type" in str(error):
        raise ValueError(
            f"y: got dtype {y.dtype}, want one that the loss can take: {error}"
        ) from error
