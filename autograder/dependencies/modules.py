"""A module of this repository as it is on disk, and what some code depends on."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from autograder.dependencies.syntax import parse, statements


@dataclass(frozen=True)
class Dependencies:
    """What some code depends on."""

    modules: frozenset[str]  # of the repository's packages
    others: frozenset[str]  # names of other packages and modules, without their submodules

    def __or__(self, other: Dependencies) -> Dependencies:
        return Dependencies(self.modules | other.modules, self.others | other.others)


@dataclass(frozen=True)
class Module:
    """A module of this repository, parsed when it is asked what it imports."""

    name: str
    path: Path

    @property
    def is_package(self) -> bool:
        """Whether it is a package's ``__init__``."""
        return self.path.name == "__init__.py"

    @property
    def package(self) -> str:
        """What relative imports start from."""
        return self.name if self.is_package else self.name.rpartition(".")[0]

    @cached_property
    def content(self) -> bytes:
        """The file."""
        return self.path.read_bytes()

    @property
    def trees(self) -> list[ast.Module]:
        """The parsed module, not kept: collecting garbage among many trees takes longer."""
        tree = parse(self.content)
        return [tree] if tree else []

    @cached_property
    def lazy(self) -> list[ast.FunctionDef]:
        """The ``__getattr__`` of the module."""
        body = (node for tree in self.trees for node in tree.body)
        return [n for n in body if isinstance(n, ast.FunctionDef) and n.name == "__getattr__"]

    @cached_property
    def names(self) -> frozenset[str]:
        """Names that the module itself defines or imports when it is imported."""
        found: set[str] = set()
        for node in statements(self.trees, inside=False):
            match node:
                case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                    found.add(name)
                case ast.Import(names=names) | ast.ImportFrom(names=names):
                    found |= {alias.asname or alias.name.split(".")[0] for alias in names}
                case ast.Assign(targets=targets):
                    found |= {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
                case ast.AnnAssign(target=ast.Name(id=name)):
                    found.add(name)
        return frozenset(found)
