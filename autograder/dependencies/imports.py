"""What parsed sources import of this repository's packages, one step far."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from autograder.dependencies.dynamic import import_module_target, is_dynamic
from autograder.dependencies.modules import Dependencies, Module
from autograder.dependencies.syntax import (
    absolute,
    chain,
    expressions,
    is_special,
    statements,
    texts,
    top,
)

if TYPE_CHECKING:
    from autograder.dependencies.sources import Sources


class Imports:
    """What some parsed sources that share their names import, one step far."""

    _always = False

    def __init__(self, sources: Sources, package: str, trees: Sequence[ast.Module]) -> None:
        self._sources, self._package, self._trees = sources, package, trees
        self._modules: set[str] = set()
        self._others: set[str] = set()
        self._packages: dict[str, set[str]] = {}  # packages of ours by the names given to them

    def found(self) -> Dependencies:
        """Every module that the sources import, one step far."""
        for statement in self._running():
            match statement:
                case ast.Import(names=names):
                    for alias in names:
                        self._add(alias.name)
                        self._name(alias.asname or top(alias.name), alias.asname, alias.name)
                case ast.ImportFrom(names=names):
                    self._add_from(absolute(statement, self._package), names)
        # For most modules the statements are all.
        if self._always or self._packages or "importlib" in self._others:
            self._look_at_uses()
        return Dependencies(frozenset(self._modules), frozenset(self._others))

    def _running(self) -> Iterator[ast.AST]:
        return statements(self._trees)

    def _look_at_uses(self) -> None:
        for node in expressions(self._trees):
            match node:
                case ast.Name(id=name):
                    self._use(name, [])
                case ast.Attribute():
                    name, attributes = chain(node)
                    self._use(name, attributes)
                case ast.Call():
                    if name := import_module_target(node):
                        self._add(name)

    def _add(self, name: str) -> None:
        """A module is imported, and the packages it is in."""
        found = list(self._sources.parents(name))
        self._modules.update(found)
        if not found and name and not self._sources.is_namespace(top(name)):
            self._others.add(top(name))

    def _add_from(self, base: str, names: Sequence[ast.alias]) -> None:
        self._add(base)
        for alias in names:
            if alias.name == "*":
                if (module := self._sources.module(base)) and module.lazy:
                    self._modules.update(self._sources.below(base))
            else:
                self._member(base, alias.name)
                self._name(alias.asname or alias.name, True, f"{base}.{alias.name}")

    def _name(self, name: str, full: object, target: str) -> None:
        """Remember what stands for one of our packages: `import a.b` gives only `a` a name."""
        target = target if full else top(target)
        module = self._sources.module(target)
        if (module and module.is_package) or self._sources.is_namespace(target):
            self._packages.setdefault(name, set()).add(target)

    def _use(self, name: str, attributes: Sequence[str]) -> None:
        """Follow `name.attribute.attribute`, where the name is a package's."""
        for target in self._packages.get(name, ()):
            current = target
            for attribute in attributes:
                self._member(current, attribute)
                current = f"{current}.{attribute}"
                module = self._sources.module(current)
                if not (module and module.is_package) and not self._sources.is_namespace(current):
                    break
            else:  # used as it is: anything may be taken from it
                self._modules.update(self._sources.below(current))

    def _member(self, package: str, name: str) -> None:
        """`name` is taken from a package: a submodule, or what the package has by that name."""
        module = self._sources.module(package)
        if self._sources.module(f"{package}.{name}"):
            self._add(f"{package}.{name}")
        elif module and module.lazy and name not in module.names and not is_special(name):
            places = _lazy_places(self._sources, module).get(name)
            self._modules.update(places or self._sources.below(package))


class CellImports(Imports):
    """The same for cells, where everything counts as soon as something can't be followed."""

    _always = True

    def found(self) -> Dependencies:
        """Every module that the cells import; all there are where that can't be told."""
        found = super().found()
        if is_dynamic(self._trees):
            found |= Dependencies(frozenset(self._sources.everything()), frozenset())
        return found

    def _running(self) -> Iterator[ast.AST]:
        return statements(self._trees, everything=True)


def _lazy_places(sources: Sources, module: Module) -> dict[str, set[str]]:
    """The modules that a lazy package's names come from, as far as its ``__init__`` tells.

    It does by imports under ``if TYPE_CHECKING`` or inside ``__getattr__``, and by tables that have
    a name and its module, or a module and its names.
    """
    places: dict[str, set[str]] = {}

    def named(text: str) -> str | None:
        inside = f"{module.name}.{text.lstrip('.')}"
        return next((name for name in (inside, text) if sources.module(name)), None)

    for node in (node for tree in module.trees for node in ast.walk(tree)):
        match node:
            case ast.ImportFrom(names=names):
                base = absolute(node, module.package)
                if sources.module(base):
                    for alias in names:
                        places.setdefault(alias.asname or alias.name, set()).update(
                            sources.parents(base)
                        )
            case ast.Dict(keys=keys, values=values):
                for key, value in zip(keys, values, strict=True):
                    entry = texts(key) if key else []
                    for one, other in ((e, v) for e in entry for v in texts(value)):
                        if found := named(other):
                            places.setdefault(one, set()).update(sources.parents(found))
                        if found := named(one):
                            places.setdefault(other, set()).update(sources.parents(found))
    return places
