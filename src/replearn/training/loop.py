"""The loop: epochs, steps, validation."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from replearn._batches import slices
from replearn._memory import keep_freed_memory
from replearn._progress import Progress, progress_bar
from replearn._validate import check_seed
from replearn.training.arguments import check_counts, check_data, check_types
from replearn.training.history import History
from replearn.training.run import Run, identity, own_random_numbers

__all__ = ["Loss", "train"]

Loss = Callable[..., Tensor]

# Validation needs no gradients, so it can take larger bites than training.
_MIN_VALIDATION_BATCH = 1024


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
    check_types(model, optimizer, lr)
    check_counts(epochs, batch_size, patience, X_val)
    parameters = check_data(model, X, y, X_val, y_val)
    batch = len(X) if batch_size is None else batch_size
    build = optimizer or (lambda p: torch.optim.Adam(p, lr=lr, fused=True))
    run = Run(model, build(parameters), torch.Generator(X.device).manual_seed(seed))
    path = None if checkpoint is None else Path(checkpoint)
    mine = identity(run, X, X_val, seed, batch_size, patience) if path else {}
    was_training = model.training
    keep_freed_memory()

    with own_random_numbers(X.device, seed):
        if path is not None and path.exists():
            run.resume(path, mine, epochs)
        elif path is not None:
            # Written before the first step: an interrupted first epoch starts afresh as well.
            run.save(path, mine)
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
                    run.save(path, mine)
                bar.set_postfix(
                    {"loss": history.loss[-1]}
                    | ({"val_loss": history.val_loss[-1]} if X_val is not None else {})
                )
                bar.update()
    if run.best is not None:
        model.load_state_dict(run.best)
    model.train(was_training)
    return history


def _epoch(run: Run, loss: Loss, X: Tensor, y: Tensor | None, batch: int) -> float:
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


def _value(run: Run, loss: Loss, x: Tensor, targets: Tensor | None, first: bool) -> Tensor:
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
def _evaluate(run: Run, loss: Loss, X: Tensor, y: Tensor | None, batch: int) -> float:
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
