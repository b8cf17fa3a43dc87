"""What the tables of the TOML files that instructors write must hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autograder.errors import CourseError


def check_keys(table: Mapping[str, Any], known: set[str], needed: set[str], where: str) -> None:
    """CourseError at an unknown key, or where one that is needed is missing.

    Parameters
    ----------
    table : as it was read.
    known : keys that it may have.
    needed : keys that it must have.
    where : file and table, the beginning of the sentence.
    """
    for key in table:
        if key not in known:
            raise CourseError(f"{where}: unknown key {key!r}; known: {', '.join(sorted(known))}")
    for key in sorted(needed - set(table)):
        raise CourseError(f"{where}: {key} is missing")
