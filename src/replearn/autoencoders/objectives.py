r"""The objective of an autoencoder, for the training loop.

::

    L = (1/n) sum_i loss(x_i, g(f(c(x_i)))) + sum_p weight_p penalty_p

c: the corruption of the input (none: c(x) = x); the loss compares with the clean x. In evaluation
mode nothing is corrupted, so that validation measures what the model is used for.

Sources: Vincent et al. (2010), Stacked denoising autoencoders, JMLR 11, for the corruption;
Goodfellow, Bengio and Courville (2016), Deep Learning, MIT Press, chapter 14, for the penalties.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from replearn._validate import check_not_negative
from replearn.autoencoders.losses import squared_error
from replearn.autoencoders.networks import Autoencoder
from replearn.autoencoders.penalties import Penalty

__all__ = ["objective"]

Reconstruction = Callable[[Autoencoder, Tensor, Tensor], Tensor]


def objective(
    loss: Reconstruction = squared_error,
    *,
    corruption: Callable[[Tensor], Tensor] | None = None,
    penalties: Mapping[Penalty, float] | None = None,
) -> Callable[[Autoencoder, Tensor], Tensor]:
    """A function ``(model, X) -> scalar`` to be passed to ``replearn.training.train``.

    Parameters
    ----------
    loss : Reconstruction
        ``squared_error`` or ``cross_entropy``.
    corruption : callable, optional
        Such as ``Masking(0.3)``; drawn anew in every call, in training mode only.
    penalties : mapping, optional
        Weights of penalties, such as ``{l1: 1e-3, hutchinson(1): 0.1}``. They see the input that
        the encoder saw.

    Returns
    -------
    callable
        ``(model, X) -> scalar``, the mean over the samples.

    Raises
    ------
    ValueError
        A weight is negative.

    Examples
    --------
    >>> from replearn.autoencoders import cross_entropy, dense_autoencoder, l1
    >>> from replearn.data import load_digits
    >>> from replearn.training import train
    >>> loss = objective(cross_entropy, penalties={l1: 1e-3})
    >>> model = dense_autoencoder([64, 16])
    >>> history = train(model, load_digits().X[:256], loss=loss, epochs=5)
    >>> history.loss[-1] < history.loss[0]
    True
    """
    weighted = dict(penalties or {})
    for penalty, weight in weighted.items():
        check_not_negative(f"weight of {getattr(penalty, '__name__', penalty)}", weight)

    def total(model: Autoencoder, X: Tensor) -> Tensor:
        seen = corruption(X) if corruption is not None and model.training else X
        H = model.encode(seen)
        value = loss(model, H, X)
        for penalty, weight in weighted.items():
            value = value + weight * penalty(model, seen, H)
        return value

    return total
