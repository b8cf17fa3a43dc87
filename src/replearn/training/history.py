"""What happened in a training run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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
        Whether the validation loss or a callback ended the run.
    seconds : float
        Wall-clock time of training.
    steps : int
        Optimiser steps.
    lr : list of float, one per epoch
        Learning rate of the epoch's first step, of the first group of parameters.

    Examples
    --------
    >>> history = History(loss=[2.0, 1.0, 0.5], epochs=3)
    >>> min(history.loss), history.stopped_early
    (0.5, False)
    """

    loss: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    epochs: int = 0
    stopped_early: bool = False
    seconds: float = 0.0
    steps: int = 0
    lr: list[float] = field(default_factory=list)

    def plot(
        self, ax: Axes | None = None, *, logy: bool = False, ylabel: str = "loss"
    ) -> tuple[Figure, Axes]:
        """Draw the losses over the epochs, by :func:`replearn.plotting.curves`.

        Parameters
        ----------
        ax : Axes, optional
            Axes to draw into; by default a new figure.
        logy : bool
            Whether the axis of the loss is logarithmic.
        ylabel : str
            What the loss is, with its unit.

        Returns
        -------
        fig : Figure
        ax : Axes

        Raises
        ------
        ValueError
            No epoch was run.

        Examples
        --------
        >>> fig, ax = History(loss=[2.0, 1.0, 0.5], epochs=3).plot()
        >>> ax.get_xlabel(), len(ax.lines)
        ('epoch', 1)
        """
        if not self.loss:
            raise ValueError("history: got no epoch, want at least one to draw")
        from replearn.plotting import curves  # here: matplotlib takes a second

        epochs = list(range(1, len(self.loss) + 1))
        series: dict[str, Any] = {"training": (epochs, self.loss)}
        if self.val_loss:
            series["validation"] = (epochs, self.val_loss)
        return curves(
            series,
            xlabel="epoch",
            ylabel=ylabel,
            logy=logy,
            labels="direct" if self.val_loss else "none",
            marker="o" if len(epochs) == 1 else None,
            ax=ax,
        )
