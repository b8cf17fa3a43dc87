"""What a result depends on besides submission, assignment and engine: part of the key it has."""

from __future__ import annotations

import base64
import platform
import sys
from collections.abc import Iterable, Mapping
from functools import cache, cached_property, lru_cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version

from autograder.assignments.source import Assignment
from autograder.dependencies import Dependencies, Sources
from autograder.results import Rejected, key_of
from gradekit.notebook import Submission

# Read, run and judge a submission; what these import counts too, commands and reports don't.
GRADER = (
    "autograder.execution",
    "autograder.submissions.intake",
    "gradekit.protocol",
    "gradekit.runner",
)


def hash_of_grader(sources: Sources) -> str:
    """Hash of the modules that decide on a verdict, and versions of the packages they import."""
    needed = sources.needed_by(modules=GRADER)
    return " ".join([sources.hash_of(needed), *_versions(needed.others)])


class Environment:
    """The grader's sources, those of the modules that cells import, and versions of packages.

    The sources are read once: an instance is for one run of a command.
    """

    def __init__(self, sources: Sources | None = None) -> None:
        self._sources = Sources() if sources is None else sources
        self._assignments: dict[str, Dependencies] = {}

    @cached_property
    def _grader(self) -> str:
        return hash_of_grader(self._sources)

    def key(self, taken: Submission | Rejected, assignment: Assignment, engine: str) -> str:
        """The key of a submission's result by a version of the engine."""
        cells: list[str] | None = None  # nothing of a rejected one is run
        if isinstance(taken, Submission):
            code = {cell.grade_id for cell in assignment.cells if cell.kind == "code"}
            cells = [text for name, text in sorted(taken.answers.items()) if name in code]
            cells += [extra.source for extra in taken.extras if extra.kind == "code"]
            cells += _modules(taken)
        around = f"{engine} {self.of(assignment, cells)}"
        return key_of(taken, assignment.digest, around)

    def of(self, assignment: Assignment, cells: Iterable[str] | None) -> str:
        """All that running some cells in an assignment's notebook depends on; None: nothing runs.

        What the assignment itself imports counts with tests and reference, and what the cells
        import, seen together with the given ones, whose names they use.
        """
        base = f"python-{platform.python_version()} grader-{self._grader}"
        if cells is None:
            return base
        given = [c.source for c in assignment.cells if c.kind == "code" and c.role == "given"]
        needed = self._of_assignment(assignment) | self._sources.needed_by([*given, *cells])
        return " ".join([base, *_versions(needed.others), self._sources.hash_of(needed)])

    def _of_assignment(self, assignment: Assignment) -> Dependencies:
        if assignment.digest not in self._assignments:
            code = [cell.source for cell in assignment.cells if cell.kind == "code"]
            self._assignments[assignment.digest] = self._sources.needed_by(code)
        return self._assignments[assignment.digest]


def _modules(taken: Submission) -> list[str]:
    """Sources of the modules that were handed in beside a notebook: what they import counts."""
    return [
        base64.b64decode(text).decode("utf-8", "replace")
        for name, text in sorted(taken.files.items())
        if name.lower().endswith(".py")
    ]


def _versions(packages: Iterable[str]) -> list[str]:
    """Versions of the packages by the names they are imported by."""
    return [f"{name}-{number}" for name in sorted(packages) if (number := _version(name))]


@lru_cache(maxsize=1024)
def _version(package: str) -> str:
    if package in sys.stdlib_module_names:
        return ""
    try:
        return version(package)
    except (PackageNotFoundError, ValueError):  # installed under another name, as scikit-learn
        return "+".join(version(name) for name in sorted(set(_distributions().get(package, ()))))


@cache
def _distributions() -> Mapping[str, list[str]]:
    """By the name of a package, what is installed that brings it; reading all takes a second."""
    return packages_distributions()
