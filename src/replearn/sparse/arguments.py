"""Checks of what the sparse coding functions are given, and the problem they agree on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real

import torch
from torch import Tensor

from replearn._validate import (
    check_flag,
    check_integer,
    check_matrix,
    check_not_negative,
    check_tensor,
    check_values,
)
from replearn.sparse.norms import GroupNorm, L1Norm

SMALLEST_TOL = 8
"""Tolerances below so many eps of the dtype ask for what rounding decides: the gap is a difference
of a few terms of the objective's size, each of them rounded."""

_MOST = 2**62  # iterations: more would be no number of the compiled loops, and never end

ProgressCallback = Callable[[int], object]
"""Called with the number of samples that have just been finished."""


@dataclass(frozen=True)
class Problem:
    """n sparse coding problems that share a dictionary, checked; and when to stop.

    Each is to minimise ``1/2 ||x - D h||^2 + penalty norm(h) + l2/2 ||h||^2``.
    """

    X: Tensor  # (n, d)
    D: Tensor  # (d, m)
    penalty: Tensor  # (n,), of the dtype and on the device of X
    norm: L1Norm | GroupNorm
    l2: float
    H0: Tensor | None  # (n, m)
    tol: float  # at least SMALLEST_TOL eps
    max_iter: int | None

    @property
    def nonnegative(self) -> bool:
        """Whether codes must be >= 0."""
        return self.norm.nonnegative

    def iterations(self, default: int = 1000) -> int:
        """At most so many."""
        return default if self.max_iter is None else self.max_iter


def check_problem(
    X: Tensor,
    D: Tensor,
    penalty: float | Tensor,
    *,
    weights: Tensor | None = None,
    groups: Tensor | None = None,
    l2: float = 0.0,
    H0: Tensor | None = None,
    nonnegative: bool = False,
    tol: float = 0.0,
    max_iter: int | None = 0,
) -> Problem:
    """The problem, or a ValueError that names the argument that does not fit."""
    check_matrix("X", X)
    check_dictionary(D, X)
    norm = check_norm(D, weights, groups, nonnegative)
    check_not_negative("l2", l2)
    if not math.isfinite(l2):
        raise ValueError(f"l2: got {l2}, want a finite number")
    if H0 is not None:
        check_codes("H0", H0, X, D)
        check_sign("H0", H0, nonnegative)
    check_not_negative("tol", tol)
    if max_iter is not None:
        check_integer("max_iter", max_iter)
        if max_iter < 0:
            raise ValueError(f"max_iter: got {max_iter}, want at least 0")
    return Problem(
        X.detach(),
        D.detach(),
        check_penalty(penalty, X),
        norm,
        float(l2),
        None if H0 is None else H0.detach(),
        max(float(tol), SMALLEST_TOL * float(torch.finfo(X.dtype).eps)),
        None if max_iter is None else min(int(max_iter), _MOST),
    )


def check_norm(
    D: Tensor, weights: Tensor | None, groups: Tensor | None, nonnegative: bool
) -> L1Norm | GroupNorm:
    """The norm of the codes of D's atoms, in D's dtype and on its device."""
    m, nonnegative = D.shape[1], check_flag("nonnegative", nonnegative)
    if groups is None:
        return L1Norm(_check_weights(weights, m, "one for each atom", D), nonnegative)
    check_tensor("groups", groups, f"a torch tensor of shape ({m},)")
    if tuple(groups.shape) != (m,) or groups.dtype != torch.int64:
        raise ValueError(
            f"groups: got {groups.dtype} of shape {tuple(groups.shape)}, want torch.int64 of "
            f"shape ({m},), the number of each atom's group"
        )
    if groups.device != D.device:
        raise ValueError(f"groups: got a tensor on {groups.device}, want {D.device}, as D")
    count = int(groups.max()) + 1
    if int(groups.min()) < 0 or bool((torch.bincount(groups, minlength=count) == 0).any()):
        raise ValueError("groups: got numbers that leave some out, want 0, 1, ... without a gap")
    if weights is None:  # a group of more atoms has a longer q by chance alone: Yuan and Lin (2006)
        weights = torch.bincount(groups, minlength=count).to(D).sqrt()
    checked = _check_weights(weights, count, "one for each group", D)
    assert checked is not None
    return GroupNorm(groups, checked, nonnegative)


