"""Loads and checks an assignment: the MyST source and ``assignment.toml`` beside it."""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from autograder.assignments.independence import check_independent, name_of, names_made
from autograder.assignments.questions import Question
from autograder.assignments.syntax import check_syntax
from autograder.assignments.tables import check_keys
from autograder.errors import CourseError
from gradekit.notebook import (
    Cell,
    Description,
    TimeLimits,
    grade_id_of,
    nbgrader_metadata,
    role_of,
)

_GRADE_ID = re.compile(r"(q[1-9][0-9]*)_[a-z0-9_]+")
_BEGIN_SOLUTION, _END_SOLUTION = "BEGIN SOLUTION", "END SOLUTION"
_BEGIN_HIDDEN, _END_HIDDEN = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
_COUNTING = ("drop", "points_for_all", "bonus")
_TOP_KEYS = {"title", "chapter", "hide", "questions", *_COUNTING}
_TIMES = ("call_seconds", "cell_seconds", "total_seconds")
_QUESTION_KEYS = {"title", "names", "section", "in_place"}


@dataclass(frozen=True)
class Assignment:
    """A checked assignment; ``cells`` in the order of the source.

    ``drop``, ``points_for_all`` and ``bonus`` are names of graded cells. They say how points count,
    not what is run: no result depends on them.
    """

    name: str
    folder: Path
    title: str
    chapter: str
    hide: tuple[str, ...]
    call_seconds: float
    cell_seconds: float
    total_seconds: float
    questions: tuple[Question, ...]
    cells: tuple[Cell, ...]
    drop: tuple[str, ...] = ()
    points_for_all: tuple[str, ...] = ()
    bonus: tuple[str, ...] = ()

    @cached_property
    def tests(self) -> tuple[Cell, ...]:
        """Test cells, in the order of the source."""
        return tuple(cell for cell in self.cells if cell.role == "test")

    @cached_property
    def solutions(self) -> dict[str, str]:
        """Reference text of every solution cell that tests judge, by grade_id."""
        return {cell.grade_id: cell.source for cell in self.cells if cell.role == "solution"}

    @cached_property
    def manual(self) -> tuple[Cell, ...]:
        """Cells that are marked by hand."""
        return tuple(cell for cell in self.cells if cell.role == "manual")

    @cached_property
    def answers(self) -> dict[str, str]:
        """Reference text of every cell a student writes in, manual ones included."""
        return {cell.grade_id: cell.source for cell in self.cells if cell.answer}

    @cached_property
    def points(self) -> dict[str, int]:
        """Points of every graded cell, by grade_id."""
        return {cell.grade_id: cell.points for cell in (*self.tests, *self.manual)}

    @cached_property
    def counted(self) -> dict[str, int]:
        """What every graded cell adds to the maximum, by grade_id: its points, or nothing."""
        free = {*self.drop, *self.bonus}
        return {name: 0 if name in free else points for name, points in self.points.items()}

    @property
    def max_score(self) -> int:
        """What the whole assignment gives at most, a bonus apart."""
        return sum(self.counted.values())

    @cached_property
    def description(self) -> Description:
        """What grading and the local check know of it in the same form."""
        return Description(
            assignment=self.name,
            cells=self.cells,
            names={question.key: question.names for question in self.questions},
            hide=self.hide,
            limits=TimeLimits(self.call_seconds, self.cell_seconds, self.total_seconds),
            in_place=tuple(name for question in self.questions for name in question.in_place),
        )

    @cached_property
    def digest(self) -> str:
        """Hash of all that grading depends on."""
        cells = [asdict(cell) for cell in self.cells]
        times = [self.call_seconds, self.cell_seconds, self.total_seconds]
        questions = [asdict(question) for question in self.questions]
        content = [self.name, cells, self.hide, times, questions]
        return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def find_assignments(solutions: Path, names: Iterable[str] | None = None) -> list[Assignment]:
    """Load the named assignments (all of them when names is None or empty)."""
    if not solutions.is_dir():
        raise CourseError(f"there is no folder {solutions}; name the assignments' with --solutions")
    known = sorted(path.parent.name for path in solutions.glob("*/assignment.toml"))
    if not known:
        raise CourseError(f"no assignment in {solutions}: no folder in it has an assignment.toml")
    wanted = list(names or known)
    for name in wanted:
        if name not in known:
            raise CourseError(f"unknown assignment {name!r}; known: {', '.join(known)}")
    return [load_assignment(solutions / name) for name in dict.fromkeys(wanted)]


