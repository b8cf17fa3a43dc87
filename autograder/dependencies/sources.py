"""The modules of some packages, and everything that code imports of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from autograder.dependencies.cells import parse_cell
from autograder.dependencies.imports import CellImports, Imports
from autograder.dependencies.modules import Dependencies, Module

PACKAGES = ("replearn", "gradekit", "autograder", "book.experiments")


class Sources:
    """The modules of some packages as they are on disk when first looked at.

    Parameters
    ----------
    packages : folder of each package by its name; None: those of this repository, as installed.
    """

    def __init__(self, packages: Mapping[str, Path] | None = None) -> None:
        self._folders = _installed(PACKAGES) if packages is None else dict(packages)
        self._modules: dict[str, Module | None] = {}
        self._direct: dict[str, Dependencies] = {}

    def needed_by(self, code: Iterable[str] = (), modules: Iterable[str] = ()) -> Dependencies:
        """Everything that some code, or some modules of ours, import, directly or through others.

        Parameters
        ----------
        code : sources that share their names, such as the cells of a notebook. One that IPython
            can't compile never runs, and imports nothing.
        modules : names of modules, which count themselves; a package's stands for all its modules.
        """
        cells = [parse_cell(text) for text in code]
        start = CellImports(self, "", [tree for cell in cells for tree in cell.trees]).found()
        if not all(cell.complete for cell in cells):
            start |= Dependencies(frozenset(self.everything()), frozenset())
        for name in modules:
            if self.module(name) is None:
                raise ValueError(f"there is no module {name} in {', '.join(self._folders)}")
            start |= Dependencies(frozenset({*self.parents(name), *self.below(name)}), frozenset())
        modules_found, others = set(start.modules), set(start.others)
        pending = list(start.modules)
        while pending:
            direct = self._imports_of(pending.pop())
            others |= direct.others
            pending += direct.modules - modules_found
            modules_found |= direct.modules
        return Dependencies(frozenset(modules_found), frozenset(others))

    def hash_of(self, dependencies: Dependencies) -> str:
        """Hash of the names and contents of the modules."""
        digest = sha256()
        for name in sorted(dependencies.modules):
            if module := self.module(name):
                digest.update(f"{name} {sha256(module.content).hexdigest()}\n".encode())
        return digest.hexdigest()

    def module(self, name: str) -> Module | None:
        """A module of ours by its name, or None."""
        if name not in self._modules:
            self._modules[name] = self._find(name)
        return self._modules[name]

    def is_namespace(self, name: str) -> bool:
        """Whether a name is only the beginning of our packages' names, as book is."""
        return any(package.startswith(f"{name}.") for package in self._folders)

    def parents(self, name: str) -> Iterator[str]:
        """The modules of ours that importing a dotted name imports: on its way, and itself."""
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            if self.module(part := ".".join(parts[:end])):
                yield part

    def below(self, name: str) -> Iterator[str]:
        """A module and, for a package, all modules in it."""
        module = self.module(name)
        if module is None:
            return
        yield name
        if module.is_package:
            for path in sorted(module.path.parent.rglob("*.py")):
                parts = path.relative_to(module.path.parent).with_suffix("").parts
                parts = parts[:-1] if parts[-1] == "__init__" else parts
                found = ".".join([name, *parts])
                if found != name and self.module(found):
                    yield found

    def everything(self) -> Iterator[str]:
        """All that cells could import: the grader is not for them."""
        for package in self._folders:
            if package != "autograder":
                yield from self.below(package)

    def _find(self, name: str) -> Module | None:
        for package, folder in self._folders.items():
            if name == package or name.startswith(f"{package}."):
                place = folder.joinpath(*name[len(package) + 1 :].split("."))
                if (init := place / "__init__.py").is_file():
                    return Module(name, init)
                if name != package and (path := place.with_suffix(".py")).is_file():
                    return Module(name, path)
        return None

    def _imports_of(self, name: str) -> Dependencies:
        if name not in self._direct:
            module = self.module(name)
            assert module is not None
            self._direct[name] = Imports(self, module.package, module.trees).found()
        return self._direct[name]


def _installed(names: Iterable[str]) -> dict[str, Path]:
    folders = {}
    for name in names:
        try:
            spec = find_spec(name)
        except ModuleNotFoundError:  # a parent is not there: the book's code is not installed
            continue
        if spec and spec.origin:
            folders[name] = Path(spec.origin).parent
    return folders