def _check_weights(weights: Tensor | None, count: int, each: str, D: Tensor) -> Tensor | None:
    if weights is None:
        return None
    check_tensor("weights", weights, f"a torch tensor of shape ({count},)")
    if tuple(weights.shape) != (count,):
        raise ValueError(f"weights: got shape {tuple(weights.shape)}, want ({count},), {each}")
    _check_alike("weights", weights, D, "D")
    if not bool((weights > 0).all()):
        raise ValueError(f"weights: got {float(weights.min()):g}, want positive ones")
    return weights.detach()


def check_sign(name: str, H: Tensor, nonnegative: bool) -> None:
    """Refuse negative codes where none may be."""
    if nonnegative and bool((H < 0).any()):
        raise ValueError(f"{name}: got negative codes, want none with nonnegative=True")


def within(
    gap: Tensor, objective: Tensor, x2: Tensor, tol: float, dtype: torch.dtype | None = None
) -> Tensor:
    """Which samples are finished.

    Their gap is at most tol * objective, or so small beside ||x||^2 that it is rounding (where x is
    fitted exactly, the objective itself is), of codes in ``dtype`` or the gap's own.
    """
    floor = 0.5 * float(torch.finfo(dtype or gap.dtype).eps) ** 1.5 * x2
    enough: Tensor = (gap <= tol * objective + floor) & torch.isfinite(gap)
    return enough


def fitted(value: Tensor, x2: Tensor, lam: Tensor, noise: float) -> Tensor:
    """Which samples without a penalty have the objective 0 but for rounding: their minimum."""
    exact: Tensor = (lam == 0) & (value <= 0.5 * noise * x2)
    return exact


def check_dictionary(D: Tensor, X: Tensor | None = None) -> None:
    """Refuse all but a finite, floating (d, m) tensor, m >= 1, that goes with X (n, d)."""
    check_tensor("D", D, "a torch tensor of shape (d, m)")
    shape = tuple(D.shape)
    d = "d" if X is None else X.shape[1]
    if D.ndim != 2 or 0 in shape or (X is not None and shape[0] != d):
        empty = " with at least one atom (column)" if 0 in shape else ""
        raise ValueError(f"D: got shape {shape}, want ({d}, m){empty}")
    if X is None:
        check_matrix("D", D)
    else:
        _check_alike("D", D, X)


def check_codes(name: str, H: Tensor, X: Tensor, D: Tensor) -> None:
    """Refuse all but finite codes (n, m) of X's dtype and device."""
    want = (X.shape[0], D.shape[1])
    check_tensor(name, H, f"a torch tensor of shape {want}")
    if tuple(H.shape) != want:
        raise ValueError(f"{name}: got shape {tuple(H.shape)}, want (n, m) = {want}")
    _check_alike(name, H, X)


def check_penalty(penalty: float | Tensor, X: Tensor) -> Tensor:
    """One penalty a sample, (n,), of X's dtype and on its device."""
    n = len(X)
    if isinstance(penalty, Tensor):
        check_tensor("penalty", penalty)
        check_values("penalty", penalty)
        if penalty.is_complex() or penalty.dtype == torch.bool:
            raise ValueError(f"penalty: got dtype {penalty.dtype}, want real numbers")
        if tuple(penalty.shape) not in ((), (n,)):
            raise ValueError(
                f"penalty: got shape {tuple(penalty.shape)}, want a number or shape ({n},), "
                "one for each sample"
            )
    elif not isinstance(penalty, Real) or isinstance(penalty, bool):
        raise ValueError(
            f"penalty: got {penalty!r}, want a number of at least 0 or a tensor of shape ({n},)"
        )
    elif abs(penalty) > torch.finfo(torch.float64).max:  # Python's integers may be, and infinity
        penalty = math.inf
    values: Tensor = torch.as_tensor(penalty, dtype=X.dtype, device=X.device).detach()
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and math.isfinite(high)):
        wrong = high if low >= 0 else low
        raise ValueError(f"penalty: got {wrong:g}, want finite values of at least 0")
    expanded: Tensor = values.expand(n)
    return expanded


def _check_alike(name: str, value: Tensor, X: Tensor, other: str = "X") -> None:
    if value.dtype != X.dtype:
        raise ValueError(f"{name}: got dtype {value.dtype}, want {X.dtype}, that of {other}")
    if value.device != X.device:
        raise ValueError(
            f"{name}: got a tensor on {value.device}, want {X.device}, where {other} lies"
        )
    if not torch.isfinite(value).all():
        raise ValueError(f"{name}: got NaN or infinite values, want finite ones")
