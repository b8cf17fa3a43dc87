"""What happened in a training run."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["History"]


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
