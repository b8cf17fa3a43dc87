"""What the engine takes and gives, as plain data, and the store that keeps it.

A submission goes in (texts of the student's cells), a result comes out (one verdict per test).
Results are stored as one JSON file per student and assignment, written atomically under the hash of
everything they depend on, so that an unchanged class is never graded twice.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from gradekit.notebook import Submission

UNSAFE = "graded without a sandbox"

Outcome = Literal["complete", "timed out", "stopped", "unreadable", "missing", "not graded"]


@dataclass(frozen=True)
class Rejected:
    """A submission that can't be read, and why."""

    student: str
    assignment: str
    outcome: Literal["unreadable", "missing"]
    reason: str


@dataclass(frozen=True)
class TestResult:
    """Verdict of one test cell."""

    __test__ = False  # not a pytest class

    grade_id: str
    question: str
    points: int
    max_points: int
    passed: bool
    message: str


@dataclass(frozen=True)
class Result:
    """Verdict on one submission.

    ``outcome`` says how the run ended and ``detail`` where (a cell) or why (a reason);
    ``misconceptions`` holds, by question, the sentence of the mutant that the answer behaves like.
    ``notebook`` is the executed notebook; it is not part of the stored JSON but written beside it.
    """

    student: str
    assignment: str
    outcome: Outcome
    detail: str = ""
    tests: tuple[TestResult, ...] = ()
    notes: tuple[str, ...] = ()
    manual: Mapping[str, str] = field(default_factory=dict)  # hash of each manual answer's text
    misconceptions: Mapping[str, str] = field(default_factory=dict)
    sandboxed: bool = True
    seconds: float = 0.0
    notebook: dict[str, Any] | None = field(default=None, compare=False, repr=False)

    @property
    def handed_in(self) -> bool:
        """Whether the student handed in something that can be read."""
        return self.outcome not in ("missing", "unreadable")

    def status(self, *, awaiting: bool = False) -> str:
        """Status column of grades.csv; ``awaiting``: a manual cell has no mark yet."""
        graded = "awaiting manual grading" if awaiting else "graded"
        renamed = [note for note in self.notes if note.startswith("found ")]
        match self.outcome:
            case "complete":
                parts = [graded]
            case "timed out":
                parts = [f"timed out in {self.detail}", graded]
            case "stopped":
                parts = [f"stopped (process died) in {self.detail}", graded]
            case _:
                return f"{self.outcome}: {self.detail}"
        unsafe = [] if self.sandboxed else [UNSAFE]
        return "; ".join(parts + renamed + unsafe)


def write_atomically(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write text to path so that no reader, killed process or power cut leaves half a file.

    An OSError names the path, not the file that is written first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    except OSError as error:
        error.filename = str(path)
        raise
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.chmod(name, mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename = str(path)
        raise


def key_of(submission: Submission | Rejected, digest: str, rest: str) -> str:
    """Hash of all that a result depends on.

    That is the submission, but not whose it is, the assignment (its digest), and a text that stands
    for the rest, such as :class:`autograder.keys.Environment` makes.
    """
    content = json.dumps([asdict(submission) | {"student": ""}, digest, rest], sort_keys=True)
    return sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class ResultStore:
    """One JSON file per student under ``<course>/results/<assignment>/``."""

    folder: Path

    def path(self, assignment: str, student: str) -> Path:
        """Where the result of a student lies."""
        return self.folder / assignment / f"{student}.json"

    def load(self, assignment: str, student: str) -> tuple[str, Result] | None:
        """Key and result last stored, or None (also for a file that another version wrote)."""
        try:
            raw = json.loads(self.path(assignment, student).read_text(encoding="utf-8"))
            body = raw["result"]
            tests = tuple(TestResult(**test) for test in body.pop("tests"))
            notes = tuple(body.pop("notes"))
            return str(raw["key"]), Result(tests=tests, notes=notes, **body)
        except (OSError, ValueError, KeyError, TypeError):
            return None  # it is only a cache: graded again

    def save(self, key: str, result: Result) -> None:
        """Store a result under the hash of what it depends on."""
        body = asdict(result)
        del body["notebook"]
        text = json.dumps({"key": key, "result": body}, indent=1)
        write_atomically(self.path(result.assignment, result.student), text + "\n")

    def students(self, assignment: str) -> list[str]:
        """Students with a stored result, sorted."""
        return sorted(path.stem for path in (self.folder / assignment).glob("*.json"))
