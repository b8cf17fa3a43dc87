"""All experiments, in the order of the scoreboard."""

from __future__ import annotations

from book.experiments import classification, reconstruction
from book.experiments.task import Experiment

ALL: dict[str, Experiment] = {
    experiment.name: experiment
    for experiment in (*reconstruction.EXPERIMENTS, *classification.EXPERIMENTS)
}
