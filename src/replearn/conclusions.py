"""Conclusions in words, asserted where they are drawn.

A sentence that says which of two numbers is larger stands in a chapter's text, the numbers in its
cells. :func:`conclude` ties the two together: it checks the comparison, under the name that the
sentence carries, and a chapter whose sentence does not hold on the data set at hand fails there.
"""

from __future__ import annotations

import math
import operator
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Conclusion", "ConclusionError", "conclude"]

#: What the names of conclusions begin with among the values that a notebook glues.
GLUE_KEY = "conclusion:"
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SHOWN = 4  # entries of an array that are written out


class ConclusionError(AssertionError):
    """The numbers do not bear out a sentence."""


@dataclass(frozen=True)
class Conclusion:
    """A comparison that holds.

    Attributes
    ----------
    name : str
        What the sentence in the text refers to.
    comparison : str
        The comparison with its numbers, as text.

    Examples
    --------
    >>> Conclusion("two-below-three", "2 < 3")
    <two-below-three: 2 < 3>
    """

    name: str
    comparison: str

    def __repr__(self) -> str:
        return f"<{self.name}: {self.comparison}>"


def conclude(name: str, *comparison: Any, within: float | None = None) -> Conclusion:
    r"""Check the comparison that a sentence rests on.

    Parameters
    ----------
    name : str
        Lower-case words joined by hyphens, unique on the page, as the book's build checks. The
        sentence carries it in the role ``{conclusion}``, a figure's alternative text in
        ``plotting.show(conclusions=[...])``.
    *comparison : numbers or arrays, and relations between them
        Values and relations in turn: ``a, "<", b`` or ``a, "<=", b, "<", c``. Relations are
        ``<``, ``<=``, ``>``, ``>=``, and ``==`` with ``within``. Of arrays and sequences, each
        entry must stand in the relation (they are broadcast). Integers of any size and floats are
        compared without rounding. Nothing compares with NaN.
    within : float, optional
        Half-width of ``==``, in the unit of the values: :math:`|a - b| \le` ``within``, finite.
        Required with ``==`` unless the values on both of its sides are integers.

    Returns
    -------
    Conclusion
        In a notebook it is glued to the page under ``conclusion:NAME`` and not displayed.

    Raises
    ------
    ConclusionError
        The comparison does not hold.
    ValueError
        The name or the comparison is not of the form above.

    Examples
    --------
    >>> conclude("deep-below-pca", 22.4, "<", 29.1)
    <deep-below-pca: 22.4 < 29.1>
    >>> conclude("each-step-descends", [3.0, 2.0], ">", [2.0, 1.5], ">=", 0)
    <each-step-descends: [3, 2] > [2, 1.5] >= 0>
    >>> conclude("same-error", 0.501, "==", 0.5, within=0.01)
    <same-error: 0.501 == 0.5 (within 0.01)>
    >>> conclude("pca-below-deep", 29.1, "<", 22.4)
    Traceback (most recent call last):
    ...
    replearn.conclusions.ConclusionError: pca-below-deep: 29.1 < 22.4 does not hold
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"name: got {name!r}, want lower-case words joined by hyphens")
    relations = list(comparison[1::2])
    for relation in relations:
        if not (isinstance(relation, str) and relation in (*_RELATIONS, "==")):
            raise ValueError(f"{name}: got the relation {relation!r}, want <, <=, >, >= or ==")
    if len(comparison) < 3 or len(comparison) % 2 == 0:
        raise ValueError(f"{name}: got {len(comparison)} parts, want values with relations between")
    values = [_as_array(f"{name}: part {i}", comparison[i]) for i in range(0, len(comparison), 2)]
    pairs = list(zip(values, relations, values[1:], strict=False))
    for left, _, right in pairs:
        _check_shapes(name, left, right)
    _check_within(name, pairs, within)
    text = _text(values, relations, within)
    for left, relation, right in pairs:
        holds = _holds(left, relation, right, within or 0)
        if not holds.all():
            raise ConclusionError(f"{name}: {text} does not hold{_where(left, right, holds)}")
    _glue(name, text)
    return Conclusion(name, text)


def _as_array(where: str, value: Any) -> NDArray[Any]:
    """The numbers, at least one, whatever holds them: floats of 64 bits, or Python's integers.

    Neither wraps around or is rounded when two of them are compared or subtracted.
    """
    if isinstance(value, np.ma.MaskedArray):
        raise ValueError(f"{where}: got a masked array, want numbers without a mask")
    if isinstance(value, (list, tuple)):
        arrays = [_as_array(where, entry) for entry in value]
        if len({array.shape for array in arrays}) > 1:
            raise ValueError(f"{where}: got a ragged sequence, want numbers")
        whole = all(array.dtype.kind == "O" for array in arrays)
        array = np.array([array.tolist() for array in arrays], dtype=object if whole else float)
    else:
        array = _numbers(where, value)
    if array.size == 0:
        raise ValueError(f"{where}: got no numbers, want at least one")
    return array


def _numbers(where: str, value: Any) -> NDArray[Any]:
    """The numbers of one object: a number, an array or a tensor."""
    try:
        if hasattr(value, "detach"):  # a tensor, on any device
            value = value.detach().cpu()
            value = (value.double() if value.is_floating_point() else value).numpy()
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:  # such as a sparse tensor's
        raise ValueError(f"{where}: got {type(value).__name__}, want real numbers") from error
    if array.dtype.kind == "f" and array.dtype.itemsize <= 8:
        return array.astype(np.float64)
    integers = array.dtype.kind in "iu" or all(type(entry) is int for entry in array.ravel())
    if not integers:
        raise ValueError(f"{where}: got {value!r}, want real numbers (floats or integers)")
    return array.astype(object)


def _check_shapes(name: str, left: NDArray[Any], right: NDArray[Any]) -> None:
    try:
        np.broadcast_shapes(left.shape, right.shape)
    except ValueError as error:
        raise ValueError(
            f"{name}: got the shapes {left.shape} and {right.shape}, want shapes that are equal or"
            " can be broadcast"
        ) from error


def _check_within(
    name: str, pairs: list[tuple[NDArray[Any], str, NDArray[Any]]], within: float | None
) -> None:
    equal = [(left, right) for left, relation, right in pairs if relation == "=="]
    if within is None:
        if any(side.dtype.kind != "O" for pair in equal for side in pair):
            raise ValueError(f"{name}: == between numbers that are not integers needs within=")
        return
    if not equal:
        raise ValueError(f"{name}: within={within!r} goes with ==, and there is none")
    number = isinstance(within, (int, float, np.integer, np.floating)) and within is not True
    if not number or isinstance(within, (bool, np.bool_)) or not 0 <= within < float("inf"):
        raise ValueError(f"{name}: got within={within!r}, want a finite number, 0 or larger")


def _close(a: Any, b: Any, within: float) -> bool:
    """Whether two numbers differ by at most ``within``, exactly."""
    if not (math.isfinite(a) and math.isfinite(b)):
        return bool(a == b)
    return abs(Fraction(a) - Fraction(b)) <= Fraction(float(within))


def _holds(a: NDArray[Any], relation: str, b: NDArray[Any], within: float) -> NDArray[np.bool_]:
    """Whether the relation holds, entry by entry."""
    with np.errstate(invalid="ignore", over="ignore"):
        if relation != "==":
            return np.asarray(_RELATIONS[relation](a, b), dtype=bool)
        if a.dtype.kind == b.dtype.kind == "f":
            return np.asarray((a == b) | (np.abs(a - b) <= within))
    return np.asarray(np.frompyfunc(_close, 3, 1)(a, b, within), dtype=bool)


def _where(a: NDArray[Any], b: NDArray[Any], holds: NDArray[np.bool_]) -> str:
    """The first of many entries at which a relation fails."""
    if holds.size <= _SHOWN:
        return ""
    at = tuple(int(i) for i in np.argwhere(~holds)[0])
    sides = [array[at] for array in np.broadcast_arrays(a, b)]
    entry = at if len(at) > 1 else at[0]
    return f" at entry {entry}, where {sides[0]:.6g} stands beside {sides[1]:.6g}"


def _text(values: list[NDArray[Any]], relations: list[str], within: float | None) -> str:
    """The comparison, with as many digits as it takes to tell numbers that differ apart."""
    for digits in (4, 6, 9, 13, 17):
        shown = [_shown(value, digits) for value in values]
        if all(
            a.size > 1 or b.size > 1 or a == b or one != other
            for a, b, one, other in zip(values, values[1:], shown, shown[1:], strict=False)
        ):
            break
    parts = [shown[0]]
    for relation, value in zip(relations, shown[1:], strict=True):
        parts += [relation, value]
    return " ".join(parts) + ("" if within is None else f" (within {within:g})")


def _number(entry: Any, digits: int) -> str:
    """One number; an integer that is no longer than that is written out."""
    if isinstance(entry, int) and len(str(abs(entry))) <= digits:
        return str(entry)
    return f"{entry:.{digits}g}"


def _shown(array: NDArray[Any], digits: int) -> str:
    """Numbers; of many of them, how many there are and between what they lie."""
    if array.ndim == 0:
        return _number(array.item(), digits)
    if array.size <= _SHOWN:
        return f"[{', '.join(_number(entry, digits) for entry in array.ravel().tolist())}]"
    low, high = (_number(entry, digits) for entry in (array.min(), array.max()))
    return f"[{array.size} numbers from {low} to {high}]"


def _glue(name: str, text: str) -> None:
    """Store the comparison in the output of the notebook's cell, in the form of myst_nb's glue."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None:
        return
    prefix = "application/papermill.record/"
    shell.display_pub.publish(
        {f"{prefix}text/plain": text},
        {"scrapbook": {"name": f"{GLUE_KEY}{name}", "mime_prefix": prefix}},
    )
