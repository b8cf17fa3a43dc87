r"""A classifier on top of an encoder, and its fine-tuning.

::

    p(y = c | x) = softmax(V f(x) + v)_c        loss: -(1/n) sum_i log p(y_i | x_i)

Dropout, where asked for, sets entries of the input and of the codes of each layer to 0 with the
given probabilities during training and scales the others up (Srivastava et al. 2014).

Adversarial training adds, to each sample x, the sample in the corner of the cube of side 2 epsilon
around x where the loss, linearised at x, is largest (Goodfellow et al. 2015)::

    1/2 l(x, y) + 1/2 l(x + epsilon sign(dl/dx), y)

To first order that is l + (epsilon/2) ||dl/dx||_1: a contraction, not of the code but of the loss.

Sources: Bishop (2006), Pattern Recognition and Machine Learning, 4.3.4; Srivastava et al. (2014),
Dropout, JMLR 15; Goodfellow, Shlens & Szegedy (2015), Explaining and harnessing adversarial
examples, ICLR.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from replearn._batches import slices
from replearn._modes import evaluation
from replearn._validate import check_integer, check_recorded, check_rows, check_tensor
from replearn.autoencoders.layers import entrance
from replearn.device import seeded

__all__ = ["Classifier", "adversarial", "classification_loss", "error_rate"]

_ROWS = 4096


class Classifier(nn.Module):
    """An encoder with a linear layer of ``n_classes`` logits on top.

    Parameters
    ----------
    encoder : nn.Module
        Module (n, d) -> (n, m); an ``nn.Sequential`` gets dropout between its layers. It is trained
        on in place: pass a copy to keep the original.
    m : int
        Width of the code.
    n_classes : int
        At least 2.
    dropout : float
        Probability for codes.
    input_dropout : float
        Probability for the input.

    Attributes
    ----------
    encoder : nn.Module
        As given.
    head : nn.Linear
        The layer of logits. It starts at 0, so that the first gradients do not depend on chance.
    dropout : float
        As given.
    input_dropout : float
        As given.

    Raises
    ------
    ValueError
        An argument does not fit.

    Examples
    --------
    Before it is trained all classes are equally probable:

    >>> model = Classifier(nn.Linear(4, 3), 3, n_classes=2)
    >>> model(torch.ones(1, 4)).detach().softmax(1)
    tensor([[0.5000, 0.5000]])
    """

    def __init__(
        self,
        encoder: nn.Module,
        m: int,
        n_classes: int = 10,
        *,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        for name, count, least in (("m", m, 1), ("n_classes", n_classes, 2)):
            check_integer(name, count)
            if count < least:
                raise ValueError(f"{name}: got {count}, want at least {least}")
        for name, rate in (("dropout", dropout), ("input_dropout", input_dropout)):
            if not 0 <= rate < 1:
                raise ValueError(f"{name}: got {rate}, want a number from 0, below 1")
        self.encoder, self.dropout, self.input_dropout = encoder, dropout, input_dropout
        with seeded(0):  # its start is overwritten: the global generator is left as it was
            self.head = nn.Linear(m, n_classes)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, X: Tensor) -> Tensor:
        """Logits of the classes.

        Parameters
        ----------
        X : Tensor, (n, d)
            Samples. NaN gives NaN.

        Returns
        -------
        Tensor, (n, n_classes)

        Raises
        ------
        ValueError
            X does not fit the encoder.
        """
        check_rows("X", X, *entrance(self.encoder))
        H = functional.dropout(X, self.input_dropout, self.training)
        layers = self.encoder if isinstance(self.encoder, nn.Sequential) else (self.encoder,)
        for layer in cast(Iterable[nn.Module], layers):
            H = functional.dropout(layer(H), self.dropout, self.training)
        return cast(Tensor, self.head(H))


def classification_loss(model: nn.Module, X: Tensor, y: Tensor) -> Tensor:
    """Mean cross-entropy in nats of the model's logits, for labels y (n,).

    Parameters
    ----------
    model : Classifier
        The model.
    X : Tensor, (n, d)
        Samples. NaN gives NaN.
    y : Tensor, (n,)
        Classes, int64.

    Returns
    -------
    Tensor, ()

    Raises
    ------
    ValueError
        X does not fit the model, or y is not one of its classes for each sample.

    Examples
    --------
    >>> model = Classifier(nn.Linear(4, 3), 3, n_classes=2)
    >>> classification_loss(model, torch.ones(2, 4), torch.tensor([0, 1])).detach()
    tensor(0.6931)
    """
    _check_labels(X, y)
    logits = model(X)
    try:
        return functional.cross_entropy(logits, y)
    except IndexError as error:  # asked for beforehand, it would wait for the device at every step
        raise ValueError(
            f"y: got classes that the model has not, want 0 to {logits.shape[1] - 1}"
        ) from error


def adversarial(epsilon: float) -> Callable[[nn.Module, Tensor, Tensor], Tensor]:
    """The classification loss, in training half of it at adversarial samples.

    Costs about twice a step of :func:`classification_loss`; in evaluation mode it is that loss.

    Parameters
    ----------
    epsilon : float
        How far each coordinate of a sample is moved, in its units, from 0.

    Returns
    -------
    callable
        ``(model, X, y) -> scalar``, for ``train``.

    Raises
    ------
    ValueError
        ``epsilon`` does not fit; so does the loss, as :func:`classification_loss`.

    Examples
    --------
    Moving the samples raises the loss:

    >>> model = Classifier(nn.Identity(), 2, n_classes=2)
    >>> _ = nn.init.eye_(model.head.weight)
    >>> X, y = torch.eye(2), torch.tensor([0, 1])
    >>> (adversarial(0.1)(model, X, y) > classification_loss(model, X, y)).item()
    True
    """
    if not (isinstance(epsilon, float | int) and 0 <= epsilon < math.inf):
        raise ValueError(f"epsilon: got {epsilon!r}, want a finite number from 0")

    def loss(model: nn.Module, X: Tensor, y: Tensor) -> Tensor:
        if not model.training:
            return classification_loss(model, X, y)
        X = X.detach().requires_grad_()
        here = classification_loss(model, X, y)
        (slope,) = torch.autograd.grad(here, X, retain_graph=True)
        there = classification_loss(model, (X + epsilon * slope.sign()).detach(), y)
        return (here + there) / 2

    return loss


def _check_labels(X: Tensor, y: Tensor) -> None:
    """Refuse no samples, or not one class for each."""
    check_tensor("X", X)
    check_tensor("y", y)
    check_recorded("y", y)
    if X.ndim < 2 or len(X) == 0 or y.shape != X.shape[:1]:
        raise ValueError(
            f"X, y: got shapes {tuple(X.shape)} and {tuple(y.shape)}, want (n, d) and (n,), n >= 1"
        )
    if y.dtype != torch.int64:
        raise ValueError(f"y: got dtype {y.dtype}, want torch.int64")
    if y.device != X.device:
        raise ValueError(f"y: got device {y.device}, want {X.device}, as X")


@torch.no_grad()
def error_rate(model: nn.Module, X: Tensor, y: Tensor) -> float:
    """The fraction of X (n, d) whose most probable class is not y (n,), in evaluation mode.

    Of classes that are equally probable the first counts.

    Parameters
    ----------
    model : Classifier
        The model.
    X : Tensor, (n, d)
        Samples.
    y : Tensor, (n,)
        Classes, int64.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        No samples, or not one label for each.

    Examples
    --------
    >>> model = Classifier(nn.Identity(), 2, n_classes=2)
    >>> _ = nn.init.eye_(model.head.weight)
    >>> error_rate(model, torch.eye(2), torch.tensor([0, 0]))
    0.5
    """
    _check_labels(X, y)
    with evaluation(model):
        wrong = sum(
            int((model(X[rows]).argmax(1) != y[rows]).sum()) for rows in slices(len(X), _ROWS)
        )
    return wrong / len(X)
