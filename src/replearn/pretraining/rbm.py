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

The log-likelihood is -F(x) - log Z, and log Z a sum over all states of one layer. Annealed
importance sampling estimates it (Salakhutdinov and Murray 2008), on the path from a machine without
weights, whose log Z is known, to this one::

    p_beta(x, h) = exp(-E_beta(x, h)) / Z_beta,     E_beta as E with beta W, beta b and the visible
                                                    bias (1 - beta) c_0 + beta c
    log w = sum_k log p*_{beta_k}(x_{k-1}) - log p*_{beta_{k-1}}(x_{k-1}),  x_k from a Gibbs step at
                                                    beta_k;  p* = p Z, summed over h
    log Z ~ log Z_0 + log mean exp(log w)           over independent chains

The pseudo-likelihood (Besag 1975) needs no Z: it is the product of the conditionals p(x_k | the
other x), each a sigmoid of the difference of two free energies.

Sources: Smolensky (1986), Harmony theory; Hinton (2002), Training products of experts by minimizing
contrastive divergence, Neural Computation 14; Hinton (2012), A practical guide to training
restricted Boltzmann machines; Besag (1975), Statistical analysis of non-lattice data, The
Statistician 24; Salakhutdinov and Murray (2008), On the quantitative analysis of deep belief
networks, ICML.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from replearn._batches import by_rows
from replearn._validate import check_integer, check_matrix, check_not_negative
from replearn.device import seeded

__all__ = ["RBM", "LogPartition", "contrastive_divergence"]

UNITS = ("binary", "gaussian")
_ROWS = 1024  # samples worked on at a time: bounds the memory


@dataclass(frozen=True)
class LogPartition:
    """An estimate of log Z.

    Attributes
    ----------
    value : float
        The estimate, in nats.
    standard_error : float
        Its standard error, from the spread of the chains' weights. It is one of a sample: where few
        chains carry all the weight it is too small, and more temperatures are needed.

    Examples
    --------
    >>> RBM(3, 2, std=0.0).log_partition(chains=2, temperatures=1).standard_error
    0.0
    """

    value: float
    standard_error: float


