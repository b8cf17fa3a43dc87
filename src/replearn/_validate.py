"""Checks of arguments that several modules share.

Each error is one sentence that names the argument, what was got and what is wanted.
"""

from __future__ import annotations

import operator
from numbers import Real
from typing import SupportsIndex

import numpy as np
import torch
from torch import Tensor


def check_tensor(name: str, value: object, want: str = "a torch tensor") -> None:
    """Refuse all but a dense tensor."""
    if not isinstance(value, Tensor):
        raise ValueError(f"{name}: got {type(value).__name__}, want {want}")
    if value.is_nested or value.layout != torch.strided:
        kind = "nested" if value.is_nested else str(value.layout).removeprefix("torch.")
        raise ValueError(f"{name}: got a tensor of layout {kind}, want a dense one")


def check_values(name: str, value: Tensor) -> None:
    """Refuse a tensor without values. Whether it lies where others do is asked before."""
    if value.device.type == "meta":
        raise ValueError(f"{name}: got a tensor on the meta device, want one that has values")


def check_integer(name: str, value: object) -> None:
    """Refuse all but an integer, of Python, numpy or torch."""
    if isinstance(value, SupportsIndex) and not isinstance(value, bool):
        try:
            operator.index(value)
        except TypeError:  # an array or a tensor that is no single integer
            pass
        else:
            return
    raise ValueError(f"{name}: got {value!r}, want an integer")


def check_flag(name: str, value: object) -> bool:
    """Refuse all but True and False, of Python or numpy: of other values many are neither."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name}: got {value!r}, want True or False")
    return bool(value)


def check_seed(seed: int) -> int:
    """The seed as Python's integer, which torch's generators insist on."""
    check_integer("seed", seed)
    value = operator.index(seed)
    if not -(2**63) <= value < 2**64:
        raise ValueError(f"seed: got {value}, want an integer of at most 64 bits")
    return value


def check_not_negative(name: str, value: object) -> None:
    """Refuse all but a number from 0 up."""
    if not isinstance(value, Real | Tensor) or not float(value) >= 0:
        raise ValueError(f"{name}: got {value!r}, want a number of at least 0")


def check_matrix(
    name: str,
    X: Tensor,
    d: int | None = None,
    dtype: torch.dtype | None = None,
    *,
    finite: bool = True,
) -> None:
    """Refuse all but a finite, floating (n, d) tensor of the wanted width and dtype.

    ``finite=False`` does without the pass over the values, for what is called at every step of a
    training: there NaN gives NaN.
    """
    check_tensor(name, X, "a torch tensor of shape (n, d)")
    shape = tuple(X.shape)
    if X.ndim != 2 or 0 in shape or (d is not None and shape[1] != d):
        want = f"(n, {'d' if d is None else d})"
        empty = " with at least one row and one column" if 0 in shape else ""
        raise ValueError(f"{name}: got shape {shape}, want {want}{empty}")
    if X.dtype not in (torch.float32, torch.float64) or (dtype is not None and X.dtype != dtype):
        want = "torch.float32 or torch.float64" if dtype is None else f"{dtype}, as in fit"
        raise ValueError(f"{name}: got dtype {X.dtype}, want {want}")
    if not finite:
        return
    check_values(name, X)
    # A sum is finite only if all its terms are, and costs a tenth of isfinite(X).all().
    if not torch.isfinite(X.detach().sum()) and not torch.isfinite(X).all():
        raise ValueError(f"{name}: got NaN or infinite values, want finite ones")


def check_range(name: str, result: Tensor, what: str) -> None:
    """Refuse an argument from which something comes that is no number of the result's dtype."""
    if not bool(torch.isfinite(result.detach()).all()):
        raise ValueError(
            f"{name}: got values whose {what} leave the range of {result.dtype}, want other units, "
            "or float64"
        )


def check_fitted(estimator: object, attribute: str) -> None:
    """Refuse an estimator without the attribute that ``fit`` sets."""
    if not hasattr(estimator, attribute):
        from sklearn.exceptions import NotFittedError  # here: scikit-learn takes a second

        name = type(estimator).__name__
        raise NotFittedError(f"this {name} is not fitted yet: call fit(X) first")


def check_rows(name: str, X: Tensor, weight: Tensor | None, width: int | None = None) -> None:
    """Refuse all but rows (..., width) of the dtype and on the device of the weight they meet.

    It looks at no value, as layers call it at every step; None: a module that does not say.
    """
    check_tensor(name, X, "a torch tensor of shape (n, d)")
    check_recorded(name, X)
    shape = tuple(X.shape)
    if X.ndim == 0 or (width is not None and shape[-1] != width):
        raise ValueError(f"{name}: got shape {shape}, want (n, {'d' if width is None else width})")
    if weight is None:
        check_floating(name, X)
        return
    # Inside torch.autocast layers take each other's dtype.
    if X.dtype != weight.dtype and not torch.is_autocast_enabled(weight.device.type):
        raise ValueError(f"{name}: got dtype {X.dtype}, want {weight.dtype}, as the weights")
    if X.device != weight.device:
        raise ValueError(f"{name}: got device {X.device}, want {weight.device}, as the weights")


def check_recorded(name: str, X: Tensor) -> None:
    """Refuse what autograd cannot record, where it does."""
    if torch.is_grad_enabled() and X.is_inference() and not torch.is_inference_mode_enabled():
        raise ValueError(
            f"{name}: got a tensor made in inference mode, want another one (such as its clone) "
            "where gradients are taken"
        )


def check_floating(name: str, X: Tensor) -> None:
    """Refuse all but a dense floating tensor."""
    check_tensor(name, X)
    if not X.is_floating_point():
        raise ValueError(f"{name}: got dtype {X.dtype}, want a floating one")


def check_samples(name: str, X: Tensor) -> None:
    """Refuse all but dense floating rows (n, d), at least one, without a look at their values."""
    check_floating(name, X)
    if X.ndim != 2 or 0 in X.shape:
        raise ValueError(f"{name}: got shape {tuple(X.shape)}, want (n, d), n and d at least 1")
