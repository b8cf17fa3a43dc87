"""Says which assignment a download is of, when nobody has named it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from autograder.assignments.source import Assignment
from autograder.errors import CourseError
from autograder.submissions.download import Download
from gradekit.notebook import NotebookError, find_description, parse, read_file


def choose(download: Download, assignments: Sequence[Assignment]) -> Assignment:
    """The one assignment that the notebooks of a download answer.

    Raises
    ------
    CourseError
        There is none, or more than one.
    """
    if len(assignments) == 1:
        return assignments[0]
    known = {assignment.name: assignment for assignment in assignments}
    found = {
        name
        for path, place in download.files.items()
        if path.lower().endswith(".ipynb") and (name := _answered(path, place, known))
    }
    if len(found) == 1:
        return known[found.pop()]
    seen = f" (this download holds notebooks of {', '.join(sorted(found))})" if found else ""
    raise CourseError(
        f"--from takes one assignment's submissions; name it with --assignments{seen}"
    )


def _answered(path: str, place: Path, known: dict[str, Assignment]) -> str:
    """The assignment that a notebook answers, by its metadata, its cells or its name."""
    try:
        notebook = parse(read_file(place))
    except (NotebookError, OSError):
        return _by_name(path, known)
    description = find_description(notebook.metadata)
    if description is not None and description.assignment in known:
        return description.assignment
    names = {cell.grade_id for cell in notebook.cells}
    count = {
        name: len(names & {cell.grade_id for cell in assignment.description.answers})
        for name, assignment in known.items()
    }
    most = max(count.values(), default=0)
    best = [name for name in count if most and count[name] == most]
    return best[0] if len(best) == 1 else _by_name(path, known)


def _by_name(path: str, known: dict[str, Assignment]) -> str:
    parts = PurePosixPath(path)
    for name in known:
        if parts.stem == name or parts.stem.endswith(f"_{name}") or name in parts.parts[:-1]:
            return name
    return ""