class RBM(nn.Module):
    """A restricted Boltzmann machine: see the module's text.

    Methods take tensors of the weights' dtype (``model.double()`` makes them float64) and device.
    Visible values of binary units lie in [0, 1]: bits, or their means.

    Parameters
    ----------
    d : int
        Number of visible units.
    m : int
        Number of hidden units.
    visible : str
        Kind of the visible units, "binary" or "gaussian" (of variance 1).
    hidden : str
        Kind of the hidden units, alike.
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
        An argument does not fit; so do the methods, for values outside [0, 1] of binary visible
        units too.

    Examples
    --------
    >>> model = RBM(4, 2)
    >>> X = torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]])
    >>> model.encode(X).shape
    torch.Size([2, 2])
    >>> model.encode(2 * X)
    Traceback (most recent call last):
    ...
    ValueError: X: got values from 0 to 2, want values in [0, 1], for binary visible units
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
        check_not_negative("std", std)
        if math.isinf(std):
            raise ValueError("std: got inf, want a finite number")
        self.visible, self.hidden = visible, hidden
        with seeded(seed):
            self.weight = nn.Parameter(std * torch.randn(m, d, device="cpu"))
        self.bias = nn.Parameter(torch.zeros(m, device="cpu"))
        self.visible_bias = nn.Parameter(torch.zeros(d, device="cpu"))

    def encode(self, X: Tensor) -> Tensor:
        """The mean of the code given each sample, E[h | x].

        Parameters
        ----------
        X : Tensor, (n, d)
            Visible values.

        Returns
        -------
        Tensor, (n, m)

        Raises
        ------
        ValueError
            X is no finite matrix of visible values of the weights' dtype and device.
        """
        self._check_visible(X)
        return self._encode(X)

    def decode(self, H: Tensor) -> Tensor:
        """The mean of the sample given each code, E[x | h].

        Parameters
        ----------
        H : Tensor, (n, m)
            Hidden values.

        Returns
        -------
        Tensor, (n, d)

        Raises
        ------
        ValueError
            H is no finite matrix of the weights' dtype and device.
        """
        self._check("H", H, self.weight.shape[0])
        return self._decode(H)

    def forward(self, X: Tensor) -> Tensor:
        """The mean of x given the mean of the code: a reconstruction.

        Parameters
        ----------
        X : Tensor, (n, d)
            Visible values.

        Returns
        -------
        Tensor, (n, d)

        Raises
        ------
        ValueError
            X is no finite matrix of visible values of the weights' dtype and device.
        """
        return self._decode(self.encode(X))

    def sample_hidden(self, X: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """A draw of h given each sample.

        Parameters
        ----------
        X : Tensor, (n, d)
            Visible values.
        generator : torch.Generator, optional
            On the device of X; by default torch's global one.

        Returns
        -------
        Tensor, (n, m)

        Raises
        ------
        ValueError
            X is no finite matrix of visible values of the weights' dtype and device.
        """
        return _draw(self.encode(X), self.hidden, generator)

    def sample_visible(self, H: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """A draw of x given each code.

        Parameters
        ----------
        H : Tensor, (n, m)
            Hidden values.
        generator : torch.Generator, optional
            On the device of H; by default torch's global one.

        Returns
        -------
        Tensor, (n, d)

        Raises
        ------
        ValueError
            H is no finite matrix of the weights' dtype and device.
        """
        return _draw(self.decode(H), self.visible, generator)

    def gibbs(
        self,
        X: Tensor,
        steps: int = 1,
        generator: torch.Generator | None = None,
        *,
        mean: bool = True,
    ) -> Tensor:
        """X after so many steps of x -> h -> x.

        With ``mean`` the last x of binary units is E[x | h] and no draw. That lowers the variance
        of the gradient, and changes its expectation by the curvature of F: also many steps do not
        lead to the likelihood's gradient exactly (Hinton 2012, section 3). Gaussian units are
        drawn.

        Parameters
        ----------
        X : Tensor, (n, d)
            Visible values.
        steps : int
            How many.
        generator : torch.Generator, optional
            On the device of X; by default torch's global one.
        mean : bool
            Whether the last x of binary units is a mean.

        Returns
        -------
        Tensor, (n, d)

        Raises
        ------
        ValueError
            X is no finite matrix of visible values of the weights' dtype and device, or ``steps``
            is no integer of at least 0.
        """
        check_integer("steps", steps)
        if steps < 0:
            raise ValueError(f"steps: got {steps}, want at least 0")
        self._check_visible(X)
        return self._gibbs(X, steps, generator, mean)

    def free_energy(self, X: Tensor) -> Tensor:
        """F(x) = -log sum_h exp(-E(x, h)), in nats, up to a constant.

        Parameters
        ----------
        X : Tensor, (n, d)
            Visible values.

        Returns
        -------
        Tensor, (n,)

        Raises
        ------
        ValueError
            X is no finite matrix of visible values of the weights' dtype and device.
        """
        self._check_visible(X)
        return self._free_energy(X)

    @torch.no_grad()
    def pseudo_log_likelihood(self, X: Tensor) -> Tensor:
        """``sum_k log p(x_k | the other x)`` of each sample, over all visible units.

        For means x_k between 0 and 1 it is ``x_k log p(1 | ...) + (1 - x_k) log p(0 | ...)``.

        Parameters
        ----------
        X : Tensor, (n, d)
            Visible values.

        Returns
        -------
        Tensor, (n,)
            In nats.

        Raises
        ------
        ValueError
            The visible units are not binary, or X does not fit.

        Examples
        --------
        Without weights and biases each unit is a fair coin:

        >>> model = RBM(3, 2, std=0.0)
        >>> model.pseudo_log_likelihood(torch.ones(1, 3)) / torch.tensor(0.5).log()
        tensor([3.])
        """
        if self.visible != "binary":
            raise ValueError(f"visible: got {self.visible!r}, want 'binary' for pseudo-likelihood")
        self._check_visible(X)
        return by_rows(self._pseudo_log_likelihood, X, _ROWS)

    def _pseudo_log_likelihood(self, X: Tensor) -> Tensor:
        A = functional.linear(X, self.weight, self.bias)
        total = X.new_zeros(len(X))
        for x, w, c in zip(X.T, self.weight.T, self.visible_bias, strict=True):
            off = A - torch.outer(x, w)  # with this unit 0; with it 1 w comes to it
            logit = c + self._code_term(off + w) - self._code_term(off)
            total += x * logit - functional.softplus(logit)
        return total

    @torch.no_grad()
    def log_partition(
        self,
        X: Tensor | None = None,
        *,
        chains: int = 100,
        temperatures: int = 1000,
        generator: torch.Generator | None = None,
    ) -> LogPartition:
        """Estimate log Z by annealed importance sampling: log p(x) = -free_energy(x) - log Z.

        Parameters
        ----------
        X : Tensor, (n, d), optional
            Samples whose mean the machine without weights has, from which the path starts (c_0 of
            the module's text): the closer to the model's, the better. None: c_0 = c.
        chains : int
            Independent chains, at least 2. The standard error falls with the root of their number.
        temperatures : int
            Steps from beta = 0 to 1, equally spaced.
        generator : torch.Generator, optional
            On the device of the weights; by default torch's global one.

        Returns
        -------
        LogPartition

        Raises
        ------
        ValueError
            An argument does not fit, or Z is infinite: with Gaussian units on both sides the
            largest singular value of W must be below 1.

        Examples
        --------
        Without weights it is known: two states a unit.

        >>> model = RBM(3, 2, std=0.0)
        >>> round(model.log_partition(chains=2, temperatures=1).value / math.log(2), 3)
        5.0
        """
        for name, value, least in (("chains", chains, 2), ("temperatures", temperatures, 1)):
            check_integer(name, value)
            if value < least:
                raise ValueError(f"{name}: got {value}, want at least {least}")
        W, b, c = (p.detach().double() for p in (self.weight, self.bias, self.visible_bias))
        if self.visible == self.hidden == "gaussian":
            largest = float(torch.linalg.matrix_norm(W, 2))
            if largest >= 1:
                raise ValueError(
                    f"weight: got largest singular value {largest:.3g}, want below 1, from where "
                    "on Z is infinite with Gaussian units on both sides"
                )
        start = c
        if X is not None:
            self._check_visible(X)
            start = X.double().mean(0)
            if self.visible == "binary":  # half a sample of each kind keeps it finite
                start = torch.logit((start * len(X) + 0.5) / (len(X) + 1))

        def log_unnormalised(x: Tensor, beta: float) -> Tensor:
            at = torch.lerp(start, c, beta)
            code = self._code_term(beta * functional.linear(x, W, b))
            if self.visible == "gaussian":
                return code - 0.5 * (x - at).square().sum(1)
            return code + x @ at

        def mean_visible(h: Tensor | None, beta: float) -> Tensor:
            A = torch.lerp(start, c, beta).expand(chains, -1)
            A = A if h is None else A + beta * h @ W
            return A if self.visible == "gaussian" else torch.sigmoid(A)

        x = _draw(mean_visible(None, 0.0), self.visible, generator)
        log_w, last = x.new_zeros(chains), 0.0
        for step in range(1, temperatures + 1):
            beta = step / temperatures
            log_w += log_unnormalised(x, beta) - log_unnormalised(x, last)
            last = beta
            A = beta * functional.linear(x, W, b)
            h = _draw(A if self.hidden == "gaussian" else torch.sigmoid(A), self.hidden, generator)
            x = _draw(mean_visible(h, beta), self.visible, generator)
        log_start = len(b) * math.log(2) if self.hidden == "binary" else 0.0
        if self.visible == "gaussian":
            log_start += 0.5 * len(c) * math.log(2 * math.pi)
        else:
            log_start += float(functional.softplus(start).sum())
        shift = log_w.max()
        w = (log_w - shift).exp()
        return LogPartition(
            value=log_start + float(shift + w.mean().log()),
            standard_error=float(w.std() / w.mean()) / math.sqrt(chains),
        )

    def _check_visible(self, X: Tensor) -> None:
        self._check("X", X, self.weight.shape[1])
        if self.visible == "binary":
            low, high = (float(end) for end in torch.aminmax(X.detach()))
            if low < 0 or high > 1:
                raise ValueError(
                    f"X: got values from {low:g} to {high:g}, want values in [0, 1], for binary "
                    "visible units"
                )

    def _check(self, name: str, X: Tensor, width: int) -> None:
        weight = self.weight
        check_matrix(name, X, width)
        if X.dtype != weight.dtype or X.device != weight.device:
            raise ValueError(
                f"{name}: got {X.dtype} on {X.device}, want {weight.dtype} on {weight.device}, as "
                "the weights are"
            )

    # The same without checks, for values that the machine made itself.

    def _encode(self, X: Tensor) -> Tensor:
        A = functional.linear(X, self.weight, self.bias)
        return A if self.hidden == "gaussian" else torch.sigmoid(A)

    def _decode(self, H: Tensor) -> Tensor:
        A = functional.linear(H, self.weight.T, self.visible_bias)
        return A if self.visible == "gaussian" else torch.sigmoid(A)

    def _gibbs(
        self, X: Tensor, steps: int, generator: torch.Generator | None, mean: bool
    ) -> Tensor:
        for step in range(steps):
            H = _draw(self._encode(X), self.hidden, generator)
            X = self._decode(H)
            if not (mean and step == steps - 1 and self.visible == "binary"):
                X = _draw(X, self.visible, generator)
        return X

    def _free_energy(self, X: Tensor) -> Tensor:
        code = self._code_term(functional.linear(X, self.weight, self.bias))
        if self.visible == "gaussian":
            return 0.5 * (X - self.visible_bias).square().sum(1) - code
        return -X @ self.visible_bias - code

    def _code_term(self, A: Tensor) -> Tensor:
        """log sum_h exp(a . h) for each row a of A, up to a constant for Gaussian units."""
        if self.hidden == "gaussian":
            return 0.5 * A.square().sum(1)
        return functional.softplus(A).sum(1)


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
        ``steps`` does not fit; so does the loss, for samples that are no visible values.

    Examples
    --------
    >>> from replearn.training import train
    >>> X = torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]]).repeat(50, 1)
    >>> model = RBM(4, 2)
    >>> before = model.pseudo_log_likelihood(X).mean()
    >>> history = train(model, X, loss=contrastive_divergence(), epochs=20, batch_size=10, lr=0.05)
    >>> bool(model.pseudo_log_likelihood(X).mean() > before)
    True
    """
    check_integer("steps", steps)
    if steps < 1:
        raise ValueError(f"steps: got {steps}, want at least 1")

    def loss(model: RBM, X: Tensor) -> Tensor:
        with torch.no_grad():
            X_k = model.gibbs(X, steps, mean=mean)
        return (model._free_energy(X) - model._free_energy(X_k)).mean()

    return loss


def _draw(mean: Tensor, kind: str, generator: torch.Generator | None) -> Tensor:
    if kind == "gaussian":
        noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
        return mean + noise
    return torch.bernoulli(mean, generator=generator)
