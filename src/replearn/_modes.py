"""The modes of a model's modules, which are the caller's: each is put back as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn


@contextmanager
def kept_modes(model: nn.Module) -> Iterator[None]:
    """Whatever the block does to the modes of the modules, each has its own again after it.

    ``model.train(was_training)`` would give all of them one mode: those that the caller froze
    alone would start to learn.
    """
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def evaluation(model: nn.Module | Callable[..., Any]) -> Iterator[None]:
    """All modules in evaluation mode inside the block; a function has no mode."""
    if not isinstance(model, nn.Module):
        yield
        return
    with kept_modes(model):
        model.eval()
        yield
