"""What a benchmark case is: contenders timed side by side, and the ratios it wants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

#: Sets up, warms up once, and returns the function that is timed. A top-level function: each
#: contender runs in a process of its own, which finds it by case and name.
Contender = Callable[[], Callable[[], object]]


@dataclass(frozen=True)
class Measured:
    """What a timed function may return: its own seconds instead of the clock's, and more facts."""

    seconds: float
    facts: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Goal:
    """Wanted: time(peer) / time(ours) >= at_least, for two contenders of the case."""

    ours: str
    peer: str
    at_least: float


@dataclass(frozen=True)
class Case:
    """Contenders that do the same job, and how often each is timed."""

    name: str
    title: str
    contenders: dict[str, Contender]
    goals: list[Goal] = field(default_factory=list)
    repeats: int = 5
