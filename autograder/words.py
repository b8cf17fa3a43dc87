"""Numbers with their nouns, for messages."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number and its noun, in the singular for one: ``1 row``, ``2 rows``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
