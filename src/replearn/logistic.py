r"""Logistic PCA: a linear code for values between 0 and 1, with a Bernoulli likelihood.

PCA is maximum likelihood for Gaussian noise. For data in [0, 1] the Bernoulli likelihood fits
better: each coordinate has a mean ``sigmoid(theta)``, and the logits lie in an affine subspace::

    Theta = 1 mu^T + H D^T,    H (n, m), D (d, m), mu (d,)

    min  (1/n) sum_ij [ log(1 + exp(theta_ij)) - x_ij theta_ij ] + ridge/(2n) ||H D^T||_F^2

The second derivative of ``log(1 + exp(t))`` is at most 1/4. So at the current Theta the likelihood
term lies below a parabola with the same value and slope, up to a constant (1/8n) ||Theta' - Z||_F^2
with the working response ``Z = Theta + 4 (X - sigmoid(Theta))``. A step fits H, then D and mu, to
Z by least squares: an iteration of PCA on Z. As the parabola is lowered, so is the objective
(majorisation-minimisation: de Leeuw 2006; the model: Schein, Saul and Ungar 2003).

References
----------
A. I. Schein, L. K. Saul and L. H. Ungar, AISTATS (2003). J. de Leeuw, Computational Statistics and
Data Analysis 50 (2006). B. O'Donoghue and E. Candes, Foundations of Computational Mathematics 15
(2015), for the restarts.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from replearn._batches import slices
from replearn._validate import check_fitted, check_integer, check_matrix, check_not_negative
from replearn.pca import PCA

__all__ = ["LogisticPCA"]

_ROWS = 1024  # rows worked on at a time: their logits stay in the cache


class LogisticPCA:
    r"""Logistic PCA with scikit-learn's names: see the module's text for the problem it solves.

    Each iteration costs three products of (n, d) and (d, m) and one pass of exponentials. The
    start is PCA of ``4 (X - mean)``, which is the first step from constant logits. Steps are
    extrapolated (Nesterov); one that would raise the objective is dropped, so that the objective
    never increases. The problem is not convex in H and D together: the result is a stationary
    point.

    Where a hyperplane separates the values 0 and 1 of some coordinate the likelihood has no
    maximum: the logits grow without bound, ever more slowly, and ``max_iter`` or ``tol`` ends it.
    The more components, the likelier; ``ridge`` > 0 keeps them finite.

    Parameters
    ----------
    n_components : int
        Number m of components, from 1 to min(n, d).
    max_iter : int
        At most so many iterations, in ``fit`` and in ``transform``.
    tol : float
        Stop when an iteration lowers the objective by less than this fraction of it.
    ridge : float
        Weight of the penalty on the logits' deviation from mu, 0 or more.
    seed : int
        Seed of the randomized solver, which the start of very large problems uses.

    Attributes
    ----------
    components_ : Tensor, (m, d)
        D^T, orthonormal rows by decreasing variance of their codes, each with its entry of largest
        absolute value positive.
    mean_ : Tensor, (d,)
        mu: the mean of the logits (not the logit of the mean).
    objective_ : list of float
        The objective after each iteration, in nats a sample.
    n_components_ : int
        Number m of components.
    n_features_in_ : int
        Dimension d of the samples.
    n_iter_ : int
        Number of iterations.

    Raises
    ------
    ValueError
        X is not a float (n, d) tensor with values in [0, 1], a parameter is out of range, or a
        method is called before ``fit`` (scikit-learn's NotFittedError).

    Examples
    --------
    >>> X = torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    >>> model = LogisticPCA(1, ridge=0.1).fit(X)
    >>> (model.inverse_transform(model.transform(X)) > 0.5).int()
    tensor([[1, 1, 0],
            [1, 1, 0],
            [0, 0, 1],
            [0, 1, 1]], dtype=torch.int32)
    """

    components_: Tensor
    mean_: Tensor
    objective_: list[float]
    n_components_: int
    n_features_in_: int
    n_iter_: int

    def __init__(
        self,
        n_components: int,
        *,
        max_iter: int = 200,
        tol: float = 1e-5,
        ridge: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.n_components = n_components
        self.max_iter = max_iter
        self.tol = tol
        self.ridge = ridge
        self.seed = seed

    def __repr__(self) -> str:
        return (
            f"LogisticPCA(n_components={self.n_components}, max_iter={self.max_iter}, "
            f"tol={self.tol}, ridge={self.ridge}, seed={self.seed})"
        )

    @torch.no_grad()
    def fit(self, X: Tensor) -> LogisticPCA:
        """Find mean, components and objective.

        Parameters
        ----------
        X : Tensor, (n, d)
            At least two samples, with values in [0, 1].

        Returns
        -------
        LogisticPCA
            This object.
        """
        _check_unit_interval(X)
        n, d = X.shape
        m = self.n_components
        if not isinstance(m, int) or isinstance(m, bool) or not 1 <= m <= min(n, d):
            raise ValueError(
                f"n_components: got {m!r} for X of shape ({n}, {d}), want an integer from 1 to "
                f"{min(n, d)}"
            )
        check_integer("max_iter", self.max_iter)
        if self.max_iter < 1:
            raise ValueError(f"max_iter: got {self.max_iter}, want at least 1")
        check_not_negative("tol", self.tol)
        check_not_negative("ridge", self.ridge)
        pca = PCA(m, seed=self.seed).fit(X)
        # A coordinate that is always 0 or 1 would have an infinite logit.
        rate = pca.mean_.clamp(0.5 / n, 1 - 0.5 / n)
        start = _Factors(4 * pca.transform(X), pca.components_.T, torch.logit(rate))
        factors, self.objective_ = self._minimise(X, start, codes_only=False)
        self.mean_, self.components_ = _canonical(factors)
        self.n_components_, self.n_features_in_ = m, d
        self.n_iter_ = len(self.objective_)
        return self

    @torch.no_grad()
    def transform(self, X: Tensor) -> Tensor:
        """Codes of samples, by the same minimisation with D and mu fixed, which is convex.

        Parameters
        ----------
        X : Tensor, (n, d)
            With values in [0, 1], in the dtype of the data of ``fit``.

        Returns
        -------
        Tensor, (n, m)
        """
        check_fitted(self, "components_")
        _check_unit_interval(X, self.n_features_in_, self.components_.dtype)
        D = self.components_.T
        start = _Factors(X.new_zeros(len(X), self.n_components_), D, self.mean_)
        return self._minimise(X, start, codes_only=True)[0].H

    def fit_transform(self, X: Tensor) -> Tensor:
        """Fit to the samples and return their codes: ``fit(X).transform(X)``.

        Parameters
        ----------
        X : Tensor, (n, d)
            As for :meth:`fit`.

        Returns
        -------
        Tensor, (n, m)
        """
        return self.fit(X).transform(X)

    @torch.no_grad()
    def inverse_transform(self, H: Tensor) -> Tensor:
        """Means sigmoid(mu + H D^T) of codes: in (0, 1) but for rounding.

        Parameters
        ----------
        H : Tensor, (n, m)
            Codes, as :meth:`transform` gives them.

        Returns
        -------
        Tensor, (n, d)
        """
        check_fitted(self, "components_")
        check_matrix("H", H, self.n_components_, self.components_.dtype)
        return torch.sigmoid(self.mean_ + H @ self.components_)

    def _minimise(
        self, X: Tensor, at: _Factors, *, codes_only: bool
    ) -> tuple[_Factors, list[float]]:
        """Extrapolated majorisation steps.

        The iterates are the extrapolated points themselves: one pass over the data gives the
        objective there and the step from there.
        """
        value, stepped = _step(X, at, self.ridge, codes_only)
        objective = [value]
        before, momentum = at, 1.0
        for _ in range(self.max_iter - 1):
            following = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
            beta = (momentum - 1) / following
            trial = _Factors(*(s + beta * (s - b) for s, b in zip(stepped, before, strict=True)))
            value, ahead = _step(X, trial, self.ridge, codes_only)
            if value > objective[-1]:  # the plain step lowers the objective, up to rounding
                trial, following = stepped, 1.0
                value, ahead = _step(X, trial, self.ridge, codes_only)
                if value > objective[-1]:
                    break
            before, stepped, at, momentum = stepped, ahead, trial, following
            objective.append(value)
            if objective[-2] - value <= self.tol * abs(value):
                break
        return at, objective


class _Factors(NamedTuple):
    H: Tensor
    D: Tensor
    mu: Tensor


def _step(X: Tensor, at: _Factors, ridge: float, codes_only: bool) -> tuple[float, _Factors]:
    """The objective at these factors, and the factors after one majorisation step.

    With Q = D^T D: H' = (Z - mu) D Q^{-1} / (1 + 4 ridge), then D and mu from the normal equations
    of Z ~ H' D^T + 1 mu^T. A row's new code needs that row alone, so that one pass does both.
    """
    n, d = X.shape
    m = at.D.shape[1]
    project = torch.linalg.pinv(at.D) / (1 + 4 * ridge)  # (D^T D)^{-1} D^T, of any rank
    H = torch.empty_like(at.H)
    total = torch.zeros((), dtype=torch.float64, device=X.device)
    response = torch.zeros(d, m + 1, dtype=torch.float64, device=X.device)  # Z^T [H 1]
    # Written into the same memory for each chunk: fresh pages would cost more than the arithmetic.
    logits, work = (X.new_empty(min(n, _ROWS), d) for _ in range(2))
    for rows in slices(n, _ROWS):
        x = X[rows]
        theta, other = logits[: len(x)], work[: len(x)]
        torch.mm(at.H[rows], at.D.T, out=theta)
        if ridge:
            total += 0.5 * ridge * _total(torch.square(theta, out=other))
        theta += at.mu
        total += _total(torch.logaddexp(theta, theta.new_zeros(()), out=other))
        total -= _total(torch.mul(x, theta, out=other))
        torch.sigmoid(theta, out=other)
        Z = theta.add_(x, alpha=4).sub_(other, alpha=4)
        torch.mm(Z, project.T, out=H[rows])
        H[rows] -= at.mu @ project.T
        if not codes_only:
            response[:, :m] += Z.T @ H[rows]
            response[:, m] += Z.sum(0)
    if codes_only:
        return float(total) / n, _Factors(H, at.D, at.mu)
    gram = H.new_zeros(m + 1, m + 1, dtype=torch.float64)  # [H 1]^T [H 1]
    gram[:m, :m] = (1 + 4 * ridge) * (H.T @ H)
    gram[m, :m] = gram[:m, m] = H.sum(0)
    gram[m, m] = n
    weights = (response @ torch.linalg.pinv(gram, hermitian=True)).to(X.dtype)
    return float(total) / n, _Factors(H, weights[:, :m], weights[:, m])


def _total(values: Tensor) -> Tensor:
    """Sum in float64 of row sums: as accurate as needed and much faster than all in float64."""
    return values.sum(1).sum(dtype=torch.float64)


def _canonical(factors: _Factors) -> tuple[Tensor, Tensor]:
    """mean_ and components_ of the same logits with centred codes and orthonormal D, as in PCA."""
    centre = factors.H.mean(0)
    Q, R = torch.linalg.qr(factors.D)
    _, _, rotation = torch.linalg.svd((factors.H - centre) @ R.T, full_matrices=False)
    components = rotation @ Q.T
    largest = components.gather(1, components.abs().argmax(1, keepdim=True))
    components = torch.where(largest < 0, -components, components)
    return factors.mu + factors.D @ centre, components


def _check_unit_interval(X: Tensor, d: int | None = None, dtype: torch.dtype | None = None) -> None:
    check_matrix("X", X, d, dtype)
    low, high = (float(end) for end in torch.aminmax(X))
    if low < 0 or high > 1:
        raise ValueError(f"X: got values from {low:g} to {high:g}, want values in [0, 1]")
