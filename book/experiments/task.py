"""What an experiment is: a task on a data set, beside the figure that was published for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from replearn.data import Dataset
from replearn.training import History

_HELD_OUT = 1 / 6  # of the training samples: 10,000 of MNIST's 60,000


@dataclass(frozen=True)
class Split:
    """A data set whose training samples are split: the last sixth judges, the test set only scores.

    Whatever is chosen (epochs, penalties, learning rates) is chosen by the validation samples.
    """

    name: str
    X: Tensor
    y: Tensor
    X_val: Tensor
    y_val: Tensor
    X_test: Tensor
    y_test: Tensor
    image_shape: tuple[int, int]

    @classmethod
    def of(cls, data: Dataset) -> Split:
        """The split of a data set."""
        n = data.n - round(data.n * _HELD_OUT)
        return cls(
            data.name,
            data.X[:n],
            data.y[:n],
            data.X[n:],
            data.y[n:],
            data.X_test,
            data.y_test,
            data.image_shape,
        )

    def all_training(self) -> Dataset:
        """Every training sample, those that were held out too, and the test set."""
        return Dataset(
            self.name,
            torch.cat([self.X, self.X_val]),
            torch.cat([self.y, self.y_val]),
            self.X_test,
            self.y_test,
            self.image_shape,
        )

    def held_out(self) -> Dataset:
        """The held-out samples in the place of the test set, which is not to be seen."""
        return Dataset(self.name, self.X, self.y, self.X_val, self.y_val, self.image_shape)


@dataclass(frozen=True)
class Job:
    """One run of a task.

    Attributes
    ----------
    data : the samples. seed : of everything random.
    work : folder for checkpoints; a run that was interrupted goes on from there.
    quick : one epoch instead of many: to see that the code runs, not for results.
    validate : train without the held-out samples and score these, instead of the test set.
    """

    data: Split
    seed: int
    work: Path
    quick: bool = False
    validate: bool = False

    @cached_property
    def scored(self) -> Dataset:
        """For tasks with a fixed schedule: what to train on, and in X_test what to score."""
        return self.data.held_out() if self.validate else self.data.all_training()

    def epochs(self, wanted: int) -> int:
        """Epochs to train."""
        return 1 if self.quick else wanted

    def checkpoint(self, stage: str) -> Path:
        """The file of a stage."""
        return self.work / f"{stage}.pt"


@dataclass
class Outcome:
    """What a run found.

    Attributes
    ----------
    value : the figure on the test set, in the experiment's unit.
    details : other figures, such as the value on the validation set, by name.
    curves : loss per epoch of every stage, "loss" and "val_loss".
    """

    value: float
    details: dict[str, float] = field(default_factory=dict)
    curves: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def add_curve(self, stage: str, history: History) -> None:
        """Keep the curve of a stage of training."""
        self.curves[stage] = {"loss": history.loss, "val_loss": history.val_loss}


@dataclass(frozen=True)
class Published:
    """A figure from the literature, as it was printed.

    Attributes
    ----------
    text : the figure with the digits that were printed, such as "0.09".
    source : key of the bibliography. where : place in the source, or what is special about it.
    network : the network it was printed for, where that is another than the experiment's.
    unlike : in which rule of training the published network differs from the experiment's.
    checked : what the figure was compared with; empty if nobody looked it up, which the
        scoreboard says.
    """

    text: str
    source: str
    where: str = ""
    network: str = ""
    unlike: str = ""
    checked: str = ""

    @property
    def not_comparable(self) -> str:
        """Why the figure is a goal and gets no verdict; empty where the rules are equal."""
        reasons = (
            f"it is of another network, {self.network}" if self.network else "",
            self.unlike,
            "" if self.checked else "its rules were not checked against the source",
        )
        return "; ".join(reason for reason in reasons if reason)

    def reached_by(self, value: float) -> bool:
        """Whether a value, rounded to as many digits as were printed, is not larger."""
        digits = len(self.text.partition(".")[2])
        return round(value, digits) <= float(self.text)


@dataclass(frozen=True)
class Experiment:
    """A task, its metric, and what was published.

    Attributes
    ----------
    name : on the command line and of the result's file.
    title, network : what is trained, for the scoreboard.
    metric : what the value is; smaller is better. unit : "%" or "".
    digits : of the value on the scoreboard.
    published : figures to compare with, the strictest last; may be none.
    run : the task. seeds : how many runs the result should have; 1 if nothing is random.
    family : the part of the scoreboard it belongs to.
    note : what a reader should know, a sentence or two.
    scheduled : its epochs and rates are fixed beforehand, so that the network that is scored can be
        trained on all training samples (``Job.scored``), and ``--validate`` can judge a choice.
    control : name of the experiment with the same network and rules from a random start.
    seconds : CPU time of a run as guessed before the first; a stored run's takes its place.
    """

    name: str
    title: str
    network: str
    metric: str
    unit: Literal["", "%"]
    digits: int
    published: tuple[Published, ...]
    run: Callable[[Job], Outcome]
    family: str
    seeds: int = 3
    note: str = ""
    scheduled: bool = False
    control: str = ""
    seconds: float = 0.0
