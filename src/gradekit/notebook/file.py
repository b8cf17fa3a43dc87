"""Reads a notebook on the student's own machine."""

from __future__ import annotations

from pathlib import Path

from gradekit.notebook import reading
from gradekit.notebook.beside import with_files
from gradekit.notebook.description import Description, find_description
from gradekit.notebook.reading import NotebookError
from gradekit.notebook.submission import Submission, file_name_notes, take

NO_DESCRIPTION = (
    "the notebook holds nothing of what an assignment writes into its metadata, so it can't be "
    "checked here. If it is an assignment's, another program has removed it: the grader still "
    "finds the answers by their cells; to check them, copy your answers into a fresh copy of the "
    "assignment's notebook"
)


def read(path: Path) -> tuple[Description, Submission]:
    """Read a student's notebook and the description of the assignment in it.

    A notebook without the description could only be checked against whatever is left in it, and
    would get other verdicts than when it is graded: it is refused.

    Raises
    ------
    NotebookError : it can't be checked: the file's name and one sentence.
    """
    content = _content(path)
    try:
        notebook = reading.parse(content)
        description = find_description(notebook.metadata)
        if description is None:
            raise NotebookError(NO_DESCRIPTION)
        notes = file_name_notes(path.name, description.assignment)
        submission = take(notebook, description, notes=notes)
        return description, with_files(submission, path.resolve().parent)
    except NotebookError as error:
        raise NotebookError(f"{path.name}: {error}") from error
    except OSError as error:
        reason = error.strerror or error
        raise NotebookError(f"the folder of {path.name} can't be read ({reason})") from error


def _content(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise NotebookError(f"{path} is a folder; name the notebook in it")
        if not path.exists():
            raise NotebookError(f"there is no file {path}; name your notebook, as ps1_pca.ipynb")
        if not path.is_file():
            raise NotebookError(f"{path} is not a regular file")
        with path.open("rb") as file:
            return file.read(reading.MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise NotebookError(f"{path} can't be read ({reason})") from error
