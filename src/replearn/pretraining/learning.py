r"""An estimator that learns a restricted Boltzmann machine from data.

:class:`~replearn.pretraining.rbm.RBM` is a network: its sizes are given, and ``train`` or a loop of
one's own changes its weights. :class:`RBMLearning` is what scikit-learn's tools want: it finds the
sizes in the data, and stands in a Pipeline or a grid search. A step on a mini-batch of n samples
is that of contrastive divergence with plain gradient descent (Hinton 2002)::

    W <- W + (lr / n) (E[h | x]^T x - E[h | x_k]^T x_k),    x_k after k Gibbs steps from x

and alike for the biases.

Sources: Hinton (2002), Training products of experts by minimizing contrastive divergence, Neural
Computation 14; Besag (1975), Statistical analysis of non-lattice data, The Statistician 24.
"""

from __future__ import annotations

import copy
import math
import operator
from typing import Any

import torch
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.metaestimators import available_if
from torch import Tensor

from replearn._batches import slices
from replearn._estimator import Data, Estimator, draw_seed
from replearn._validate import check_integer, check_not_negative
from replearn.pretraining.rbm import RBM

__all__ = ["RBMLearning"]


class RBMLearning(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator):  # type: ignore[misc]
    """Learns a restricted Boltzmann machine, with scikit-learn's names and conventions.

    Parameters
    ----------
    n_components : int
        Number m of hidden units.
    visible : str
        Kind of the visible units, "binary" (values in [0, 1]) or "gaussian" (of variance 1).
    hidden : str
        Kind of the hidden units, alike.
    lr : float
        Learning rate. Gaussian units want a smaller one, about 0.001.
    steps : int
        Steps of Gibbs sampling from the data: the k of CD-k.
    batch_size : int
        Samples per step of ``fit``.
    epochs : int
        Passes over the data in ``fit``.
    random_state : int, RandomState or None
        Seed of the start, of the order of the samples and of the sampling: an integer, or None and
        a NumPy ``RandomState``, from which scikit-learn draws. torch's global random state is not
        used.

    Attributes
    ----------
    rbm_ : RBM
        The machine.
    components_ : Tensor or array, (m, d)
        Its weights W. This and the biases are tensors after a tensor was fitted, otherwise arrays.
    intercept_hidden_ : Tensor or array, (m,)
        Its bias b.
    intercept_visible_ : Tensor or array, (d,)
        Its bias c.
    n_steps_ : int
        Steps of gradient descent.
    n_features_in_ : int
        Dimension d of the samples.
    feature_names_in_ : array, (d,)
        Names of the columns, after a DataFrame was fitted.

    Raises
    ------
    ValueError
        X is not a finite float (n, d) matrix, or not in [0, 1] though the visible units are binary,
        a parameter does not fit, or a method is called before ``fit`` (scikit-learn's
        NotFittedError).

    Examples
    --------
    >>> X = torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]]).repeat(50, 1)
    >>> learner = RBMLearning(2, epochs=50).fit(X)
    >>> learner.score(X) > RBMLearning(2, epochs=1).fit(X).score(X)
    True
    """

    rbm_: RBM
    components_: Any
    intercept_hidden_: Any
    intercept_visible_: Any
    n_steps_: int

    def __init__(
        self,
        n_components: int = 64,
        *,
        visible: str = "binary",
        hidden: str = "binary",
        lr: float = 0.1,
        steps: int = 1,
        batch_size: int = 10,
        epochs: int = 10,
        random_state: Any = 0,
    ) -> None:
        self.n_components = n_components
        self.visible = visible
        self.hidden = hidden
        self.lr = lr
        self.steps = steps
        self.batch_size = batch_size
        self.epochs = epochs
        self.random_state = random_state

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    @torch.no_grad()
    def fit(self, X: Data, y: object = None) -> RBMLearning:
        """Learn from mini-batches in random order.

        Parameters
        ----------
        X : Tensor or array-like, (n, d)
            Samples, float32 or float64.
        y : None
            Not used: scikit-learn's convention.

        Returns
        -------
        RBMLearning
            This object.

        Raises
        ------
        ValueError
            X or a parameter does not fit, or the weights diverged with ``lr``.
        """
        data = self._training_data(X)
        self._check_parameters()
        rbm, generator, order = self._start(data)
        rbm._check_visible(data)
        for _ in range(self.epochs):
            shuffled = torch.randperm(len(data), generator=order, device="cpu").to(data.device)
            for rows in slices(len(data), self.batch_size):
                self._learn(rbm, data[shuffled[rows]], generator)
        self.n_steps_ = self.epochs * -(-len(data) // self.batch_size)
        self._publish(X, rbm, generator)
        return self

    @torch.no_grad()
    def partial_fit(self, X: Data, y: object = None) -> RBMLearning:
        """One step of contrastive divergence on all of X.

        Continues earlier calls, or ``fit``; otherwise starts.

        Parameters
        ----------
        X : Tensor or array-like, (n, d)
            A mini-batch.
        y : None
            Not used: scikit-learn's convention.

        Returns
        -------
        RBMLearning
            This object.

        Raises
        ------
        ValueError
            As :meth:`fit`, or ``n_components``, ``visible`` or ``hidden`` is not what it was. The
            machine is then as it was before.
        """
        self._check_parameters()
        if not hasattr(self, "rbm_"):
            data, kind = self._training_data(X), X
            rbm, generator, _ = self._start(data)
            self.n_steps_ = 0
        else:
            rbm, kind = copy.deepcopy(self.rbm_), self.components_  # kept if the step fails
            if (rbm.visible, rbm.hidden) != (self.visible, self.hidden) or len(rbm.bias) != (
                self.n_components
            ):
                raise ValueError(
                    f"n_components: got {self.n_components} with {self.visible} visible and "
                    f"{self.hidden} hidden units, want {len(rbm.bias)}, {rbm.visible} and "
                    f"{rbm.hidden}, as before; fit starts afresh"
                )
            data = self._new_data(X, rbm.weight)
            generator = torch.Generator(data.device)
            generator.set_state(self._random)
        rbm._check_visible(data)
        self._learn(rbm, data, generator)
        self.n_steps_ += 1
        self._publish(kind, rbm, generator)
        return self

    @torch.no_grad()
    def transform(self, X: Data) -> Any:
        """The mean of the code given each sample, E[h | x].

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
        self._kept("components_")
        return self._in_kind(self.rbm_.encode(self._new_data(X, self.rbm_.weight)), X)

    @torch.no_grad()
    def inverse_transform(self, H: Data) -> Any:
        """The mean of the sample given each code, E[x | h].

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
        weight = self._kept("components_")
        return self._in_kind(self.rbm_.decode(self._codes(H, len(weight), self.rbm_.weight)), H)

    def _has_bits(self) -> bool:
        if self.visible != "binary":
            raise AttributeError(f"visible: got {self.visible!r}, want 'binary' for a score")
        return True

    @available_if(_has_bits)  # type: ignore[untyped-decorator]
    @torch.no_grad()
    def score_samples(self, X: Data) -> Any:
        """Pseudo-log-likelihood of each sample: see ``RBM.pseudo_log_likelihood``.

        Parameters
        ----------
        X : Tensor or array-like, (n, d)
            Samples.

        Returns
        -------
        Tensor or array, (n,)
            In nats.

        Raises
        ------
        ValueError
            X does not fit, or nothing was fitted yet.
        AttributeError
            Visible units are not binary: there is no such method then.
        """
        self._kept("components_")
        data = self._new_data(X, self.rbm_.weight)
        return self._in_kind(self.rbm_.pseudo_log_likelihood(data), X)

    @available_if(_has_bits)  # type: ignore[untyped-decorator]
    def score(self, X: Data, y: object = None) -> float:
        """Mean pseudo-log-likelihood.

        Parameters
        ----------
        X : Tensor or array-like, (n, d)
            Samples.
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
        AttributeError
            Visible units are not binary: there is no such method then.
        """
        return float(self.score_samples(X).mean())

    def _start(self, data: Tensor) -> tuple[RBM, torch.Generator, torch.Generator]:
        """The machine, a generator on its device for the sampling, one for the order."""
        order = torch.Generator("cpu").manual_seed(draw_seed(self.random_state))
        first, second = torch.randint(2**62, (2,), generator=order, device="cpu").tolist()
        m = operator.index(self.n_components)
        rbm = RBM(data.shape[1], m, visible=self.visible, hidden=self.hidden, seed=first)
        return rbm.to(data), torch.Generator(data.device).manual_seed(second), order

    def _learn(self, rbm: RBM, X: Tensor, generator: torch.Generator) -> None:
        X_k = rbm.gibbs(X, self.steps, generator)
        H, H_k = rbm._encode(X), rbm._encode(X_k)
        rate = self.lr / len(X)
        rbm.weight.add_(H.T @ X - H_k.T @ X_k, alpha=rate)
        rbm.bias.add_((H - H_k).sum(0), alpha=rate)
        rbm.visible_bias.add_((X - X_k).sum(0), alpha=rate)
        if not math.isfinite(float(rbm.weight.sum() + rbm.visible_bias.sum())):
            raise ValueError(f"lr: got {self.lr}, with which the weights diverged, want less")

    def _publish(self, X: Data, rbm: RBM, generator: torch.Generator) -> None:
        self.rbm_, self._random = rbm, generator.get_state()
        self._keep(
            X,
            components_=rbm.weight.detach().clone(),
            intercept_hidden_=rbm.bias.detach().clone(),
            intercept_visible_=rbm.visible_bias.detach().clone(),
        )

    def _check_parameters(self) -> None:
        for name in ("n_components", "steps", "batch_size", "epochs"):
            value = getattr(self, name)
            check_integer(name, value)
            if value < 1:
                raise ValueError(f"{name}: got {value}, want at least 1")
        check_not_negative("lr", self.lr)
