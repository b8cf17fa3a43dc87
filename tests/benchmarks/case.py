"""What a benchmark case is: implementations timed side by side, and what it wants of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Fact = float | str


@dataclass(frozen=True)
class Measured:
    """What a timed function may return: its own seconds instead of the clock's, and more facts."""

    seconds: float
    facts: dict[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True)
class Prepared:
    """An implementation after its set-up, when more is to be said than what is timed.

    timed : the function. facts : about the setting. missed : why the implementation can't do what
    the case asks; it is timed all the same, as a lower bound, and never wins. rounds : at most so
    many, for an implementation that takes long.
    """

    timed: Callable[[], object]
    facts: dict[str, Fact] = field(default_factory=dict)
    missed: str | None = None
    rounds: int | None = None


#: Sets up, warms up once, and returns the function that is timed. Each implementation runs in a
#: process of its own, which finds it by case and name.
Implementation = Callable[[], Callable[[], object] | Prepared]


@dataclass(frozen=True)
class Goal:
    """Wanted: time(peer) / time(ours) >= at_least, for two implementations of the case."""

    ours: str
    peer: str
    at_least: float


@dataclass(frozen=True)
class FactGoal:
    """Wanted: a fact of an implementation is at_least, or at_most, so large."""

    ours: str
    fact: str
    at_least: float | None = None
    at_most: float | None = None

    def met(self, value: Any) -> bool:
        return (
            isinstance(value, int | float)
            and (self.at_least is None or value >= self.at_least)
            and (self.at_most is None or value <= self.at_most)
        )


@dataclass(frozen=True)
class Case:
    """Implementations that do the same job, and how often each is timed.

    shown : names of the facts that the book's page shows. absolute : whether seconds may be shown
    there (times on a GPU). unavailable : says why the case can't run on this machine, or None.
    """

    name: str
    title: str
    implementations: dict[str, Implementation]
    goals: list[Goal | FactGoal] = field(default_factory=list)
    repeats: int = 5
    shown: tuple[str, ...] = ()
    absolute: bool = False
    unavailable: Callable[[], str | None] = lambda: None

    def wanted(self) -> set[str]:
        """Implementations that the case is void without: those of the goals, and the reference."""
        names = {next(iter(self.implementations))}
        for goal in self.goals:
            names |= {goal.ours, goal.peer} if isinstance(goal, Goal) else {goal.ours}
        return names
