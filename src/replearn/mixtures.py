r"""Gaussian mixtures with added noise, where the best denoiser is known exactly.

::

    x ~ p(x) = sum_k w_k N(x; mu_k, Sigma_k),        y = x + s e,   e ~ N(0, I)

The noisy y has the same form of density, with Sigma_k + s^2 I for Sigma_k. With the posterior
probabilities ("responsibilities") ``r_k(y)`` of the components::

    p_s(y)            = sum_k w_k N(y; mu_k, Sigma_k + s^2 I)
    r_k(y)            = w_k N(y; mu_k, Sigma_k + s^2 I) / p_s(y)
    grad log p_s(y)   = -sum_k r_k (Sigma_k + s^2 I)^{-1} (y - mu_k)                     the score
    E[x | y]          = sum_k r_k [mu_k + Sigma_k (Sigma_k + s^2 I)^{-1} (y - mu_k)]

The two last are tied by ``E[x | y] = y + s^2 grad log p_s(y)`` (Robbins 1956; Miyasawa 1961), but
each is computed by its own formula here, so that this can be tested. With Sigma_k = 0 and the
samples as means, the mixture is the empirical distribution of a data set, and E[x | y] the best
denoiser for exactly these samples.

Responsibilities are computed from logarithms, in float64, so that they hold also where all
densities underflow.

Sources: Bishop (2006), Pattern Recognition and Machine Learning, 2.3 and 9.2; Robbins (1956), An
empirical Bayes approach to statistics, Berkeley Symposium 3; Miyasawa (1961), An empirical Bayes
estimator of the mean of a normal population, Bulletin of the International Statistical Institute
38; Efron (2011), Tweedie's formula and selection bias, JASA 106.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from replearn._batches import by_rows
from replearn._estimator import Data, in_kind, read
from replearn._validate import (
    check_integer,
    check_matrix,
    check_not_negative,
    check_range,
    check_tensor,
    check_values,
)

__all__ = ["GaussianMixture"]

_ENTRIES = 2**21  # numbers in one intermediate tensor: bounds the memory


class GaussianMixture:
    """A mixture of normal distributions, seen without or with added noise.

    The methods take y = x + s e of any noise s: ``noise_std`` at least 0, where s^2 plus each
    component's smallest variance must be positive. Their results are in the dtype of Y and on its
    device; gradients flow through. NumPy arrays and DataFrames are taken too, and give arrays.

    The parameters are given, so there is nothing to fit: this is a distribution, and no estimator.
    scikit-learn's ``GaussianMixture`` learns parameters by expectation-maximisation; its
    ``means_``, ``covariances_`` and ``weights_`` can be handed over as they are, for all its
    ``covariance_type`` but "diag".

    Parameters
    ----------
    means : Tensor or array-like, (k, d)
        Float32 or float64.
    covariances : float, Tensor or array-like, (), (k,), (d, d) or (k, d, d)
        In squared units of the means. One number: isotropic, the same for all components; (k,):
        isotropic, one variance a component; (d, d): full, the same for all; (k, d, d): full, one
        a component. Variances may be 0.
    weights : Tensor or array-like, (k,), optional
        None negative, scaled to sum 1; by default all equal.

    Attributes
    ----------
    means : Tensor, (k, d)
        As given.
    covariances : Tensor, (), (k,), (d, d) or (k, d, d)
        As given, in float64.
    weights : Tensor, (k,)
        Scaled, in float64.

    Raises
    ------
    ValueError
        An argument does not fit; the message names it.

    Examples
    --------
    Two points, seen with noise: halfway between them the best guess is their mean.

    >>> points = torch.tensor([[0.0, 0.0], [2.0, 0.0]])
    >>> mixture = GaussianMixture(points, 0.0)
    >>> mixture.posterior_mean(torch.tensor([[1.0, 5.0]]), noise_std=0.5)
    tensor([[1., 0.]])
    >>> mixture.score_function(torch.tensor([[0.0, 3.0]]), noise_std=0.5)
    tensor([[ 2.6828e-03, -1.2000e+01]])
    """

    def __init__(self, means: Data, covariances: float | Data, weights: Data | None = None) -> None:
        centres: Tensor = read("means", means)
        check_matrix("means", centres)
        k, d = centres.shape
        self.means = centres
        self.weights = _distribution(_given(weights), k).to(centres.device)
        self.covariances = _numbers(_given(covariances)).to(centres.device)
        # Along the principal axes the components are products of one-dimensional normals.
        self._axes, self._variances = _principal_axes(self.covariances, k, d)
        self._centres, self._log_weights = centres.to(torch.float64), self.weights.log()

    def log_density(self, Y: Data, noise_std: float = 0.0) -> Any:
        """``log p_s(y)`` of each row, in nats.

        Parameters
        ----------
        Y : Tensor or array-like, (n, d)
            Float32 or float64.
        noise_std : float
            Standard deviation s of the noise.

        Returns
        -------
        Tensor or array, (n,)

        Raises
        ------
        ValueError
            An argument does not fit, there is no density (no noise and a variance of 0), or a
            log-density leaves the range of the dtype.
        """
        data, mixture, noisy = self._with_noise(Y, noise_std)
        found = mixture._by_rows(data, lambda y: torch.logsumexp(mixture._log_joint(y, noisy), 1))
        check_range("Y", found, "log-densities")
        return in_kind(found, Y)

    @torch.no_grad()
    def score(self, Y: Data, noise_std: float = 0.0) -> float:
        """Mean of ``log p_s(y)`` over the rows: scikit-learn's ``score``.

        Parameters
        ----------
        Y : Tensor or array-like, (n, d)
            Float32 or float64.
        noise_std : float
            Standard deviation s of the noise.

        Returns
        -------
        float
            In nats a sample.

        Raises
        ------
        ValueError
            As :meth:`log_density`.
        """
        return float(self.log_density(Y, noise_std).mean())

    def score_function(self, Y: Data, noise_std: float = 0.0) -> Any:
        """``grad log p_s(y)`` of each row: the direction in which the density rises fastest.

        Parameters
        ----------
        Y : Tensor or array-like, (n, d)
            Float32 or float64.
        noise_std : float
            Standard deviation s of the noise.

        Returns
        -------
        Tensor or array, (n, d)
            In units of 1 / Y.

        Raises
        ------
        ValueError
            As :meth:`log_density`.
        """
        data, mixture, noisy = self._with_noise(Y, noise_std)

        def score(y: Tensor) -> Tensor:
            r = mixture._log_joint(y, noisy).softmax(1)
            return -mixture._combine(y, r, 1.0 / noisy)

        return in_kind(mixture._by_rows(data, score), Y)

    def posterior_mean(self, Y: Data, noise_std: float = 0.0) -> Any:
        """``E[x | y]`` of each row, the reconstruction of x from y of least expected squared error.

        Parameters
        ----------
        Y : Tensor or array-like, (n, d)
            Float32 or float64.
        noise_std : float
            Standard deviation s of the noise.

        Returns
        -------
        Tensor or array, (n, d)
            In the units of Y.

        Raises
        ------
        ValueError
            As :meth:`log_density`.
        """
        data, mixture, noisy = self._with_noise(Y, noise_std)

        def posterior_mean(y: Tensor) -> Tensor:
            r = mixture._log_joint(y, noisy).softmax(1)
            return r @ mixture._centres + mixture._combine(y, r, mixture._variances / noisy)

        return in_kind(mixture._by_rows(data, posterior_mean), Y)

    @torch.no_grad()
    def sample(self, n: int, *, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Independent draws, without noise.

        Parameters
        ----------
        n : int
            Number of draws, at least 1.
        generator : torch.Generator, optional
            On the device of the means; by default torch's global one.

        Returns
        -------
        X : Tensor, (n, d)
            In the dtype of the means.
        component : Tensor, (n,)
            The component of each draw, int64.

        Raises
        ------
        ValueError
            ``n`` is no integer of at least 1.
        """
        check_integer("n", n)
        if n < 1:
            raise ValueError(f"n: got {n}, want at least 1")
        k, d = self.means.shape
        # multinomial refuses more than 2^24 components; no mixture here has as many
        component = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        e = torch.randn(n, d, generator=generator, dtype=torch.float64, device=self.means.device)
        scaled = e * self._variances.sqrt().expand(k, -1)[component]
        if self._axes is not None:
            axes = self._axes.expand(k, -1, -1)[component]
            scaled = (axes @ scaled.unsqueeze(2)).squeeze(2)
        return (self._centres[component] + scaled).to(self.means.dtype), component

    def _with_noise(self, Y: Data, noise_std: float) -> tuple[Tensor, GaussianMixture, Tensor]:
        """Y, the mixture on its device, and the variances along the axes with the noise."""
        Y = read("Y", Y)
        check_matrix("Y", Y, self.means.shape[1])
        check_not_negative("noise_std", noise_std)
        noise = float(noise_std) ** 2
        if not math.isfinite(noise):
            raise ValueError(f"noise_std: got {noise_std}, want a finite number")
        mixture = self
        if Y.device != self.means.device:
            parameters = (self.means, self.covariances, self.weights)
            mixture = GaussianMixture(*(value.to(Y.device) for value in parameters))
        noisy = mixture._variances + noise
        if not bool((noisy > 0).all()):
            raise ValueError(
                f"covariances: got a variance of 0 and noise_std {noise_std}, want a density: "
                "noise, or positive variances"
            )
        return Y, mixture, noisy

    def _log_joint(self, y: Tensor, noisy: Tensor) -> Tensor:
        """log w_k + log N(y; mu_k, noisy_k), (n, k)."""
        d = y.shape[1]
        if self._axes is None:
            distances = self._squared_distances(y) / noisy.squeeze(1)
            log_volume = d * noisy.log().squeeze(1)
        else:
            distances = (self._coordinates(y, self._axes).square() / noisy).sum(2)
            log_volume = noisy.log().sum(1)
        return self._log_weights - 0.5 * (distances + log_volume + d * math.log(2 * math.pi))

    def _combine(self, y: Tensor, r: Tensor, factors: Tensor) -> Tensor:
        """sum_k r_k A_k (y - mu_k), A_k diagonal in the axes of k with these entries."""
        if self._axes is None:
            r = r * factors.squeeze(1)
            return r.sum(1, keepdim=True) * y - r @ self._centres
        Z = self._coordinates(y, self._axes) * factors * r.unsqueeze(2)
        if len(self._axes) == 1:
            return Z.sum(1) @ self._axes[0].T
        return torch.einsum("nke,kde->nd", Z, self._axes)

    def _squared_distances(self, y: Tensor) -> Tensor:
        # (n, k) by one product of matrices; float64 leaves 1e-16 (||y||^2 + ||mu||^2) of error.
        # Around the mean of the means, so that a common offset costs nothing.
        origin = self._centres.mean(0)
        y, mu = y - origin, self._centres - origin
        squares = y.square().sum(1, keepdim=True) + mu.square().sum(1) - 2 * y @ mu.T
        return squares.clamp(min=0)

    def _coordinates(self, y: Tensor, axes: Tensor) -> Tensor:
        """y - mu_k along the axes of k, (n, k, d)."""
        difference = y.unsqueeze(1) - self._centres
        if len(axes) == 1:
            return difference @ axes[0]
        return torch.einsum("nkd,kde->nke", difference, axes)

    def _by_rows(self, Y: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
        """A bounded number of rows at a time, in float64; the dtype of Y again."""
        k, d = self.means.shape
        rows = max(1, _ENTRIES // (k if self._axes is None else k * d))
        return by_rows(lambda y: function(y.to(torch.float64)), Y, rows).to(Y.dtype)


def _given(values: Data) -> Data:
    """An array or nested lists as a tensor; what is neither stays."""
    if isinstance(values, np.ndarray | list | tuple):
        return torch.from_numpy(np.array(values, dtype=np.float64))
    return values


def _numbers(values: Data) -> Tensor:
    if isinstance(values, Tensor):
        _check_real("covariances", values)
        return values.to(torch.float64)
    if not isinstance(values, Real) or isinstance(values, bool):
        raise ValueError(
            f"covariances: got {type(values).__name__}, want a number, a tensor or an array"
        )
    return torch.tensor(float(values), dtype=torch.float64, device="cpu")


def _check_real(name: str, values: Tensor) -> None:
    """Refuse a tensor that holds no real numbers."""
    check_tensor(name, values)
    check_values(name, values)
    if values.is_complex():
        raise ValueError(f"{name}: got dtype {values.dtype}, want a real one")


def _distribution(weights: Tensor | None, k: int) -> Tensor:
    """Weights of sum 1 in float64."""
    if weights is None:
        weights = torch.ones(k, device="cpu")
    check_tensor("weights", weights)
    _check_real("weights", weights)
    w = weights.to(torch.float64)
    if w.shape != (k,):
        raise ValueError(f"weights: got shape {tuple(w.shape)}, want ({k},), one a component")
    if not bool((w >= 0).all()) or not 0 < float(w.detach().sum()) < math.inf:
        raise ValueError("weights: got negative, infinite or no weight, want a distribution")
    return w / w.sum()


def _principal_axes(S: Tensor, k: int, d: int) -> tuple[Tensor | None, Tensor]:
    """Principal axes (k or 1, d, d), in columns, and the variances along them, (k or 1, d).

    For isotropic components None, and the variances (k or 1, 1).
    """
    if tuple(S.shape) not in ((), (k,), (d, d), (k, d, d)):
        raise ValueError(
            f"covariances: got shape {tuple(S.shape)} for means ({k}, {d}), want a number, "
            f"({k},), ({d}, {d}) or ({k}, {d}, {d})"
        )
    if not bool(torch.isfinite(S).all()):
        raise ValueError("covariances: got NaN or infinite values, want finite ones")
    axes: Tensor | None = None
    if S.ndim < 2:
        variances = S.reshape(-1, 1)
        rounding = 0.0
    else:
        S = S.reshape(-1, d, d)
        size = float(S.detach().abs().max())
        # Symmetric and not negative up to the rounding of float32, in which it may have been made.
        rounding = 1e-6 * size
        if float((S - S.mT).detach().abs().max()) > rounding:
            raise ValueError("covariances: got a matrix that is not symmetric")
        variances, axes = torch.linalg.eigh((S + S.mT) / 2)
    least = float(variances.detach().min())
    if least < -rounding:
        raise ValueError(f"covariances: got variance {least:.3g}, want at least 0")
    return axes, variances.clamp(min=0)
