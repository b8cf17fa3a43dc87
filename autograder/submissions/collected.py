"""What an import of a download did: who was taken in, and what was left out."""

from __future__ import annotations

from dataclasses import dataclass, field

from gradekit.text import one_line

_SHOWN_CHARS = 80


@dataclass
class Collected:
    """What an import from a folder or zip file did."""

    students: set[str] = field(default_factory=set)
    skipped: list[str] = field(default_factory=list)

    def skip(self, name: str, reason: object) -> None:
        """Note what was left out, and why."""
        self.skipped.append(f"{shown(name)}: {one_line(str(reason), 120)}")


def shown(name: str) -> str:
    """A name from a download, fit to be shown."""
    return one_line(name, _SHOWN_CHARS)
