"""Where things lie in a course folder (nbgrader's own layout)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from .errors import CourseError
from .results import ResultStore, write_atomically


@dataclass(frozen=True)
class Course:
    """A course folder; see the instructor's guide for what each part holds."""

    root: Path

    @property
    def results(self) -> ResultStore:
        return ResultStore(self.root / "results")

    @property
    def db_path(self) -> Path:
        return self.root / "gradebook.db"

    @property
    def db_url(self) -> str:
        return f"sqlite:///{self.db_path.resolve()}"

    @property
    def submitted(self) -> Path:
        return self.root / "submitted"

    @property
    def grades(self) -> Path:
        return self.root / "grades.csv"

    @property
    def feedback(self) -> Path:
        return self.root / "feedback"

    def secret(self) -> bytes:
        """What hidden tests' inputs are drawn from: made once, kept where no student's code is."""
        path = self.root / "secret"
        try:
            return bytes.fromhex(path.read_text(encoding="ascii").strip())
        except FileNotFoundError:
            write_atomically(path, secrets.token_hex(32) + "\n")
            path.chmod(0o600)
            return self.secret()
        except (ValueError, UnicodeDecodeError) as error:
            raise CourseError(f"{path} is damaged: wanted hexadecimal digits") from error

    def notebook(self, step: str, assignment: str, student: str = "") -> Path:
        """Path of an assignment's notebook in one step's folder (source, release, ...)."""
        return self.root / step / student / assignment / f"{assignment}.ipynb"

    def students(self, assignment: str) -> list[str]:
        """Every student with a folder under submitted/, sorted.

        Raises CourseError when nobody handed in this assignment.
        """
        folders = (
            sorted(p.name for p in self.submitted.iterdir() if p.is_dir() and p.name[0] != ".")
            if self.submitted.is_dir()
            else []
        )
        if not any((self.submitted / student / assignment).exists() for student in folders):
            raise CourseError(
                f"no submissions of {assignment} under {self.submitted}; put them at "
                f"submitted/STUDENT/{assignment}/{assignment}.ipynb or use grade --from FOLDER"
            )
        return folders

    def require_results(self, assignment: str) -> list[str]:
        """Students whose results are stored; CourseError when there are none."""
        students = self.results.students(assignment)
        if not students or not self.db_path.is_file():
            raise CourseError(f"{assignment} has not been graded in {self.root}; run `grade` first")
        return students
