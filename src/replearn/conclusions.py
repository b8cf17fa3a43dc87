"""Conclusions in words, asserted where they are drawn.

A sentence that says which of two numbers is larger stands in a chapter's text, the numbers in its
cells. :func:`conclude` ties the two together: it checks the comparison, under the name that the
sentence carries, and a chapter whose sentence does not hold on the data set at hand fails there.
"""

from __future__ import annotations

import operator
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
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
        Lower-case words joined by hyphens, unique on the page. The sentence carries it in the role
        ``{conclusion}``, a figure's alternative text in ``plotting.show(conclusions=[...])``.
    *comparison : numbers or arrays, and relations between them
        Values and relations in turn: ``a, "<", b`` or ``a, "<=", b, "<", c``. Relations are
        ``<``, ``<=``, ``>``, ``>=``, and ``==`` with ``within``. Of arrays and sequences, each
        entry must stand in the relation (they are broadcast). Nothing compares with NaN.
    within : float, optional
        Half-width of ``==``, in the unit of the values: :math:`|a - b| \le` ``within``. Required
        with ``==`` unless the values are integers.

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
    values = [_as_array(name, value) for value in comparison[0::2]]
    relations = list(comparison[1::2])
    if len(values) < 2 or len(comparison) != 2 * len(values) - 1:
        raise ValueError(f"{name}: got {len(comparison)} parts, want values with relations between")
    for relation in relations:
        if relation not in (*_RELATIONS, "=="):
            raise ValueError(f"{name}: got the relation {relation!r}, want <, <=, >, >= or ==")
    equal = "==" in relations
    exact = all(value.dtype.kind in "iu" for value in values)
    if equal and within is None and not exact:
        raise ValueError(f"{name}: == between numbers that are not integers needs within=")
    if within is not None and not (equal and within >= 0):
        raise ValueError(f"{name}: within={within} goes with ==, and is not negative")
    text = _text(values, relations, within)
    holds = all(
        _holds(a, relation, b, within or 0)
        for a, relation, b in zip(values, relations, values[1:], strict=False)
    )
    if not holds:
        raise ConclusionError(f"{name}: {text} does not hold")
    _glue(name, text)
    return Conclusion(name, text)


def _as_array(name: str, value: Any) -> NDArray[Any]:
    """The numbers, at least one of them, whatever holds them."""
    if hasattr(value, "detach"):  # a tensor, on any device
        value = value.detach().cpu()
    elif isinstance(value, (list, tuple)):
        value = [_as_array(name, entry) for entry in value]
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name}: got a ragged sequence, want numbers") from error
    if array.dtype.kind not in "iuf" or array.size == 0:
        raise ValueError(f"{name}: got {value!r}, want numbers")
    return array


def _holds(a: NDArray[Any], relation: str, b: NDArray[Any], within: float) -> bool:
    if relation == "==":
        return bool(np.all(np.abs(a - b) <= within))
    return bool(np.all(_RELATIONS[relation](a, b)))


def _text(values: list[NDArray[Any]], relations: list[str], within: float | None) -> str:
    parts = [_shown(values[0])]
    for relation, value in zip(relations, values[1:], strict=True):
        parts += [relation, _shown(value)]
    return " ".join(parts) + ("" if within is None else f" (within {within:g})")


def _shown(array: NDArray[Any]) -> str:
    """Four digits a number; of many numbers, how many there are and between what they lie."""
    if array.ndim == 0:
        return f"{array.item():.4g}"
    if array.size <= _SHOWN:
        return f"[{', '.join(f'{entry:.4g}' for entry in array.ravel().tolist())}]"
    return f"[{array.size} numbers from {array.min():.4g} to {array.max():.4g}]"


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
