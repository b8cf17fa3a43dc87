"""What assignment.toml says about a question."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """One question: ``names`` is what the student defines, ``section`` where the book treats it.

    ``in_place`` holds those of the names that are asked to change their arguments.
    """

    key: str
    title: str
    names: tuple[str, ...]
    section: str
    in_place: tuple[str, ...] = ()
