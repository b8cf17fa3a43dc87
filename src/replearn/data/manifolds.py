r"""Samples of known manifolds, for pictures and for theorems that need the truth.

Each function draws from a seeded generator and returns the points together with their position
on the manifold.  ``noise`` is the standard deviation of an isotropic Gaussian added to the
points, in the units of their coordinates.  The same seed gives the same points, with any noise
(the positions do not change) and in any dtype (up to rounding).

Sources: scikit-learn's ``make_swiss_roll`` and ``make_moons`` for the shapes of these two;
Marsland (2009), Machine Learning, chapter 6, for the swiss roll.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from replearn._validate import check_integer, check_seed


def spiral(
    n: int,
    *,
    turns: float = 1.5,
    noise: float = 0.0,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> tuple[Tensor, Tensor]:
    r"""Archimedean spiral in the plane, x = r (cos t, sin t) with r = t / (2 pi turns).

    Parameters
    ----------
    n : int
        Number of points.
    turns : float
        Number of turns, > 0; the spiral ends at radius 1.
    noise : float
        Standard deviation of the noise, >= 0.
    seed : int
        The same seed gives the same points.
    dtype : torch.dtype
        Of points and positions.

    Returns
    -------
    X : Tensor, (n, 2)
    t : Tensor, (n,)
        Angle in radians, uniform on [0, 2 pi turns).

    Raises
    ------
    ValueError
        n is below 1, turns not positive, noise negative or dtype not floating.

    Examples
    --------
    >>> X, t = spiral(100, turns=1.0)
    >>> torch.allclose(X.norm(dim=1), t / (2 * math.pi))
    True
    """
    generator = _generator(n, noise, seed, dtype)
    if not (math.isfinite(turns) and turns > 0):
        raise ValueError(f"turns: got {turns!r}, want a finite number above 0")
    end = 2 * math.pi * turns
    t = end * _uniform(n, generator)
    X = (t / end).unsqueeze(1) * _direction(t)
    return _finish(X, t, noise, generator, dtype)


def swiss_roll(
    n: int, *, noise: float = 0.0, seed: int = 0, dtype: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor]:
    """Swiss roll in space, x = (t cos t, 21 v, t sin t).

    Parameters
    ----------
    n : int
        Number of points.
    noise : float
        Standard deviation of the noise, >= 0.
    seed : int
        The same seed gives the same points.
    dtype : torch.dtype
        Of points and positions.

    Returns
    -------
    X : Tensor, (n, 3)
    t : Tensor, (n,)
        Angle in radians, uniform on [1.5 pi, 4.5 pi); v is uniform on [0, 1).

    Raises
    ------
    ValueError
        n is below 1, noise negative or dtype not floating.

    Examples
    --------
    >>> X, t = swiss_roll(100)
    >>> torch.allclose(X[:, [0, 2]].norm(dim=1), t)
    True
    """
    generator = _generator(n, noise, seed, dtype)
    t = 1.5 * math.pi * (1 + 2 * _uniform(n, generator))
    height = 21 * _uniform(n, generator)
    X = torch.stack((t * t.cos(), height, t * t.sin()), dim=1)
    return _finish(X, t, noise, generator, dtype)


def circle(
    n: int,
    *,
    radius: float = 1.0,
    noise: float = 0.0,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> tuple[Tensor, Tensor]:
    """Circle in the plane, x = radius (cos a, sin a).

    Parameters
    ----------
    n : int
        Number of points.
    radius : float
        Radius, > 0.
    noise : float
        Standard deviation of the noise, >= 0.
    seed : int
        The same seed gives the same points.
    dtype : torch.dtype
        Of points and positions.

    Returns
    -------
    X : Tensor, (n, 2)
    angle : Tensor, (n,)
        Angle in radians, uniform on [0, 2 pi).

    Raises
    ------
    ValueError
        n is below 1, radius not positive, noise negative or dtype not floating.

    Examples
    --------
    >>> X, angle = circle(100, radius=2.0)
    >>> torch.allclose(X.norm(dim=1), torch.tensor(2.0))
    True
    """
    generator = _generator(n, noise, seed, dtype)
    if not (math.isfinite(radius) and radius > 0):
        raise ValueError(f"radius: got {radius!r}, want a finite number above 0")
    angle = 2 * math.pi * _uniform(n, generator)
    return _finish(radius * _direction(angle), angle, noise, generator, dtype)


def two_moons(
    n: int, *, noise: float = 0.0, seed: int = 0, dtype: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor]:
    """Two interleaved half circles of radius 1, (cos a, sin a) and (1 - cos a, 1/2 - sin a).

    Parameters
    ----------
    n : int
        Number of points.
    noise : float
        Standard deviation of the noise, >= 0.
    seed : int
        The same seed gives the same points.
    dtype : torch.dtype
        Of points and positions.

    Returns
    -------
    X : Tensor, (n, 2)
    y : Tensor, (n,)
        Class, int64: 0 (upper moon) and 1 (lower moon) in turn, so that the first rows are
        balanced; the angle a is uniform on [0, pi).

    Raises
    ------
    ValueError
        n is below 1, noise negative or dtype not floating.

    Examples
    --------
    >>> X, y = two_moons(4)
    >>> X.shape, y
    (torch.Size([4, 2]), tensor([0, 1, 0, 1]))
    """
    generator = _generator(n, noise, seed, dtype)
    upper = _direction(math.pi * _uniform(n, generator))
    y = torch.arange(n, device="cpu") % 2
    X = torch.where(y.unsqueeze(1) == 0, upper, torch.tensor([1.0, 0.5], device="cpu") - upper)
    return _finish(X, y, noise, generator, dtype)


def _generator(n: int, noise: float, seed: int, dtype: torch.dtype) -> torch.Generator:
    """Check what all manifolds share; return the seeded generator."""
    check_integer("n", n)
    if n < 1:
        raise ValueError(f"n: got {n}, want at least 1")
    if not (math.isfinite(noise) and noise >= 0):
        raise ValueError(f"noise: got {noise!r}, want a finite standard deviation of at least 0")
    if not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
        raise ValueError(f"dtype: got {dtype!r}, want a floating one such as torch.float32")
    return torch.Generator().manual_seed(check_seed(seed))


def _uniform(n: int, generator: torch.Generator) -> Tensor:
    return torch.rand(n, generator=generator, dtype=torch.float64, device="cpu")


def _direction(angle: Tensor) -> Tensor:
    """Unit vectors (n, 2)."""
    return torch.stack((angle.cos(), angle.sin()), dim=1)


def _finish(
    X: Tensor, position: Tensor, noise: float, generator: torch.Generator, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Add the noise; bring points and angles (not classes) to ``dtype``."""
    if noise > 0:
        X = X + noise * torch.randn(X.shape, generator=generator, dtype=X.dtype, device="cpu")
    return X.to(dtype), position.to(dtype) if position.is_floating_point() else position
