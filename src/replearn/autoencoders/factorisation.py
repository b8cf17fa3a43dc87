r"""Deep factorisation and deep sparse coding: autoencoders without an encoder.

Each training sample has a code of its own, a free parameter as the weights of the decoder are::

    min over H and V    sum_i ||x_i - x_hat_i||^2 + penalty ||h_i||_1,     x_hat_i = o(g_V(h_i))

With one linear layer and no penalty this is the factorisation X ~ H B^T, whose optimum is PCA's;
with a penalty it is sparse coding, where the squared error has no factor of a half, so that
``penalty`` is twice that of ``replearn.sparse``. More layers make it *deep*.

With a penalty the decoder's matrices have columns of unit length. Otherwise codes could shrink and
weights grow for nothing, and the penalty would cost nothing.

A new sample has no code. ``infer`` looks for one, by (proximal) gradient descent in h with V held
fixed, from the training code that reconstructs it best. Each sample has its own step, halved until
the objective falls as it should and then let grow. The problem is not convex: a start elsewhere may
end elsewhere.

Sources: Tan & Mavrovouniotis (1995), Reducing data dimensionality through optimizing neural network
inputs, AIChE Journal 41; Fan & Cheng (2018), Matrix completion by deep matrix factorization,
Neural Networks 98; Beck & Teboulle (2009), A fast iterative shrinkage-thresholding algorithm, SIAM
Journal on Imaging Sciences 2, for the search of the step.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from replearn._batches import by_rows
from replearn._validate import (
    check_integer,
    check_matrix,
    check_not_negative,
    check_recorded,
    check_rows,
    check_samples,
    check_tensor,
)
from replearn.autoencoders.layers import ACTIVATIONS, Dense, check_activation, dense_stack
from replearn.autoencoders.networks import check_output
from replearn.device import seeded
from replearn.sparse.prox import soft_threshold

__all__ = ["DeepFactorisation", "UnitColumns", "factorisation_loss"]

_STARTS = 1024  # training codes that inference compares for a start
_ROWS = 4096  # samples whose codes are inferred at a time
_HALVINGS = 30  # of a step, until a sample counts as finished: rounding hides any fall


class UnitColumns(Dense):
    """A dense layer whose matrix is ``weight`` with its columns divided by their lengths.

    Parameters
    ----------
    d : int
        Width of the input, at least 1.
    m : int
        Width of the output, at least 1.
    activation : str
        A key of ``ACTIVATIONS``.

    Raises
    ------
    ValueError
        A width or an activation that does not fit.

    Examples
    --------
    >>> layer = UnitColumns(2, 3, "linear")
    >>> layer(torch.eye(2)).norm(dim=1).detach().round(decimals=4)
    tensor([1., 1.])
    """

    def forward(self, X: Tensor) -> Tensor:
        """The layer's values s(W x + b) of rows.

        Parameters
        ----------
        X : Tensor, (n, d)
            Of the dtype and on the device of the weights. NaN gives NaN.

        Returns
        -------
        Tensor, (n, m)

        Raises
        ------
        ValueError
            X does not fit the weights.
        """
        check_rows("X", X, self.weight, self.weight.shape[1])
        W = functional.normalize(self.weight, dim=0)
        return ACTIVATIONS[self.activation](functional.linear(X, W, self.bias))


class DeepFactorisation(nn.Module):
    """A decoder and a free code for each of ``n`` samples: see the module's text.

    Parameters
    ----------
    n : int
        Samples to be trained on.
    sizes : sequence of int
        Widths from the code outwards, such as ``[2, 64, 784]``.
    penalty : float
        Weight of ||h||_1, at least 0; above 0 the decoder's matrices have unit columns.
    activation : str
        Activation of the hidden layers.
    output : str
        "linear" or "sigmoid".
    seed : int
        Seed of the start; the global generator is left as it was.

    Attributes
    ----------
    H : Tensor, (n, m)
        The codes, from small normal values. The optimiser's steps bring those that the penalty
        would have at 0 near 0 only; ``infer`` gives exact zeros.
    decoder : nn.Sequential
        Dense layers (n, m) -> (n, d), without the output's activation.
    sizes : sequence of int
        As given.
    penalty : float
        As given.
    activation : str
        As given.
    output : str
        As given.

    Raises
    ------
    ValueError
        An argument does not fit.

    Examples
    --------
    >>> from replearn.data import load_digits
    >>> from replearn.training import train
    >>> X = load_digits().X[:256]
    >>> model = DeepFactorisation(len(X), [2, 16, 64])
    >>> y = torch.arange(len(X))
    >>> history = train(model, X, y=y, loss=factorisation_loss, epochs=5)
    >>> history.loss[-1] < history.loss[0]
    True
    """

    def __init__(
        self,
        n: int,
        sizes: Sequence[int],
        *,
        penalty: float = 0.0,
        activation: str = "relu",
        output: str = "linear",
        seed: int = 0,
    ) -> None:
        super().__init__()
        check_integer("n", n)
        if n < 1:
            raise ValueError(f"n: got {n}, want at least 1")
        check_not_negative("penalty", penalty)
        check_activation(activation)
        check_output(output)
        self.penalty, self.activation, self.output = float(penalty), activation, output
        self.sizes = [int(size) for size in sizes]
        layer = UnitColumns if self.penalty > 0 else Dense
        with seeded(seed):
            self.decoder = dense_stack(sizes, activation, "linear", layer=layer)
            self.H = nn.Parameter(0.1 * torch.randn(n, sizes[0], device="cpu"))

    def decode(self, H: Tensor) -> Tensor:
        """Reconstructions X_hat of codes.

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
            H does not fit the model's own codes.
        """
        check_rows("H", H, self.H, self.H.shape[1])
        return ACTIVATIONS[self.output](self.decoder(H))

    def forward(self, index: Tensor) -> Tensor:
        """Reconstructions of training samples.

        Parameters
        ----------
        index : Tensor, (k,)
            Their numbers, int64.

        Returns
        -------
        Tensor, (k, d)

        Raises
        ------
        ValueError
            ``index`` is no such tensor, or has a number that no training sample has.
        """
        return self.decode(_codes(self.H, index))

    def cost(self, X: Tensor, H: Tensor) -> Tensor:
        """``||x - x_hat||^2 + penalty ||h||_1`` of each sample and its code.

        Parameters
        ----------
        X : Tensor, (n, d)
            Samples. NaN gives NaN.
        H : Tensor, (n, m)
            Codes.

        Returns
        -------
        Tensor, (n,)
            In the squared units of X.

        Raises
        ------
        ValueError
            H does not fit the model's own codes, or X the reconstructions.
        """
        check_samples("X", X)
        X_hat = self.decode(H)
        if X_hat.shape != X.shape:
            raise ValueError(
                f"X: got shape {tuple(X.shape)}, want {tuple(X_hat.shape)}, as the reconstructions"
            )
        check_rows("X", X, self.H)
        cost = (X - X_hat).square().sum(1)
        return cost + self.penalty * H.abs().sum(1) if self.penalty > 0 else cost

    @torch.no_grad()
    def infer(self, X: Tensor, steps: int = 100) -> Tensor:
        """Codes (n, m) of new samples X (n, d), after so many steps of descent.

        Parameters
        ----------
        X : Tensor, (n, d)
            Samples.
        steps : int
            Steps of descent, at least 1.

        Returns
        -------
        Tensor, (n, m)

        Raises
        ------
        ValueError
            X or ``steps`` does not fit.
        """
        check_integer("steps", steps)
        if steps < 1:
            raise ValueError(f"steps: got {steps}, want at least 1")
        check_matrix("X", X, self.sizes[-1])
        check_rows("X", X, self.H)
        return by_rows(lambda some: self._infer(some, steps), X, _ROWS)

    def _infer(self, X: Tensor, steps: int) -> Tensor:
        H = self._start(X)
        t = X.new_ones(len(X))
        active = torch.arange(len(X), device=X.device)  # samples that still move
        for _ in range(steps):
            trial, t[active], moved = self._step(X[active], H[active], t[active])
            H[active] = trial
            active = active[moved]
            if len(active) == 0:
                break
        return H

    def _step(self, X: Tensor, H: Tensor, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One step: new codes, the steps to try next, and which samples moved."""
        smooth, gradient = self._smooth(X, H)
        value = smooth + self.penalty * H.abs().sum(1)
        slack = 4 * torch.finfo(X.dtype).eps * smooth  # of rounding
        H, t = H.clone(), t.clone()
        moved = torch.zeros_like(t, dtype=torch.bool)
        i = torch.arange(len(X), device=X.device)  # samples without a step yet
        for _ in range(_HALVINGS):
            step, slope = t[i, None], gradient[i]
            trial = soft_threshold(H[i] - step * slope, step * self.penalty)
            move = trial - H[i]
            bound = smooth[i] + ((slope + move / (2 * step)) * move).sum(1)
            reached = (X[i] - self.decode(trial)).square().sum(1)
            cost = reached + self.penalty * trial.abs().sum(1)
            good = (reached <= bound + slack[i]) & (cost < value[i])
            H[i[good]], moved[i[good]] = trial[good], True
            i = i[~good]
            if len(i) == 0:
                break
            t[i] *= 0.5
        return H, 1.5 * t, moved

    def _smooth(self, X: Tensor, H: Tensor) -> tuple[Tensor, Tensor]:
        """||x - x_hat||^2 (n,) and its gradient in h (n, m)."""
        with torch.enable_grad():
            H = H.detach().requires_grad_()
            values = (X - self.decode(H)).square().sum(1)
            (gradient,) = torch.autograd.grad(values.sum(), H)
        return values.detach(), gradient

    def _start(self, X: Tensor) -> Tensor:
        """For each sample the best of 0 and some training codes."""
        chosen = self.H.detach()[:: -(-len(self.H) // _STARTS)]
        starts = torch.cat([chosen.new_zeros(1, chosen.shape[1]), chosen])
        X_hat = self.decode(starts)
        # ||x - x_hat||^2 but for what all starts share, around their mean: far from 0 the terms
        # would cancel.
        origin = X_hat.mean(0)
        X, X_hat = X - origin, X_hat - origin
        costs = X_hat.square().sum(1) + self.penalty * starts.abs().sum(1) - 2 * X @ X_hat.T
        return starts[costs.argmin(1)]


def factorisation_loss(model: DeepFactorisation, X: Tensor, index: Tensor) -> Tensor:
    """Mean of ||x - x_hat||^2 + penalty ||h||_1 over training samples X (k, d).

    Their numbers are ``index`` (k,): for ``train`` with ``y=torch.arange(n)``.

    There is no code for validation samples; ``infer`` finds one.

    Parameters
    ----------
    model : DeepFactorisation
        The model that is trained.
    X : Tensor, (k, d)
        Training samples.
    index : Tensor, (k,)
        Their numbers, int64.

    Returns
    -------
    Tensor, ()
        In the squared units of X.

    Raises
    ------
    ValueError
        ``index`` or X does not fit the model.

    Examples
    --------
    >>> model = DeepFactorisation(5, [2, 3])
    >>> X, index = torch.ones(2, 3), torch.tensor([4, 0])
    >>> wanted = (X - model(index)).square().sum(1).mean()
    >>> torch.isclose(factorisation_loss(model, X, index), wanted)
    tensor(True)
    """
    return model.cost(X, _codes(model.H, index)).mean()


def _codes(H: Tensor, index: Tensor) -> Tensor:
    """The codes of training samples, by their numbers."""
    check_tensor("index", index)
    check_recorded("index", index)
    if index.ndim != 1 or index.dtype not in (torch.int64, torch.int32):
        raise ValueError(
            f"index: got shape {tuple(index.shape)} and dtype {index.dtype}, want (k,) of int64"
        )
    if index.device != H.device:
        raise ValueError(f"index: got device {index.device}, want {H.device}, as the codes")
    try:
        return H[index]
    except IndexError as error:  # asked for beforehand, it would wait for the device at every step
        raise ValueError(
            f"index: got numbers that are none of the {len(H)} training samples', want 0 to "
            f"{len(H) - 1}"
        ) from error
