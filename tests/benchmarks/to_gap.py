"""The cheapest setting of a method that reaches an accuracy.

Methods stop in ways of their own (iterations, tolerances of unlike meaning), so each is asked for
the same thing, a relative objective gap, and looks for the setting that gets there at least cost.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.case import Prepared
from tests.benchmarks.quick import is_quick

LONGEST = 120.0  # seconds of one run, after which no dearer setting is tried


@dataclass(frozen=True)
class Ladder:
    """Settings of one method from cheap to dear, in accuracy too, and how to run one of them.

    stride : the farthest step up. Steps double, which finds a number of iterations soon; among
    tolerances it could jump to one that rounding does not allow, which takes for ever.
    """

    settings: Sequence[Any]
    run: Callable[[Any], Any]
    describe: Callable[[Any], str]
    stride: int = 2**30


@dataclass(frozen=True)
class Found:
    """A setting, what it costs and what it reaches."""

    ladder: Ladder
    setting: Any
    gap: float
    seconds: float
    reached: bool

    def __str__(self) -> str:
        return self.ladder.describe(self.setting)


def cheapest(
    ladders: Sequence[Ladder],
    gap_of: Callable[[Any], float],
    target: float,
    *,
    clock: Callable[[], float] = time.perf_counter,
    longest: float = LONGEST,
) -> Found:
    """The setting that takes least time of those that reach the target, one of each ladder.

    If none does, that with the smallest gap, with ``reached`` false.
    """
    best: Found | None = None
    for ladder in ladders:
        # What takes more than twice the best so far will not win: it is not climbed further.
        limit = min(longest, 2 * best.seconds) if best and best.reached else longest
        found = _climb(ladder, gap_of, target, clock, limit)
        if best is None or _better(found, best):
            best = found
    assert best is not None, "no ladder"
    return best


def _better(one: Found, other: Found) -> bool:
    if one.reached != other.reached:
        return one.reached
    return one.seconds < other.seconds if one.reached else one.gap < other.gap


def _climb(
    ladder: Ladder,
    gap_of: Callable[[Any], float],
    target: float,
    clock: Callable[[], float],
    limit: float,
) -> Found:
    """The first setting that reaches the target: steps that double, then bisection."""

    def attempt(index: int) -> Found:
        setting = ladder.settings[index]
        start = clock()
        result = ladder.run(setting)
        seconds = clock() - start
        gap = gap_of(result)
        gap = gap if math.isfinite(gap) else math.inf
        return Found(ladder, setting, gap, seconds, gap <= target)

    last = len(ladder.settings) - 1
    failed, index = -1, 0
    found = best = attempt(0)
    while not found.reached:
        # The first run also compiles and opens pools: its time says little.
        if index == last or (index > 0 and found.seconds > limit):
            return best
        failed, index = index, min(2 * index + 1, index + ladder.stride, last)
        found = attempt(index)
        best = min(best, found, key=lambda each: each.gap)
    while index - failed > 1:
        middle = (index + failed) // 2
        tried = attempt(middle)
        if tried.reached:
            found, index = tried, middle
        else:
            failed = middle
    if found.seconds > 20:
        return found
    again = attempt(index)  # warm
    return again if again.reached and again.seconds < found.seconds else found


def to_gap(
    ladders: Sequence[Ladder], gap_of: Callable[[Any], float], target: float, **options: Any
) -> Prepared:
    """Prepare the cheapest setting; an implementation that can't reach the target is a miss."""
    if is_quick():  # any setting will do to see that it works
        target = max(target, 0.1)
    found = cheapest(ladders, gap_of, target, **options)
    return Prepared(
        timed=lambda: found.ladder.run(found.setting),
        facts={"setting": str(found), "relative gap": found.gap},
        missed=None
        if found.reached
        else f"relative gap {found.gap:.1e} at best, {target:.0e} wanted ({found})",
        rounds=rounds_for(found.seconds),
    )


def rounds_for(seconds: float) -> int | None:
    """How often to time an implementation at most: one that takes long holds up no other."""
    if seconds <= 5:
        return None
    return 2 if seconds <= 20 else 1


def tolerances(first: float, last: float, steps_per_decade: int = 4) -> list[float]:
    """From loose to tight, evenly spaced in the logarithm."""
    steps = round(math.log10(first / last) * steps_per_decade)
    return [first * 10 ** (-step / steps_per_decade) for step in range(steps + 1)]
