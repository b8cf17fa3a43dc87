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

import operator
from typing import Any, NamedTuple

import torch
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from torch import Tensor

from replearn._batches import slices
from replearn._estimator import Data, Estimator, convergence_warning, draw_seed
from replearn._gram import gram
from replearn._scale import times_power
from replearn._validate import check_integer, check_not_negative
from replearn.pca import PCA, decompose

__all__ = ["LogisticPCA"]

_ROWS = 1024  # rows worked on at a time: their logits stay in the cache


class LogisticPCA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator):  # type: ignore[misc]
    r"""Logistic PCA with scikit-learn's names: see the module's text for the problem it solves.

    Each iteration costs three products of (n, d) and (d, m) and one pass of exponentials. The
    start is PCA of ``4 (X - mean)``, which is the first step from constant logits. Steps are
    extrapolated (Nesterov); one that would raise the objective is dropped, so that the objective
    never increases. The problem is not convex in H and D together: the result is a stationary
    point.

    Where a hyperplane separates the values 0 and 1 of some coordinate the likelihood has no
    maximum: the logits grow without bound, ever more slowly, and ``max_iter`` or ``tol`` ends it.
    The more components, the likelier; ``ridge`` > 0 keeps them finite. Where ``max_iter`` ends it,
    scikit-learn's ConvergenceWarning says so.

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
    random_state : int, RandomState or None
        Seed of the randomized solver, which the start of very large problems uses: see
        :class:`~replearn.pca.PCA`.

    Attributes
    ----------
    components_ : Tensor or array, (m, d)
        D^T, orthonormal rows by decreasing variance of their codes, each with its entry of largest
        absolute value positive. A tensor after a tensor was fitted, otherwise an array.
    mean_ : Tensor or array, (d,)
        mu: the mean of the logits (not the logit of the mean).
    objective_ : list of float
        The objective after each iteration, in nats a sample.
    n_components_ : int
        Number m of components.
    n_features_in_ : int
        Dimension d of the samples.
    feature_names_in_ : array, (d,)
        Names of the columns, after a DataFrame was fitted.
    n_iter_ : int
        Number of iterations.
    converged_ : bool
        Whether ``tol`` ended them, and not ``max_iter``.

    Raises
    ------
    ValueError
        X is not a float (n, d) matrix with values in [0, 1], a parameter is out of range, or a
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

    components_: Any
    mean_: Any
    objective_: list[float]
    n_components_: int
    n_iter_: int
    converged_: bool

    def __init__(
        self,
        n_components: int,
        *,
        max_iter: int = 200,
        tol: float = 1e-5,
        ridge: float = 0.0,
        random_state: Any = 0,
    ) -> None:
        self.n_components = n_components
        self.max_iter = max_iter
        self.tol = tol
        self.ridge = ridge
        self.random_state = random_state

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    @torch.no_grad()
    def fit(self, X: Data, y: object = None) -> LogisticPCA:
        """Find mean, components and objective.

        Parameters
        ----------
        X : Tensor or array-like, (n, d)
            At least two samples, with values in [0, 1].
        y : None
            Not used: scikit-learn's convention.

        Returns
        -------
        LogisticPCA
            This object.

        Raises
        ------
        ValueError
            X is no such matrix, or a parameter is out of range.
        """
        data = self._training_data(X, at_least=2)
        _check_unit_interval(data)
        n, d = data.shape
        m = self._check_parameters(n, d)
        pca = PCA(m)  # for its choice of the solver
        found = decompose(data, m, pca._choose_solver(n, d), draw_seed(self.random_state))
        mean, V = times_power(found.mean, found.power), found.V[:, :m].to(data.dtype)
        # A coordinate that is always 0 or 1 would have an infinite logit.
        rate = mean.clamp(0.5 / n, 1 - 0.5 / n)
        start = _Factors(4 * (data - mean) @ V, V, torch.logit(rate))
        factors, self.objective_, self.converged_ = self._minimise(data, start)
        mu, components = _canonical(factors)
        self._keep(X, mean_=mu, components_=components)
        self.n_components_ = m
        self.n_iter_ = len(self.objective_)
        if not self.converged_:
            convergence_warning(
                self,
                f"the objective still fell by more than tol={self.tol:g} of itself after "
                f"max_iter={self.max_iter} iterations; raise either, or ridge",
            )
        return self

    @torch.no_grad()
    def transform(self, X: Data) -> Any:
        """Codes of samples, by the same minimisation with D and mu fixed, which is convex.

        Each sample stops by itself, where an iteration lowers its own objective by less than
        ``tol`` of it: its code does not depend on the other samples. Where ``max_iter`` ends it,
        scikit-learn's ConvergenceWarning says for how many.

        Parameters
        ----------
        X : Tensor or array-like, (n, d)
            With values in [0, 1]; a tensor must have the dtype and device of the data of ``fit``.

        Returns
        -------
        Tensor or array, (n, m)

        Raises
        ------
        ValueError
            X does not fit, or nothing was fitted yet.
        """
        data = self._new_data(X, self._kept("components_"))
        return self._in_kind(self._encode(data), X)

    @torch.no_grad()
    def inverse_transform(self, H: Data) -> Any:
        """Means sigmoid(mu + H D^T) of codes: in (0, 1) but for rounding.

        Parameters
        ----------
        H : Tensor or array-like, (n, m)
            Codes, as :meth:`transform` gives them.

        Returns
        -------
        Tensor or array, (n, d)

        Raises
        ------
        ValueError
            H does not fit, or nothing was fitted yet.
        """
        components = self._kept("components_")
        codes = self._codes(H, self.n_components_, components)
        return self._in_kind(torch.sigmoid(self._kept("mean_") + codes @ components), H)

    @torch.no_grad()
    def score(self, X: Data, y: object = None) -> float:
        """Mean Bernoulli log-likelihood of samples at their codes, without the ridge.

        Parameters
        ----------
        X : Tensor or array-like, (n, d)
            With values in [0, 1].
        y : None
            Not used: scikit-learn's convention.

        Returns
        -------
        float
            In nats a sample.

        Raises
        ------
        ValueError
            X does not fit, or nothing was fitted yet.
        """
        components = self._kept("components_")
        data = self._new_data(X, components)
        H, D, mu = self._encode(data), components.T, self._kept("mean_")
        values = [
            _code_step(data[rows], H[rows], D, mu, D.T, 0.0)[0].double().sum()
            for rows in slices(len(data), _ROWS)
        ]
        return -float(torch.stack(values).sum()) / len(data)

    def _encode(self, data: Tensor) -> Tensor:
        _check_unit_interval(data)
        self._check_iteration()
        D, mu = self._kept("components_").T, self._kept("mean_")
        H, late = data.new_empty(len(data), self.n_components_), 0
        for rows in slices(len(data), _ROWS):
            H[rows], left = _codes(data[rows], D, mu, self.ridge, self.max_iter, self.tol)
            late += left
        if late:
            convergence_warning(
                self,
                f"the codes of {late} of {len(data)} samples still changed their objective by more "
                f"than tol={self.tol:g} of itself after max_iter={self.max_iter} iterations; raise "
                "either, or ridge",
            )
        return H

    def _check_parameters(self, n: int, d: int) -> int:
        m = self.n_components
        whole = hasattr(m, "__index__") and not isinstance(m, bool)
        if not whole or not 1 <= m <= min(n, d):
            raise ValueError(
                f"n_components: got {m!r} for X of shape ({n}, {d}), want an integer from 1 to "
                f"{min(n, d)}"
            )
        self._check_iteration()
        return operator.index(m)

    def _check_iteration(self) -> None:
        check_integer("max_iter", self.max_iter)
        if self.max_iter < 1:
            raise ValueError(f"max_iter: got {self.max_iter}, want at least 1")
        check_not_negative("tol", self.tol)
        check_not_negative("ridge", self.ridge)

    def _minimise(self, X: Tensor, at: _Factors) -> tuple[_Factors, list[float], bool]:
        """Extrapolated majorisation steps; also the objective after each, and whether tol ended it.

        The iterates are the extrapolated points themselves: one pass over the data gives the
        objective there and the step from there.
        """
        value, stepped = _step(X, at, self.ridge)
        objective = [value]
        before, momentum = at, 1.0
        for _ in range(self.max_iter - 1):
            following = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
            beta = (momentum - 1) / following
            trial = _Factors(*(s + beta * (s - b) for s, b in zip(stepped, before, strict=True)))
            value, ahead = _step(X, trial, self.ridge)
            if value > objective[-1]:  # the plain step lowers the objective, up to rounding
                trial, following = stepped, 1.0
                value, ahead = _step(X, trial, self.ridge)
                if value > objective[-1]:
                    return at, objective, True  # as low as rounding lets it
            before, stepped, at, momentum = stepped, ahead, trial, following
            objective.append(value)
            if objective[-2] - value <= self.tol * abs(value):
                return at, objective, True
        return at, objective, False


class _Factors(NamedTuple):
    H: Tensor
    D: Tensor
    mu: Tensor


def _codes(
    X: Tensor, D: Tensor, mu: Tensor, ridge: float, max_iter: int, tol: float
) -> tuple[Tensor, int]:
    """Codes of a few samples, each by extrapolated steps of its own; how many did not converge."""
    found = X.new_zeros(len(X), D.shape[1])
    rows = torch.arange(len(X), device=X.device)  # the samples at work
    project = torch.linalg.pinv(D) / (1 + 4 * ridge)
    before = at = found
    value, stepped = _code_step(X, at, D, mu, project, ridge)
    momentum = X.new_ones(len(X), 1)
    for _ in range(max_iter - 1):
        following = (1 + (1 + 4 * momentum.square()).sqrt()) / 2
        trial = stepped + (momentum - 1) / following * (stepped - before)
        now, ahead = _code_step(X, trial, D, mu, project, ridge)
        worse = (now > value).nonzero().squeeze(1)
        stuck = torch.zeros_like(value, dtype=torch.bool)
        if len(worse):  # the plain step lowers the objective, up to rounding
            trial[worse], following[worse] = stepped[worse], 1.0
            now[worse], ahead[worse] = _code_step(X[worse], trial[worse], D, mu, project, ridge)
            stuck = now > value
        done = stuck | (value - now <= tol * now.abs())
        at = torch.where(stuck[:, None], at, trial)
        found[rows] = at
        if bool(done.all()):
            return found, 0
        before, stepped, momentum, value = stepped, ahead, following, now
        if bool(done.any()):
            left = ~done
            X, rows, at, before, stepped, momentum, value = (
                each[left] for each in (X, rows, at, before, stepped, momentum, value)
            )
    return found, len(rows)


def _code_step(
    X: Tensor, H: Tensor, D: Tensor, mu: Tensor, project: Tensor, ridge: float
) -> tuple[Tensor, Tensor]:
    """The objective of each sample at its code, (n,), and the codes after a majorisation step."""
    theta = H @ D.T
    value = 0.5 * ridge * theta.square().sum(1)
    theta += mu
    value += (torch.logaddexp(theta, theta.new_zeros(())) - X * theta).sum(1)
    Z = theta + 4 * (X - torch.sigmoid(theta))
    return value, (Z - mu) @ project.T


def _step(X: Tensor, at: _Factors, ridge: float) -> tuple[float, _Factors]:
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
        response[:, :m] += Z.T @ H[rows]
        response[:, m] += Z.sum(0)
    normal = H.new_zeros(m + 1, m + 1, dtype=torch.float64)  # [H 1]^T [H 1]
    normal[:m, :m] = (1 + 4 * ridge) * gram(H)
    normal[m, :m] = normal[:m, m] = H.sum(0)
    normal[m, m] = n
    weights = (response @ torch.linalg.pinv(normal, hermitian=True)).to(X.dtype)
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


def _check_unit_interval(X: Tensor) -> None:
    low, high = (float(end) for end in torch.aminmax(X))
    if low < 0 or high > 1:
        raise ValueError(f"X: got values from {low:g} to {high:g}, want values in [0, 1]")
