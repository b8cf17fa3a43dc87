"""The loop: epochs, steps, validation."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from replearn._batches import slices
from replearn._memory import keep_freed_memory
from replearn._modes import evaluation, kept_modes
from replearn._progress import Progress, progress_bar
from replearn._validate import check_seed
from replearn.training.arguments import (
    check_counts,
    check_data,
    check_dtypes,
    check_functions,
    check_numbers,
    check_optimizer,
    check_path,
    check_scheduler,
)
from replearn.training.callbacks import Callback, State, call_all
from replearn.training.history import History
from replearn.training.run import Run, identity_of_run, own_random_numbers

__all__ = ["Loss", "train"]

#: What training lowers: called with the model and a batch, ``(model, X)`` or ``(model, X, y)``,
#: gives a scalar.
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
    schedule: Callable[[Optimizer], LRScheduler] | None = None,
    schedule_by: Literal["epoch", "step"] = "epoch",
    max_norm: float | None = None,
    X_val: Tensor | None = None,
    y_val: Tensor | None = None,
    patience: int | None = None,
    callbacks: Sequence[Callback] = (),
    checkpoint: str | os.PathLike[str] | None = None,
    key: str | None = None,
    seed: int = 0,
    progress: Progress = True,
) -> History:
    """Train ``model`` in place by mini-batch gradient descent and return the history.

    Everything random is drawn from ``seed``: the order of the samples, and what the model or the
    loss draws from torch's global generator (dropout, added noise).  The global generator itself
    is left as it was found.

    While it trains, a model in training mode keeps the mode of each of its modules, so that a
    batch normalisation that was put into evaluation mode stays frozen; a model in evaluation mode
    is put into training mode as a whole.  Afterwards, also after an error, each module has the
    mode that it had.

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
        Passes over the data, at most (see ``patience`` and ``callbacks``).
    batch_size : int or None
        Samples per step; None takes all of them in each step.  The last batch of an epoch may
        be smaller.
    lr : float
        Learning rate of the default optimiser; unused when ``optimizer`` is given.
    optimizer : callable, optional
        Makes the optimiser from the trainable parameters, for example
        ``lambda p: torch.optim.SGD(p, lr=0.1)``; its ``step`` must not need a closure, as that
        of LBFGS does.  Default: Adam, with torch's fused kernel.
    schedule : callable, optional
        Makes a schedule of learning rates from the optimiser, for example
        ``lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 20)``.
    schedule_by : {"epoch", "step"}
        When the schedule takes a step: after each epoch, or after each step of the optimiser.
        ReduceLROnPlateau goes by epochs, by the validation loss where there is one.
    max_norm : float, optional
        Gradients whose norm, over all parameters together, is larger are scaled down to it.
    X_val : Tensor, (n_val, ...), optional
        Validation data, evaluated (in evaluation mode) at the end of every epoch.
    y_val : Tensor, (n_val, ...), optional
        Their targets.
    patience : int, optional
        Stop when the validation loss has not improved for this many epochs.  With ``patience``
        the model ends with the weights of the epoch that had the lowest validation loss.
    callbacks : sequence of callable
        Each is called after each epoch, once it is in the checkpoint, as ``callback(state)`` with a
        :class:`State`; ``state.stop = True`` ends the run.  A run that is resumed calls them with
        the state that it took up.  What they draw at random does not change the run.
    checkpoint : path, optional
        File that holds the state after the last complete epoch, replaced atomically.  If it
        exists, training resumes there and ends with exactly the weights of a run that was never
        interrupted; a finished run is not repeated.  A larger ``epochs`` carries it on.  It belongs
        to this run, told by the values of the data, the arguments, the code of loss, schedule and
        model and the values that they hold; not by the weights that the model starts from.  Of
        the model it holds parameters and buffers: an attribute that changes while it trains, such
        as a counter, begins anew.
    key : str, optional
        Tells the run in place of the code and the values of loss, schedule and model: where those
        hold something that has no content to be compared, or where their code may change.
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
        The loss or a weight became infinite or not a number.  The checkpoint keeps the epoch
        before.

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
    check_functions(model, loss, optimizer, schedule, callbacks)
    check_numbers(None if optimizer else lr, max_norm, schedule_by, key)
    check_counts(epochs, batch_size, patience, X_val)
    parameters = check_data(model, X, y, X_val, y_val)
    batch = len(X) if batch_size is None else batch_size
    generator = torch.Generator(X.device).manual_seed(seed)
    path = None if checkpoint is None else check_path(checkpoint)
    keep_freed_memory()

    with ExitStack() as stack:
        stack.enter_context(torch.enable_grad())
        stack.enter_context(own_random_numbers(X.device, seed))
        stack.enter_context(kept_modes(model))
        if not model.training:
            model.train()
        build = optimizer or (lambda p: torch.optim.Adam(p, lr=lr, fused=True))
        optimiser = check_optimizer(build(parameters), parameters)
        mine = {}
        if path is not None:
            mine = identity_of_run(
                model,
                optimiser,
                {"X": X, "y": y, "X_val": X_val, "y_val": y_val},
                {
                    "seed": seed,
                    "batch_size": batch_size,
                    "patience": patience,
                    "max_norm": max_norm,
                    "schedule_by": schedule_by,
                },
                {"loss": loss, "schedule": schedule},
                key,
            )
        scheduler = schedule and check_scheduler(schedule(optimiser), optimiser, schedule_by)
        run = Run(model, optimiser, scheduler, generator)
        if path is not None and path.exists():
            run.resume(path, mine, epochs)
        elif path is not None:
            # Written before the first step: an interrupted first epoch starts afresh as well.
            run.save(path, mine)
        step = _Step(run, loss, parameters, max_norm, by_step=schedule_by == "step")
        history = run.history
        state = State(model, optimiser, history)
        if history.epochs and not history.stopped_early:
            history.stopped_early = call_all(callbacks, state, X.device)
        bar = stack.enter_context(
            progress_bar(progress, total=epochs, initial=history.epochs, unit="epoch")
        )
        while history.epochs < epochs and not history.stopped_early:
            start = time.perf_counter()
            history.lr.append(run.lr)
            history.loss.append(_epoch(run, step, X, y, batch))
            if X_val is not None:
                history.val_loss.append(_evaluate(run, loss, X_val, y_val, batch))
            if schedule_by == "epoch":
                run.end_epoch()
            if patience is not None:
                run.stop_early(patience)
            history.epochs += 1
            history.seconds += time.perf_counter() - start
            if path is not None:
                run.save(path, mine)
            if call_all(callbacks, state, X.device):
                history.stopped_early = True
            bar.set_postfix(
                {"loss": history.loss[-1]}
                | ({"val_loss": history.val_loss[-1]} if X_val is not None else {})
            )
            bar.update()
        if run.best is not None:
            model.load_state_dict(run.best)
    return history


