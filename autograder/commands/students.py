"""Commands about students: remove, readmit, rename, merge."""

from __future__ import annotations

import argparse

from autograder.assignments.source import Assignment
from autograder.course import Course
from autograder.errors import CourseError
from gradekit.text import one_line

_NAME_CHARS = 100
_LINE_CHARS = 300


def run_remove(options: argparse.Namespace, course: Course, _: list[Assignment]) -> int:
    """Take students out of the course."""
    from autograder.submissions.removal import remove

    _require_whole(options, "remove takes a student out of")
    for kept in remove(course, options.students):
        print(f"removed; everything is kept in {one_line(str(kept), _LINE_CHARS)}")
    _say_next()
    return 0


def run_readmit(options: argparse.Namespace, course: Course, _: list[Assignment]) -> int:
    """Bring removed students back."""
    from autograder.submissions.removal import readmit

    _require_whole(options, "readmit brings a student back into")
    for name in readmit(course, options.students):
        print(f"{one_line(name, _NAME_CHARS)} is back, with all marks and comments")
    print("now `grade` looks for what has changed since, `feedback` and `export` write all anew")
    return 0


def run_rename(options: argparse.Namespace, course: Course, _: list[Assignment]) -> int:
    """Give a student another name."""
    from autograder.submissions.renaming import rename

    _require_whole(options, "rename gives a student another name in")
    backup = rename(course, options.old, options.new)
    names = (one_line(name, _NAME_CHARS) for name in (options.old, options.new))
    print("{} is {} now; `restore {}` takes that back".format(*names, backup.name))
    _say_next()
    return 0


def run_merge(options: argparse.Namespace, course: Course, assignments: list[Assignment]) -> int:
    """Make one student of two."""
    from autograder.reports.counting import settle
    from autograder.reports.gradebook import Book
    from autograder.submissions.renaming import merge

    _require_whole(options, "merge makes one student of two in")
    done = merge(course, options.gone, options.into)
    for name, student in done.counts.items():
        print(f"{name}: the later work, of {one_line(student, _NAME_CHARS)}, counts")
    for sentence in done.conflicts:
        print(f"  {one_line(sentence, _LINE_CHARS)}")
    gone, into = (one_line(name, _NAME_CHARS) for name in (options.gone, options.into))
    print(f"{gone} is {into} now; what was not taken is kept in {done.backup}")
    if course.db_path.is_file():
        with Book(course) as book:
            for assignment in assignments:
                settle(book, course, assignment)
    _say_next()
    return 0


def _require_whole(options: argparse.Namespace, does: str) -> None:
    if options.assignments:
        raise CourseError(f"{does} the whole course; leave out --assignments")


def _say_next() -> None:
    print("now `feedback` and `export` write the pages and the CSV anew")
