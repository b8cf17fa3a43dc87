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

Arguments of all functions
--------------------------
means : (k, d). weights : (k,), none negative, scaled to sum 1; None: all equal.
covariances : in squared units of the means. One number: isotropic, the same for all components;
    (k,): isotropic, one variance a component; (d, d): full, the same for all; (k, d, d): full, one
    a component. Variances may be 0.
noise_std : s, at least 0. s^2 plus each component's smallest variance must be positive.

Sources: Bishop (2006), Pattern Recognition and Machine Learning, 2.3 and 9.2; Robbins (1956), An
empirical Bayes approach to statistics, Berkeley Symposium 3; Miyasawa (1961), An empirical Bayes
estimator of the mean of a normal population, Bulletin of the International Statistical Institute
38; Efron (2011), Tweedie's formula and selection bias, JASA 106.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from replearn._validate import check_integer, check_matrix, check_not_negative, check_tensor

__all__ = [
    "gaussian_mixture_log_density",
    "gaussian_mixture_posterior_mean",
    "gaussian_mixture_sample",
    "gaussian_mixture_score",
]

_ENTRIES = 2**21  # numbers in one intermediate tensor: bounds the memory


def gaussian_mixture_log_density(
    Y: Tensor,
    means: Tensor,
    covariances: float | Tensor,
    weights: Tensor | None = None,
    noise_std: float = 0.0,
) -> Tensor:
    """``log p_s(y)`` of each row, in nats. Gradients flow through.

    Parameters
    ----------
    Y : (n, d), float32 or float64; the other arguments: see the module's text.

    Returns
    -------
    (n,), in the dtype of Y.

    Raises
    ------
    ValueError : an argument does not fit; the message names it.
    """
    mixture = _mixture(Y, means, covariances, weights, noise_std)
    return _by_rows(Y, mixture, lambda y: torch.logsumexp(mixture.log_joint(y), 1))


def gaussian_mixture_score(
    Y: Tensor,
    means: Tensor,
    covariances: float | Tensor,
    weights: Tensor | None = None,
    noise_std: float = 0.0,
) -> Tensor:
    """``grad log p_s(y)`` of each row: the direction in which the noisy density rises fastest.

    Arguments and errors as in :func:`gaussian_mixture_log_density`.

    Returns
    -------
    (n, d), in the dtype of Y and units of 1 / Y.
    """
    mixture = _mixture(Y, means, covariances, weights, noise_std)

    def score(y: Tensor) -> Tensor:
        r = mixture.log_joint(y).softmax(1)
        return -mixture.combine(y, r, 1.0 / mixture.noisy)

    return _by_rows(Y, mixture, score)


def gaussian_mixture_posterior_mean(
    Y: Tensor,
    means: Tensor,
    covariances: float | Tensor,
    weights: Tensor | None = None,
    noise_std: float = 0.0,
) -> Tensor:
    """``E[x | y]`` of each row, the reconstruction of x from y of least expected squared error.

    Arguments and errors as in :func:`gaussian_mixture_log_density`.

    Returns
    -------
    (n, d), in the dtype and units of Y.
    """
    mixture = _mixture(Y, means, covariances, weights, noise_std)

    def posterior_mean(y: Tensor) -> Tensor:
        r = mixture.log_joint(y).softmax(1)
        return r @ mixture.means + mixture.combine(y, r, mixture.clean / mixture.noisy)

    return _by_rows(Y, mixture, posterior_mean)


