"""Mutants as changes to the reference: one TOML file a question, ``mutants/qK.toml``.

[[mutant]]
name = "q2_not_centred"
says = "The misconception, in one sentence."
caught_by = ["q2_scale_visible"]
replace = 'Xc = X - X.mean(dim=0)'
by = 'Xc = X'

``replace`` occurs exactly once in the question's solution cells, each taken to end in a newline, or
in the one that ``cell`` names. Where one change is not enough, ``[[mutant.change]]`` tables hold
``replace``, ``by`` and ``cell``. The tables ``[[promise]]`` of a file are read by
:mod:`autograder.assignments.promises`.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from autograder.assignments.syntax import check_syntax
from autograder.assignments.tables import check_keys
from autograder.errors import CourseError
from gradekit.notebook import question_of

_FILE = re.compile(r"q[1-9][0-9]*")
_UNSHOWN = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # controls, line breaks, half characters
_SINGLE = re.compile(r"^[ \t]*\[[ \t]*(mutant|promise)[ \t]*\]", re.MULTILINE)
_KINDS = {"mutant", "promise"}
_CHANGE_KEYS = {"cell", "replace", "by"}
_ABOUT_KEYS = {"name", "says", "caught_by"}
_MUTANT_KEYS = _ABOUT_KEYS | _CHANGE_KEYS | {"change"}


@dataclass(frozen=True)
class Mutant:
    """A mutant of one question; ``answers`` holds the changed cells only."""

    name: str
    says: str
    caught_by: tuple[str, ...]
    answers: dict[str, str]


@dataclass(frozen=True)
class _Edit:
    """Characters ``start`` to ``stop`` of a cell become ``by``."""

    cell: str
    start: int
    stop: int
    by: str


def read_mutants(path: Path, solutions: Mapping[str, str], tests: Collection[str]) -> list[Mutant]:
    """The mutants of one question, in the order of the file.

    Parameters
    ----------
    path : ``qK.toml``; its name says which question.
    solutions : reference text of the assignment's solution cells, by grade_id.
    tests : grade_ids of the assignment's test cells.

    Raises
    ------
    CourseError
        Names the file, the mutant and what is wrong with it.
    """
    question = path.stem
    cells = {name: text for name, text in solutions.items() if question_of(name) == question}
    if not _FILE.fullmatch(question) or not cells:
        known = ", ".join(f"{key}.toml" for key in dict.fromkeys(map(question_of, solutions)))
        raise CourseError(f"{path}: no question has solution cells for it; known: {known}")
    tests = [name for name in tests if question_of(name) == question]
    mutants: dict[str, Mutant] = {}
    for number, table in enumerate(read_tables(path, "mutant"), 1):
        mutant = _mutant(table, f"{path}: mutant {number}", path, cells, tests)
        # Names become names of files, which some systems don't tell apart by case.
        if other := mutants.get(mutant.name.lower()):
            if other.name == mutant.name:
                raise CourseError(f"{path}: two mutants are named {mutant.name!r}")
            raise CourseError(f"{path}: {other.name!r} and {mutant.name!r} differ only in case")
        mutants[mutant.name.lower()] = mutant
    return list(mutants.values())


def read_tables(path: Path, kind: str) -> list[dict[str, Any]]:
    """The tables ``[[mutant]]`` or ``[[promise]]`` of a file, in their order; CourseError."""
    text = ""
    try:
        text = path.read_text(encoding="utf-8-sig")  # Windows may write a mark
        content = tomllib.loads(text)
    except OSError as error:
        raise CourseError(f"{path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        single = _SINGLE.search(text)
        hint = f"; write [[{single[1]}]] for each, not [{single[1]}]" if single else ""
        raise CourseError(f"{path}: not TOML ({error}){hint}") from error
    except (RecursionError, MemoryError) as error:
        raise CourseError(f"{path}: too large, or nested too deep") from error
    check_keys(content, _KINDS, set(), str(path))
    if not content:
        raise CourseError(f"{path}: the file holds no [[mutant]] and no [[promise]]")
    return _list_of_tables(content[kind], kind, str(path)) if kind in content else []


def _mutant(
    table: dict[str, Any], where: str, path: Path, cells: Mapping[str, str], tests: list[str]
) -> Mutant:
    name = _text(table, "name", where)
    where = f"{path}: mutant {name!r}"
    if not re.fullmatch(rf"{path.stem}_\w+", name, re.ASCII):
        raise CourseError(
            f"{where}: the name must be {path.stem}_, like the file's, and letters, digits or _"
        )
    check_keys(table, _MUTANT_KEYS, _ABOUT_KEYS, where)
    says = _text(table, "says", where)
    # It is shown in terminals and reports, in one line.
    if any(unicodedata.category(character) in _UNSHOWN for character in says):
        raise CourseError(f"{where}: says must be one line without control characters")
    caught_by = table["caught_by"]
    if not isinstance(caught_by, list) or not caught_by:
        raise CourseError(f"{where}: caught_by must be a list of test cells, got {caught_by!r}")
    for test in caught_by:
        if test not in tests:
            raise CourseError(
                f"{where}: caught_by names {test!r}, which is not a test cell of {path.stem}; "
                f"they are {', '.join(tests)}"
            )
        if caught_by.count(test) > 1:
            raise CourseError(f"{where}: caught_by names {test!r} twice")
    edits = [_edit(change, where, cells) for change in _changes(table, where)]
    answers = {}
    for cell in dict.fromkeys(edit.cell for edit in edits):
        answers[cell] = _apply(cells[cell], [e for e in edits if e.cell == cell], where)
        check_syntax(answers[cell], f"{where}: {cell}")
    return Mutant(name, says, tuple(caught_by), answers)


def _changes(table: dict[str, Any], where: str) -> list[dict[str, Any]]:
    """The one change that stands in the mutant's own table, or the several below it."""
    if "change" not in table:
        change = {key: value for key, value in table.items() if key in _CHANGE_KEYS}
        check_keys(change, _CHANGE_KEYS, {"replace", "by"}, where)
        return [change]
    for key in sorted(_CHANGE_KEYS & set(table)):
        raise CourseError(f"{where}: {key} and [[mutant.change]] exclude each other")
    changes = _list_of_tables(table["change"], "mutant.change", where)
    for number, change in enumerate(changes, 1):
        check_keys(change, _CHANGE_KEYS, {"replace", "by"}, f"{where}: change {number}")
    return changes


