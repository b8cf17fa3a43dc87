"""Runs of the two methods of dictionary learning, step by step: what ``fit`` drives.

A run knows its state as a whole at any time, so that it can be interrupted, saved and restored.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from replearn._progress import Progress, progress_bar
from replearn.dictionary.alternating import AlternatingState, alternate
from replearn.dictionary.online import OnlineState, Settings, generator_at, learn_batch

_SAVE_EVERY = 10.0  # seconds between checkpoints; the end and an interruption write one as well


class Run(Protocol):
    """What a method brings."""

    unit: str  # of the steps, for the progress bar

    @property
    def total(self) -> int:
        """Number of steps, at most."""

    @property
    def done(self) -> int:
        """Number of steps so far."""

    @property
    def iterations(self) -> int:
        """Number of completed epochs or alternations."""

    @property
    def objective(self) -> tuple[float, ...]:
        """Mean objective after each of them."""

    @property
    def latest(self) -> float:
        """Mean objective of the latest samples."""

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do."""

    @property
    def converged(self) -> bool:
        """Whether the method's own rule ended it, and not a count."""

    @property
    def unconverged(self) -> int:
        """Codes not come to their tolerance: of all steps, or of the latest alternation."""

    def step(self) -> None:
        """Change the state; one that fails or is interrupted leaves it as it was."""

    def saved(self) -> dict[str, Any]:
        """The state, for a checkpoint."""

    def restore(self, path: Path, saved: dict[str, Any], device: torch.device) -> None:
        """Go on from such a state, found in ``path``."""


def drive(run: Run, save: Callable[[], None], progress: Progress) -> None:
    """Steps until the run is done, with checkpoints and a progress bar."""
    save()  # before the first step, so that a path that cannot be written is found now
    saved_at = time.monotonic()
    with progress_bar(progress, total=run.total, initial=run.done, unit=run.unit) as bar:
        try:
            while not run.finished:
                run.step()
                bar.update()
                if not bar.disable:
                    bar.set_postfix(objective=run.latest, refresh=False)
                if time.monotonic() - saved_at > _SAVE_EVERY:
                    save()
                    saved_at = time.monotonic()
        finally:
            save()


@dataclass(frozen=True)
class Position:
    """Where an online run is: the learner, and the position in the epoch."""

    state: OnlineState
    order: Tensor  # state of the generator that draws the order of this epoch
    start: int = 0  # samples of this epoch that are done
    total: float = 0.0  # sum of their objectives
    objective: tuple[float, ...] = ()  # per epoch


class OnlineRun:
    """Epochs of mini-batches in random order."""

    unit = "batch"

    def __init__(
        self, X: Tensor, settings: Settings, now: Position, batch: int, epochs: int
    ) -> None:
        self.X, self.settings, self.now, self.batch, self.epochs = X, settings, now, batch, epochs
        self.total = epochs * -(-len(X) // batch)
        self._order: Tensor | None = None

    @property
    def done(self) -> int:
        return self.now.state.steps

    @property
    def iterations(self) -> int:
        return len(self.now.objective)

    @property
    def objective(self) -> tuple[float, ...]:
        return self.now.objective

    @property
    def latest(self) -> float:
        now = self.now
        return now.total / now.start if now.start else now.objective[-1]

    @property
    def finished(self) -> bool:
        return self.iterations >= self.epochs

    @property
    def converged(self) -> bool:
        return self.finished  # so many epochs are all that was asked for

    @property
    def unconverged(self) -> int:
        return self.now.state.unconverged

    def step(self) -> None:
        now, n = self.now, len(self.X)
        if self._order is None:
            self._order = self._draw()[0].to(self.X.device)
        batch = self.X[self._order[now.start : now.start + self.batch]]
        state, value = learn_batch(now.state, batch, self.settings)
        end, total = now.start + len(batch), now.total + value
        if end < n:
            self.now = replace(now, state=state, start=end, total=total)
            return
        following = Position(state, self._draw()[1], objective=(*now.objective, total / n))
        # The position first: if it changes and the order is not yet dropped, the next run has none.
        self.now, self._order = following, None

    def _draw(self) -> tuple[Tensor, Tensor]:
        """The order of this epoch, and the state of the generator after it."""
        generator = generator_at(self.now.order)
        order = torch.randperm(len(self.X), generator=generator, device="cpu")
        return order, generator.get_state()

    def saved(self) -> dict[str, Any]:
        now = self.now
        return {"progress": _as_dict(now) | {"state": _as_dict(now.state)}}

    def restore(self, path: Path, saved: dict[str, Any], device: torch.device) -> None:
        progress = saved["progress"]
        state = OnlineState(**_moved(progress.pop("state"), device))
        now = Position(state=state, **progress)
        _check_length("epochs", self.epochs, len(now.objective), path)
        self.now, self._order = now, None


class AlternatingRun:
    """Alternations until the objective stays."""

    unit = "alternation"

    def __init__(
        self, X: Tensor, settings: Settings, state: AlternatingState, max_iter: int, tol: float
    ) -> None:
        self.X, self.settings, self.state, self.total, self.tol = X, settings, state, max_iter, tol

    @property
    def done(self) -> int:
        return len(self.state.objective)

    @property
    def iterations(self) -> int:
        return self.done

    @property
    def objective(self) -> tuple[float, ...]:
        return self.state.objective

    @property
    def latest(self) -> float:
        return self.state.objective[-1]

    @property
    def finished(self) -> bool:
        return self.state.converged or self.done >= self.total

    @property
    def converged(self) -> bool:
        return self.state.converged

    @property
    def unconverged(self) -> int:
        return self.state.unconverged

    def step(self) -> None:
        before = self.state
        state = alternate(before, self.X, self.settings)
        if state.replaced == before.replaced and len(state.objective) > 1:
            last, value = state.objective[-2:]
            if last - value <= self.tol * last:
                state = replace(state, converged=True)
        self.state = state

    def saved(self) -> dict[str, Any]:
        return {"state": _as_dict(self.state)}

    def restore(self, path: Path, saved: dict[str, Any], device: torch.device) -> None:
        state = AlternatingState(**_moved(saved["state"], device))
        _check_length("max_iter", self.total, len(state.objective), path)
        self.state = state


def _as_dict(record: Any) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in fields(record)}


def _moved(values: dict[str, Any], device: torch.device) -> dict[str, Any]:
    """Tensors on the device, but for the state of a generator, which is always on the CPU."""
    return {
        key: value.to(device) if isinstance(value, Tensor) and key != "random" else value
        for key, value in values.items()
    }


def _check_length(name: str, wanted: int, there: int, path: Path) -> None:
    if there > wanted:
        raise ValueError(
            f"{name}: got {wanted}, but checkpoint {path} has {there} behind it; want at least as "
            "many, or another path"
        )
