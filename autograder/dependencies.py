"""Which modules of this repository some Python code depends on, read from its import statements.

Caches of results (of grading, of the book's pages) are kept under a hash of these modules, so that
a change in a module makes only that run again which imports it, directly or through others.

Nothing is imported to find out. What counts is every import statement, those inside functions too,
but of a module not those under ``if TYPE_CHECKING``. With a module its packages' ``__init__``
counts. Cells are read as IPython does, with its magics; a cell that imports in a way that can't be
followed (an ``exec``, a computed name) counts as importing everything it could. An
``__init__`` that fetches names lazily (a ``__getattr__``) doesn't pull in what it could fetch: the
name that is used decides, and where its module can't be told, all of the package counts.

A module is hashed as it is on disk, comments included: outputs can show a source, a docstring or
the number of a line.
"""

from __future__ import annotations

import ast
import re
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256
from importlib.util import find_spec, resolve_name
from pathlib import Path

PACKAGES = ("replearn", "gradekit", "autograder", "book.experiments")


@dataclass(frozen=True)
class Dependencies:
    """What some code depends on."""

    modules: frozenset[str]  # of the repository's packages
    others: frozenset[str]  # names of other packages and modules, without their submodules

    def __or__(self, other: Dependencies) -> Dependencies:
        return Dependencies(self.modules | other.modules, self.others | other.others)


class Sources:
    """The modules of some packages as they are on disk when first looked at.

    Parameters
    ----------
    packages : folder of each package by its name; None: those of this repository, as installed.
    """

    def __init__(self, packages: Mapping[str, Path] | None = None) -> None:
        self._folders = _installed(PACKAGES) if packages is None else dict(packages)
        self._modules: dict[str, _Module | None] = {}
        self._direct: dict[str, Dependencies] = {}

    def needed_by(self, code: Iterable[str] = (), modules: Iterable[str] = ()) -> Dependencies:
        """Everything that some code, or some modules of ours, import, directly or through others.

        Parameters
        ----------
        code : sources that share their names, such as the cells of a notebook. One that IPython
            can't compile never runs, and imports nothing.
        modules : names of modules, which count themselves; a package's stands for all its modules.
        """
        cells = [_parse_cell(text) for text in code]
        start = _CellImports(self, "", [tree for cell in cells for tree in cell.trees]).found()
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

    def module(self, name: str) -> _Module | None:
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

    def _find(self, name: str) -> _Module | None:
        for package, folder in self._folders.items():
            if name == package or name.startswith(f"{package}."):
                place = folder.joinpath(*name[len(package) + 1 :].split("."))
                if (init := place / "__init__.py").is_file():
                    return _Module(name, init)
                if name != package and (path := place.with_suffix(".py")).is_file():
                    return _Module(name, path)
        return None

    def _imports_of(self, name: str) -> Dependencies:
        if name not in self._direct:
            module = self.module(name)
            assert module is not None
            self._direct[name] = _Imports(self, module.package, module.trees).found()
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


@dataclass(frozen=True)
class _Module:
    name: str
    path: Path

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    @property
    def package(self) -> str:
        """What relative imports start from."""
        return self.name if self.is_package else self.name.rpartition(".")[0]

    @cached_property
    def content(self) -> bytes:
        return self.path.read_bytes()

    @property
    def trees(self) -> list[ast.Module]:
        """The parsed module, not kept: collecting garbage among many trees takes longer."""
        tree = _parse(self.content)
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
        for node in _statements(self.trees, inside=False):
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


class _Imports:
    """What some parsed sources that share their names import, one step far."""

    _always = False

    def __init__(self, sources: Sources, package: str, trees: Sequence[ast.Module]) -> None:
        self._sources, self._package, self._trees = sources, package, trees
        self._modules: set[str] = set()
        self._others: set[str] = set()
        self._packages: dict[str, set[str]] = {}  # packages of ours by the names given to them

    def found(self) -> Dependencies:
        for statement in self._statements():
            match statement:
                case ast.Import(names=names):
                    for alias in names:
                        self._add(alias.name)
                        self._name(alias.asname or _top(alias.name), alias.asname, alias.name)
                case ast.ImportFrom(names=names):
                    self._add_from(_absolute(statement, self._package), names)
        # For most modules the statements are all.
        if self._always or self._packages or "importlib" in self._others:
            self._look_at_uses()
        return Dependencies(frozenset(self._modules), frozenset(self._others))

    def _statements(self) -> Iterator[ast.AST]:
        return _statements(self._trees)

    def _look_at_uses(self) -> None:
        for node in _expressions(self._trees):
            match node:
                case ast.Name(id=name):
                    self._use(name, [])
                case ast.Attribute():
                    name, attributes = _chain(node)
                    self._use(name, attributes)
                case ast.Call():
                    if name := _import_module_target(node):
                        self._add(name)

    def _add(self, name: str) -> None:
        """A module is imported, and the packages it is in."""
        found = list(self._sources.parents(name))
        self._modules.update(found)
        if not found and name and not self._sources.is_namespace(_top(name)):
            self._others.add(_top(name))

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
        target = target if full else _top(target)
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
        elif module and module.lazy and name not in module.names and not _is_special(name):
            places = _lazy_places(self._sources, module).get(name)
            self._modules.update(places or self._sources.below(package))