class _Step:
    """One step of the optimiser on a batch; says what is wrong with the loss."""

    def __init__(
        self,
        run: Run,
        loss: Loss,
        parameters: list[nn.Parameter],
        max_norm: float | None,
        *,
        by_step: bool,
    ) -> None:
        self.model, self.optimizer, self.loss = run.model, run.optimizer, loss
        self.parameters, self.max_norm = parameters, max_norm
        self.scheduler = run.scheduler if by_step else None

    def __call__(self, x: Tensor, targets: Tensor | None, *, first: bool) -> Tensor:
        """The loss of the batch before the step."""
        try:
            value = _value(self.loss, self.model, x, targets)
            value.backward()  # type: ignore[no-untyped-call]
        except (RuntimeError, TypeError) as error:
            if first:
                check_dtypes(self.model, {"X": x, "y": targets}, error)
            raise
        if self.max_norm is not None:
            _clip(self.parameters, self.max_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.scheduler is not None:
            self.scheduler.step()
        return value.detach()


def _clip(parameters: list[nn.Parameter], max_norm: float) -> None:
    """Scale gradients down to the norm; in float64, where no square of float32 overflows.

    torch's own divides by the norm and 1e-6, which scales small gradients down for nothing.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    if gradients:
        norms = [torch.linalg.vector_norm(g, dtype=torch.float64) for g in gradients]
        factor = (max_norm / torch.linalg.vector_norm(torch.stack(norms))).clamp(max=1.0)
        for g in gradients:
            g.mul_(factor.to(g.dtype))


def _check_weights(run: Run) -> None:
    """A gradient may be NaN where the loss is not: said before the epoch is kept."""
    for name, parameter in run.model.named_parameters():
        if not bool(torch.isfinite(parameter).all()):
            raise FloatingPointError(
                f"{name} became infinite or NaN in epoch {run.history.epochs + 1}, with a finite "
                "loss: try a smaller learning rate, and look for a function without a derivative"
            )


def _epoch(run: Run, step: _Step, X: Tensor, y: Tensor | None, batch: int) -> float:
    """One pass over the data in random order; return the mean loss."""
    n = len(X)
    # Read when the epoch is over: reading each value would wait for the device at every step.
    losses: list[Tensor] = []
    order = torch.randperm(n, generator=run.generator, device=X.device) if batch < n else None
    run.optimizer.zero_grad()
    for x, targets in _batches(X, y, batch, order):
        losses.append(step(x, targets, first=not losses))
    run.history.steps += len(losses)
    mean = _mean(losses, n, batch, f"epoch {run.history.epochs + 1}")
    _check_weights(run)
    return mean


def _value(loss: Loss, model: nn.Module, x: Tensor, targets: Tensor | None) -> Tensor:
    """The loss of a batch, if it is one that can be lowered."""
    value = loss(model, x) if targets is None else loss(model, x, targets)
    if not isinstance(value, Tensor) or value.ndim != 0:
        got = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(f"loss: got {got}, want a scalar tensor of shape ()")
    if value.is_complex():
        raise ValueError(f"loss: got a value of {value.dtype}, want a real one")
    if torch.is_grad_enabled() and not value.requires_grad:
        raise ValueError(
            "loss: got a tensor without a gradient, want one computed from the model's parameters "
            "without detach, item or no_grad"
        )
    return value


@torch.no_grad()
def _evaluate(run: Run, loss: Loss, X: Tensor, y: Tensor | None, batch: int) -> float:
    """Mean loss in evaluation mode."""
    batch = max(batch, _MIN_VALIDATION_BATCH)
    with evaluation(run.model):
        losses = [_value(loss, run.model, x, targets) for x, targets in _batches(X, y, batch, None)]
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
