"""Where things lie in a course folder (nbgrader's own layout)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import CourseError
from autograder.results import ResultStore, write_atomically
from gradekit.text import one_line

_SECRET_BYTES = 32
NAME_BYTES = 200  # of a student's name: file systems take 255, and some is added to it


@dataclass(frozen=True)
class Course:
    """A course folder; see the instructor's guide for what each part holds."""

    root: Path

    @property
    def results(self) -> ResultStore:
        """Stored results."""
        return ResultStore(self.root / "results")

    @property
    def db_path(self) -> Path:
        """The gradebook, nbgrader's SQLite file."""
        return self.root / "gradebook.db"

    @property
    def db_url(self) -> str:
        """The gradebook's address, as nbgrader wants it."""
        return f"sqlite:///{self.db_path.resolve()}"

    @property
    def submitted(self) -> Path:
        """Folder of what was handed in."""
        return self.root / "submitted"

    @property
    def grades(self) -> Path:
        """The exported CSV."""
        return self.root / "grades.csv"

    @property
    def feedback(self) -> Path:
        """Folder of the feedback pages."""
        return self.root / "feedback"

    @property
    def mutants(self) -> Path:
        """What the assignments' mutants return, kept from run to run."""
        return self.results.folder / "mutants"

    def secret(self) -> bytes:
        """What hidden tests' inputs are drawn from: made once, kept where no student's code is."""
        path = self.root / "secret"
        try:
            secret = bytes.fromhex(path.read_text(encoding="ascii").strip())
        except FileNotFoundError:
            write_atomically(path, secrets.token_hex(_SECRET_BYTES) + "\n", mode=0o600)
            return self.secret()
        except (ValueError, UnicodeDecodeError):
            secret = b""
        if len(secret) != _SECRET_BYTES:
            raise CourseError(
                f"{path} is damaged: wanted {2 * _SECRET_BYTES} hexadecimal digits; put yours back "
                "from a copy, or delete it, and hidden tests will have other inputs than before"
            )
        return secret

    def notebook(self, step: str, assignment: str, student: str = "") -> Path:
        """Path of an assignment's notebook in one step's folder (source, release, ...)."""
        return self.root / step / student / assignment / f"{assignment}.ipynb"

    def students(self, assignment: str) -> list[str]:
        """Every student with a folder under submitted/, sorted.

        Raises CourseError when nobody handed in this assignment.
        """
        folders = [name for name in self._folders() if _usable(name)]
        if not self.has_submissions(assignment):
            raise CourseError(
                f"no submissions of {assignment} under {self.submitted}; put them at "
                f"submitted/STUDENT/{assignment}/{assignment}.ipynb or use grade --from FOLDER"
            )
        return folders

    def has_submissions(self, assignment: str) -> bool:
        """Whether anybody handed in this assignment."""
        folders = (self.submitted / name for name in self._folders() if _usable(name))
        return any((folder / assignment).exists() for folder in folders)

    def unusable(self) -> list[str]:
        """Folders under submitted/ whose names no file or database takes, or that are too long."""
        return [one_line(name, 80) for name in self._folders() if not _usable(name)]

    def _folders(self) -> list[str]:
        if not self.submitted.is_dir():
            return []
        return sorted(p.name for p in self.submitted.iterdir() if p.is_dir() and p.name[0] != ".")

    def require_results(self, assignment: str) -> list[str]:
        """Students whose results are stored; CourseError when there are none."""
        students = self.results.students(assignment)
        if not students or not self.db_path.is_file():
            raise CourseError(f"{assignment} has not been graded in {self.root}; run `grade` first")
        return students


def _usable(name: str) -> bool:
    """Whether a folder's name is text (on Linux it may be any bytes) and not too long."""
    try:
        return len(name.encode()) <= NAME_BYTES
    except UnicodeEncodeError:
        return False
