"""What an import of a download did: who was taken in, and what became of every file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from autograder.words import counted
from gradekit.text import one_line

_SHOWN_CHARS, _REASON_CHARS = 80, 120

Became = Literal["notebook", "beside", "replaced", "unchanged", "kept aside", "skipped"]
"""``notebook``: taken as the work; ``beside``: taken with it; ``replaced``: the same, in place of
an earlier one; ``kept aside``: not taken, as it can't be read and earlier work can."""

Intake = Literal["new", "replaced", "unchanged", "earlier work stays"]
"""What became of a student's hand-in as a whole."""


@dataclass(frozen=True)
class Fate:
    """What became of one file of a download."""

    file: str  # its path in the download, fit to be shown
    became: Became
    student: str = ""
    reason: str = ""
    attention: bool = False  # whether a person should look

    def line(self) -> str:
        """The same as one line for people."""
        return f"{self.file}: {self.reason or self.became}"


@dataclass
class Collected:
    """What an import from a folder or zip file did."""

    taken: dict[str, Intake] = field(default_factory=dict)  # by student
    fates: list[Fate] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)  # by student, of what was handed in
    failed: list[str] = field(default_factory=list)  # students whose work the machine did not take

    @property
    def students(self) -> set[str]:
        """Who handed in."""
        return set(self.taken)

    @property
    def skipped(self) -> list[str]:
        """What was left out that a person should know of, and why."""
        return [fate.line() for fate in self.fates if fate.became == "skipped" and fate.attention]

    def skip(self, name: str, reason: object, student: str = "", *, attention: bool = True) -> None:
        """Note what was left out, and why."""
        self.note(name, "skipped", student, one_line(str(reason), _REASON_CHARS), attention)

    def note(
        self,
        name: str,
        became: Became,
        student: str = "",
        reason: str = "",
        attention: bool = False,
    ) -> None:
        """Note what became of a file."""
        self.fates.append(Fate(shown(name), became, student, reason, attention))

    def summary(self) -> str:
        """Counts of students and of files, in one line."""
        students = Counter(self.taken.values())
        files = Counter(fate.became for fate in self.fates)
        one = ", ".join(f"{count} {name}" for name, count in students.items()) or "none"
        many = ", ".join(f"{count} {name}" for name, count in files.items()) or "none"
        return f"{counted(len(self.taken), 'submission')} ({one}); files: {many}"


def shown(name: str) -> str:
    """A name from a download, fit to be shown."""
    return one_line(name, _SHOWN_CHARS)