class _CellImports(_Imports):
    """The same for cells, where everything counts as soon as something can't be followed."""

    _always = True

    def found(self) -> Dependencies:
        found = super().found()
        if self._is_dynamic():
            found |= Dependencies(frozenset(self._sources.everything()), frozenset())
        return found

    def _statements(self) -> Iterator[ast.AST]:
        return _statements(self._trees, everything=True)

    def _is_dynamic(self) -> bool:
        names = {"sys": "sys", "importlib": "importlib"}  # what a name stands for
        for statement in self._statements():
            match statement:
                case ast.Import(names=aliases):
                    for alias in aliases:
                        if _top(alias.name) in _IMPORTERS:
                            return True
                        if _top(alias.name) in ("sys", "importlib"):
                            target = alias.name if alias.asname else _top(alias.name)
                            names[alias.asname or target] = target
                case ast.ImportFrom(module=str(module), names=aliases):
                    if _top(module) in _IMPORTERS:
                        return True
                    if _top(module) in ("sys", "importlib") and any(
                        not _is_followed(f"{module}.{alias.name}")
                        or (alias.name == "import_module" and alias.asname)
                        for alias in aliases
                    ):
                        return True
        followed = set()  # nodes that have been understood with the call they belong to
        for node in _expressions(self._trees):
            match node:
                case ast.Call(func=func):
                    if _import_module_target(node):
                        followed.add(id(func))
                    elif _magic(node):
                        assert isinstance(func, ast.Attribute)
                        assert isinstance(func.value, ast.Call)
                        followed.add(id(func.value.func))
                case ast.Name(id=name):
                    if id(node) not in followed and (
                        name in _DYNAMIC or name in _RUNNERS or name in names
                    ):
                        return True
                case ast.Attribute():
                    name, attributes = _chain(node)
                    if id(node) not in followed and (
                        name in _RUNNERS
                        or _DYNAMIC & {name, *attributes}
                        or not _is_followed(".".join([names.get(name, name), *attributes]))
                        or "sys.modules" in ".".join(attributes)
                    ):
                        return True
        return False


# Modules and names by which a program imports or runs what its text need not show.
_IMPORTERS = frozenset({"builtins", "code", "codeop", "imp", "pkgutil", "runpy", "zipimport"})
_DYNAMIC = frozenset(
    {
        *("__builtins__", "__import__", "__loader__", "__spec__", "builtins"),
        *("get_ipython", "import_module", "resolve_name"),
    }
)
_RUNNERS = frozenset({"compile", "eval", "exec"})  # as names: a model.eval() is something else


def _is_followed(path: str) -> bool:
    """Whether a use of sys or importlib imports nothing, or is looked at as a call."""
    match path.split("."):
        case ["sys", name, *_]:
            return name not in ("modules", "meta_path", "path_hooks", "*")
        case ["importlib", name, *_]:
            return name in ("import_module", "metadata", "reload", "resources")
    return True


def _import_module_target(call: ast.Call) -> str:
    """The module that a call of import_module names; "" if it is another call or can't be read."""
    match call.func:
        case ast.Name(id="import_module") | ast.Attribute(attr="import_module"):
            given = dict(zip(("name", "package"), call.args, strict=False))
            given |= {word.arg or "**": word.value for word in call.keywords}
            texts = {
                key: value.value
                for key, value in given.items()
                if isinstance(value, ast.Constant) and isinstance(value.value, str)
            }
            with suppress(KeyError, ImportError, ValueError):
                return resolve_name(texts["name"], texts.get("package"))
    return ""


def _lazy_places(sources: Sources, module: _Module) -> dict[str, set[str]]:
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
                base = _absolute(node, module.package)
                if sources.module(base):
                    for alias in names:
                        places.setdefault(alias.asname or alias.name, set()).update(
                            sources.parents(base)
                        )
            case ast.Dict(keys=keys, values=values):
                for key, value in zip(keys, values, strict=True):
                    entry = _texts(key) if key else []
                    for one, other in ((e, v) for e in entry for v in _texts(value)):
                        if found := named(other):
                            places.setdefault(one, set()).update(sources.parents(found))
                        if found := named(one):
                            places.setdefault(other, set()).update(sources.parents(found))
    return places


@dataclass(frozen=True)
class _Cell:
    """A cell's parsed text and those in its magics; ``complete`` unless it may run unseen code."""

    trees: tuple[ast.Module, ...]
    complete: bool


@lru_cache(maxsize=1024)  # given cells are looked at once for each student
def _parse_cell(text: str) -> _Cell:
    trees: list[ast.Module] = []
    complete = True
    pending = [(text, 0)]
    while pending:
        text, depth = pending.pop()
        try:
            tree = _parse_as_ipython(text)
        except (SyntaxError, ValueError):  # a null byte or a surrogate is a ValueError
            complete = complete and not depth  # IPython can't compile it: that cell never runs
            continue
        except (RecursionError, MemoryError):  # another Python may get further
            complete = False
            continue
        trees.append(tree)
        magics = [m for n in _expressions([tree]) if isinstance(n, ast.Call) and (m := _magic(n))]
        inner = [code for name, texts in magics if name in _CODE_MAGICS for code in texts]
        if inner and depth == _DEEPEST:
            complete = False
        else:
            pending += [(_without_options(code), depth + 1) for code in inner]
    return _Cell(tuple(trees), complete)


