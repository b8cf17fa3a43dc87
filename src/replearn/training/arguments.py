"""Checks of the arguments of ``train``."""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.optim import Optimizer

from replearn._validate import check_integer, check_not_negative, check_tensor


def check_types(model: object, optimizer: object, lr: float) -> None:
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


def check_counts(
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
