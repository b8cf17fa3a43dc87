"""A notebook's cell read as IPython reads it, with the code inside its magics."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import lru_cache

from autograder.dependencies.syntax import expressions, parse, parse_strictly

_OPTION = re.compile(r"\s*--?[a-zA-Z][\w-]*(?:\s+|\Z)(?:\d+\s+)?")
_CODE_MAGICS = frozenset({"capture", "prun", "time", "timeit"})
_IDLE_MAGICS = frozenset({"config", "matplotlib", "pinfo", "pinfo2", "precision", "pwd", "whos"})
_DEEPEST = 3
_LONGEST = 50_000  # IPython reads a cell again for each magic in it


@dataclass(frozen=True)
class Cell:
    """A cell's parsed text and those in its magics; ``complete`` unless it may run unseen code."""

    trees: tuple[ast.Module, ...]
    complete: bool


@lru_cache(maxsize=1024)  # given cells are looked at once for each student
def parse_cell(text: str) -> Cell:
    """A cell with the cells in its magics, read once for each text."""
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
        magics = [m for n in expressions([tree]) if isinstance(n, ast.Call) and (m := magic(n))]
        inner = [code for name, texts in magics if name in _CODE_MAGICS for code in texts]
        if inner and depth == _DEEPEST:
            complete = False
        else:
            pending += [(_without_options(code), depth + 1) for code in inner]
    return Cell(tuple(trees), complete)


def _parse_as_ipython(text: str) -> ast.Module:
    try:
        return parse_strictly(text)
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
    return parse_strictly(plain)


def magic(call: ast.Call) -> tuple[str, list[str]] | None:
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
        if option is None or parse(text):
            break
        text = text[option.end() :]
    return text
