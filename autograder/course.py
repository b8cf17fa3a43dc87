"""Where things lie in a course folder (nbgrader's own layout)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from .errors import CourseError
from .results import ResultStore, write_atomically
from .text import one_line


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
        folders = [name for name in self._folders() if _is_text(name)]
        if not any((self.submitted / student / assignment).exists() for student in folders):
            raise CourseError(
                f"no submissions of {assignment} under {self.submitted}; put them at "
                f"submitted/STUDENT/{assignment}/{assignment}.ipynb or use grade --from FOLDER"
            )
        return folders

    def unusable(self) -> list[str]:
        """Folders under submitted/ whose names can be written neither to a file nor a database."""
        return [one_line(name, 80) for name in self._folders() if not _is_text(name)]

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


def _is_text(name: str) -> bool:
    """Whether a name is Unicode; on Linux a file's may be any bytes."""
    return not any("\ud800" <= character <= "\udfff" for character in name)