def _parse_as_ipython(text: str) -> ast.Module:
    try:
        return _parse_strictly(text)
    except SyntaxError:
        if len(text) > _LONGEST:
            raise MemoryError from None
    # Only now: few cells need it, and it takes long to import.
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        manager = TransformerManager()  # type: ignore[no-untyped-call,unused-ignore]
        plain = manager.transform_cell(text)
    except Exception as error:  # whatever it is, IPython doesn't run that cell either
        raise SyntaxError(str(error)) from error
    return _parse_strictly(plain)


def _magic(call: ast.Call) -> tuple[str, list[str]] | None:
    """Name and texts of a magic that runs either these texts or no code of its user's."""
    match call:
        case ast.Call(
            func=ast.Attribute(
                value=ast.Call(func=ast.Name(id="get_ipython"), args=[]),
                attr="run_line_magic" | "run_cell_magic",
            ),
            args=[ast.Constant(value=str(name)), *texts],
        ) if name in _CODE_MAGICS or name in _IDLE_MAGICS:
            found = [t.value for t in texts if isinstance(t, ast.Constant)]
            if len(found) == len(texts):
                return name, [text for text in found if isinstance(text, str)]
    return None


def _without_options(text: str) -> str:
    """A magic's code without the options before it, as in `%timeit -n 10 f()`."""
    for _ in range(10):
        option = _OPTION.match(text)
        if option is None or _parse(text):
            break
        text = text[option.end() :]
    return text


_OPTION = re.compile(r"\s*--?[a-zA-Z][\w-]*(?:\s+|\Z)(?:\d+\s+)?")
_CODE_MAGICS = frozenset({"capture", "prun", "time", "timeit"})
_IDLE_MAGICS = frozenset({"config", "matplotlib", "pinfo", "pinfo2", "precision", "pwd", "whos"})
_DEEPEST = 3
_LONGEST = 50_000  # IPython reads a cell again for each magic in it


def _parse(text: str | bytes) -> ast.Module | None:
    with suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        return _parse_strictly(text)
    return None


def _parse_strictly(text: str | bytes) -> ast.Module:
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a "\d" is its author's concern
        return ast.parse(text)


_WARNINGS = threading.Lock()  # what is done about warnings belongs to all threads


def _statements(
    trees: Iterable[ast.AST], *, inside: bool = True, everything: bool = False
) -> Iterator[ast.AST]:
    """The statements of some code, without those that never run as a program.

    These are the ones under ``if TYPE_CHECKING``, and a module's ``__getattr__``, which is for what
    others ask of it. In a cell both may run: ``everything``.
    """
    pending = [node for t in trees for node in _parts(t) if everything or not _is_getattr(node)]
    while pending:
        node = pending.pop()
        yield node
        if not everything and isinstance(node, ast.If) and _is_type_checking(node.test):
            pending += node.orelse
        elif inside or not isinstance(node, _SCOPES):
            pending += _parts(node)


def _parts(node: ast.AST) -> list[ast.AST]:
    """The statements that make up a statement, and the branches that they stand in."""
    return [part for name in _BLOCKS for part in getattr(node, name, ())]


_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_BLOCKS = ("body", "orelse", "handlers", "finalbody", "cases")


def _expressions(trees: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The names, attributes and calls of some code; of an attribute `a.b.c` only the whole.

    Without recursion: a student's code may be nested as deep as it likes.
    """
    pending = list(trees)
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, ast.Attribute):
            while isinstance(node, ast.Attribute):
                node = node.value
            if not isinstance(node, ast.Name):
                pending.append(node)
        else:
            pending += ast.iter_child_nodes(node)


def _is_type_checking(test: ast.expr) -> bool:
    match test:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name == "TYPE_CHECKING"
    return False


def _is_getattr(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name == "__getattr__"


def _chain(node: ast.Attribute) -> tuple[str, list[str]]:
    """`a.b.c` as "a" and ["b", "c"]; the name is empty where it starts with something else."""
    attributes = []
    inner: ast.expr = node
    while isinstance(inner, ast.Attribute):
        attributes.append(inner.attr)
        inner = inner.value
    return (inner.id if isinstance(inner, ast.Name) else ""), attributes[::-1]


def _absolute(node: ast.ImportFrom, package: str) -> str:
    """The module that `from ... import` names."""
    if not node.level:
        return node.module or ""
    parts = package.split(".")[: -(node.level - 1) or None]
    return ".".join([*parts, *([node.module] if node.module else [])])


def _texts(node: ast.expr) -> list[str]:
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items):
            return [text for item in items for text in _texts(item)]
    return []


def _is_special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _top(name: str) -> str:
    return name.split(".", 1)[0]
