r"""Linear autoencoders and the factorisation that find the subspace of PCA.

A linear autoencoder ``x -> D (W x + b_enc) + b_dec`` and the factorisation ``Xc ~ H D^T`` have the
same least reconstruction error as :class:`replearn.pca.PCA`; their optimal ``D`` spans the same
subspace (Bourlard and Kamp 1988, Baldi and Hornik 1989).

Everything here follows the dtype and device of the tensors it is given.

References
----------
H. Bourlard and Y. Kamp, Biological Cybernetics 59 (1988). P. Baldi and K. Hornik, Neural Networks 2
(1989).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from replearn._scale import exponent, float_times_power, times_power
from replearn._validate import (
    check_integer,
    check_matrix,
    check_not_negative,
    check_rows,
    check_samples,
    check_seed,
)

__all__ = ["Factorisation", "LinearAutoencoder", "factorise", "reconstruction_loss"]

# The largest |k| for which the squares of values of about 2^k are numbers with all their digits.
_SQUARES = {torch.float32: 40, torch.float64: 400}


class LinearAutoencoder(nn.Module):
    r"""``x_hat = D (W x + b_enc) + b_dec``, for a row: ``X_hat = (X W^T + b_enc) D^T + b_dec``.

    Parameters
    ----------
    d : int
        Dimension of the data.
    m : int
        Dimension of the code.
    tied : bool
        Use W^T as the decoder: D = W^T, and there is one matrix to learn.
    bias : bool
        With b_enc and b_dec; without, center the data first.
    seed : int
        Seed of the initial weights, drawn from N(0, 1/d): rows of W and columns of D have length
        about one. Biases start at 0. The global random state is neither used nor changed.

    Attributes
    ----------
    W : Parameter, (m, d)
        Encoder.
    D : Parameter or Tensor, (d, m)
        Decoder: a parameter, or W^T when tied. ``decoder`` is another name for it.
    b_enc : Parameter, (m,), or None
        Bias of the code; None without bias.
    b_dec : Parameter, (d,), or None
        Bias of the reconstruction; None without bias.

    Raises
    ------
    ValueError
        d or m is not a positive integer, or an input has the wrong shape.

    Examples
    --------
    >>> model = LinearAutoencoder(64, 10, tied=True)
    >>> model
    LinearAutoencoder(d=64, m=10, tied=True, bias=True)
    >>> model.encode(torch.zeros(3, 64)).shape
    torch.Size([3, 10])
    """

    b_enc: Tensor | None
    b_dec: Tensor | None

    def __init__(
        self, d: int, m: int, *, tied: bool = False, bias: bool = True, seed: int = 0
    ) -> None:
        super().__init__()
        check_integer("d", d)
        check_integer("m", m)
        seed = check_seed(seed)
        if d < 1 or m < 1:
            raise ValueError(f"d, m: got d={d}, m={m}, want both at least 1")
        self.d, self.m, self.tied = d, m, tied
        generator, cpu = torch.Generator("cpu").manual_seed(seed), torch.device("cpu")
        W = torch.randn(m, d, generator=generator, device=cpu) / math.sqrt(d)
        self.W = nn.Parameter(W)
        if not tied:
            D = torch.randn(d, m, generator=generator, device=cpu) / math.sqrt(d)
            self.D = nn.Parameter(D)
        for name, width in (("b_enc", m), ("b_dec", d)):
            start = nn.Parameter(torch.zeros(width, device=cpu)) if bias else None
            self.register_parameter(name, start)

    @property
    def decoder(self) -> Tensor:
        """D (d, m), which is W^T when tied."""
        return self.D

    def __getattr__(self, name: str) -> Any:
        # A module keeps its parameters outside the class, so that a property D would hide the
        # parameter D; torch calls this for every name that is not an ordinary attribute.
        if name == "D" and self.tied:
            return self.W.T
        return super().__getattr__(name)

    def encode(self, X: Tensor) -> Tensor:
        """Codes of samples.

        Parameters
        ----------
        X : Tensor, (n, d)
            Samples, of the dtype and on the device of the weights. NaN gives NaN.

        Returns
        -------
        Tensor, (n, m)

        Raises
        ------
        ValueError
            X does not fit the weights.
        """
        _check_rows("X", X, self.W, self.d)
        return nn.functional.linear(X, self.W, self.b_enc)

    def decode(self, H: Tensor) -> Tensor:
        """Reconstructions from codes.

        Parameters
        ----------
        H : Tensor, (n, m)
            Codes, of the dtype and on the device of the weights. NaN gives NaN.

        Returns
        -------
        Tensor, (n, d)

        Raises
        ------
        ValueError
            H does not fit the weights.
        """
        _check_rows("H", H, self.W, self.m)
        return nn.functional.linear(H, self.decoder, self.b_dec)

    def forward(self, X: Tensor) -> Tensor:
        """Reconstructions of samples.

        Parameters
        ----------
        X : Tensor, (n, d)
            Samples, as for :meth:`encode`.

        Returns
        -------
        Tensor, (n, d)

        Raises
        ------
        ValueError
            X does not fit the weights.
        """
        return self.decode(self.encode(X))

    def extra_repr(self) -> str:
        """What the model's repr shows: sizes, and whether tied and with biases.

        Returns
        -------
        str
        """
        return f"d={self.d}, m={self.m}, tied={self.tied}, bias={self.b_enc is not None}"


def reconstruction_loss(model: nn.Module, X: Tensor) -> Tensor:
    """Reconstruction error (1/n) sum_i ||x_i - model(x_i)||^2, a scalar with its gradient.

    A mean over samples of a sum over coordinates: torch's ``mse_loss`` times d.

    Parameters
    ----------
    model : nn.Module
        Gives the reconstructions of X.
    X : Tensor, (n, d)
        Samples. They are not looked at: NaN gives NaN.

    Returns
    -------
    Tensor, ()
        In the squared units of X.

    Raises
    ------
    ValueError
        X is no dense floating (n, d) tensor, or the model's output has another shape.

    Examples
    --------
    >>> reconstruction_loss(nn.Identity(), torch.ones(3, 2))
    tensor(0.)
    """
    check_samples("X", X)
    X_hat = model(X)
    if X_hat.shape != X.shape:
        raise ValueError(
            f"X: got shape {tuple(X.shape)} and model output {tuple(X_hat.shape)}, "
            "want (n, d) for both"
        )
    return mse_loss(X_hat, X) * X.shape[1]


@dataclass(frozen=True)
class Factorisation:
    """``X ~ mean + H D^T``.

    Attributes
    ----------
    H : Tensor, (n, m)
        Codes.
    D : Tensor, (d, m)
        Dictionary, an atom a column.
    mean : Tensor, (d,)
        Mean of the samples.
    errors : list of float
        Reconstruction error (mean over samples of the squared length of the residual) after each
        iteration; it never increases.
    converged : bool
        Whether ``tol`` or the limit of the dtype ended them, and not ``iterations``.

    Examples
    --------
    >>> found = factorise(torch.tensor([[1.0, 2.0], [3.0, 6.0]]), 1)
    >>> found.H.shape, found.D.shape, found.mean, found.converged
    (torch.Size([2, 1]), torch.Size([2, 1]), tensor([2., 4.]), True)
    """

    H: Tensor
    D: Tensor
    mean: Tensor
    errors: list[float]
    converged: bool


@torch.no_grad()
def factorise(
    X: Tensor, m: int, *, iterations: int = 100, tol: float = 1e-9, seed: int = 0
) -> Factorisation:
    r"""Factorise ``Xc ~ H D^T`` by alternating least squares.

    From a random D, each iteration solves for the codes and then for the dictionary::

        H = Xc D (D^T D)^{-1},   D = Xc^T H (H^T H)^{-1}

    Both are least squares problems solved exactly, so that the error never increases. D tends to
    a basis of the principal subspace, in general neither orthonormal nor the eigenvectors: any
    invertible A gives the same product with H A and D A^{-T}. The rate is that of orthogonal
    iteration, a factor (lambda_{m+1} / lambda_m)^2 in the squared angle an iteration.

    Parameters
    ----------
    X : Tensor, (n, d)
        Samples, at least two, float32 or float64.
    m : int
        Number of atoms, 1 to min(n, d).
    iterations : int
        At most so many.
    tol : float
        Stop when an iteration lowers the error by less than this fraction, or, at the limit of
        the dtype, not at all (such an iteration is dropped).
    seed : int
        Seed of the first D. The global random state is not used.

    Returns
    -------
    Factorisation

    Raises
    ------
    ValueError
        X is not a finite float (n, d) tensor, or m, iterations or tol is out of range.

    Examples
    --------
    >>> X = torch.tensor([[2.0, 1.0], [-2.0, -1.0], [4.0, 2.0], [-4.0, -2.0]])
    >>> found = factorise(X, 1)
    >>> torch.allclose(found.mean + found.H @ found.D.T, X, atol=1e-5)
    True
    """
    check_matrix("X", X)
    n, d = X.shape
    check_integer("m", m)
    check_integer("iterations", iterations)
    seed = check_seed(seed)
    if not 1 <= m <= min(n, d):
        raise ValueError(f"m: got {m} for X of shape ({n}, {d}), want 1 to {min(n, d)}")
    if iterations < 1:
        raise ValueError(f"iterations: got {iterations}, want at least 1")
    check_not_negative("tol", tol)
    k = exponent(X)
    k = k if abs(k) > _SQUARES[X.dtype] else 0  # scaled only where squares might leave the range
    scaled = times_power(X, -k)
    mean = scaled.mean(0)
    Xc = scaled - mean
    generator, cpu = torch.Generator("cpu").manual_seed(seed), torch.device("cpu")
    D = torch.randn(d, m, generator=generator, dtype=X.dtype, device=cpu).to(X.device)
    D, H = D / math.sqrt(d), Xc[:, :0]
    errors: list[float] = []
    converged = False
    for _ in range(iterations):
        # The pseudo-inverse is (D^T D)^{-1} D^T, and defined where X has a rank below m.
        H_next = Xc @ torch.linalg.pinv(D).T
        D_next = Xc.T @ torch.linalg.pinv(H_next).T
        error = float(mse_loss(H_next @ D_next.T, Xc)) * d
        if errors and error >= errors[-1]:
            converged = True
            break
        converged = bool(errors) and errors[-1] - error <= tol * errors[-1]
        H, D = H_next, D_next
        errors.append(error)
        if converged:
            break
    errors = [float_times_power(error, 2 * k) for error in errors]
    if not math.isfinite(errors[0]):
        raise ValueError(
            f"X: got values of about 2^{k}, whose squares leave the range of float64, want other "
            "units"
        )
    return Factorisation(
        H=times_power(H, k), D=D, mean=times_power(mean, k), errors=errors, converged=converged
    )


def _check_rows(name: str, X: Tensor, weight: Tensor, d: int) -> None:
    check_rows(name, X, weight, d)
    if X.ndim != 2 or X.shape[1] != d:
        raise ValueError(f"{name}: got shape {tuple(X.shape)}, want (n, {d})")
