r"""K-SVD: a dictionary for codes with a given number of atoms.

Where :class:`replearn.dictionary.DictionaryLearning` puts a price on the codes, here it is said how
many atoms k a sample may take::

    minimise (1/n) sum_i || x_i - D h_i ||^2   over H and D,   ||h_i||_0 <= k,  ||d_j|| = 1

Two steps take turns. Codes for the dictionary come from orthogonal matching pursuit
(:func:`replearn.sparse.omp`); it is greedy, so a sample whose code was better before keeps it. Then
one atom after the other is fitted together with its own codes: over the samples I that use atom j,
with the error ``E = X_I - sum_{l != j} h_l d_l^T`` of all others, the best d_j and h_j are the
first singular vectors and value of E (Eckart and Young)::

    min_{d, h} || E - h d^T ||_F^2      =>      d_j = v_1,   h_j = s_1 u_1

Neither step increases the objective, and the codes keep their zeros. An atom that no sample uses is
replaced by the sample that is represented worst. The pair need not be a global minimum: both the
choice of the atoms and the product h d^T make the problem not convex.

References
----------
M. Aharon, M. Elad and A. Bruckstein, IEEE Transactions on Signal Processing 54 (2006).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from torch import Tensor

from replearn._estimator import Data, Estimator, as_tensor, convergence_warning, draw_seed
from replearn._progress import Progress, progress_bar
from replearn._scale import exponent, float_times_power, times_power
from replearn._validate import check_integer, check_matrix, check_not_negative
from replearn.dictionary.atoms import normalise_atoms
from replearn.dictionary.online import unit_rows
from replearn.sparse import omp

__all__ = ["KSVD"]


class KSVD(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator):  # type: ignore[misc]
    """Learns a dictionary for codes of few atoms: see the module's text.

    Parameters
    ----------
    n_atoms : int
        Number m of atoms.
    n_nonzero : int
        Number k of atoms that a code may take, 1 to min(m, d).
    max_iter : int
        At most so many turns of both steps.
    tol : float
        It has converged when a turn lowers the objective by at most this share of it.
    random_state : int, RandomState or None
        Of the samples that the first atoms are, and of random ones if there are too few.
    D0 : Tensor or array, (d, m), optional
        Atoms to start from, brought to unit length; None takes samples.
    progress : bool or "always"
        As for :func:`replearn.sparse.sparse_codes`; counts turns.

    Attributes
    ----------
    dictionary_ : Tensor, (d, m)
        Unit columns.
    components_ : Tensor, (m, d)
        Its transpose, under scikit-learn's name.
    objective_ : list of float
        Mean squared error ``(1/n) sum_i ||x_i - D h_i||^2`` after each turn, in the squared units
        of X; never rising, but for rounding.
    n_iter_ : int
        Turns taken.
    n_replaced_ : int
        Atoms that were replaced.
    converged_ : bool
        Whether ``tol`` was reached.
    n_features_in_ : int
        Dimension d of the samples.

    Raises
    ------
    ValueError
        An argument does not fit; the message names it.

    Warns
    -----
    ConvergenceWarning
        After ``max_iter`` turns, if ``tol`` was not reached.

    Examples
    --------
    Samples on two lines:

    >>> X = torch.tensor([[3.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, 5.0]])
    >>> ksvd = KSVD(2, n_nonzero=1, D0=torch.tensor([[1.0, 0.1], [0.1, 1.0]])).fit(X)
    >>> ksvd.dictionary_.abs().round()
    tensor([[1., 0.],
            [0., 1.]])
    >>> ksvd.transform(X).abs()
    tensor([[3., 0.],
            [2., 0.],
            [0., 1.],
            [0., 5.]])
    """

    dictionary_: Any
    components_: Any
    objective_: list[float]
    n_iter_: int
    n_replaced_: int
    converged_: bool

    def __init__(
        self,
        n_atoms: int = 8,
        *,
        n_nonzero: int = 1,
        max_iter: int = 50,
        tol: float = 1e-4,
        random_state: Any = 0,
        D0: Data | None = None,
        progress: Progress = False,
    ) -> None:
        self.n_atoms = n_atoms
        self.n_nonzero = n_nonzero
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state
        self.D0 = D0
        self.progress = progress

    @property
    def _n_features_out(self) -> int:
        return int(self.components_.shape[0])

    @torch.no_grad()
    def fit(self, X: Data, y: object = None) -> KSVD:
        """Learn the dictionary.

        Parameters
        ----------
        X : Tensor or array, (n, d)
            Samples.
        y : object
            Ignored: scikit-learn's pipelines pass it.

        Returns
        -------
        KSVD
            This object.

        Raises
        ------
        ValueError
            An argument does not fit, or squares of X leave the range of float64; the message names
            it.
        """
        data = self._training_data(X)
        self._check_parameters(data)
        unit = exponent(data)  # in units in which no square overflows or vanishes
        data = times_power(data, -unit)
        atoms = self._first_atoms(data)
        H = omp(data, atoms.T.contiguous(), n_nonzero=self.n_nonzero)
        errors = [_mean_squared_error(data, H, atoms)]
        replaced, converged, turns = 0, False, 0
        with progress_bar(self.progress, total=self.max_iter, unit="turn") as bar:
            while turns < self.max_iter and not converged:
                atoms, H, new = update_together(data, atoms, H)
                H = better_codes(data, atoms, H, self.n_nonzero)
                errors.append(_mean_squared_error(data, H, atoms))
                turns, replaced = turns + 1, replaced + new
                converged = errors[-2] - errors[-1] <= self.tol * errors[-2]
                bar.update(1)
        objective = [_in_units(error, unit) for error in errors[1:]]
        self._keep(X, dictionary_=atoms.T.contiguous(), components_=atoms)
        self.objective_ = objective
        self.n_iter_, self.n_replaced_ = turns, replaced
        self.converged_ = converged
        if not converged:
            convergence_warning(
                self,
                f"the last of {turns} turns still lowered the objective by more than tol = "
                f"{self.tol:g} of it; raise max_iter or tol",
            )
        return self

    @torch.no_grad()
    def transform(self, X: Data) -> Any:
        """Codes by orthogonal matching pursuit.

        Parameters
        ----------
        X : Tensor or array, (n, d)
            Samples, in the dtype of those of ``fit``.

        Returns
        -------
        Tensor or array, (n, m)
            At most ``n_nonzero`` entries of a row are not zero.

        Raises
        ------
        ValueError
            X does not fit, or nothing was fitted yet.
        """
        atoms = self._kept("components_")
        data = self._new_data(X, atoms)
        return self._in_kind(omp(data, atoms.T.contiguous(), n_nonzero=self.n_nonzero), X)

    def inverse_transform(self, H: Data) -> Any:
        """Samples from codes, ``H D^T``.

        Parameters
        ----------
        H : Tensor or array, (n, m)
            Codes.

        Returns
        -------
        Tensor or array, (n, d)

        Raises
        ------
        ValueError
            H does not fit, or nothing was fitted yet.
        """
        atoms = self._kept("components_")
        return self._in_kind(self._codes(H, len(atoms), atoms) @ atoms, H)

    @torch.no_grad()
    def score(self, X: Data, y: object = None) -> float:
        """Minus the mean squared error of the codes of X: greater is better.

        Parameters
        ----------
        X : Tensor or array, (n, d)
            Samples.
        y : object
            Ignored.

        Returns
        -------
        float
            In the squared units of X.

        Raises
        ------
        ValueError
            X does not fit, its squares leave the range of float64, or nothing was fitted yet.
        """
        atoms = self._kept("components_")
        data = self._new_data(X, atoms)
        unit = exponent(data)
        data = times_power(data, -unit)
        H = omp(data, atoms.T.contiguous(), n_nonzero=self.n_nonzero)
        return -_in_units(_mean_squared_error(data, H, atoms), unit)

    def _first_atoms(self, X: Tensor) -> Tensor:
        m, d = self.n_atoms, X.shape[1]
        if self.D0 is not None:
            D0 = self.D0 if isinstance(self.D0, Tensor) else as_tensor(self.D0)
            check_matrix("D0", D0)
            if tuple(D0.shape) != (d, m):
                raise ValueError(f"D0: got shape {tuple(D0.shape)}, want (d, m) = ({d}, {m})")
            if not bool(D0.any(0).all()):
                raise ValueError("D0: got a column of zeros, want atoms that are not zero")
            return normalise_atoms(D0.to(X)).T.contiguous()
        filled = X.any(1).nonzero().squeeze(1)
        generator = torch.Generator("cpu").manual_seed(draw_seed(self.random_state))
        order = torch.randperm(len(filled), generator=generator, device="cpu")[:m]
        rest = torch.randn(
            m - len(order), d, generator=generator, dtype=torch.float64, device="cpu"
        )
        return unit_rows(torch.cat([X[filled[order.to(X.device)]], rest.to(X)]))

    def _check_parameters(self, X: Tensor) -> None:
        for name in ("n_atoms", "n_nonzero", "max_iter"):
            value = getattr(self, name)
            check_integer(name, value)
            if value < 1:
                raise ValueError(f"{name}: got {value}, want at least 1")
        most = min(self.n_atoms, X.shape[1])
        if self.n_nonzero > most:
            raise ValueError(
                f"n_nonzero: got {self.n_nonzero}, want at most min(m, d), which is {most}"
            )
        check_not_negative("tol", self.tol)


def update_together(X: Tensor, atoms: Tensor, H: Tensor) -> tuple[Tensor, Tensor, int]:
    """Each atom with its codes in turn; new atoms (m, d), codes (n, m), how many were replaced."""
    atoms, H = atoms.clone(), H.clone()
    R = X - H @ atoms
    replaced = 0
    for j in range(len(atoms)):
        users = H[:, j].nonzero().squeeze(1)
        if len(users) == 0:
            worst = int(R.square().sum(1).argmax())
            length = X[worst].norm()
            if length > 0 and bool(R[worst].any()):
                atoms[j] = X[worst] / length
                replaced += 1
            continue
        E = R[users] + H[users, j, None] * atoms[j]
        _, s, V = torch.linalg.svd(E, full_matrices=False)
        if s[0] == 0:
            continue
        # The sign of the atom before is kept, as a singular vector has none.
        atom = V[0] if V[0] @ atoms[j] >= 0 else -V[0]
        h = E @ atom
        atoms[j], H[users, j] = atom, h
        R[users] = E - h[:, None] * atom
    return atoms, H, replaced


def better_codes(X: Tensor, atoms: Tensor, H: Tensor, k: int) -> Tensor:
    """The pursuit's codes, where they are better than those there were."""
    found = omp(X, atoms.T.contiguous(), n_nonzero=k)
    before = (X - H @ atoms).square().sum(1)
    after = (X - found @ atoms).square().sum(1)
    return torch.where((after < before)[:, None], found, H)


def _mean_squared_error(X: Tensor, H: Tensor, atoms: Tensor) -> float:
    return float((X - H @ atoms).double().square().sum(1).mean())


def _in_units(error: float, unit: int) -> float:
    """A squared error of data divided by 2^unit in the units of the data."""
    value = float_times_power(error, 2 * unit)
    if math.isinf(value) or (value == 0 and error > 0):
        raise ValueError(
            f"X: got values of about 2^{unit}, whose squares leave the range of float64, want "
            "other units"
        )
    return value
