r"""Corruptions: the noise that a denoising autoencoder learns to undo.

::

    Gaussian(std)          x~ = x + std e,   e ~ N(0, I)
    Masking(rate)          x~_j = 0 with probability rate, else x_j, independently
    SaltAndPepper(rate)    x~_j = 0 or 1, each with probability rate / 2, else x_j

Sources: Vincent et al. (2008), Extracting and composing robust features with denoising
autoencoders, ICML; Vincent et al. (2010), Stacked denoising autoencoders, JMLR 11.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from replearn._validate import check_floating, check_not_negative

__all__ = ["Corruption", "Gaussian", "Masking", "SaltAndPepper"]


@dataclass(frozen=True)
class Gaussian:
    """x~ = x + std e, e standard normal, with the standard deviation ``std`` in units of x.

    Parameters
    ----------
    std : float
        Standard deviation, at least 0.

    Raises
    ------
    ValueError
        ``std`` is negative.

    Examples
    --------
    >>> X = torch.zeros(1000, 4)
    >>> round(float(Gaussian(0.5)(X, torch.Generator().manual_seed(0)).std()), 1)
    0.5
    """

    std: float

    def __post_init__(self) -> None:
        check_not_negative("std", self.std)

    def __call__(self, X: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """A corrupted copy of X, from ``generator`` or torch's global one.

        Parameters
        ----------
        X : Tensor, (...)
            Samples, floating, of any shape. They are not looked at: NaN and infinity stay.
        generator : torch.Generator, optional
            On the device of X; by default torch's global one.

        Returns
        -------
        Tensor, (...)
            Of the shape, dtype and device of X.

        Raises
        ------
        ValueError
            X is no dense floating tensor.
        """
        check_floating("X", X)
        noise = torch.randn(X.shape, generator=generator, device=X.device, dtype=X.dtype)
        return X + self.std * noise


@dataclass(frozen=True)
class Masking:
    """Each entry is set to 0 with probability ``rate``; the others are not scaled up.

    Parameters
    ----------
    rate : float
        Probability, from 0 to 1.

    Raises
    ------
    ValueError
        ``rate`` is not between 0 and 1.

    Examples
    --------
    >>> X = Masking(0.3)(torch.ones(1000, 4), torch.Generator().manual_seed(0))
    >>> X.unique()
    tensor([0., 1.])
    >>> round(float((X == 0).float().mean()), 1)
    0.3
    """

    rate: float

    def __post_init__(self) -> None:
        _check_rate(self.rate)

    def __call__(self, X: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """A corrupted copy of X, from ``generator`` or torch's global one.

        Parameters
        ----------
        X : Tensor, (...)
            Samples, floating, of any shape. They are not looked at: NaN and infinity stay, unless
            they are replaced.
        generator : torch.Generator, optional
            On the device of X; by default torch's global one.

        Returns
        -------
        Tensor, (...)
            Of the shape, dtype and device of X.

        Raises
        ------
        ValueError
            X is no dense floating tensor.
        """
        check_floating("X", X)
        u = torch.rand(X.shape, generator=generator, device=X.device, dtype=X.dtype)
        return torch.where(u < self.rate, X.new_zeros(()), X)


@dataclass(frozen=True)
class SaltAndPepper:
    """Each entry is set to 0 or to 1 with probability ``rate`` / 2 each.

    Parameters
    ----------
    rate : float
        Probability, from 0 to 1.

    Raises
    ------
    ValueError
        ``rate`` is not between 0 and 1.

    Examples
    --------
    >>> X = SaltAndPepper(0.4)(torch.full((1000, 4), 0.5), torch.Generator().manual_seed(0))
    >>> [round(float((X == value).float().mean()), 1) for value in (0.0, 0.5, 1.0)]
    [0.2, 0.6, 0.2]
    """

    rate: float

    def __post_init__(self) -> None:
        _check_rate(self.rate)

    def __call__(self, X: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """A corrupted copy of X, from ``generator`` or torch's global one.

        Parameters
        ----------
        X : Tensor, (...)
            Samples, floating, of any shape. They are not looked at: NaN and infinity stay, unless
            they are replaced.
        generator : torch.Generator, optional
            On the device of X; by default torch's global one.

        Returns
        -------
        Tensor, (...)
            Of the shape, dtype and device of X.

        Raises
        ------
        ValueError
            X is no dense floating tensor.
        """
        check_floating("X", X)
        u = torch.rand(X.shape, generator=generator, device=X.device, dtype=X.dtype)
        salt = (u < self.rate / 2).to(X.dtype)
        return torch.where(u < self.rate, salt, X)


#: What damages samples: called with X (n, d) and a generator, gives the damaged ones, (n, d).
Corruption = Gaussian | Masking | SaltAndPepper


def _check_rate(rate: float) -> None:
    check_not_negative("rate", rate)
    if rate > 1:
        raise ValueError(f"rate: got {rate}, want a number from 0 to 1")