def load_assignment(folder: Path) -> Assignment:
    """Load and check one assignment; CourseError names the file and what is wrong with it."""
    name = folder.name
    settings = _read_settings(folder / "assignment.toml")
    cells = _read_cells(folder / f"{name}.md")
    _check_cells(cells, folder / f"{name}.md")
    questions = _questions(settings, cells, folder / "assignment.toml")
    cell_seconds = float(settings.get("cell_seconds", 60))
    counting = _counting(settings, cells, folder / "assignment.toml")
    check_independent(cells, questions, folder / f"{name}.md")
    _check_names(questions, cells, folder / "assignment.toml")
    _check_in_place(questions, cells, folder / "assignment.toml")
    _check_not_empty(cells, (*counting["points_for_all"], *counting["drop"]), folder / f"{name}.md")
    call_seconds = float(settings.get("call_seconds", cell_seconds / 2))
    total_seconds = float(settings.get("total_seconds", 5 * cell_seconds))
    if total_seconds < call_seconds:
        raise CourseError(
            f"{folder / 'assignment.toml'}: total_seconds ({total_seconds:g}) must not be less "
            f"than call_seconds ({call_seconds:g})"
        )
    return Assignment(
        name=name,
        folder=folder,
        title=settings["title"],
        chapter=settings.get("chapter", ""),
        hide=tuple(settings.get("hide", ())),
        call_seconds=call_seconds,
        cell_seconds=cell_seconds,
        total_seconds=total_seconds,
        questions=questions,
        cells=cells,
        **counting,
    )


def read_source(path: Path) -> Any:
    """The MyST source as an nbformat notebook, with cell ids that depend on the text only."""
    import jupytext  # imported late: it takes a second, and an unchanged course does without

    if not path.is_file():
        raise CourseError(f"{path}: there is no such file (the assignment's source)")
    try:
        notebook = jupytext.read(path, fmt="md:myst")
    except Exception as error:  # jupytext raises many kinds; all mean an unreadable source
        reason = str(error).strip().split("\n")[0]
        raise CourseError(f"{path}: not a MyST notebook ({reason})") from error
    for index, cell in enumerate(notebook.cells):
        cell["id"] = sha256(f"{index}\n{cell.source}".encode()).hexdigest()[:12]
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    return notebook


