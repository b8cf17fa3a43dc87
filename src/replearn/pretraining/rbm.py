r"""Restricted Boltzmann machines, trained by contrastive divergence.

A joint distribution of a sample x (visible, d values) and a code h (hidden, m values)::

    p(x, h) = exp(-E(x, h)) / Z,     E(x, h) = -h^T W x - b^T h - c^T x      binary x and h

    p(h_j = 1 | x) = sigmoid((W x + b)_j)        p(x_k = 1 | h) = sigmoid((W^T h + c)_k)
    p(x) = exp(-F(x)) / Z,     F(x) = -c^T x - sum_j log(1 + exp((W x + b)_j))

With hidden="gaussian" the code is real, E gains ||h||^2 / 2, p(h | x) = N(W x + b, I) and
F(x) = -c^T x - ||W x + b||^2 / 2; with visible="gaussian" the sample is real with variance 1,
p(x | h) = N(W^T h + c, I) and -c^T x becomes ||x - c||^2 / 2.

The gradient of the log-likelihood is E_data[-dF] - E_model[-dF]. Contrastive divergence takes the
second mean over x_k, where k steps of Gibbs sampling lead from the data (Hinton 2002)::

    loss = F(x) - F(x_k),    x_k held fixed

The value of this loss says little, its gradient is what counts: it is not the likelihood's, and of
no function (Sutskever and Tieleman 2010).

Sources: Smolensky (1986), Harmony theory; Hinton (2002), Training products of experts by minimizing
contrastive divergence, Neural Computation 14; Hinton (2012), A practical guide to training
restricted Boltzmann machines.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from replearn._validate import check_integer
from replearn.device import seeded

__all__ = ["RBM", "contrastive_divergence"]

UNITS = ("binary", "gaussian")


class RBM(nn.Module):
    """A restricted Boltzmann machine: see the module's text.

    Parameters
    ----------
    d, m : int
        Numbers of visible and hidden units.
    visible, hidden : str
        "binary" or "gaussian" (of variance 1).
    std : float
        Standard deviation of the normal start of the weights.
    seed : int
        Seed of the start; the global generator is left as it was.

    Attributes
    ----------
    weight : Tensor, (m, d)
        W.
    bias : Tensor, (m,)
        b.
    visible_bias : Tensor, (d,)
        c.

    Raises
    ------
    ValueError
        An argument does not fit.
    """

    def __init__(
        self,
        d: int,
        m: int,
        *,
        visible: str = "binary",
        hidden: str = "binary",
        std: float = 0.01,
        seed: int = 0,
    ) -> None:
        super().__init__()
        for name, count in (("d", d), ("m", m)):
            check_integer(name, count)
            if count < 1:
                raise ValueError(f"{name}: got {count}, want at least 1")
        for name, kind in (("visible", visible), ("hidden", hidden)):
            if kind not in UNITS:
                raise ValueError(f"{name}: got {kind!r}, want one of {', '.join(UNITS)}")
        self.visible, self.hidden = visible, hidden
        with seeded(seed):
            self.weight = nn.Parameter(std * torch.randn(m, d, device="cpu"))
        self.bias = nn.Parameter(torch.zeros(m, device="cpu"))
        self.visible_bias = nn.Parameter(torch.zeros(d, device="cpu"))

    def encode(self, X: Tensor) -> Tensor:
        """E[h | x] (n, m) of X (n, d)."""
        A = functional.linear(X, self.weight, self.bias)
        return A if self.hidden == "gaussian" else torch.sigmoid(A)

    def decode(self, H: Tensor) -> Tensor:
        """E[x | h] (n, d) of H (n, m)."""
        A = functional.linear(H, self.weight.T, self.visible_bias)
        return A if self.visible == "gaussian" else torch.sigmoid(A)

    def forward(self, X: Tensor) -> Tensor:
        """The mean of x given the mean of the code: a reconstruction (n, d) of X (n, d)."""
        return self.decode(self.encode(X))

    def sample_hidden(self, X: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """A draw of h given each row of X, from ``generator`` or torch's global one."""
        return _draw(self.encode(X), self.hidden, generator)

    def sample_visible(self, H: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """A draw of x given each row of H, from ``generator`` or torch's global one."""
        return _draw(self.decode(H), self.visible, generator)

    def gibbs(
        self,
        X: Tensor,
        steps: int = 1,
        generator: torch.Generator | None = None,
        *,
        mean: bool = True,
    ) -> Tensor:
        """X (n, d) after so many steps of x -> h -> x.

        With ``mean`` the last x of binary units is E[x | h] and no draw. That lowers the variance
        of the gradient, and changes its expectation by the curvature of F: also many steps do not
        lead to the likelihood's gradient exactly (Hinton 2012, section 3). Gaussian units are
        drawn.
        """
        for step in range(steps):
            H = self.sample_hidden(X, generator)
            last = mean and step == steps - 1 and self.visible == "binary"
            X = self.decode(H) if last else self.sample_visible(H, generator)
        return X

    def free_energy(self, X: Tensor) -> Tensor:
        """F(x) = -log sum_h exp(-E(x, h)) (n,) of X (n, d), in nats, up to a constant.

        Parameters
        ----------
        X : Tensor, (n, d)
            Visible values.

        Returns
        -------
        Tensor, (n,)
        """
        A = functional.linear(X, self.weight, self.bias)
        if self.hidden == "gaussian":
            code = 0.5 * A.square().sum(1)
        else:
            code = functional.softplus(A).sum(1)
        if self.visible == "gaussian":
            return 0.5 * (X - self.visible_bias).square().sum(1) - code
        return -X @ self.visible_bias - code


def contrastive_divergence(steps: int = 1, *, mean: bool = True) -> Callable[[RBM, Tensor], Tensor]:
    """The loss of CD-k for ``replearn.training.train``: mean of F(x) - F(x_k), x_k held fixed.

    Parameters
    ----------
    steps : int
        k, steps of Gibbs sampling from the data, at least 1.
    mean : bool
        As for :meth:`RBM.gibbs`.

    Returns
    -------
    callable
        ``(model, X) -> scalar``, for ``train``; only its gradient has a meaning.

    Raises
    ------
    ValueError
        ``steps`` does not fit.
    """
    check_integer("steps", steps)
    if steps < 1:
        raise ValueError(f"steps: got {steps}, want at least 1")

    def loss(model: RBM, X: Tensor) -> Tensor:
        with torch.no_grad():
            X_k = model.gibbs(X, steps, mean=mean)
        return (model.free_energy(X) - model.free_energy(X_k)).mean()

    return loss


def _draw(mean: Tensor, kind: str, generator: torch.Generator | None) -> Tensor:
    if kind == "gaussian":
        noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
        return mean + noise
    return torch.bernoulli(mean, generator=generator)
