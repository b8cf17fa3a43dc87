r"""Reconstruction losses: negative log-likelihoods of a sample given its code, up to constants.

For one sample x with the decoder's output a = g(h), a vector of d values::

    Gaussian   p(x | h) = N(x; a, I/2)              -log p = ||x - a||^2 + const
    Bernoulli  p(x_j = 1 | h) = sigmoid(a_j)        -log p = sum_j [log(1 + exp(a_j)) - x_j a_j]

Both are sums over the d coordinates and means over the samples of the batch. The squared error is
that of ``replearn.metrics.reconstruction_error``; the cross-entropy is in nats a sample, so that
the "loss per pixel" of many tutorials is this divided by d. Where x lies strictly between 0 and 1
the cross-entropy is no likelihood, but its minimiser is still the mean, and its least value is the
entropy of x, not 0.

Sources: Bishop (2006), Pattern Recognition and Machine Learning, 5.2.
"""

from __future__ import annotations

from typing import cast

from torch import Tensor
from torch.nn import functional

from replearn._validate import check_recorded, check_rows, check_samples
from replearn.autoencoders.layers import ACTIVATIONS, entrance
from replearn.autoencoders.networks import Autoencoder

__all__ = ["cross_entropy", "squared_error"]


def squared_error(model: Autoencoder, H: Tensor, X: Tensor) -> Tensor:
    """Mean over the samples of ||x - x_hat||^2, x_hat = o(g(h)), for H (n, m) and X (n, d).

    Parameters
    ----------
    model : Autoencoder
        Its decoder makes the reconstructions.
    H : Tensor, (n, m)
        Codes.
    X : Tensor, (n, d)
        Samples. Values are not looked at: NaN gives NaN.

    Returns
    -------
    Tensor, ()
        In the squared units of X.

    Raises
    ------
    ValueError
        H does not fit the decoder, or X its reconstructions.

    Examples
    --------
    >>> import torch
    >>> from replearn.autoencoders import dense_autoencoder
    >>> model = dense_autoencoder([4, 2], output="linear")
    >>> X = torch.ones(3, 4)
    >>> H = model.encode(X)
    >>> torch.isclose(squared_error(model, H, X), (X - model.decode(H)).square().sum(1).mean())
    tensor(True)
    """
    check_rows("H", H, *entrance(model.decoder))
    X_hat = ACTIVATIONS[model.output](model.decoder(H))
    _check_samples(X, X_hat)
    return (X_hat - X).square().sum() / len(X)


def cross_entropy(model: Autoencoder, H: Tensor, X: Tensor) -> Tensor:
    """Mean over the samples of the Bernoulli cross-entropy in nats, from the logits a = g(h).

    Parameters
    ----------
    model : Autoencoder
        Its decoder makes the reconstructions.
    H : Tensor, (n, m)
        Codes.
    X : Tensor, (n, d)
        Samples, with values in [0, 1]. They are not looked at: NaN gives NaN.

    Returns
    -------
    Tensor, ()
        In nats a sample.

    Raises
    ------
    ValueError
        The model's output is not "sigmoid", H does not fit the decoder, or X its reconstructions.

    Examples
    --------
    A decoder that knows nothing takes log 2 nats a coordinate:

    >>> import torch
    >>> from replearn.autoencoders import dense_autoencoder
    >>> model = dense_autoencoder([4, 2])
    >>> loss = cross_entropy(model, torch.zeros(3, 2), torch.ones(3, 4))
    >>> loss.detach() / 4
    tensor(0.6931)
    """
    if model.output != "sigmoid":
        raise ValueError(f"output: got a model with {model.output!r}, want 'sigmoid'")
    check_rows("H", H, *entrance(model.decoder))
    logits = cast(Tensor, model.decoder(H))
    _check_samples(X, logits)
    total = functional.binary_cross_entropy_with_logits(logits, X, reduction="sum")
    return total / len(X)


def _check_samples(X: Tensor, X_hat: Tensor) -> None:
    """Refuse samples that are not as their reconstructions: a shape might be broadcast."""
    check_samples("X", X)
    check_recorded("X", X)
    if X.shape != X_hat.shape:
        raise ValueError(
            f"X: got shape {tuple(X.shape)}, want {tuple(X_hat.shape)}, as the reconstructions"
        )
    check_rows("X", X, X_hat)
