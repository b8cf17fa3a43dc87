"""Mutants and alternative right answers, beside the source.

Most mutants are a change to the reference and stand in ``mutants/qK.toml``
(:mod:`autograder.assignments.mutant_files`). A mutant that rewrites its cell, and every
alternative right answer, is a small Python file:

\"\"\"The misconception, in one sentence.\"\"\"
# caught-by: q2_scale_visible        (mutants only; comma separated)

# %% q2_covariance                   (solution cell that the text below replaces)
def covariance(X): ...
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from autograder.assignments.mutant_files import read_mutants
from autograder.assignments.source import Assignment
from autograder.errors import CourseError
from gradekit.notebook import Submission, question_of

Kind = Literal["mutant", "right"]
_FOLDERS: dict[Kind, str] = {"mutant": "mutants", "right": "alternatives"}
_SECTION = re.compile(r"^# %%[ \t]*(\S*)[ \t]*$", re.MULTILINE)
_CAUGHT_BY = re.compile(r"^# caught-by:(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Variant:
    """A named set of answers that replaces part of the reference."""

    name: str
    kind: Kind
    summary: str
    answers: dict[str, str]
    caught_by: tuple[str, ...] = ()

    def submission(self, assignment: Assignment, student: str) -> Submission:
        """The reference with this variant's cells in it."""
        return Submission(student, assignment.name, {**assignment.answers, **self.answers})


def load_variants(assignment: Assignment, kind: Kind) -> list[Variant]:
    """All variants of one kind, sorted by name; CourseError names the file that is wrong."""
    folder = assignment.folder / _FOLDERS[kind]
    _check_folder(folder, kind)
    variants = [_load(path, kind, assignment) for path in sorted(folder.glob("*.py"))]
    if kind == "mutant":
        tests = [test.grade_id for test in assignment.tests]
        for path in sorted(folder.glob("*.toml")):
            variants += [
                Variant(mutant.name, kind, mutant.says, mutant.answers, mutant.caught_by)
                for mutant in read_mutants(path, assignment.solutions, tests)
            ]
    variants.sort(key=lambda variant: (variant.name.lower(), variant.name))
    for first, second in pairwise(variants):
        if first.name == second.name:
            raise CourseError(f"{folder}: two mutants are named {first.name!r}")
        if first.name.lower() == second.name.lower():
            raise CourseError(f"{folder}: {first.name!r} and {second.name!r} differ only in case")
    variants.sort(key=lambda variant: variant.name)
    return variants


def _check_folder(folder: Path, kind: Kind) -> None:
    """No file may be passed over in silence, as a q1.TOML or a q1.toml~ would be."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise CourseError(f"{folder} must be a folder")
    wanted = "qK.toml and NAME.py" if kind == "mutant" else "NAME.py"
    suffixes = {".py", ".toml"} if kind == "mutant" else {".py"}
    for path in sorted(folder.iterdir()):
        if path.name == "__pycache__" or path.name.startswith("."):
            continue
        if path.suffix not in suffixes or path.is_dir():
            raise CourseError(f"{path} is not read: only files {wanted} are")


def _load(path: Path, kind: Kind, assignment: Assignment) -> Variant:
    try:
        text = path.read_text(encoding="utf-8-sig")
        summary = ast.get_docstring(ast.parse(text))
    except SyntaxError as error:
        raise CourseError(f"{path} line {error.lineno}: {error.msg}") from error
    except (OSError, ValueError) as error:  # not UTF-8, or a null byte
        raise CourseError(f"{path}: {error}") from error
    except (RecursionError, MemoryError) as error:
        raise CourseError(f"{path}: too large, or nested too deep") from error
    if not summary:
        raise CourseError(
            f"{path}: the file must begin with a docstring that says what it stands for"
        )
    head, *rest = _SECTION.split(text)
    answers = {name: body.strip("\n") for name, body in zip(rest[::2], rest[1::2], strict=True)}
    if not answers:
        raise CourseError(f"{path}: no '# %% GRADE_ID' section")
    for name in answers:
        if name not in assignment.solutions:
            known = ", ".join(assignment.solutions)
            raise CourseError(f"{path}: {name!r} is not a solution cell; they are {known}")
    return Variant(
        path.stem, kind, summary, answers, _caught_by(path, head, kind, answers, assignment)
    )


def _caught_by(
    path: Path, head: str, kind: Kind, answers: dict[str, str], assignment: Assignment
) -> tuple[str, ...]:
    lines = _CAUGHT_BY.findall(head)
    if kind == "right":
        if lines:
            raise CourseError(f"{path}: a right answer has no '# caught-by:' line")
        return ()
    names = [name.strip() for line in lines for name in line.split(",") if name.strip()]
    if not names:
        raise CourseError(f"{path}: '# caught-by: GRADE_ID' is missing above the first section")
    questions = {question_of(name) for name in answers}
    for name in names:
        if name not in {test.grade_id for test in assignment.tests}:
            raise CourseError(f"{path}: caught-by names {name!r}, which is not a test cell")
        if question_of(name) not in questions:
            raise CourseError(
                f"{path}: caught-by names {name!r}, but the file changes only "
                + ", ".join(sorted(questions))
            )
    return tuple(names)
