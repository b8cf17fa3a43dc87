"""What stays of a chapter's code in the notebook that a reader takes along.

Two modules serve the build alone: `myst_nb`, which puts computed numbers into sentences, and
`replearn.conclusions`, which checks what sentences conclude. In the notebook the sentences are
text, so what is only there for these two is left out: their imports, their calls, and what removed
cells compute for them.
"""

from __future__ import annotations

import ast
import builtins
import re
import symtable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

BUILD_ONLY = ("myst_nb", "replearn.conclusions")
_BLOCKS = ("body", "orelse", "finalbody")


@dataclass(frozen=True)
class CodeCell:
    """A code cell of a chapter."""

    source: str
    removed: bool  # tagged remove-cell: not on the page


def for_reader(cells: Sequence[CodeCell]) -> list[str | None]:
    """The code that a reader runs, a text for each cell; None where nothing is left.

    A cell of the page stays, without the statements for the build. Of a removed cell those
    statements stay on which a later cell depends.

    Raises
    ------
    ValueError
        Something that is kept depends on a module for the build.
    """
    trees = [_parsed(cell.source) for cell in cells]
    names = _names_for_the_build([tree for tree in trees if tree is not None])
    # What the functions of the page look up when they are called, which may be later.
    live = {
        name
        for cell, tree in zip(cells, trees, strict=True)
        if tree is not None and not cell.removed
        for name in _looked_up_by_functions(tree)
    }
    kept: list[str | None] = []
    for cell, tree in reversed(list(zip(cells, trees, strict=True))):
        if tree is None:
            live |= set(re.findall(r"[^\W\d]\w*", cell.source))
            kept.append(cell.source)
            continue
        edit = _Edit(cell.source, names)
        rest: list[ast.stmt] = []
        for statement in reversed(edit.without_the_build(tree.body)):
            if cell.removed and not _matters(statement, live):
                edit.delete(statement)
                continue
            if used := _uses(statement) & names:
                raise ValueError(
                    f"line {statement.lineno} of the cell {cell.source[:60]!r} needs "
                    f"{', '.join(sorted(used))}, which a reader of the notebook has not"
                )
            live = _live_before(statement, live)
            rest.insert(0, statement)
        kept.append(edit.text(rest))
    return kept[::-1]


def _parsed(source: str) -> ast.Module | None:
    """The syntax tree; None for a cell that is no plain Python, as one with a magic."""
    try:
        return ast.parse(source)
    except SyntaxError:
        return None


def _is_for_the_build(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in BUILD_ONLY)


def _imported_for_the_build(node: ast.stmt) -> set[str]:
    """The names that an import gets from the modules for the build."""
    if isinstance(node, ast.Import):
        return {
            alias.asname or alias.name.split(".")[0]
            for alias in node.names
            # `import replearn.conclusions` binds `replearn`, which is much else.
            if _is_for_the_build(alias.name) and (alias.asname or "." not in alias.name)
        }
    if isinstance(node, ast.ImportFrom) and node.module:
        return {
            alias.asname or alias.name
            for alias in node.names
            if _is_for_the_build(node.module) or _is_for_the_build(f"{node.module}.{alias.name}")
        }
    return set()


def _names_for_the_build(trees: Sequence[ast.Module]) -> set[str]:
    """Names of the modules for the build, and of functions that do nothing without them."""
    names = {
        name
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt)
        for name in _imported_for_the_build(node)
    }
    functions = [
        node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
    ]
    while True:
        more = {f.name for f in functions if _only_for_the_build(f, names)} - names
        if not more:
            return names
        names |= more


