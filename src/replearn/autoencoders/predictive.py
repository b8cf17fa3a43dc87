r"""Predictive sparse decomposition: sparse coding with an encoder that learns to predict the codes.

The energy of a sample x and a code z, for a dictionary D with atoms of unit length::

    E(x, z) = 1/2 ||x - D z||^2 + penalty ||z||_1 + pull/2 ||z - f(x)||^2

    f(x) = g * s(W x + b)        g: one gain for each unit, so that s = tanh may predict any size

Training alternates: z is inferred with D and f held fixed, then D, W, b and g take a step down the
gradient of E with z held fixed. At the minimum over z this is the gradient of min_z E, as z's own
derivative is then 0 or goes along no change of E. Afterwards f alone gives a code, at the price of
one product of matrices.

Inference is proximal gradient descent from z = f(x). With t = 1 / (L + pull), L the largest
eigenvalue of D^T D, and S the soft threshold, each step lowers E or leaves it::

    z <- S(z - t [D^T (D z - x) + pull (z - f(x))], t penalty)

The gradient of the smooth part has slope at least pull, so that the distance to the minimiser
shrinks by L / (L + pull) or more with every step.

Sources: Kavukcuoglu, Ranzato & LeCun (2008), Fast inference in sparse coding algorithms with
applications to object recognition, technical report CBLL-TR-2008-12-01, arXiv:1010.3467.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from replearn._validate import (
    check_integer,
    check_matrix,
    check_not_negative,
    check_rows,
    check_samples,
)
from replearn.autoencoders.layers import Dense
from replearn.autoencoders.networks import Autoencoder
from replearn.device import seeded
from replearn.sparse.lasso import lipschitz
from replearn.sparse.prox import soft_threshold

__all__ = ["GainEncoder", "PredictiveSparse", "UnitDictionary", "predictive_loss"]


class GainEncoder(nn.Module):
    """f(x) = g * s(W x + b), for rows.

    Parameters
    ----------
    d : int
        Width of the samples.
    m : int
        Width of the codes.
    activation : str
        A key of ``ACTIVATIONS``.

    Attributes
    ----------
    layer : Dense
        With weight W (m, d), bias b (m,) and activation s.
    gain : Tensor, (m,)
        g, from 1.

    Raises
    ------
    ValueError
        A width or an activation that does not fit.

    Examples
    --------
    >>> encoder = GainEncoder(3, 2)
    >>> encoder(torch.zeros(1, 3)).detach()
    tensor([[0., 0.]])
    """

    def __init__(self, d: int, m: int, activation: str = "tanh") -> None:
        super().__init__()
        self.layer = Dense(d, m, activation)
        self.gain = nn.Parameter(torch.ones(m, device="cpu"))

    def forward(self, X: Tensor) -> Tensor:
        """Predicted codes.

        Parameters
        ----------
        X : Tensor, (n, d)
            Samples. NaN gives NaN.

        Returns
        -------
        Tensor, (n, m)

        Raises
        ------
        ValueError
            X does not fit the weights.
        """
        H: Tensor = self.layer(X)
        return self.gain * H


class UnitDictionary(nn.Module):
    """The decoder D h with atoms of unit length.

    D is ``weight`` with its columns divided by their lengths, so that no step of an optimiser can
    change them.

    Parameters
    ----------
    d : int
        Width of the samples.
    m : int
        Width of the codes.

    Attributes
    ----------
    weight : Tensor, (d, m)
        What is trained.
    D : Tensor, (d, m)
        Atoms of length 1; a column of zeros stays zero.

    Examples
    --------
    >>> dictionary = UnitDictionary(3, 2)
    >>> dictionary.D.norm(dim=0).detach().round(decimals=4)
    tensor([1., 1.])
    """

    def __init__(self, d: int, m: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(functional.normalize(torch.randn(d, m, device="cpu"), dim=0))

    @property
    def D(self) -> Tensor:
        """The dictionary (d, m), with atoms of unit length."""
        return functional.normalize(self.weight, dim=0)

    def forward(self, H: Tensor) -> Tensor:
        """Reconstructions D h of codes.

        Parameters
        ----------
        H : Tensor, (n, m)
            Codes. NaN gives NaN.

        Returns
        -------
        Tensor, (n, d)

        Raises
        ------
        ValueError
            H does not fit the weights.
        """
        check_rows("H", H, self.weight, self.weight.shape[1])
        return H @ self.D.T

    def extra_repr(self) -> str:
        """What the layer's repr shows: its sizes.

        Returns
        -------
        str
        """
        d, m = self.weight.shape
        return f"{d}, {m}"


class PredictiveSparse(Autoencoder):
    """Predictive sparse decomposition: see the module's text.

    ``encode`` is the prediction f(x), ``infer`` the minimiser z of the energy, ``decode`` is D h.

    Parameters
    ----------
    d : int
        Width of the samples.
    m : int
        Width of the codes.
    penalty : float
        Weight of ||z||_1, at least 0.
    pull : float
        Weight of 1/2 ||z - f(x)||^2, at least 0; at 0 codes are those of sparse coding and the
        encoder learns nothing.
    activation : str
        s of the encoder. With one that is never negative ("sigmoid", "relu", "softplus") a unit can
        only predict codes of one sign, its gain's.
    steps : int
        Steps of the inference in training, at least 1.
    seed : int
        Seed of the start; the global generator is left as it was.

    Attributes
    ----------
    encoder : GainEncoder
        The trained prediction.
    decoder : UnitDictionary
        The dictionary.
    D : Tensor, (d, m)
        Its dictionary.
    penalty : float
        As given.
    pull : float
        As given.
    steps : int
        As given.

    Raises
    ------
    ValueError
        An argument does not fit.

    Examples
    --------
    >>> from replearn.training import train
    >>> X = torch.randn(32, 9, generator=torch.Generator().manual_seed(0))
    >>> model = PredictiveSparse(9, 16, penalty=0.5)
    >>> history = train(model, X, loss=predictive_loss, epochs=5)
    >>> history.loss[-1] < history.loss[0]
    True
    """

    encoder: GainEncoder
    decoder: UnitDictionary

    def __init__(
        self,
        d: int,
        m: int,
        penalty: float,
        pull: float = 1.0,
        *,
        activation: str = "tanh",
        steps: int = 20,
        seed: int = 0,
    ) -> None:
        check_not_negative("penalty", penalty)
        check_not_negative("pull", pull)
        _check_steps(steps)
        with seeded(seed):
            encoder = GainEncoder(d, m, activation)
            decoder = UnitDictionary(d, m)
        super().__init__(encoder, decoder, output="linear")
        self.penalty, self.pull, self.steps = float(penalty), float(pull), int(steps)

    @property
    def D(self) -> Tensor:
        """The decoder's dictionary (d, m)."""
        return self.decoder.D

    def energy(self, X: Tensor, Z: Tensor) -> Tensor:
        """The energy E(x, z) of each sample and its code.

        Parameters
        ----------
        X : Tensor, (n, d)
            Samples. NaN gives NaN.
        Z : Tensor, (n, m)
            Codes.

        Returns
        -------
        Tensor, (n,)
            In the squared units of X.

        Raises
        ------
        ValueError
            X or Z does not fit the weights, or they are not as many.
        """
        for name, rows, width in (("X", X, 0), ("Z", Z, 1)):
            check_samples(name, rows)
            check_rows(name, rows, self.decoder.weight, self.decoder.weight.shape[width])
        if len(X) != len(Z):
            raise ValueError(f"Z: got {len(Z)} codes, want {len(X)}, one for each row of X")
        return (
            0.5 * (X - self.decode(Z)).square().sum(1)
            + self.penalty * Z.abs().sum(1)
            + 0.5 * self.pull * (Z - self.encode(X)).square().sum(1)
        )

    @torch.no_grad()
    def infer(self, X: Tensor, steps: int | None = None) -> Tensor:
        """Codes Z (n, m) of X (n, d) after so many steps from f(x); None: ``self.steps``.

        Parameters
        ----------
        X : Tensor, (n, d)
            Samples.
        steps : int, optional
            Steps of descent, at least 1.

        Returns
        -------
        Tensor, (n, m)

        Raises
        ------
        ValueError
            X or ``steps`` does not fit.
        """
        steps = self.steps if steps is None else steps
        _check_steps(steps)
        D = self.D
        check_matrix("X", X, D.shape[0], finite=not self.training)
        check_rows("X", X, D)
        Z = self.encode(X)
        t = 1 / (lipschitz(D) + self.pull)
        # The smooth part's gradient is Z G - B, with both fixed: one product a step.
        G = D.T @ D
        G.diagonal().add_(self.pull)
        B = X @ D + self.pull * Z
        for _ in range(steps):
            Z = soft_threshold(Z - t * (Z @ G - B), t * self.penalty)
        return Z


def predictive_loss(model: PredictiveSparse, X: Tensor) -> Tensor:
    """Mean over the samples of E(x, z) at the inferred z, held fixed: for ``train``.

    Parameters
    ----------
    model : PredictiveSparse
        The model that is trained.
    X : Tensor, (n, d)
        Samples.

    Returns
    -------
    Tensor, ()
        In the squared units of X.

    Raises
    ------
    ValueError
        X does not fit the model.

    Examples
    --------
    >>> model = PredictiveSparse(4, 6, penalty=0.1)
    >>> X = torch.ones(3, 4)
    >>> Z = model.infer(X)
    >>> torch.isclose(predictive_loss(model, X), model.energy(X, Z).mean())
    tensor(True)
    """
    return model.energy(X, model.infer(X)).mean()


def _check_steps(steps: int) -> None:
    check_integer("steps", steps)
    if steps < 1:
        raise ValueError(f"steps: got {steps}, want at least 1")