def _read_settings(path: Path) -> dict[str, Any]:
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CourseError(f"{path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CourseError(f"{path}: not TOML ({error})") from error
    check_keys(settings, _TOP_KEYS | set(_TIMES), needed={"title", "questions"}, where=str(path))
    for key, kind, kind_name in (
        ("title", str, "text"),
        ("chapter", str, "text"),
        ("questions", dict, "tables [questions.q1], ..."),
    ):
        if not isinstance(value := settings.get(key, kind()), kind):
            raise CourseError(f"{path}: {key} must be {kind_name}, got {value!r}")
    lists = {"hide": "module names"} | dict.fromkeys(_COUNTING, "graded cells or questions")
    for key, of_what in lists.items():
        if not _is_text_list(value := settings.get(key, [])):
            raise CourseError(f"{path}: {key} must be a list of {of_what}, got {value!r}")
    for module in settings.get("hide", []):
        _check_module(module, path)
    for key in _TIMES:
        value = settings.get(key, 1)
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise CourseError(f"{path}: {key} must be a positive number of seconds, got {value!r}")
    return settings


def _check_module(name: str, path: Path) -> None:
    """A module of an installed package must be there; nothing of the package is run to see that.

    A package that is not installed may be hidden all the same: a student may have it.
    """
    first, *rest = name.split(".")
    if not all(part.isidentifier() for part in (first, *rest)):
        raise CourseError(f"{path}: hide must be names of modules, got {name!r}")
    if name in sys.modules:
        return
    module, spec = first, PathFinder.find_spec(first)
    for part in rest:
        if spec is None:
            return
        package, module = module, f"{module}.{part}"
        found = spec.submodule_search_locations
        spec = None if found is None else PathFinder.find_spec(module, found)
        if spec is None:
            raise CourseError(f"{path}: hide names {name!r}, but {package} has no module {part}")


def _is_text_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _questions(
    settings: dict[str, Any], cells: tuple[Cell, ...], path: Path
) -> tuple[Question, ...]:
    graded = {cell.question for cell in cells if cell.role != "given"}
    questions = []
    for key, table in settings["questions"].items():
        where = f"{path}: [questions.{key}]"
        if not isinstance(table, dict):
            raise CourseError(f"{where} must be a table, got {table!r}")
        check_keys(table, _QUESTION_KEYS, needed={"title"}, where=where)
        for name in ("title", "section"):
            if not isinstance(value := table.get(name, ""), str):
                raise CourseError(f"{where}: {name} must be text, got {value!r}")
        if not _is_text_list(names := table.get("names", [])):
            raise CourseError(
                f"{where}: names must be a list of names the student defines, got {names!r}"
            )
        in_place = table.get("in_place", [])
        if not _is_text_list(in_place) or not set(in_place) <= set(names):
            raise CourseError(
                f"{where}: in_place must be a list of some of the question's names, "
                f"got {in_place!r}"
            )
        if key not in graded:
            raise CourseError(f"{where}: the source has no graded cell of {key}")
        questions.append(
            Question(key, table["title"], tuple(names), table.get("section", ""), tuple(in_place))
        )
    for key in sorted(graded - set(settings["questions"])):
        raise CourseError(f"{path}: [questions.{key}] is missing; the source grades {key}")
    return tuple(sorted(questions, key=lambda question: int(question.key[1:])))


def _check_names(questions: tuple[Question, ...], cells: tuple[Cell, ...], path: Path) -> None:
    """What a student is asked for, the reference or a given cell defines."""
    code = [c.source for c in cells if c.kind == "code" and c.role in ("given", "solution")]
    made = frozenset[str]().union(*map(names_made, code))
    for question in questions:
        for name in question.names:
            if name not in made:
                raise CourseError(
                    f"{path}: [questions.{question.key}]: names has {name!r}, which no solution "
                    "cell and no given cell defines"
                )


def _check_in_place(questions: tuple[Question, ...], cells: tuple[Cell, ...], path: Path) -> None:
    """A notebook's own test cells compare arguments as the judge does."""
    wanted = sorted(name for question in questions for name in question.in_place)
    for cell in cells:
        if cell.kind != "code" or cell.role != "given":
            continue
        for named in _compared(cell.source):
            if named != wanted:
                raise CourseError(
                    f"{path}: in_place is {wanted}, and compare_arguments in {name_of(cell)} is "
                    f"called with {named}; they must be the same"
                )


def _compared(source: str) -> Iterator[list[str]]:
    """What each call of `compare_arguments` in a cell names, as far as it stands there."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("compare_arguments"):
            found = [word.value for word in node.keywords if word.arg == "in_place"]
            yield sorted(
                part.value
                for value in found
                for part in ast.walk(value)
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            )


def _counting(
    settings: dict[str, Any], cells: tuple[Cell, ...], path: Path
) -> dict[str, tuple[str, ...]]:
    """The graded cells that each setting names, by themselves or by their question."""
    graded = [cell for cell in cells if cell.role in ("test", "manual")]
    known = {cell.question for cell in graded} | {cell.grade_id for cell in graded}
    found: dict[str, tuple[str, ...]] = {}
    taken: dict[str, str] = {}
    for key in _COUNTING:
        for name in settings.get(key, ()):
            if name not in known:
                raise CourseError(f"{path}: {key} names {name!r}, wanted a graded cell or question")
        named = set(settings.get(key, ()))
        found[key] = tuple(c.grade_id for c in graded if named & {c.grade_id, c.question})
        for name in found[key]:
            if name in taken and {taken[name], key} != {"points_for_all", "bonus"}:
                raise CourseError(f"{path}: {name} stands under {taken[name]} and {key}, want one")
            taken[name] = key
    return found


def _check_not_empty(cells: tuple[Cell, ...], allowed: tuple[str, ...], path: Path) -> None:
    """A test that does nothing passes for everyone, which nobody wants by mistake."""
    for cell in cells:
        if cell.role == "test" and cell.grade_id not in allowed and _does_nothing(cell.source):
            raise CourseError(
                f"{path}: test {cell.grade_id} is empty, so everyone would get its points; write "
                "it, or name it under points_for_all (or drop) in assignment.toml"
            )


def _does_nothing(source: str) -> bool:
    return all(
        isinstance(node, ast.Pass)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in ast.parse(source).body
    )


def _read_cells(path: Path) -> tuple[Cell, ...]:
    cells = []
    for cell in read_source(path).cells:
        role, grade_id, metadata = role_of(cell), grade_id_of(cell), nbgrader_metadata(cell)
        points = metadata.get("points", 0)
        if role in ("test", "manual") and (type(points) is not int or points <= 0):
            raise CourseError(
                f"{path}: points of {grade_id!r} must be a positive whole number, got {points!r}"
            )
        locked = bool(metadata.get("locked", False))
        cells.append(Cell(cell.cell_type, cell.source, role, grade_id, points, locked))
    return tuple(cells)


def _check_cells(cells: tuple[Cell, ...], path: Path) -> None:
    seen: set[str] = set()
    for cell in cells:
        name = cell.grade_id
        if name and name in seen:
            raise CourseError(f"{path}: two cells have the grade_id {name!r}")
        seen.add(name)
        if cell.kind == "code":
            check_syntax(cell.source, f"{path}: {name_of(cell)}")
        if cell.role == "given":
            continue
        if not _GRADE_ID.fullmatch(name):
            raise CourseError(f"{path}: grade_id {name!r} must look like q1_centre")
        if cell.answer:
            _check_solution_marks(cell, path)
        if cell.role == "test":
            _check_test(cell, path)
        elif _BEGIN_HIDDEN in cell.source:
            raise CourseError(f"{path}: hidden tests in {name}, which is not a test cell")
    for key in sorted({c.question for c in cells if c.role == "test"}):
        if not any(c.role == "solution" and c.question == key for c in cells):
            raise CourseError(f"{path}: {key} has tests but no solution cell")
    if not any(cell.role in ("test", "manual") for cell in cells):
        raise CourseError(f"{path}: no cell is graded")


def _check_solution_marks(cell: Cell, path: Path) -> None:
    """Every region that becomes a stub has a beginning and an end, none inside another."""
    inside = False
    for number, line in enumerate(cell.source.split("\n"), 1):
        if _BEGIN_SOLUTION in line or _END_SOLUTION in line:
            begins = _BEGIN_SOLUTION in line
            if begins == inside:
                what = (
                    "a second 'BEGIN SOLUTION' before 'END SOLUTION'"
                    if begins
                    else ("'END SOLUTION' without 'BEGIN SOLUTION'")
                )
                raise CourseError(f"{path}: {cell.grade_id} line {number} has {what}")
            inside = begins
    if inside:
        raise CourseError(f"{path}: {cell.grade_id} has 'BEGIN SOLUTION' without 'END SOLUTION'")


def _check_test(cell: Cell, path: Path) -> None:
    name = cell.grade_id
    if cell.kind != "code":
        raise CourseError(f"{path}: test {name} must be a code cell")
    if not cell.locked:
        raise CourseError(f"{path}: test {name} must be locked")
    if not name.endswith(("_visible", "_hidden")):
        raise CourseError(f"{path}: the name of test {name} must end in _visible or _hidden")
    if cell.hidden != _is_all_hidden(cell.source) or (
        not cell.hidden and _BEGIN_HIDDEN in cell.source
    ):
        raise CourseError(
            f"{path}: {name}: a test ends in _hidden exactly when the whole cell stands between "
            f"{_BEGIN_HIDDEN!r} and {_END_HIDDEN!r}"
        )
    if cell.hidden:
        for line in sorted(_built_messages(ast.parse(cell.source))):
            raise CourseError(
                f"{path}: {name} line {line}: a message in a hidden test must be a plain string, "
                "because a message built from values would show them to the student"
            )


def _is_all_hidden(source: str) -> bool:
    """Whether nothing but comments stands outside the marks."""
    hidden, seen = False, False
    for line in map(str.strip, source.splitlines()):
        if line == _BEGIN_HIDDEN:
            hidden = seen = True
        elif line == _END_HIDDEN:
            hidden = False
        elif not hidden and line and not line.startswith("#"):
            return False
    return seen and not hidden


def _built_messages(tree: ast.AST) -> Iterable[int]:
    """Lines of the messages (of assert and of checks.*) that are not plain strings.

    A name counts as a plain string when the cell assigns it nothing else.
    """
    assigned: dict[str, list[ast.AST]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                assigned.setdefault(ast.unparse(target), []).append(node.value)
        elif isinstance(node, ast.AugAssign):
            assigned.setdefault(ast.unparse(node.target), []).append(node)

    def plain(value: ast.AST) -> bool:
        if isinstance(value, ast.Name):
            return value.id in assigned and all(map(_is_literal, assigned[value.id]))
        return _is_literal(value)

    for node in ast.walk(tree):
        if isinstance(node, ast.Assert) and node.msg is not None and not plain(node.msg):
            yield node.lineno
        if isinstance(node, ast.Call) and _is_check(node.func):
            named = [k.value for k in node.keywords if k.arg in ("message", "msg")]
            if not all(plain(value) for value in named):
                yield node.lineno
            others = [*node.args, *(k.value for k in node.keywords)]
            if any(_builds_text(part) for value in others for part in ast.walk(value)):
                yield node.lineno


def _is_literal(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_check(func: ast.AST) -> bool:
    return (
        isinstance(func, ast.Attribute)
        and isinstance(func.value, ast.Name | ast.Attribute)
        and ast.unparse(func.value).split(".")[-1] == "checks"
    )


def _builds_text(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp):
        return _is_literal(node.left) or _is_literal(node.right)
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        return name in ("format", "str", "repr")
    return isinstance(node, ast.JoinedStr)
