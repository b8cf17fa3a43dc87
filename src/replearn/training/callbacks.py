"""What is called after each epoch, with the state of the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer

from replearn._modes import kept_modes
from replearn.training.history import History

__all__ = ["Callback", "State"]


@dataclass
class State:
    """The state of a run after an epoch, for callbacks.

    Attributes
    ----------
    model : nn.Module
        The model that is trained, in the modes of training; a callback may change them.
    optimizer : Optimizer
        Its optimiser.
    history : History
        What happened so far; ``history.epochs`` is the number of the epoch that ended.
    stop : bool
        Set it to True, and this epoch was the last one.

    Examples
    --------
    Stop as soon as the loss is small enough:

    >>> def until_small(state):
    ...     state.stop = state.history.loss[-1] < 1.0
    >>> model = nn.Linear(2, 1)
    >>> state = State(model, torch.optim.Adam(model.parameters()), History(loss=[2.0, 0.5]))
    >>> until_small(state)
    >>> state.stop
    True
    """

    model: nn.Module
    optimizer: Optimizer
    history: History
    stop: bool = False


#: What is called after every epoch with the state of the run; what it returns is not looked at.
Callback = Callable[[State], object]


def call_all(callbacks: Iterable[Callback], state: State, device: torch.device) -> bool:
    """Call one after the other; whether one of them ended the run.

    What they draw from torch's global generators and the modes that they set are their own, so
    that a run ends with the same weights whether it is watched or not.
    """
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), kept_modes(state.model):
        for callback in callbacks:
            callback(state)
    return state.stop
