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

import numpy as np
import torch
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.metaestimators import available_if
from torch import Tensor

from replearn import _checkpoint
from replearn._batches import slices
from replearn._estimator import Data, Estimator, as_tensor, convergence_warning, draw_seed
from replearn._progress import Progress
from replearn._scale import exponent
from replearn._validate import check_flag, check_integer, check_matrix, check_not_negative
from replearn.dictionary.alternating import AlternatingState
from replearn.dictionary.atoms import normalise_atoms
from replearn.dictionary.online import OnlineState, Settings, learn_batch, start, unit_rows
from replearn.dictionary.runs import AlternatingRun, OnlineRun, Position, Run, drive
from replearn.sparse import Codes, sparse_codes
from replearn.sparse.solve import Solver

__all__ = ["DictionaryLearning"]

Method = Literal["online", "alternating"]
_METHODS = ("online", "alternating")
_VERSION = 2


class DictionaryLearning(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator):  # type: ignore[misc]
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
    solver : {"auto", "coordinate descent", "homotopy", "fista", "ista"}
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
    positive_dictionary : bool
        Whether atoms must have no negative entry: each step then minimises exactly over the unit
        vectors that have none (see ``replearn.dictionary.update``).
    tol : float
        The alternation ends when the objective falls by less than this fraction of itself; where
        ``max_iter`` ends it first, scikit-learn's ConvergenceWarning says so. One alternation,
        ``max_iter=1``, has no other to compare itself with, and warns of nothing.
    code_tol : float, optional
        Relative duality gap to which codes are computed during learning; None takes 0.1
        ("online", where a dictionary lives for one step only) or 1e-4 ("alternating").
    transform_tol : float
        The same for ``transform``.
    D0 : Tensor or array, (d, m), optional
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
    random_state : int, RandomState or None
        Seed of the order of the samples and of all draws: an integer, or None and a NumPy
        ``RandomState``, from which scikit-learn draws. torch's global random state is not used.
        A checkpoint needs an integer.

    Attributes
    ----------
    components_ : Tensor or array, (m, d)
        D^T, unit rows. Tensors after a tensor was fitted, otherwise arrays.
    dictionary_ : Tensor or array, (d, m)
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
    converged_ : bool
        Whether ``tol`` ended the alternation; of an online run, whether all its epochs were run.
    n_unconverged_ : int
        Codes of the latest ``fit``, ``partial_fit``, ``transform`` or ``score`` that did not come
        to their tolerance: of its samples, or in an online ``fit`` of all its steps, in
        "alternating" of the last. Where there are any, scikit-learn's ConvergenceWarning says so.
    n_features_in_ : int
        Dimension d of the samples.
    feature_names_in_ : array, (d,)
        Names of the columns, after a DataFrame was fitted.

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

    components_: Any
    dictionary_: Any
    objective_: list[float]
    n_iter_: int
    n_steps_: int
    replaced_: int
    converged_: bool
    n_unconverged_: int

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
        positive_dictionary: bool = False,
        tol: float = 1e-4,
        code_tol: float | None = None,
        transform_tol: float = 1e-4,
        D0: Data = None,
        checkpoint: str | os.PathLike[str] | None = None,
        progress: Progress = True,
        random_state: Any = 0,
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
        self.positive_dictionary = positive_dictionary
        self.tol = tol
        self.code_tol = code_tol
        self.transform_tol = transform_tol
        self.D0 = D0
        self.checkpoint = checkpoint
        self.progress = progress
        self.random_state = random_state

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    @torch.no_grad()
    def fit(self, X: Data, y: object = None) -> DictionaryLearning:
        """Learn from X, from the start or from the checkpoint.

        An interruption (Ctrl-C) leaves the dictionary learned so far in the attributes.

        Parameters
        ----------
        X : Tensor or array-like, (n, d)
            Samples, float32 or float64.
        y : None
            Not used: scikit-learn's convention.

        Returns
        -------
        DictionaryLearning
            Itself.

        Raises
        ------
        ValueError
            X or a parameter does not fit, or the checkpoint belongs to another run.
        """
        data = self._training_data(X)
        self._check_parameters()
        _check_squares(data)
        atoms, order, random = self._first(data)
        run: OnlineRun | AlternatingRun
        if self.method == "online":
            first = Position(start(atoms, random), order)
            run = OnlineRun(data, self._settings(), first, self.batch_size, self.epochs)
        else:
            state = AlternatingState(atoms, data.new_zeros(len(data), self.n_atoms), random)
            run = AlternatingRun(data, self._settings(), state, self.max_iter, self.tol)
        save = self._resume(run, data)
        try:
            drive(run, save, self.progress)
        finally:
            self._publish(X, run)
        if not self.converged_ and self.max_iter > 1:
            convergence_warning(
                self,
                f"the objective still fell by more than tol={self.tol:g} of itself after "
                f"max_iter={self.max_iter} alternations; raise either",
            )
        self._warn_of_codes(self._settings().code_tol, "code_tol")
        return self

    def _can_go_on(self) -> bool:
        if self.method == "alternating":
            raise AttributeError("method: got 'alternating', want 'online' for partial_fit")
        return True

    @available_if(_can_go_on)  # type: ignore[untyped-decorator]
    @torch.no_grad()
    def partial_fit(self, X: Data, y: object = None) -> DictionaryLearning:
        """Learn online from the samples X as they come, once, after those seen before.

        Continues ``fit`` or earlier calls; otherwise starts, with D0 or samples of X. The samples
        are taken in their order, in batches of ``batch_size``. Needs method "online"; writes no
        checkpoint (the model can be pickled between calls).

        Parameters
        ----------
        X : Tensor or array-like, (n, d)
            Samples, float32 or float64.
        y : None
            Not used: scikit-learn's convention.

        Returns
        -------
        DictionaryLearning
            Itself.

        Raises
        ------
        ValueError
            X or a parameter does not fit.
        AttributeError
            ``method`` is not "online": there is no such method then.
        """
        self._check_parameters()
        state: OnlineState | None = getattr(self, "_state", None)
        if state is None:
            data, kind = self._training_data(X), X
            _check_squares(data)
            atoms, _, random = self._first(data)
            state = start(atoms, random)
            self.objective_, self.n_iter_ = [], 0
        else:
            data, kind = self._new_data(X, state.atoms), self.components_
            _check_squares(data)
            if len(state.atoms) != self.n_atoms:
                raise ValueError(
                    f"n_atoms: got {self.n_atoms}, want {len(state.atoms)}, as before; "
                    "fit starts afresh"
                )
        settings, total, before = self._settings(), 0.0, state.unconverged
        for rows in slices(len(data), self.batch_size):
            state, value = learn_batch(state, data[rows], settings)
            total += value
        self._set_state(kind, state)
        self.objective_.append(total / len(data))
        self.converged_, self.n_unconverged_ = True, state.unconverged - before
        self._warn_of_codes(settings.code_tol, "code_tol")
        return self

    @torch.no_grad()
    def transform(self, X: Data) -> Any:
        """Codes to the relative duality gap ``transform_tol``.

        Warns (scikit-learn's ConvergenceWarning) where codes did not come to it, and says in
        ``n_unconverged_`` how many.

        Parameters
        ----------
        X : Tensor or array-like, (n, d)
            Samples; a tensor must have the dtype and device of the data of ``fit``.

        Returns
        -------
        Tensor or array, (n, m)

        Raises
        ------
        ValueError
            X does not fit, or nothing was fitted yet.
        """
        return self._in_kind(self._encode(X).H, X)

    def inverse_transform(self, H: Data) -> Any:
        """Reconstruction X_hat = H D^T.

        Parameters
        ----------
        H : Tensor or array-like, (n, m)
            Codes.

        Returns
        -------
        Tensor or array, (n, d)

        Raises
        ------
        ValueError
            H does not fit, or nothing was fitted yet.
        """
        components = self._kept("components_")
        return self._in_kind(self._codes(H, len(components), components) @ components, H)

    def score(self, X: Data, y: object = None) -> float:
        """Minus the mean objective of samples at their codes: higher is better.

        Values of different penalties do not compare: the penalty is part of the objective.

        Parameters
        ----------
        X : Tensor or array-like, (n, d)
            Samples.
        y : None
            Not used: scikit-learn's convention.

        Returns
        -------
        float
            In the squared units of X.

        Raises
        ------
        ValueError
            X does not fit, or nothing was fitted yet.
        """
        return -float(self._encode(X).objective.double().mean())

    def _encode(self, X: Data) -> Codes:
        data = self._new_data(X, self._kept("components_"))
        codes = sparse_codes(
            data,
            self._kept("dictionary_"),
            self.penalty,
            solver=self.solver,
            tol=self.transform_tol,
            nonnegative=self.nonnegative,
            progress=False,
        )
        self.n_unconverged_ = int((~codes.converged).sum())
        self._warn_of_codes(self.transform_tol, "transform_tol")
        return codes

    def _warn_of_codes(self, tol: float, name: str) -> None:
        if self.n_unconverged_:
            convergence_warning(
                self,
                f"{self.n_unconverged_} codes did not come to a duality gap of {name}={tol:g} of "
                "their objective; raise it, or use float64",
            )

    def _resume(self, run: Run, X: Tensor) -> Callable[[], None]:
        """Restore the run from the checkpoint, if there is one; returns how to write it."""
        if self.checkpoint is None:
            return lambda: None
        if not hasattr(self.random_state, "__index__"):
            raise ValueError(
                f"random_state: got {self.random_state!r}, want an integer with a checkpoint, so "
                "that the run that goes on is the one that began"
            )
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

    def _publish(self, X: Data, run: OnlineRun | AlternatingRun) -> None:
        """The attributes, from the state of the run."""
        self.objective_, self.n_iter_ = list(run.objective), run.iterations
        self.converged_, self.n_unconverged_ = run.converged, run.unconverged
        if isinstance(run, OnlineRun):
            self._set_state(X, run.now.state)
            return
        self.__dict__.pop("_state", None)
        self.n_steps_, self.replaced_ = run.iterations, run.state.replaced
        self._set_atoms(X, run.state.atoms)

    def _set_state(self, X: Data, state: OnlineState) -> None:
        self._state = state
        self.n_steps_, self.replaced_ = state.steps, state.replaced
        self._set_atoms(X, state.atoms)

    def _set_atoms(self, X: Data, atoms: Tensor) -> None:
        self._keep(X, components_=atoms, dictionary_=atoms.T)

    def _settings(self) -> Settings:
        default = 0.1 if self.method == "online" else 1e-4
        return Settings(
            penalty=float(self.penalty),
            solver=self.solver,
            code_tol=default if self.code_tol is None else float(self.code_tol),
            forgetting=float(self.forgetting),
            nonnegative=check_flag("nonnegative", self.nonnegative),
            positive_dictionary=check_flag("positive_dictionary", self.positive_dictionary),
        )

    def _first(self, X: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """First atoms (m, d), and states of the generators of the order and of replacements."""
        generator = torch.Generator("cpu").manual_seed(draw_seed(self.random_state))
        atoms = self._first_atoms(X, generator)
        order = generator.get_state()
        other = int(torch.randint(2**62, (), generator=generator, device="cpu"))
        return atoms, order, torch.Generator("cpu").manual_seed(other).get_state()

    def _first_atoms(self, X: Tensor, generator: torch.Generator) -> Tensor:
        """Unit rows (m, d): D0, or samples that are not zero, or random directions."""
        m, d, positive = self.n_atoms, X.shape[1], self.positive_dictionary
        if self.D0 is not None:
            D0 = self._given_atoms()
            if tuple(D0.shape) != (d, m):
                raise ValueError(f"D0: got shape {tuple(D0.shape)}, want (d, m) = ({d}, {m})")
            if not bool(D0.any(0).all()):
                raise ValueError("D0: got a column of zeros, want atoms that are not zero")
            if positive and bool((D0 < 0).any()):
                raise ValueError("D0: got negative entries, want none with positive_dictionary")
            return normalise_atoms(D0.to(X)).T.contiguous()
        usable = (X > 0 if positive else X != 0).any(1).nonzero().squeeze(1).cpu()
        order = torch.randperm(len(usable), generator=generator, device="cpu")
        chosen = X[usable[order[:m]].to(X.device)]
        rest = torch.randn(
            m - len(chosen), d, generator=generator, dtype=torch.float64, device="cpu"
        )
        if positive:
            chosen, rest = chosen.clamp(min=0), rest.abs()
        return unit_rows(torch.cat([chosen, rest.to(X)]))

    def _given_atoms(self) -> Tensor:
        D0 = self.D0 if isinstance(self.D0, Tensor) else as_tensor(np.asarray(self.D0, float))
        check_matrix("D0", D0)
        return D0

    def _identity(self, X: Tensor) -> dict[str, str]:
        """What a checkpoint must share with the run that resumes it, by the arguments' names."""
        names = ["method", "n_atoms", "penalty", "solver", "nonnegative", "positive_dictionary"]
        names += ["code_tol", "random_state"]
        names += ["batch_size", "forgetting"] if self.method == "online" else ["tol"]
        identity = {name: str(getattr(self, name)) for name in names}
        identity["X"] = _checkpoint.fingerprint(X)
        identity["D0"] = "None" if self.D0 is None else _checkpoint.fingerprint(self._given_atoms())
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


def _check_squares(X: Tensor) -> None:
    """Refuse data whose products, summed over the samples, leave the range of its dtype."""
    k, most = exponent(X), math.log2(torch.finfo(X.dtype).max)
    if 2 * k + math.log2(X.numel()) > most or (2 * k < 64 - most and bool(X.any())):
        raise ValueError(
            f"X: got values of about 2^{k}, whose squares leave the range of {X.dtype}, want other "
            "units, with the penalty in them too"
        )
