"""Pretraining: RBMs, greedy stacking, and classifiers that are fine-tuned."""

from replearn.pretraining.classifier import (
    Classifier,
    adversarial,
    classification_loss,
    error_rate,
)
from replearn.pretraining.learning import RBMLearning
from replearn.pretraining.rbm import RBM, LogPartition, contrastive_divergence
from replearn.pretraining.stack import encode, greedy, stacked_encoder, unroll

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
