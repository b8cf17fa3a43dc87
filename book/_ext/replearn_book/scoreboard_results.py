"""What the pages of the scoreboard take from a file of results."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from book.experiments.task import Experiment

Result = dict[str, Any]
Pair = tuple["Experiment", Result | None]


def values(result: Result) -> list[float]:
    """What each seed measured."""
    return [run["value"] for run in result["runs"]]


def mean(result: Result) -> float:
    """The mean over the seeds of what was measured."""
    return statistics.fmean(values(result))


def listed(parts: Iterable[str]) -> str:
    """Words as an enumeration: "a", "a and b", "a, b and c"."""
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last
