"""Learning Representations: the library under the book.

A module is imported when it is first named: ``import replearn; replearn.sparse.ista``.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

__version__ = "0.3.0.dev0"

_MODULES = frozenset(found.name for found in iter_modules(__path__) if found.name[0] != "_")

__all__ = ["__version__", *sorted(_MODULES)]


def __getattr__(name: str) -> ModuleType:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return sorted(__all__)
