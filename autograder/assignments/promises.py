"""What a question promises, the case of a test that holds it to that, and who would break it.

In ``mutants/qK.toml``, beside the mutants:

[[promise]]
text = "Every z with |z| <= t becomes exactly zero"
test = "q2_edges_hidden"
case = "an entry exactly at the threshold"
mutants = ["q2_strict"]

``text`` stands word for word in the question's text or in its stub, where that is no code of a
function's body; ``case`` is part of a message in the test, and each of the mutants, when it is
graded, fails that test with that message. One promise may stand several times, with other cases or
other mutants. That arguments stay as they were is promised everywhere and needs no entry: the judge
compares them.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from autograder.assignments.mutant_files import read_tables
from autograder.assignments.release import stub_answers
from autograder.assignments.source import Assignment
from autograder.assignments.tables import check_keys
from autograder.assignments.variants import Variant
from autograder.errors import CourseError
from gradekit.notebook import question_of

_KEYS = {"text", "test", "case", "mutants"}
_LEAST = 6  # characters of a text and of a case: shorter ones stand anywhere


@dataclass(frozen=True)
class Promise:
    """One promise of a question's text."""

    question: str
    text: str
    test: str
    case: str
    mutants: tuple[str, ...]


def load_promises(assignment: Assignment, mutants: Collection[Variant]) -> list[Promise]:
    """The promises of all questions; CourseError names the file and what is wrong with it."""
    known = {mutant.name: mutant for mutant in mutants}
    stubs = stub_answers(assignment)
    promises = []
    for path in sorted((assignment.folder / "mutants").glob("*.toml")):
        question = path.stem
        said = _said(assignment, stubs, question)
        tests = {t.grade_id: t.source for t in assignment.tests if t.question == question}
        found: list[Promise] = []
        for number, table in enumerate(read_tables(path, "promise"), 1):
            where = f"{path}: promise {number}"
            promise = _promise(table, where, question, said, tests, known)
            _check_new(promise, found, where)
            found.append(promise)
        promises += found
    return promises


def _check_new(promise: Promise, before: list[Promise], where: str) -> None:
    """A promise counts, so it is not counted twice."""
    for number, other in enumerate(before, 1):
        same = (promise.text, promise.test, promise.case) == (other.text, other.test, other.case)
        for name in promise.mutants:
            if same and name in other.mutants:
                raise CourseError(
                    f"{where} repeats promise {number}: the same text, test and case for {name}"
                )


def unpromised(assignment: Assignment, promises: Collection[Promise]) -> list[str]:
    """Hidden tests that no promise names: nobody knows what they ask."""
    named = {promise.test for promise in promises}
    return [t.grade_id for t in assignment.tests if t.hidden and t.grade_id not in named]


def _promise(
    table: Mapping[str, Any],
    where: str,
    question: str,
    said: str,
    tests: Mapping[str, str],
    known: Mapping[str, Variant],
) -> Promise:
    check_keys(table, _KEYS, _KEYS, where)
    for key in ("text", "test", "case"):
        if not isinstance(table[key], str) or not table[key].strip():
            raise CourseError(f"{where}: {key} must be text and not empty, got {table[key]!r}")
    for key in ("text", "case"):
        if len(table[key].strip()) < _LEAST:
            raise CourseError(
                f"{where}: {key} must have {_LEAST} characters or more, got {table[key]!r}"
            )
    if len(table["text"].split()) < 2:
        raise CourseError(f"{where}: text must be two words or more, got {table['text']!r}")
    names = table["mutants"]
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise CourseError(f"{where}: mutants must be a list of names, got {names!r}")
    text, test, case = table["text"], table["test"], table["case"]
    if _collapsed(text) not in said:
        raise CourseError(f"{where}: {question} says nowhere {text!r}")
    if test not in tests:
        raise CourseError(
            f"{where}: {test!r} is not a test cell of {question}; they are {', '.join(tests)}"
        )
    if not any(case in sentence for sentence in _sentences(tests[test])):
        raise CourseError(f"{where}: no message of {test} contains {case!r}")
    for name in names:
        if names.count(name) > 1:
            raise CourseError(f"{where}: mutants names {name!r} twice")
        if name not in known:
            raise CourseError(f"{where}: there is no mutant {name!r}")
        if test not in known[name].caught_by:
            raise CourseError(f"{where}: the mutant {name} does not name {test} under caught_by")
    return Promise(question, text, test, case, tuple(names))


def _said(assignment: Assignment, stubs: Mapping[str, str], question: str) -> str:
    """All that a student reads about a question before its tests, with single spaces."""
    parts = []
    for cell in assignment.cells:
        if question_of(cell.grade_id) != question:
            continue
        if cell.role == "given" and cell.kind == "markdown":
            parts.append(cell.source)
        elif cell.role == "solution":
            stub = stubs[cell.grade_id]
            parts.append(_without_code(stub, cell.grade_id) if cell.kind == "code" else stub)
    return _collapsed("\n".join(parts))


def _without_code(stub: str, name: str) -> str:
    """A stub without the statements of its functions' bodies, of which only docstrings promise."""
    try:
        tree = ast.parse(stub)
    except SyntaxError as error:
        raise CourseError(f"the stub of {name} is not Python: {error.msg}") from error
    lines = [line.encode() for line in stub.split("\n")]  # ast counts bytes
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for statement in function.body:
            nested = isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            if nested or (isinstance(statement, ast.Expr) and _is_text(statement.value)):
                continue
            first, last = statement.lineno - 1, (statement.end_lineno or statement.lineno) - 1
            for line in range(first, last + 1):
                kept = lines[line][: statement.col_offset] if line == first else b""
                # What ends is blanked and not cut, so that columns stay what they were.
                end = statement.end_col_offset or 0 if line == last else len(lines[line])
                lines[line] = kept + b" " * (end - len(kept)) + lines[line][end:]
    return b"\n".join(lines).decode()


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _collapsed(text: str) -> str:
    return " ".join(text.split())


@cache
def _sentences(source: str) -> tuple[str, ...]:
    """Texts in a test that may be messages: not those that it compares, looks up by or only says.

    Messages come by way of arguments, defaults and loops, so what may be one is not followed.
    """
    tree = ast.parse(source)
    no_message: set[ast.AST] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant()):
                no_message.add(node.value)
            case ast.Subscript():
                no_message |= set(ast.walk(node.slice))
            case ast.Compare():
                no_message |= {node.left, *node.comparators}
    return tuple(
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in no_message
    )
