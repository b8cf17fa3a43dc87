"""Copies an LMS download of submissions, a folder or a zip file, into the course.

Nothing outside the download is read and nothing outside the course's submitted/ is written: links
and names that point elsewhere stay out, and what is unpacked is counted as it is written, whatever
the zip file says of itself.
"""

from __future__ import annotations

from pathlib import Path

from autograder.assignments.source import Assignment
from autograder.course import Course
from autograder.errors import CourseError
from autograder.submissions.collected import Collected
from autograder.submissions.finding import check_different, find
from autograder.submissions.unpacking import as_folder
from gradekit.notebook import NotebookError, parse, read_file, take


def collect(source: Path, course: Course, assignment: Assignment) -> Collected:
    """Copy submissions into the course folder's submitted/.

    ``source`` is a folder or zip file that holds one folder per student (with the notebook in it
    or in a folder named like the assignment) or flat files ``student.ipynb`` or
    ``student_<assignment>.ipynb``. CourseError, before anything is copied, when none of them holds
    an answer cell of the assignment, when two students' names can't be told apart, or when
    ``source`` and the course folder overlap.
    """
    _check_apart(source, course)
    done, name = Collected(), assignment.name
    with as_folder(source, done) as folder:
        found = find(folder, name, done)
        if not found:
            raise CourseError(
                f"no submissions in {source}: wanted one folder per student, or files "
                f"student.ipynb or student_{name}.ipynb"
            )
        check_different(found, source)
        files = (file for _, notebooks in found for file in notebooks.values())
        if not any(_answers_something(file, assignment) for file in files):
            raise CourseError(
                f"nothing was taken in from {source}: no notebook in it can be read and "
                f"holds an answer cell of {name}"
            )
        for student, notebooks in found:
            try:
                _add(student, notebooks, course, name, done)
            except OSError as error:
                done.skip(student, error.strerror or error)
    return done


def _check_apart(source: Path, course: Course) -> None:
    """Refuse to take a course's own folders for a download."""
    inside, root = source.resolve(), course.root.resolve()
    if inside == root:
        raise CourseError(f"{source} is the course folder itself, wanted a download of submissions")
    if root in inside.parents or inside in root.parents:
        raise CourseError(
            f"{source} and the course folder {course.root} lie inside one another; "
            "put the download elsewhere"
        )


def _answers_something(path: Path, assignment: Assignment) -> bool:
    try:
        take(parse(read_file(path)), assignment.description)
    except (NotebookError, OSError):
        return False
    return True


def _add(
    student: str, notebooks: dict[str, Path], course: Course, assignment: str, done: Collected
) -> None:
    target = course.submitted / student / assignment
    if target.is_symlink() or target.parent.is_symlink():
        done.skip(student, "its folder under submitted is a link")
        return
    target.mkdir(parents=True, exist_ok=True)
    done.students.add(student)
    for old in target.glob("*.ipynb"):  # an earlier hand-in under another name
        if old.name not in notebooks:
            old.unlink()
    for name, path in notebooks.items():
        try:
            content = read_file(path)
        except (NotebookError, OSError) as error:
            done.skip(f"{student}/{path.name}", error)
            (target / name).unlink(missing_ok=True)
            continue
        (target / name).unlink(missing_ok=True)
        (target / name).write_bytes(content)
