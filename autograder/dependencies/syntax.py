"""Ways through Python's syntax tree that every reader of imports takes."""

from __future__ import annotations

import ast
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress


def parse(text: str | bytes) -> ast.Module | None:
    """Some code parsed, or None where that fails."""
    with suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        return parse_strictly(text)
    return None


def parse_strictly(text: str | bytes) -> ast.Module:
    """Some code parsed, without a warning of what it could be meant to say."""
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a "\d" is its author's concern
        return ast.parse(text)


_WARNINGS = threading.Lock()  # what is done about warnings belongs to all threads


def statements(
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


def expressions(trees: Iterable[ast.AST]) -> Iterator[ast.AST]:
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


def chain(node: ast.Attribute) -> tuple[str, list[str]]:
    """`a.b.c` as "a" and ["b", "c"]; the name is empty where it starts with something else."""
    attributes = []
    inner: ast.expr = node
    while isinstance(inner, ast.Attribute):
        attributes.append(inner.attr)
        inner = inner.value
    return (inner.id if isinstance(inner, ast.Name) else ""), attributes[::-1]


def absolute(node: ast.ImportFrom, package: str) -> str:
    """The module that `from ... import` names."""
    if not node.level:
        return node.module or ""
    parts = package.split(".")[: -(node.level - 1) or None]
    return ".".join([*parts, *([node.module] if node.module else [])])


def texts(node: ast.expr) -> list[str]:
    """The strings of a literal, or of a literal collection."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items):
            return [text for item in items for text in texts(item)]
    return []


def is_special(name: str) -> bool:
    """Whether a name is one that Python gives, such as ``__doc__``."""
    return name.startswith("__") and name.endswith("__")


def top(name: str) -> str:
    """The first part of a dotted name."""
    return name.split(".", 1)[0]
