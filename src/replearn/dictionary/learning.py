r"""Dictionary learning: atoms of which every sample needs only a few.

For samples X (n, d), a dictionary D (d, m) with unit columns and codes H (n, m)::

    minimise (1/n) sum_i 1/2 ||x_i - D h_i||^2 + penalty ||h_i||_1   over H and D, ||d_j|| = 1

Without the constraint on the atoms the penalty would have no effect: D -> c D, H -> H / c keeps the
product and makes the penalty as small as one likes.

References
----------
B. A. Olshausen and D. J. Field, Nature 381 (1996). J. Mairal, F. Bach, J. Ponce and G. Sapiro,
Journal of Machine Learning Research 11 (2010).
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import torch
from sklearn.base import BaseEstimator
from torch import Tensor

from replearn import _checkpoint
from replearn._batches import slices
from replearn._progress import Progress
from replearn._validate import (
    check_fitted,
    check_integer,
    check_matrix,
    check_not_negative,
    check_seed,
)
from replearn.dictionary.alternating import AlternatingState
from replearn.dictionary.atoms import normalise_atoms
from replearn.dictionary.online import OnlineState, Settings, learn_batch, start, unit_rows
from replearn.dictionary.runs import AlternatingRun, OnlineRun, Position, Run, drive
from replearn.sparse import sparse_codes
from replearn.sparse.solve import Solver

__all__ = ["DictionaryLearning"]

Method = Literal["online", "alternating"]
_METHODS = ("online", "alternating")
_VERSION = 1


class DictionaryLearning(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    r"""Learns a dictionary, with scikit-learn's names and conventions.

    Parameters
    ----------
    n_atoms : int
        Number m of atoms.
    penalty : float
        Weight of the l1 norm of the codes, in units of X.
    method : {"online", "alternating"}
        - "online": a dictionary step after every mini-batch, from sums over all samples so far in
          which old ones fade (Mairal et al. 2010). The choice for more than a few thousand
          samples. A pass over the data is an epoch.
        - "alternating": codes of all samples, then the dictionary. The objective never increases.
    solver : {"auto", "coordinate descent", "fista", "ista"}
        Of ``sparse_codes``, for the codes.
    batch_size : int
        Samples per step ("online").
    epochs : int
        Passes over the data in ``fit`` ("online").
    max_iter : int
        Most alternations ("alternating").
    forgetting : float
        rho >= 0 ("online"): the sample seen s-th weighs (s / t)^rho after t samples, so that about
        the last t / (rho + 1) count, but never fewer than about 4 m (see
        ``replearn.dictionary.online``). 0 forgets nothing: codes of the first, poor dictionaries
        weigh as much as the last.
    nonnegative : bool
        Whether codes must be >= 0.
    tol : float
        The alternation ends when the objective falls by less than this fraction of itself.
    code_tol : float, optional
        Relative duality gap to which codes are computed during learning; None takes 0.1
        ("online", where a dictionary lives for one step only) or 1e-4 ("alternating").
    transform_tol : float
        The same for ``transform``.
    D0 : Tensor, (d, m), optional
        The first dictionary (its columns are normalised). None takes random samples, without
        those that are zero, normalised; if there are too few, random directions.
    checkpoint : path, optional
        File for the state of ``fit``, replaced atomically every few seconds, at the end, and when
        learning is interrupted. If it exists, ``fit`` resumes there and ends with exactly the
        dictionary of a run that was never interrupted; a finished run is not repeated. A larger
        ``epochs`` or ``max_iter`` carries it on.
    progress : bool or "always"
        True shows a progress bar on standard error if that is a terminal, so that notebooks
        turned into pages stay clean; "always" shows it elsewhere as well.
    seed : int
        Of the order of the samples and of all draws. The global random state is not used.

    Attributes
    ----------
    components_ : Tensor, (m, d)
        D^T, unit rows.
    dictionary_ : Tensor, (d, m)
        The same, atoms as columns.
    objective_ : list of float
        Mean objective per sample.

        - "alternating": after each alternation; never increases.
        - "online": over each epoch (each call of ``partial_fit``), of each sample with the
          dictionary as it was when the sample came, and codes to ``code_tol``.
    n_iter_ : int
        Alternations, or completed epochs.
    n_steps_ : int
        Dictionary steps.
    replaced_ : int
        How often an unused atom was replaced by a sample, drawn with probability proportional to
        its squared reconstruction error. Unused means: with zero codes for the last 10 m samples
        ("online") or for all samples ("alternating").
    n_features_in_ : int
        Dimension d of the samples.

    Raises
    ------
    ValueError
        An argument does not fit, the checkpoint is damaged or belongs to another run, or a method
        is called before ``fit`` (scikit-learn's NotFittedError).

    Examples
    --------
    Samples that are multiples of one of two directions:

    >>> X = torch.tensor([[3.0, 0.0], [0.0, 2.0], [-1.0, 0.0], [0.0, -4.0]])
    >>> learner = DictionaryLearning(2, 0.1, method="alternating").fit(X)
    >>> learner.transform(X).count_nonzero(dim=1)
    tensor([1, 1, 1, 1])
    """

    components_: Tensor
    dictionary_: Tensor
    objective_: list[float]
    n_iter_: int
    n_steps_: int
    replaced_: int
    n_features_in_: int

    def __init__(
        self,
        n_atoms: int,
        penalty: float,
        *,
        method: Method = "online",
        solver: Solver = "auto",
        batch_size: int = 512,
        epochs: int = 10,
        max_iter: int = 100,
        forgetting: float = 20.0,
        nonnegative: bool = False,
        tol: float = 1e-4,
        code_tol: float | None = None,
        transform_tol: float = 1e-4,
        D0: Tensor | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        progress: Progress = True,
        seed: int = 0,
    ) -> None:
        self.n_atoms = n_atoms
        self.penalty = penalty
        self.method = method
        self.solver = solver
        self.batch_size = batch_size
        self.epochs = epochs
        self.max_iter = max_iter
        self.forgetting = forgetting
        self.nonnegative = nonnegative
        self.tol = tol
        self.code_tol = code_tol
        self.transform_tol = transform_tol
        self.D0 = D0
        self.checkpoint = checkpoint
        self.progress = progress
        self.seed = seed

    @torch.no_grad()
    def fit(self, X: Tensor, y: None = None) -> DictionaryLearning:
        """Learn from X, from the start or from the checkpoint.

        An interruption (Ctrl-C) leaves the dictionary learned so far in the attributes.

        Parameters
        ----------
        X : Tensor, (n, d)
            Samples, float32 or float64.
        y : None
            Not used: scikit-learn's convention.

        Returns
        -------
        DictionaryLearning
            Itself.
        """
        check_matrix("X", X)
        self._check_parameters()
        atoms, order, random = self._first(X)
        run: OnlineRun | AlternatingRun
        if self.method == "online":
            first = Position(start(atoms, random), order)
            run = OnlineRun(X, self._settings(), first, self.batch_size, self.epochs)
        else:
            state = AlternatingState(atoms, X.new_zeros(len(X), self.n_atoms), random)
            run = AlternatingRun(X, self._settings(), state, self.max_iter, self.tol)
        save = self._resume(run, X)
        try:
            drive(run, save, self.progress)
        finally:
            self._publish(run)
        return self

    @torch.no_grad()
    def partial_fit(self, X: Tensor, y: None = None) -> DictionaryLearning:
        """Learn online from the samples X as they come, once, after those seen before.

        Continues ``fit`` or earlier calls; otherwise starts, with D0 or samples of X. The samples
        are taken in their order, in batches of ``batch_size``. Needs method "online"; writes no
        checkpoint (the model can be pickled between calls).

        Parameters
        ----------
        X : Tensor, (n, d)
            Samples, float32 or float64.
        y : None
            Not used: scikit-learn's convention.

        Returns
        -------
        DictionaryLearning
            Itself.
        """
        self._check_parameters()
        if self.method != "online":
            raise ValueError(f"method: got {self.method!r}, want 'online' for partial_fit")
        check_matrix("X", X)
        state: OnlineState | None = getattr(self, "_state", None)
        if state is None:
            atoms, _, random = self._first(X)
            state = start(atoms, random)
            self.objective_, self.n_iter_ = [], 0
        else:
            check_matrix("X", X, state.atoms.shape[1], state.atoms.dtype)
            if len(state.atoms) != self.n_atoms:
                raise ValueError(
                    f"n_atoms: got {self.n_atoms}, want {len(state.atoms)}, as before; "
                    "fit starts afresh"
                )
        settings, total = self._settings(), 0.0
        for rows in slices(len(X), self.batch_size):
            state, value = learn_batch(state, X[rows], settings)
            total += value
        self._set_state(state)
        self.objective_.append(total / len(X))
        return self

    @torch.no_grad()
    def transform(self, X: Tensor) -> Tensor:
        """Codes to the relative duality gap ``transform_tol``.

        Parameters
        ----------
        X : Tensor, (n, d)
            Samples, of the dtype and on the device of the data in ``fit``.

        Returns
        -------
        Tensor, (n, m)
        """
        check_fitted(self, "components_")
        check_matrix("X", X, self.n_features_in_, self.components_.dtype)
        return sparse_codes(
            X,
            self.dictionary_,
            self.penalty,
            solver=self.solver,
            tol=self.transform_tol,
            nonnegative=self.nonnegative,
            progress=False,
        ).H

    def fit_transform(self, X: Tensor, y: None = None) -> Tensor:
        """The codes of the data the dictionary is learned from.

        Parameters
        ----------
        X : Tensor, (n, d)
            Samples, float32 or float64.
        y : None
            Not used: scikit-learn's convention.

        Returns
        -------
        Tensor, (n, m)
        """
        return self.fit(X).transform(X)

    def inverse_transform(self, H: Tensor) -> Tensor:
        """Reconstruction X_hat = H D^T.

        Parameters
        ----------
        H : Tensor, (n, m)
            Codes.

        Returns
        -------
        Tensor, (n, d)
        """
        check_fitted(self, "components_")
        check_matrix("H", H, len(self.components_), self.components_.dtype)
        return H @ self.components_

    def _resume(self, run: Run, X: Tensor) -> Callable[[], None]:
        """Restore the run from the checkpoint, if there is one; returns how to write it."""
        if self.checkpoint is None:
            return lambda: None
        path, identity = Path(self.checkpoint), self._identity(X)
        about: dict[str, Any] = {
            "writer": type(self).__name__,
            "version": _VERSION,
            "identity": identity,
        }
        if path.exists():
            run.restore(path, _checkpoint.load(path, **about), X.device)
        path.parent.mkdir(parents=True, exist_ok=True)
        return lambda: _checkpoint.save(path, about | run.saved())

    def _publish(self, run: OnlineRun | AlternatingRun) -> None:
        """The attributes, from the state of the run."""
        self.objective_, self.n_iter_ = list(run.objective), run.iterations
        if isinstance(run, OnlineRun):
            self._set_state(run.now.state)
            return
        self.__dict__.pop("_state", None)
        self.n_steps_, self.replaced_ = run.iterations, run.state.replaced
        self._set_atoms(run.state.atoms)

    def _set_state(self, state: OnlineState) -> None:
        self._state = state
        self.n_steps_, self.replaced_ = state.steps, state.replaced
        self._set_atoms(state.atoms)

    def _set_atoms(self, atoms: Tensor) -> None:
        self.components_, self.dictionary_ = atoms, atoms.T
        self.n_features_in_ = atoms.shape[1]

    def _settings(self) -> Settings:
        default = 0.1 if self.method == "online" else 1e-4
        return Settings(
            penalty=float(self.penalty),
            solver=self.solver,
            code_tol=default if self.code_tol is None else float(self.code_tol),
            forgetting=float(self.forgetting),
            nonnegative=bool(self.nonnegative),
        )

    def _first(self, X: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """First atoms (m, d), and states of the generators of the order and of replacements."""
        generator = torch.Generator().manual_seed(check_seed(self.seed))
        atoms = self._first_atoms(X, generator)
        order = generator.get_state()
        other = int(torch.randint(2**62, (), generator=generator, device="cpu"))
        return atoms, order, torch.Generator().manual_seed(other).get_state()

    def _first_atoms(self, X: Tensor, generator: torch.Generator) -> Tensor:
        """Unit rows (m, d): D0, or samples that are not zero, or random directions."""
        m, d = self.n_atoms, X.shape[1]
        if self.D0 is not None:
            check_matrix("D0", self.D0)
            if tuple(self.D0.shape) != (d, m):
                raise ValueError(f"D0: got shape {tuple(self.D0.shape)}, want (d, m) = ({d}, {m})")
            if not bool(self.D0.any(0).all()):
                raise ValueError("D0: got a column of zeros, want atoms that are not zero")
            return normalise_atoms(self.D0.to(X)).T.contiguous()
        filled = X.any(1).nonzero().squeeze(1).cpu()
        chosen = filled[torch.randperm(len(filled), generator=generator, device="cpu")[:m]]
        rest = torch.randn(
            m - len(chosen), d, generator=generator, dtype=torch.float64, device="cpu"
        )
        return unit_rows(torch.cat([X[chosen.to(X.device)], rest.to(X)]))

    def _identity(self, X: Tensor) -> dict[str, str]:
        """What a checkpoint must share with the run that resumes it, by the arguments' names."""
        names = ["method", "n_atoms", "penalty", "solver", "nonnegative", "code_tol", "seed"]
        names += ["batch_size", "forgetting"] if self.method == "online" else ["tol"]
        identity = {name: str(getattr(self, name)) for name in names}
        identity["X"] = _checkpoint.fingerprint(X)
        identity["D0"] = "None" if self.D0 is None else _checkpoint.fingerprint(self.D0)
        return identity

    def _check_parameters(self) -> None:
        if self.method not in _METHODS:
            raise ValueError(f"method: got {self.method!r}, want one of {', '.join(_METHODS)}")
        for name in ("n_atoms", "batch_size", "epochs", "max_iter"):
            value = getattr(self, name)
            check_integer(name, value)
            if value < 1:
                raise ValueError(f"{name}: got {value}, want at least 1")
        for name in ("penalty", "forgetting", "tol", "code_tol", "transform_tol"):
            value = getattr(self, name)
            if name == "code_tol" and value is None:
                continue
            check_not_negative(name, value)
            if not math.isfinite(value):
                raise ValueError(f"{name}: got {value}, want a finite number")
