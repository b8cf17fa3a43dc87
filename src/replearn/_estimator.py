"""What the estimators share: scikit-learn's conventions, for tensors and arrays alike.

An estimator takes a torch tensor or what scikit-learn takes (a NumPy array, a pandas or polars
DataFrame, nested lists), and gives back what it was given:

- a tensor gives tensors of its dtype and on its device, and gradients flow through ``transform``.
  It must be float32 or float64, at every call of one dtype and on one device: nothing is moved or
  rounded behind the reader's back.
- anything else is read by scikit-learn's own checks, with their messages: integers become float64,
  float32 stays. It gives NumPy arrays, or what ``set_output`` asks for.

Fitted attributes are tensors after a tensor was fitted, and NumPy arrays after anything else.
"""

from __future__ import annotations

import operator
import sys
import warnings
from collections.abc import Mapping
from numbers import Number
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import validate_data
from torch import Tensor

from replearn._validate import check_matrix

__all__ = [
    "Data",
    "Estimator",
    "as_tensor",
    "check_dense",
    "check_table",
    "convergence_warning",
    "draw_seed",
    "in_kind",
    "read",
]

Data = Any  # a Tensor, or what scikit-learn takes

_DTYPES = [np.float64, np.float32]  # the first is for what is neither


class Estimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Base of the estimators: reads data, gives results back in kind, keeps what was fitted."""

    n_features_in_: int

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if tags.transformer_tags is not None:
            tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _training_data(self, X: Data, *, at_least: int = 1) -> Tensor:
        """X (n, d) as a tensor, to be fitted: sets n_features_in_ and feature_names_in_."""
        if not isinstance(X, Tensor):
            check_table("X", X)
            X = validate_data(self, X, dtype=_DTYPES, ensure_min_samples=at_least)
            return as_tensor(X)
        check_dense("X", X)
        check_matrix("X", X)
        if len(X) < at_least:
            raise ValueError(
                f"X: got shape {tuple(X.shape)}, want at least {at_least} samples (rows)"
            )
        self.__dict__.pop("feature_names_in_", None)
        self.n_features_in_ = X.shape[1]
        return X.detach()

    def _new_data(self, X: Data, like: Tensor, name: str = "X") -> Tensor:
        """X (n, d) for a fitted estimator, of the dtype and on the device of what was fitted."""
        d = self.n_features_in_
        if isinstance(X, Tensor):
            return self._checked(name, X, d, like)
        check_table(name, X)
        return as_tensor(validate_data(self, X, reset=False, dtype=_DTYPES)).to(like)

    def _codes(self, H: Data, width: int, like: Tensor, name: str = "H") -> Tensor:
        """Codes H (n, width) as a tensor, for ``inverse_transform``: columns without names."""
        if not isinstance(H, Tensor):
            check_table(name, H)
            H = as_tensor(check_array(H, dtype=_DTYPES, estimator=self, input_name=name)).to(like)
        return self._checked(name, H, width, like)

    def _checked(self, name: str, X: Tensor, width: int, like: Tensor) -> Tensor:
        check_dense(name, X)
        check_matrix(name, X, width, like.dtype)
        if X.device != like.device:
            raise ValueError(f"{name}: got a tensor on {X.device}, want {like.device}, as in fit")
        return X

    def _in_kind(self, result: Tensor, X: Data) -> Any:
        """A result as X was given: a tensor for a tensor, otherwise an array."""
        return in_kind(result, X)

    def _keep(self, X: Data, **attributes: Any) -> None:
        """Set fitted attributes; the tensors among them as arrays, unless a tensor was fitted."""
        for name, value in attributes.items():
            if isinstance(value, Tensor) and not isinstance(X, Tensor):
                value = _array(value)
            setattr(self, name, value)

    def _kept(self, name: str) -> Tensor:
        """A fitted attribute as a tensor."""
        if not hasattr(self, name):
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet: call fit(X) first")
        value = getattr(self, name)
        return value if isinstance(value, Tensor) else as_tensor(value)


def as_tensor(array: Any) -> Tensor:
    """A NumPy array of floats as a tensor on the CPU: a view, where torch can have one."""
    native = array.dtype.newbyteorder("=")
    if not array.flags.writeable or min(array.strides, default=1) < 0 or array.dtype != native:
        array = array.astype(native, order="C")
    return torch.from_numpy(array)


def read(name: str, X: Data) -> Tensor:
    """X (n, d) as a tensor, for what is no estimator; a tensor as it is."""
    if isinstance(X, Tensor):
        return X
    check_table(name, X)
    return as_tensor(check_array(X, dtype=_DTYPES, input_name=name))


def in_kind(result: Tensor, X: Data) -> Any:
    """A result as X was given: a tensor for a tensor, otherwise an array."""
    return result if isinstance(X, Tensor) else _array(result)


def _array(values: Tensor) -> Any:
    return values.detach().cpu().numpy()


def check_table(name: str, X: Data) -> None:
    """Refuse what is no table at all; what is one, scikit-learn looks at."""
    # One of scipy's sparse matrices is a dict, with a shape.
    mapping = isinstance(X, Mapping) and not hasattr(X, "shape")
    if X is None or mapping or isinstance(X, str | bytes | Number):
        got = type(X).__name__
        raise ValueError(f"{name}: got {got}, want a tensor, an array or a DataFrame (n, d)")


def check_dense(name: str, X: Tensor) -> None:
    """Refuse sparse tensors."""
    if X.layout != torch.strided:
        raise ValueError(f"{name}: got layout {X.layout}, want a dense tensor")


def draw_seed(random_state: Any) -> int:
    """A seed for torch's generators from scikit-learn's ``random_state``.

    An integer is the seed itself; a ``RandomState``, or None for NumPy's global one, draws it.
    """
    if random_state is None or isinstance(random_state, np.random.RandomState):
        return int(check_random_state(random_state).randint(2**31 - 1))
    try:
        seed = operator.index(random_state)
    except TypeError:
        seed = -1
    if isinstance(random_state, bool) or not 0 <= seed < 2**64:
        raise ValueError(
            f"random_state: got {random_state!r}, want an integer from 0, below 2^64, a NumPy "
            "RandomState or None"
        )
    return seed


def convergence_warning(estimator: object, message: str) -> None:
    """Warn, at the line that called the estimator's method, that an iteration did not converge."""
    warnings.warn(
        f"{type(estimator).__name__}: {message}", ConvergenceWarning, stacklevel=_outside()
    )


def _outside() -> int:
    """How many frames up the first one outside this library and scikit-learn is."""
    level, frame = 2, sys._getframe(2)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(
        ("replearn.", "sklearn.", "torch.")
    ):
        level, frame = level + 1, frame.f_back
    return level
