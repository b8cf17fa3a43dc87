"""Whether code imports in a way that its text does not show, and the calls that do show it."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import resolve_name

from autograder.dependencies.cells import magic
from autograder.dependencies.syntax import chain, expressions, statements, top

# Modules and names by which a program imports or runs what its text need not show.
_IMPORTERS = frozenset({"builtins", "code", "codeop", "imp", "pkgutil", "runpy", "zipimport"})
_DYNAMIC = frozenset(
    {
        *("__builtins__", "__import__", "__loader__", "__spec__", "builtins"),
        *("get_ipython", "import_module", "resolve_name"),
    }
)
_RUNNERS = frozenset({"compile", "eval", "exec"})  # as names: a model.eval() is something else


def is_dynamic(trees: Sequence[ast.Module]) -> bool:
    """Whether the code of cells may import or run what its text need not show."""
    names = {"sys": "sys", "importlib": "importlib"}  # what a name stands for
    for statement in statements(trees, everything=True):
        match statement:
            case ast.Import(names=aliases):
                for alias in aliases:
                    if top(alias.name) in _IMPORTERS:
                        return True
                    if top(alias.name) in ("sys", "importlib"):
                        target = alias.name if alias.asname else top(alias.name)
                        names[alias.asname or target] = target
            case ast.ImportFrom(module=str(module), names=aliases):
                if top(module) in _IMPORTERS:
                    return True
                if top(module) in ("sys", "importlib") and any(
                    not _is_followed(f"{module}.{alias.name}")
                    or (alias.name == "import_module" and alias.asname)
                    for alias in aliases
                ):
                    return True
    followed = set()  # nodes that have been understood with the call they belong to
    for node in expressions(trees):
        match node:
            case ast.Call(func=func):
                if import_module_target(node):
                    followed.add(id(func))
                elif magic(node):
                    assert isinstance(func, ast.Attribute)
                    assert isinstance(func.value, ast.Call)
                    followed.add(id(func.value.func))
            case ast.Name(id=name):
                if id(node) not in followed and (
                    name in _DYNAMIC or name in _RUNNERS or name in names
                ):
                    return True
            case ast.Attribute():
                name, attributes = chain(node)
                if id(node) not in followed and (
                    name in _RUNNERS
                    or _DYNAMIC & {name, *attributes}
                    or not _is_followed(".".join([names.get(name, name), *attributes]))
                    or "sys.modules" in ".".join(attributes)
                ):
                    return True
    return False


def _is_followed(path: str) -> bool:
    """Whether a use of sys or importlib imports nothing, or is looked at as a call."""
    match path.split("."):
        case ["sys", name, *_]:
            return name not in ("modules", "meta_path", "path_hooks", "*")
        case ["importlib", name, *_]:
            return name in ("import_module", "metadata", "reload", "resources")
    return True


def import_module_target(call: ast.Call) -> str:
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
