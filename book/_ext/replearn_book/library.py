"""What is public in the library: found in its modules, listed nowhere.

A public name belongs to a top-level module or package of ``replearn``, under the name by which it
is imported: what is in the ``__all__`` of a package is the package's, whatever module of it holds
it; the rest of a submodule's own ``__all__`` is the submodule's. A submodule without ``__all__``
offers nothing beyond what its package does.
"""

from __future__ import annotations

import ast
import inspect
import pkgutil
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import replearn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


@dataclass(frozen=True)
class Public:
    """A public name.

    Parameters
    ----------
    module : what it is imported from, such as ``replearn.sparse``.
    name : such as ``fista``.
    home : the module that its text stands in, such as ``replearn.sparse.proximal_gradient``.
    value : what the name stands for.
    """

    module: str
    name: str
    home: str
    value: Any

    @property
    def path(self) -> str:
        """The name in full, as a reader writes it."""
        return f"{self.module}.{self.name}"

    @property
    def kind(self) -> str:
        """One of function, class, exception and data."""
        if inspect.isclass(self.value):
            return "exception" if issubclass(self.value, BaseException) else "class"
        return "function" if inspect.isroutine(self.value) else "data"


def top_modules() -> list[str]:
    """The top-level modules and packages of the library, by name."""
    found = (module.name for module in pkgutil.iter_modules(replearn.__path__))
    return [f"replearn.{name}" for name in sorted(found) if name[0] != "_"]


def submodules(module: str) -> list[str]:
    """The public modules of a package; none of a plain module."""
    path = getattr(import_module(module), "__path__", [])
    found = (sub.name for sub in pkgutil.walk_packages(path, f"{module}."))
    return sorted(name for name in found if "._" not in name)


@cache
def public_names(module: str) -> tuple[Public, ...]:
    """The public names of a top-level module or package and of its submodules."""
    found = list(_offered(module))
    theirs = {id(public.value) for public in found if public.kind != "data"}
    theirs_by_name = {public.name for public in found}
    for name in submodules(module):
        if hasattr(import_module(name), "__all__"):
            found += [
                public
                for public in _offered(name)
                if id(public.value) not in theirs and public.name not in theirs_by_name
            ]
    return tuple(found)


def all_public() -> list[Public]:
    """The public names of the library."""
    return [public for module in top_modules() for public in public_names(module)]


def _offered(module: str) -> Iterator[Public]:
    """What a module offers: its ``__all__``, or without one its own functions and classes."""
    loaded = import_module(module)
    names = getattr(loaded, "__all__", None)
    if names is None:
        names = [
            name
            for name, value in vars(loaded).items()
            if name[0] != "_" and getattr(value, "__module__", None) == module
        ]
    for name in sorted(names, key=lambda name: (name.lower(), name)):
        value = getattr(loaded, name)
        yield Public(module, name, _home(loaded, name, value), value)


def _home(module: ModuleType, name: str, value: Any) -> str:
    """The module that a name is written in."""
    for candidate in (module.__name__, *submodules(module.__name__)):
        if inspect.isclass(value) or inspect.isroutine(value):
            if value.__module__ == candidate:
                return candidate
        elif name in _assigned(candidate):
            return candidate
    raise ValueError(f"{module.__name__}.{name} is written in no module of {module.__name__}")


@cache
def _assigned(module: str) -> frozenset[str]:
    """The names that a module assigns at its top level."""
    found: set[str] = set()
    for node in ast.parse(inspect.getsource(import_module(module))).body:
        if isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return frozenset(found)
