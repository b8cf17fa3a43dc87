"""Training in stages of falling learning rate."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from book.experiments.task import Job, Outcome
from replearn.training import Loss, train


def train_in_stages(
    model: nn.Module,
    X: Tensor,
    job: Job,
    outcome: Outcome,
    stages: Sequence[tuple[float, int]],
    *,
    loss: Loss,
    batch_size: int,
    y: Tensor | None = None,
    X_val: Tensor | None = None,
    y_val: Tensor | None = None,
    patience: int | None = None,
    task: str = "",
) -> None:
    """Train in place and put the curve of every stage into the outcome.

    Parameters
    ----------
    stages : learning rate and number of epochs of each. With ``patience`` each ends with the
        weights of its lowest validation loss.
    task : what the stages are of, in the names of checkpoints and curves.
    """
    for number, (lr, epochs) in enumerate(stages, 1):
        history = train(
            model,
            X,
            loss=loss,
            y=y,
            X_val=X_val,
            y_val=y_val,
            epochs=job.epochs(epochs),
            batch_size=batch_size,
            lr=lr,
            patience=patience,
            checkpoint=job.checkpoint(f"{task or 'stage'}{number}"),
            seed=job.seed + 1000 * number,
            progress="always",
        )
        outcome.add_curve(f"{task}, learning rate {lr:g}".removeprefix(", "), history)