def _only_for_the_build(node: ast.stmt, names: set[str]) -> bool:
    """Whether a statement does nothing but serve the build."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return len(_imported_for_the_build(node)) == len(node.names)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        called = node.value.func
        while isinstance(called, ast.Attribute):
            if _is_for_the_build(ast.unparse(called)):
                return True
            called = called.value
        return isinstance(called, ast.Name) and called.id in names
    if isinstance(node, ast.For | ast.While | ast.If | ast.With | ast.FunctionDef):
        body = node.body
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None:
            body = body[1:]
        statements = [*body, *getattr(node, "orelse", [])]
        return bool(statements) and all(_only_for_the_build(s, names) for s in statements)
    return False


class _Edit:
    """Deletes statements from a text, and keeps the rest to the letter."""

    def __init__(self, source: str, names: set[str]) -> None:
        self._lines: list[str | None] = list(source.splitlines())
        self._names = names

    def without_the_build(self, statements: Sequence[ast.stmt]) -> list[ast.stmt]:
        """Delete what serves the build; the statements of the block that are left."""
        kept = [node for node in statements if not _only_for_the_build(node, self._names)]
        for node in statements:
            if node not in kept:
                self.delete(node)
            elif _imported_for_the_build(node):
                self._import_less(node)
            else:
                for block in _blocks(node):
                    self._block(block)
        return kept

    def _block(self, block: list[ast.stmt]) -> None:
        """Edit an inner block in the text and in the syntax tree."""
        first = block[0]
        block[:] = self.without_the_build(block)
        if not block:
            block.append(ast.Pass())
            self._lines[first.lineno - 1] = f"{' ' * first.col_offset}pass"

    def delete(self, node: ast.stmt, *, comment: bool = True) -> None:
        """Delete a statement's lines and the comment above it."""
        first = node.lineno - 1
        for decorator in getattr(node, "decorator_list", []):
            first = min(first, decorator.lineno - 1)
        while comment and first and (self._lines[first - 1] or "").lstrip().startswith("#"):
            first -= 1
        assert node.end_lineno is not None
        self._lines[first : node.end_lineno] = [None] * (node.end_lineno - first)

    def _import_less(self, node: ast.stmt) -> None:
        """Write an import anew without what serves the build."""
        assert isinstance(node, ast.Import | ast.ImportFrom)
        gone = _imported_for_the_build(node)
        node.names = [alias for alias in node.names if (alias.asname or alias.name) not in gone]
        self.delete(node, comment=False)
        self._lines[node.lineno - 1] = " " * node.col_offset + ast.unparse(node)

    def text(self, statements: list[ast.stmt]) -> str | None:
        """What is left; None if that is nothing but comments.

        Raises ValueError if it is not `statements`, which is so where two share a line.
        """
        if not statements:
            return None
        lines = [line for line in self._lines if line is not None]
        text = re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines)).strip("\n")
        wanted = ast.dump(ast.Module(statements, type_ignores=[]))
        tree = _parsed(text)
        if tree is None or ast.dump(tree) != wanted:
            raise ValueError(
                f"what serves the build shares a line with other code in the cell {text[:60]!r}; "
                "give it a line of its own"
            )
        return text


def _blocks(node: ast.stmt) -> Iterable[list[ast.stmt]]:
    """The blocks of statements in a statement."""
    for name in _BLOCKS:
        block = getattr(node, name, None)
        if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
            yield block
    for handler in getattr(node, "handlers", []):
        yield handler.body


def _globals(table: symtable.SymbolTable) -> set[str]:
    """Names that a scope and those in it look up outside of them."""
    found = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global()}
    return found.union(*map(_globals, table.get_children()))


def _top(node: ast.AST) -> symtable.SymbolTable:
    return symtable.symtable(ast.unparse(node), "<cell>", "exec")


def _uses(node: ast.AST) -> set[str]:
    """Names that a statement or an expression looks up, those of its functions included."""
    table = _top(node)
    own = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced()}
    return own.union(*map(_globals, table.get_children()))


def _looked_up_by_functions(tree: ast.Module) -> set[str]:
    """Names that functions and classes look up when they are called."""
    at_once = {"listcomp", "setcomp", "dictcomp", "genexpr"}
    scopes = _top(tree).get_children()
    return set().union(*(_globals(s) for s in scopes if s.get_name().strip("<>") not in at_once))


def _binds(node: ast.AST) -> set[str]:
    """Names that a statement makes or whose objects it changes: x, x[0] and x.y bind x."""
    table = _top(node)
    made = {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_assigned() or symbol.is_imported()
    }
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute | ast.Subscript) and isinstance(part.ctx, ast.Store):
            made |= {name.id for name in ast.walk(part.value) if isinstance(name, ast.Name)}
    return made


def _matters(node: ast.stmt, live: set[str]) -> bool:
    """Whether what comes after a statement of a removed cell depends on it."""
    if isinstance(node, ast.Assert):  # checks what the text says, and the text is fixed here
        return False
    calls = {
        name for part in ast.walk(node) if isinstance(part, ast.Expr) for name in _uses(part.value)
    }
    return bool((_binds(node) | (calls - set(dir(builtins)))) & live)


def _live_before(node: ast.stmt, after: set[str]) -> set[str]:
    """Names whose values matter before a statement, from those that matter after it."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return (after - {node.name}) | _uses(node)
    if isinstance(node, ast.For):
        inside = _live_before_block(node.body, after) - _binds_of_target(node.target)
        return after | inside | _live_before_block(node.orelse, after) | _uses(node.iter)
    if isinstance(node, ast.With):
        inside = _live_before_block(node.body, after)
        for item in node.items:
            if item.optional_vars is not None:
                inside = inside - _binds_of_target(item.optional_vars)
        return inside.union(*(_uses(item.context_expr) for item in node.items))
    if isinstance(node, ast.If):
        either = (_live_before_block(block, after) for block in (node.body, node.orelse))
        return set().union(*either) | _uses(node.test)
    if isinstance(node, ast.While | ast.Try):
        return after | _uses(node)
    changed_in_place = isinstance(node, ast.AugAssign)
    targets = node.targets if isinstance(node, ast.Assign) else []
    made = set().union(*map(_binds_of_target, targets)) if targets else _binds(node)
    return (after if changed_in_place else after - made) | _uses(node)


def _live_before_block(statements: Sequence[ast.stmt], after: set[str]) -> set[str]:
    for statement in reversed(statements):
        after = _live_before(statement, after)
    return after


def _binds_of_target(target: ast.expr) -> set[str]:
    """Names that a target makes anew."""
    return {
        node.id
        for node in ast.walk(target)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
