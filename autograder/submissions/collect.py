"""Copies an LMS download of submissions, a folder or a zip file, into the course.

Nothing outside the download is read and nothing outside the course folder is written: links and
names that point elsewhere stay out, and what is unpacked is counted as it is written. Earlier work
is replaced by what can be read alone, and kept.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path

from autograder.assignments.source import Assignment
from autograder.course import Course
from autograder.errors import CourseError
from autograder.results import Rejected
from autograder.submissions import placing
from autograder.submissions.collected import Became, Collected
from autograder.submissions.download import Download, opened
from autograder.submissions.finding import Found, check_different, find
from autograder.submissions.intake import UNREADABLE, read_folder
from gradekit.notebook import NotebookError, parse, read_file, take
from gradekit.notebook.beside import safe_path
from gradekit.notebook.reading import megabytes

_MAX_FILES = 200  # kept of one student; fewer are passed on to the student's code
_MAX_BYTES = 100_000_000
# What can be wrong with a name; all else is the machine's, as a full disk is, and passes.
_OF_NAMES = frozenset(
    {errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.ENOTDIR, errno.EISDIR, errno.EEXIST}
    | {errno.ENOENT, errno.ENOTEMPTY, errno.ELOOP}
)
_DAMAGED = ".damaged"  # at the end of the name of a notebook that did not come out whole


def collect(source: Path, course: Course, assignment: Assignment) -> Collected:
    """Copy submissions into the course folder's submitted/.

    Parameters
    ----------
    source : a folder or zip file that holds one folder per student (with the notebook in it or in a
        folder in it) or flat files ``student.ipynb`` or ``student_<assignment>.ipynb``.
    course : where they go.
    assignment : which they answer.

    Raises
    ------
    CourseError
        Before anything is copied, when none of them holds an answer cell of the assignment, when
        two students' names can't be told apart, or when ``source`` and the course folder overlap.
    """
    check_apart(source, course)
    done = Collected()
    with opened(source, done) as download:
        collect_download(download, source, course, assignment, done)
    return done


def collect_download(
    download: Download, source: Path, course: Course, assignment: Assignment, done: Collected
) -> None:
    """The same of a download that is opened already; ``done`` is added to."""
    name = assignment.name
    found = find(download, name, done)
    if not found:
        raise CourseError(
            f"no submissions in {source}: wanted one folder per student, or files "
            f"student.ipynb or student_{name}.ipynb"
        )
    check_different(found)
    whole = (
        download.files[path]
        for one in found
        for path in one.notebooks.values()
        if path not in download.damaged
    )
    if not any(_answers_something(file, assignment) for file in whole):
        raise CourseError(
            f"nothing was taken in from {source}: no notebook in it can be read and "
            f"holds an answer cell of {name}"
        )
    placing.finish(course)
    for one in found:
        try:
            _Placement(download, course, assignment, one, done).run()
        except OSError as error:
            done.skip(one.student, error.strerror or error, one.student)
            if error.errno not in _OF_NAMES:
                done.failed.append(one.student)


def check_apart(source: Path, course: Course) -> None:
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


@dataclass
class _Placement:
    """One student's hand-in on its way into the course."""

    download: Download
    course: Course
    assignment: Assignment
    found: Found
    done: Collected

    def run(self) -> None:
        """Write it beside, look whether it can be read, and put it in place or keep it aside."""
        student, name = self.found.student, self.assignment.name
        target = self.course.submitted / student / name
        if target.is_symlink() or target.parent.is_symlink():
            self.done.skip(student, "its folder under submitted is a link", student)
            return
        if target.exists() and not target.is_dir():
            self.done.skip(student, "a file stands where its folder would", student)
            return
        files, sources, problem = self._read()
        folder = placing.stage(self.course, files)
        try:
            self._decide(folder, target, sources, problem)
        finally:
            placing.discard(self.course, folder)  # if it is still there

    def _decide(self, folder: Path, target: Path, sources: dict[str, str], problem: str) -> None:
        student, name = self.found.student, self.assignment.name
        new, old = placing.contents(folder), None
        if target.is_dir():
            old = placing.contents(target)
        taken = read_folder(folder, self.assignment, student)
        reason = problem or (taken.reason if isinstance(taken, Rejected) else "")
        if reason:
            self.done.unreadable[student] = reason
        if new == old:
            self._note(sources, "unchanged", {})
            self.done.taken[student] = "unchanged"
        elif reason and self._is_good(target):
            kept = placing.keep_aside(self.course, folder, student, name)
            where = kept.relative_to(self.course.root).as_posix()
            self.done.taken[student] = "earlier work stays"
            for count, path in enumerate(sources.values()):
                self.done.note(
                    path,
                    "kept aside",
                    student,
                    f"not taken, as {reason}; earlier work stays, this lies in {where}",
                    attention=count == 0,  # once a student
                )
            if not sources:
                self.done.skip(student, f"{reason}; earlier work stays", student)
        else:
            before = placing.place(self.course, folder, student, name)
            self.done.taken[student] = "replaced" if before and old != {} else "new"
            self._note(sources, None, old or {}, new or {}, before)

    def _is_good(self, target: Path) -> bool:
        if not target.is_dir():
            return False
        return not isinstance(read_folder(target, self.assignment, self.found.student), Rejected)

    def _note(
        self,
        sources: dict[str, str],
        became: Became | None,
        old: dict[str, str],
        new: dict[str, str] | None = None,
        before: Path | None = None,
    ) -> None:
        where = before.relative_to(self.course.root).as_posix() if before else ""
        for target, path in sources.items():
            name, reason = became, ""
            if name is None and target in old:
                name = "unchanged" if (new or {}).get(target) == old[target] else "replaced"
                reason = f"the earlier one lies in {where}" if name == "replaced" else ""
            if name is None:
                notebook = target.lower().endswith((".ipynb", _DAMAGED))
                name = "notebook" if notebook else "beside"
            self.done.note(path, name, self.found.student, reason)

    def _read(self) -> tuple[dict[str, bytes], dict[str, str], str]:
        """The files to write, their paths in the download, and why the notebook is not whole."""
        student, damaged = self.found.student, self.download.damaged
        files: dict[str, bytes] = {}
        sources: dict[str, str] = {}
        problems: list[str] = []
        for name, path in self.found.notebooks.items():
            place, spoilt = self.download.files.get(path), damaged.get(path, "")
            try:
                content = read_file(place) if place else b""
            except (NotebookError, OSError) as error:
                spoilt, content = _reason(error), b""
                self.done.skip(path, spoilt, student)
            if spoilt:
                problems.append(spoilt)
                name += _DAMAGED
            if content or not spoilt:
                files[name] = content
                sources[name] = path
        room = _MAX_BYTES
        for name, path in self.found.files.items():
            if path in damaged:  # said where it was unpacked
                continue
            try:
                content = self._beside(name, path, len(files), room)
            except (NotebookError, OSError) as error:
                self.done.skip(path, _reason(error), student)
                continue
            files[name], sources[name] = content, path
            room -= len(content)
        problem = "" if f"{self.assignment.name}.ipynb" in files else "; ".join(problems)
        if problem:
            files[UNREADABLE] = f"{problem}\n".encode()
        return files, sources, problem

    def _beside(self, name: str, path: str, count: int, room: int) -> bytes:
        if not safe_path(name):
            raise NotebookError("its name can't be used")
        if count >= _MAX_FILES:
            raise NotebookError(f"more than {_MAX_FILES} files of one student")
        content = read_file(self.download.files[path])
        if len(content) > room:
            raise NotebookError(f"more than {megabytes(_MAX_BYTES)} of one student")
        return content


def _reason(error: Exception) -> str:
    strerror = error.strerror if isinstance(error, OSError) else None
    return strerror or str(error)
