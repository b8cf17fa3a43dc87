"""Modules that an assignment asks the student to write can't be imported by the student's code.

A module of the course's own library is gone for everyone: where work is graded its file is not
there. One of another library, such as ``sklearn.decomposition``, is kept from the student's cells
and modules only: the library itself and others that are installed go on using it.
Whoever looks for a way round this finds one, in the memory of a process that is the student's own;
it is there so that nobody takes the exercise for a matter of finding the right import.
"""

from __future__ import annotations

import builtins
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import Any

COURSE_LIBRARY = "replearn"


class ImportBlocker:
    """Says why a module is missing.

    Parameters
    ----------
    names : dotted names of modules; what lies in them is hidden with them.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._tops = frozenset(name.partition(".")[0] for name in names)
        self._installed: tuple[str, ...] = ()  # folders of modules that are not the student's
        self._import, self._import_module = builtins.__import__, importlib.import_module

    def install(self) -> None:
        """Look at every import of this process from now on, also of what is loaded already."""
        if self._names:
            folders = {os.path.realpath(folder) for folder in sys.path if folder}
            self._installed = tuple(folder + os.sep for folder in sorted(folders))
            sys.meta_path.insert(0, self)
            builtins.__import__ = self._look_at_statement
            importlib.import_module = self._look_at_call

    def uninstall(self) -> None:
        """Undo :meth:`install`."""
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not self]
        builtins.__import__, importlib.import_module = self._import, self._import_module

    def find_spec(
        self, name: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """None, which leaves the module to others; ImportError when it is hidden from who asks."""
        self._refuse(name, sys._getframe(1))
        return None

    def _look_at_statement(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        if level == 0 and name.partition(".")[0] in self._tops:
            asking = sys._getframe(1)
            for full in (name, *(f"{name}.{item}" for item in fromlist or ())):
                self._refuse(full, asking)
        return self._import(name, globals, locals, fromlist or (), level)

    def _look_at_call(self, name: str, package: str | None = None) -> ModuleType:
        self._refuse(name, sys._getframe(1))
        return self._import_module(name, package)

    def _refuse(self, name: str, asking: FrameType | None) -> None:
        for hidden in self._names:
            if name == hidden or name.startswith(hidden + "."):
                top = hidden.partition(".")[0]
                if top == COURSE_LIBRARY or not self._is_of_a_library(asking):
                    raise ImportError(
                        f"{name} is what this assignment asks you to write; "
                        "it can't be imported while grading"
                    )

    def _is_of_a_library(self, frame: FrameType | None) -> bool:
        """Whether an import comes from a module that is installed, and not from the student's."""
        while frame is not None and _passes_on(frame):
            frame = frame.f_back
        file = None if frame is None else frame.f_globals.get("__file__")
        return isinstance(file, str) and os.path.realpath(file).startswith(self._installed)


def _passes_on(frame: FrameType) -> bool:
    """Whether a frame imports for another: the machinery, or a module's own ``__getattr__``.

    A library that imports its parts when they are first asked for does it for whoever asks.
    """
    name = str(frame.f_globals.get("__name__", ""))
    if name == __name__ or name.partition(".")[0] == "importlib" or name == "_frozen_importlib":
        return True
    return frame.f_code.co_name == "__getattr__" and "self" not in frame.f_code.co_varnames
