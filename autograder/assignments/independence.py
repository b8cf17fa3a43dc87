"""Test cells that stand alone: each passes when it is run twice, in any order, without the others.

A test cell may use what it makes itself, what the given cells above it make, and what its own
question asks the student to define. A name from another test or from another question's answer is
there when the notebook is run from the top, and gone, or something else, when it is not. Nor may it
give another meaning to a module or a function that it found: in a notebook, later cells find that.

Branches count as taken, loops as run, and what functions read as read when the cell has ended, so
that no test is refused that might stand alone.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

from autograder.assignments.questions import Question
from autograder.errors import CourseError
from gradekit.notebook import Cell

_BUILTINS = frozenset(dir(builtins)) | {"__name__", "__class__"}
_DEFINED = "a function or class"
_REACH_ALL = frozenset({"eval", "exec", "globals", "locals", "vars"})


def check_independent(cells: Sequence[Cell], questions: Sequence[Question], path: Path) -> None:
    """CourseError at a test cell that uses, or changes, what it may not."""
    own = {question.key: set(question.names) for question in questions}
    given: dict[str, str | None] = {}
    for cell in cells:
        if cell.kind != "code" or cell.role not in ("given", "test"):
            continue
        where = f"{path}: {'test ' if cell.role == 'test' else ''}{name_of(cell)}"
        try:
            names = _names(cell.source)
        except RecursionError as error:
            raise CourseError(f"{where} is nested too deep") from error
        if names.star:
            raise CourseError(f"{where} imports *, which hides what it uses; name what it imports")
        if cell.role == "given":
            given = {name: what for name, what in given.items() if name not in names.removed}
            given |= {name: names.made[name] for name in names.left}
        else:
            _check_test(names, where, cell.question, own.get(cell.question, set()), given)


def _check_test(
    names: _Names, where: str, question: str, own: set[str], given: dict[str, str | None]
) -> None:
    for name in names.used:
        if name in _REACH_ALL and name not in given and name not in own:
            raise CourseError(
                f"{where} uses {name}, which reaches every name there is; write the names it needs"
            )
        if name not in _BUILTINS and name not in given and name not in own:
            raise CourseError(
                f"{where} uses {name}, which neither it nor a given cell "
                f"above it makes, and which {question} does not ask for"
            )
    for name in sorted({*names.made, *names.changed, *names.removed}):
        if name in own:
            raise CourseError(f"{where} gives another meaning to {name}")
        what = given.get(name)
        # Variables are made anew by most tests; importing a thing again changes nothing.
        replaced = what is not None and (what == _DEFINED or names.made.get(name) != what)
        if replaced or (name in given and name in names.used and name not in names.made):
            raise CourseError(f"{where} gives another meaning to {name}, which a given cell makes")
        if name not in given and name in _BUILTINS and not name.startswith("_"):
            raise CourseError(f"{where} gives another meaning to {name}, which is Python's own")


def name_of(cell: Cell) -> str:
    """What to call a cell in a message: its grade_id, or its first line."""
    first = cell.source.strip().split("\n", 1)[0][:40]
    return cell.grade_id or f"the cell {first!r}"


def names_used(source: str) -> tuple[str, ...]:
    """Names that a cell reads before it has made them itself, in alphabetical order."""
    return _names(source).used


def names_made(source: str) -> frozenset[str]:
    """Names that a cell binds at its own level, or in a function by `global`."""
    names = _names(source)
    return frozenset(names.made) | names.changed


def functions_called(source: str, names: Sequence[str]) -> list[str]:
    """Those of the names that a cell mentions, in the order of the names."""
    mentioned = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    return [name for name in names if name in mentioned]


@dataclass(frozen=True)
class _Names:
    """What a cell does with the names of the notebook.

    Parameters
    ----------
    used : read, and not made by the cell before that.
    made : bound at the cell's own level or by a function's `global`; by name, what was imported,
        that it is a function or class, or None for any other value.
    changed : given another value by `+=` and the like.
    removed : deleted, and not made by the cell before that.
    left : those of the made ones that are there when the cell has ended.
    star : whether it imports all names of a module.
    """

    used: tuple[str, ...]
    made: dict[str, str | None]
    changed: frozenset[str]
    removed: frozenset[str]
    left: frozenset[str]
    star: bool


@lru_cache(maxsize=4096)
def _names(source: str) -> _Names:
    walk = _Walk()
    walk.visit(ast.parse(source))
    return _Names(
        tuple(sorted(walk.early | {name for name in walk.later if name not in walk.made})),
        walk.made,
        frozenset(walk.changed),
        frozenset(walk.removed),
        frozenset(walk.bound),
        walk.star,
    )


_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass
class _Scope:
    kind: Literal["function", "class", "inner"]  # inner: of a comprehension, or of type parameters
    local: set[str] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)  # declared global


class _Walk(ast.NodeVisitor):
    """Goes through a cell in the order in which it runs."""

    def __init__(self) -> None:
        self.scopes: list[_Scope] = []
        self.bound: set[str] = set()  # there at this place of the cell
        self.early: set[str] = set()
        self.later: set[str] = set()  # read in functions
        self.made: dict[str, str | None] = {}
        self.changed: set[str] = set()
        self.removed: set[str] = set()
        self.star = False

    # --- names

    def is_shared(self, name: str) -> bool:
        """Whether a name means the notebook's here, and no function's own."""
        direct = True
        for scope in reversed(self.scopes):
            if name in scope.shared:
                return True
            if name in scope.local and (direct or scope.kind != "class"):
                return False
            direct = direct and scope.kind == "inner"
        return True

    def read(self, name: str) -> None:
        if not self.is_shared(name):
            return
        if any(scope.kind == "function" for scope in self.scopes):
            self.later.add(name)
        elif name not in self.bound:
            self.early.add(name)

    def make(self, name: str, what: str | None = None) -> None:
        if self.is_shared(name):
            # What is made in two ways is no more than some value.
            self.made[name] = what if self.made.get(name, what) == what else None
            self.bound.add(name)

    def remove(self, name: str) -> None:
        self.read(name)
        if self.is_shared(name):
            if name not in self.bound:
                self.removed.add(name)
            self.bound.discard(name)

    @contextlib.contextmanager
    def inside(self, scope: _Scope) -> Iterator[None]:
        self.scopes.append(scope)
        try:
            yield
        finally:
            self.scopes.pop()

    # --- expressions

    def visit_Name(self, node: ast.Name) -> None:
        match node.ctx:
            case ast.Load():
                self.read(node.id)
            case ast.Store():
                self.make(node.id)
            case _:
                self.remove(node.id)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        scopes = self.scopes
        # A comprehension's walrus makes a name of what is around the comprehension.
        while self.scopes and self.scopes[-1].kind == "inner":
            self.scopes = self.scopes[:-1]
        self.visit(node.target)
        self.scopes = scopes

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.function(node)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self.comprehension(node)

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self.comprehension(node)

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self.comprehension(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self.comprehension(node)

    def comprehension(self, node: _Comprehension) -> None:
        self.visit(node.generators[0].iter)
        targets = [name for part in node.generators for name in _stored(part.target)]
        with self.inside(_Scope("inner", set(targets))):
            for number, part in enumerate(node.generators):
                if number:
                    self.visit(part.iter)
                for condition in part.ifs:
                    self.visit(condition)
            results = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
            for result in results:
                self.visit(result)

    # --- statements

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self.visit(target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            # It makes no name: there must be one.
            self.read(node.target.id)
            self.visit(node.value)
            if self.is_shared(node.target.id):
                self.changed.add(node.target.id)
        else:
            self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if not any(scope.kind == "function" for scope in self.scopes):  # there it is not evaluated
            self.visit(node.annotation)
        if node.value is not None:
            self.visit(node.value)
        if node.value is not None or not isinstance(node.target, ast.Name):
            self.visit(node.target)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        self.visit(node.target)
        self.loop(node)

    visit_AsyncFor = visit_For

    def visit_While(self, node: ast.While) -> None:
        self.visit(node.test)
        self.loop(node)

    def loop(self, node: ast.For | ast.AsyncFor | ast.While) -> None:
        # A later round may read what an earlier one has made.
        for name in _locals(node.body).local:
            self.make(name)
        for statement in (*node.body, *node.orelse):
            self.visit(statement)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.type is not None:
            self.visit(node.type)
        before = set(self.bound)
        if node.name:
            self.make(node.name)
        for statement in node.body:
            self.visit(statement)
        if node.name and node.name not in before and self.is_shared(node.name):
            self.bound.discard(node.name)  # as Python does

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            first = alias.name.split(".")[0]
            self.make(alias.asname or first, f"module {alias.name if alias.asname else first}")

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name == "*":
                self.star = True
            else:
                module = "." * node.level + (node.module or "")
                self.make(alias.asname or alias.name, f"{alias.name} of {module}")

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            self.visit(decorator)
        with self.inside(_Scope("inner", _type_parameters(node))):
            self.function(node)
        self.make(node.name, _DEFINED)

    visit_AsyncFunctionDef = visit_FunctionDef

    def function(self, node: _Function) -> None:
        arguments = node.args
        everything = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        everything += [extra for extra in (arguments.vararg, arguments.kwarg) if extra is not None]
        evaluated = [*arguments.defaults, *(d for d in arguments.kw_defaults if d is not None)]
        evaluated += [argument.annotation for argument in everything if argument.annotation]
        if not isinstance(node, ast.Lambda) and node.returns is not None:
            evaluated.append(node.returns)
        for part in evaluated:
            self.visit(part)
        body: Sequence[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else node.body
        scope = _locals(body)
        scope.local |= {argument.arg for argument in everything}
        with self.inside(scope):
            for statement in body:
                self.visit(statement)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for decorator in node.decorator_list:
            self.visit(decorator)
        with self.inside(_Scope("inner", _type_parameters(node))):
            for part in (*node.bases, *node.keywords):
                self.visit(part)
            scope = _locals(node.body)
            scope.kind = "class"
            with self.inside(scope):
                for statement in node.body:
                    self.visit(statement)
        self.make(node.name, _DEFINED)

    def visit_TypeAlias(self, node: ast.AST) -> None:  # from Python 3.12 on
        self.visit(node.name)  # type: ignore[attr-defined]
        with self.inside(_Scope("inner", _type_parameters(node))):
            self.visit(node.value)  # type: ignore[attr-defined]

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        self.generic_visit(node)
        if node.name:
            self.make(node.name)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        if node.name:
            self.make(node.name)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self.generic_visit(node)
        if node.rest:
            self.make(node.rest)


def _type_parameters(node: ast.AST) -> set[str]:
    return {parameter.name for parameter in getattr(node, "type_params", ())}


def _stored(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            yield part.id


def _locals(body: Sequence[ast.AST]) -> _Scope:
    """The scope of a function with that body, without its arguments."""
    scope = _Scope("function")
    outside: set[str] = set()
    parts = list(body)
    while parts:
        node = parts.pop()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                scope.local.add(node.name)
                continue
            case ast.Lambda():
                continue
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                for part in ast.walk(node):
                    if isinstance(part, ast.NamedExpr):
                        scope.local |= set(_stored(part.target))
                continue
            case ast.Global():
                scope.shared |= set(node.names)
            case ast.Nonlocal():
                outside |= set(node.names)
            case ast.Name(ctx=ast.Store() | ast.Del()):
                scope.local.add(node.id)
            case ast.alias() if node.name != "*":
                scope.local.add(node.asname or node.name.split(".")[0])
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                scope.local.add(name)
            case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                scope.local.add(name)
        parts += ast.iter_child_nodes(node)
    scope.local -= scope.shared | outside
    return scope