def _edit(change: dict[str, Any], where: str, cells: Mapping[str, str]) -> _Edit:
    """Where the text to be replaced stands; CourseError unless that is exactly one place."""
    old, new = _text(change, "replace", where), change["by"]
    if not isinstance(new, str):
        raise CourseError(f"{where}: by must be text, got {new!r}")
    if old == new:
        raise CourseError(f"{where}: replace and by are the same text")
    if "cell" in change and change["cell"] not in list(cells):  # it may be a table
        raise CourseError(
            f"{where}: {change['cell']!r} is not a solution cell of the question; "
            f"they are {', '.join(cells)}"
        )
    asked = [change["cell"]] if "cell" in change else list(cells)
    found = [
        (cell, match.start())
        for cell in asked
        # the look-ahead also finds places that overlap
        for match in re.finditer(f"(?={re.escape(old)})", _with_newline(cells[cell]))
    ]
    if len(found) != 1:
        raise CourseError(
            f"{where}: replace {_shown(old)} found {len(found)} times in {', '.join(asked)}, "
            "wanted exactly once"
        )
    cell, start = found[0]
    return _Edit(cell, start, start + len(old), new)


def _apply(source: str, edits: list[_Edit], where: str) -> str:
    edits = sorted(edits, key=lambda edit: edit.start)
    for first, second in pairwise(edits):
        if second.start < first.stop:
            raise CourseError(f"{where}: two changes replace the same text of {first.cell}")
    text = _with_newline(source)
    for edit in reversed(edits):
        text = text[: edit.start] + edit.by + text[edit.stop :]
    return text.rstrip("\n")


def _with_newline(source: str) -> str:
    return source.rstrip("\n") + "\n"


def _shown(text: str) -> str:
    first, *rest = text.strip().split("\n")
    return repr(first + (" ..." if rest else ""))


def _text(table: dict[str, Any], key: str, where: str) -> str:
    check_keys(table, set(table), {key}, where)
    value = table[key]
    if not isinstance(value, str) or not value.strip():
        raise CourseError(f"{where}: {key} must be text and not empty, got {value!r}")
    return value


def _list_of_tables(value: object, key: str, where: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not value or not all(isinstance(v, dict) for v in value):
        raise CourseError(f"{where}: {key} must be written as tables [[{key}]]")
    return value