@torch.no_grad()
def gaussian_mixture_sample(
    n: int,
    means: Tensor,
    covariances: float | Tensor,
    weights: Tensor | None = None,
    *,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Independent draws from the mixture, without noise.

    Parameters
    ----------
    n : number of draws, at least 1. generator : None takes torch's global one. The other
        arguments: see the module's text.

    Returns
    -------
    X (n, d), in the dtype of the means, and the component of each draw (n,), int64.

    Raises
    ------
    ValueError : an argument does not fit; the message names it.
    """
    check_integer("n", n)
    if n < 1:
        raise ValueError(f"n: got {n}, want at least 1")
    mixture = _mixture(None, means, covariances, weights, 0.0)
    k = len(mixture.means)
    # multinomial refuses more than 2^24 components; no mixture here has as many
    component = torch.multinomial(
        mixture.log_weights.exp(), n, replacement=True, generator=generator
    )
    e = torch.randn(
        n, means.shape[1], generator=generator, dtype=torch.float64, device=means.device
    )
    scaled = e * mixture.clean.sqrt().expand(k, -1)[component]
    if mixture.axes is not None:
        axes = mixture.axes.expand(k, -1, -1)[component]
        scaled = (axes @ scaled.unsqueeze(2)).squeeze(2)
    return (mixture.means[component] + scaled).to(means.dtype), component


@dataclass(frozen=True)
class _Mixture:
    """A mixture in its principal axes, in float64.

    means (k, d); log_weights (k,); axes (k or 1, d, d), columns, or None for isotropic components;
    clean, noisy: variances along the axes without and with the noise, (k or 1, d), or (k or 1, 1)
    for isotropic components.
    """

    means: Tensor
    log_weights: Tensor
    axes: Tensor | None
    clean: Tensor
    noisy: Tensor

    def log_joint(self, y: Tensor) -> Tensor:
        """log w_k + log N(y; mu_k, noisy_k), (n, k)."""
        d = y.shape[1]
        if self.axes is None:
            distances = self._squared_distances(y) / self.noisy.squeeze(1)
            log_volume = d * self.noisy.log().squeeze(1)
        else:
            distances = (self._coordinates(y).square() / self.noisy).sum(2)
            log_volume = self.noisy.log().sum(1)
        return self.log_weights - 0.5 * (distances + log_volume + d * math.log(2 * math.pi))

    def combine(self, y: Tensor, r: Tensor, factors: Tensor) -> Tensor:
        """sum_k r_k A_k (y - mu_k), A_k diagonal in the axes of k with these entries."""
        if self.axes is None:
            r = r * factors.squeeze(1)
            return r.sum(1, keepdim=True) * y - r @ self.means
        Z = self._coordinates(y) * factors * r.unsqueeze(2)
        if len(self.axes) == 1:
            return Z.sum(1) @ self.axes[0].T
        return torch.einsum("nke,kde->nd", Z, self.axes)

    def _squared_distances(self, y: Tensor) -> Tensor:
        # (n, k) by one product of matrices; float64 leaves 1e-16 (||y||^2 + ||mu||^2) of error.
        # Around the mean of the means, so that a common offset costs nothing.
        origin = self.means.mean(0)
        y, mu = y - origin, self.means - origin
        squares = y.square().sum(1, keepdim=True) + mu.square().sum(1) - 2 * y @ mu.T
        return squares.clamp(min=0)

    def _coordinates(self, y: Tensor) -> Tensor:
        """y - mu_k along the axes of k, (n, k, d)."""
        assert self.axes is not None
        difference = y.unsqueeze(1) - self.means
        if len(self.axes) == 1:
            return difference @ self.axes[0]
        return torch.einsum("nkd,kde->nke", difference, self.axes)


def _mixture(
    Y: Tensor | None,
    means: Tensor,
    covariances: float | Tensor,
    weights: Tensor | None,
    noise_std: float,
) -> _Mixture:
    """Check the arguments; diagonalise the covariances. Y None: variances may be 0."""
    check_matrix("means", means)
    k, d = means.shape
    if Y is not None:
        check_matrix("Y", Y, d)
    device = means.device if Y is None else Y.device
    check_not_negative("noise_std", noise_std)
    noise = float(noise_std) ** 2
    if not math.isfinite(noise):
        raise ValueError(f"noise_std: got {noise_std}, want a finite number")

    if weights is None:
        weights = torch.ones(k)
    check_tensor("weights", weights)
    w = weights.to(device, torch.float64)
    if w.shape != (k,):
        raise ValueError(f"weights: got shape {tuple(w.shape)}, want ({k},), one a component")
    if not bool((w >= 0).all()) or not 0 < float(w.sum()) < math.inf:
        raise ValueError("weights: got negative, infinite or no weight, want a distribution")

    axes, clean = _variances(covariances, k, d, device)
    noisy = clean + noise
    if Y is not None and not bool((noisy > 0).all()):
        raise ValueError(
            f"covariances: got a variance of 0 and noise_std {noise_std}, want a density: "
            "noise, or positive variances"
        )
    return _Mixture(means.to(device, torch.float64), (w / w.sum()).log(), axes, clean, noisy)


def _variances(
    covariances: float | Tensor, k: int, d: int, device: torch.device
) -> tuple[Tensor | None, Tensor]:
    """Principal axes (k or 1, d, d), or None, and the variances along them."""
    S = torch.as_tensor(covariances).to(device, torch.float64)
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
        size = float(S.abs().max())
        # Symmetric and not negative up to the rounding of float32, in which it may have been made.
        rounding = 1e-6 * size
        if float((S - S.mT).abs().max()) > rounding:
            raise ValueError("covariances: got a matrix that is not symmetric")
        variances, axes = torch.linalg.eigh((S + S.mT) / 2)
    if float(variances.min()) < -rounding:
        raise ValueError(f"covariances: got variance {float(variances.min()):.3g}, want at least 0")
    return axes, variances.clamp(min=0)


def _by_rows(Y: Tensor, mixture: _Mixture, of: Callable[[Tensor], Tensor]) -> Tensor:
    """``of`` applied to a bounded number of rows at a time, in float64; the dtype of Y again."""
    k, d = mixture.means.shape
    rows = max(1, _ENTRIES // (k if mixture.axes is None else k * d))
    parts = [of(Y[i : i + rows].to(torch.float64)) for i in range(0, len(Y), rows)]
    return torch.cat(parts).to(Y.dtype)
