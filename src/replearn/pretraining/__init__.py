"""Pretraining: RBMs, greedy stacking, and classifiers that are fine-tuned."""

from typing import TYPE_CHECKING, Any

from replearn.pretraining.classifier import (
    Classifier,
    adversarial,
    classification_loss,
    error_rate,
)
from replearn.pretraining.rbm import RBM, LogPartition, contrastive_divergence
from replearn.pretraining.stack import encode, greedy, stacked_encoder, unroll

if TYPE_CHECKING:
    from replearn.pretraining.learning import RBMLearning

__all__ = [
    "RBM",
    "Classifier",
    "LogPartition",
    "RBMLearning",
    "adversarial",
    "classification_loss",
    "contrastive_divergence",
    "encode",
    "error_rate",
    "greedy",
    "stacked_encoder",
    "unroll",
]


def __getattr__(name: str) -> Any:
    # When it is first named: scikit-learn takes seconds, and the machine alone does not need it.
    if name == "RBMLearning":
        from replearn.pretraining.learning import RBMLearning

        return RBMLearning
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
