"""Modules that an assignment asks the student to write can't be imported in the student's process.

On the student's machine this is all that hides them; where work is graded their files are not there
either.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType


class ImportBlocker:
    """A finder, first on ``sys.meta_path``, that says why a module is missing."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)

    def find_spec(
        self, name: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """None, which leaves the module to others; ImportError when it is a hidden one."""
        if any(name == hidden or name.startswith(hidden + ".") for hidden in self._names):
            raise ImportError(
                f"{name} is what this assignment asks you to write; "
                "it can't be imported while grading"
            )
        return None
