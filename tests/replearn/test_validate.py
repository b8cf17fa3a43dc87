"""Checks of what layers and losses are given: cheap, and one sentence each."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from replearn.autoencoders import (
    Gaussian,
    convolutional_autoencoder,
    cross_entropy,
    dense_autoencoder,
    factorisation_loss,
    l1,
    squared_error,
)
from replearn.autoencoders.factorisation import DeepFactorisation
from replearn.pretraining import Classifier, classification_loss


def rows(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0)).to(dtype)


def made_in_inference_mode() -> Tensor:
    with torch.inference_mode():
        return rows(4, 6)


DENSE = dense_autoencoder([6, 3])
TIED = dense_autoencoder([6, 3], tied=True)
IMAGES = convolutional_autoencoder((4, 4), (2,))
WORSE: list[tuple[Callable[[], object], str]] = [
    (lambda: DENSE(rows(4, 6, dtype=torch.float64)), "X: got dtype torch.float64, want torch.flo"),
    (lambda: DENSE(rows(4, 6, dtype=torch.int64)), "X: got dtype torch.int64, want torch.float32"),
    (lambda: DENSE.encode(rows(4, 5)), r"X: got shape \(4, 5\), want \(n, 6\)"),
    (lambda: DENSE.decode(rows(4, 6)), r"H: got shape \(4, 6\), want \(n, 3\)"),
    (lambda: TIED.decode(rows(4, 6)), r"H: got shape \(4, 6\), want \(n, 3\)"),
    (lambda: IMAGES(rows(4, 15)), r"X: got shape \(4, 15\), want \(n, 16\)"),
    (lambda: IMAGES(rows(4, 16).double()), "X: got dtype torch.float64, want torch.float32"),
    (lambda: IMAGES.decode(rows(4, 7)), r"H: got shape \(4, 7\), want \(n, 8\)"),
    (lambda: DENSE(rows(4, 6).to("meta")), "X: got device meta, want cpu, as the weights"),
    (lambda: DENSE(rows(4, 6).to_sparse()), "X: got a tensor of layout sparse_coo, want a dense"),
    (lambda: DENSE([[1.0] * 6]), "X: got list, want a torch tensor"),
    (lambda: DENSE(made_in_inference_mode()), "X: got a tensor made in inference mode, want"),
    (lambda: Gaussian(0.1)(rows(4, 6).long()), "X: got dtype torch.int64, want a floating one"),
    (lambda: squared_error(DENSE, rows(4, 3), rows(4, 1)), r"X: got shape \(4, 1\), want \(4, 6\)"),
    (lambda: cross_entropy(DENSE, rows(4, 3), rows(1, 6)), r"X: got shape \(1, 6\), want \(4, 6\)"),
    (lambda: l1(DENSE, rows(4, 6), rows(0, 3)), r"H: got shape \(0, 3\), want \(n, d\), n and d"),
    (
        lambda: factorisation_loss(DeepFactorisation(4, [2, 6]), rows(1, 6), torch.tensor([4])),
        "index: got numbers that are none of the 4 training samples', want 0 to 3",
    ),
    (
        lambda: DeepFactorisation(4, [2, 6])(torch.tensor([0.0])),
        r"index: got shape \(1,\) and dtype torch.float32, want \(k,\) of int64",
    ),
    (
        lambda: classification_loss(
            Classifier(nn.Identity(), 6, 2), rows(4, 6), torch.tensor([0, 1, 2, 0])
        ),
        "y: got classes that the model has not, want 0 to 1",
    ),
    (
        lambda: classification_loss(Classifier(nn.Identity(), 6, 2), rows(4, 6), rows(4)),
        "y: got dtype torch.float32, want torch.int64",
    ),
]


@pytest.mark.parametrize(("call", "said"), WORSE, ids=[said[:40] for _, said in WORSE])
def test_what_does_not_fit_is_named(call: Callable[[], object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()


def test_inside_autocast_layers_take_each_others_dtype() -> None:
    model = dense_autoencoder([6, 4, 3])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert model(rows(4, 6)).dtype == torch.bfloat16


def test_in_inference_mode_its_tensors_are_taken() -> None:
    X = made_in_inference_mode()
    with torch.inference_mode():
        DENSE(X)
    with torch.no_grad():
        DENSE(X)


def test_models_of_other_dtypes_take_their_own() -> None:
    for dtype in (torch.float64, torch.bfloat16):
        model = dense_autoencoder([6, 3]).to(dtype)
        assert model(rows(4, 6, dtype=dtype)).dtype == dtype
        squared_error(model, model.encode(rows(4, 6, dtype=dtype)), rows(4, 6, dtype=dtype))
