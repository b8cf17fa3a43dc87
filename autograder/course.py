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
_MARKUP = frozenset('<>"')
_SECRET_PARTS = (
    "source",
    "submitted",
    "autograded",
    "feedback",
    "results",
    "history",
    "incoming",
    "secret",
    "gradebook.db",
    "grades.csv",
)


@dataclass(frozen=True)
class Course:
    """A course folder; see the instructor's guide for what each part holds."""

    root: Path

    @property
    def parts(self) -> tuple[Path, ...]:
        """The folder, and what is secret in it, which may be links to other places."""
        return (self.root, *(self.root / name for name in _SECRET_PARTS))

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
        """The gradebook's address, as nbgrader wants it.

        Raises CourseError when the course's settings give Formgrader another gradebook.
        """
        from autograder.formgrader.settings import require_our_layout  # late: needs traitlets

        require_our_layout(self.root)
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

    @property
    def versions(self) -> Path:
        """Every version of the students' notebooks that was ever released."""
        return self.root / "versions"

    def secret(self, *, new: bool = False) -> bytes:
        """What hidden tests' inputs are drawn from: made once, kept where no student's code is.

        Raises CourseError where it is damaged, and where it is missing although there are results,
        as on a second machine: with another one every submission would be graded again, on other
        inputs. ``new`` makes another one all the same.
        """
        path = self.root / "secret"
        try:
            secret = bytes.fromhex(path.read_text(encoding="ascii").strip())
        except FileNotFoundError:
            if not new and any(
                p.parent != self.mutants for p in self.results.folder.glob("*/*.json")
            ):
                raise CourseError(
                    f"{path} is missing although {self.root} holds results; copy it from where the "
                    "class was graded, or run `grade --new-secret`, which grades every submission "
                    "again, on other inputs of the hidden tests"
                ) from None
            write_atomically(path, secrets.token_hex(_SECRET_BYTES) + "\n", mode=0o600)
            return self.secret()
        except (ValueError, UnicodeDecodeError):
            secret = b""
        if len(secret) != _SECRET_BYTES:
            raise CourseError(
                f"{path} is damaged: wanted {2 * _SECRET_BYTES} hexadecimal digits; put yours back "
                "from a copy, or delete it and run `grade --new-secret`, which grades every "
                "submission again"
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
        """Folders under submitted/ whose names can't be students': see :func:`_usable`."""
        return [one_line(name, 80) for name in self._folders() if not _usable(name)]

    def _folders(self) -> list[str]:
        if self.submitted.exists() and not self.submitted.is_dir():
            raise CourseError(f"{self.submitted} is a file, wanted the folder of submissions")
        if not self.submitted.is_dir():
            return []
        return sorted(p.name for p in self.submitted.iterdir() if p.is_dir() and p.name[0] != ".")

    def require_gradebook(self) -> None:
        """CourseError where there is no gradebook; only for a course that had one."""
        if not self.db_path.is_file():
            raise CourseError(
                f"there is no gradebook {self.db_path} any more; put a copy of yours in its place, "
                "or run `release` and `grade`, and `restore` for marks given by hand"
            )

    def require_results(self, assignment: str) -> list[str]:
        """Students whose results are stored; CourseError when there are none."""
        students = self.results.students(assignment)
        if students:
            self.require_gradebook()
        else:
            raise CourseError(f"{assignment} has not been graded in {self.root}; run `grade` first")
        return students


def _usable(name: str) -> bool:
    """Whether a folder's name is text (on Linux it may be any bytes), no markup, and not too long.

    Formgrader writes students' names into its pages as they are, where markup would act.
    """
    try:
        return len(name.encode()) <= NAME_BYTES and _MARKUP.isdisjoint(name)
    except UnicodeEncodeError:
        return False
