"""Samples and models that the tests of dictionary learning share."""

import pytest
import torch
from hypothesis import settings

from replearn.dictionary import DictionaryLearning

# A deadline would make the tests depend on how busy the machine is.
few = settings(deadline=None, max_examples=25)

METHODS = ["online", "alternating"]
DEVICES = [
    "cpu",
    pytest.param(
        "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
    ),
]


def gaussian(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def loss(X, D, H):
    """(1/n) sum_i 1/2 ||x_i - D h_i||^2."""
    return float((X - H @ D.T).square().sum()) / (2 * len(X))


def quick(method="online", **changes):
    """A model that learns a small problem in a moment."""
    arguments = {"method": method, "batch_size": 16, "epochs": 3, "max_iter": 4, "tol": 0.0}
    return DictionaryLearning(**{"n_atoms": 6, "penalty": 0.2} | arguments | changes)
