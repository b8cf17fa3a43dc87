"""The command restore: lists backups, and puts one back."""

from __future__ import annotations

import argparse

from autograder.assignments.source import Assignment
from autograder.backups import listed, restore
from autograder.course import Course
from autograder.errors import CourseError
from autograder.words import counted
from gradekit.text import one_line


def run_restore(options: argparse.Namespace, course: Course, _: list[Assignment]) -> int:
    """Put a backup back; without a name, list them all."""
    if options.assignments:
        raise CourseError("restore puts the whole course's marks back; leave out --assignments")
    if not course.root.is_dir():
        raise CourseError(f"there is no folder {course.root}; name the course's with --course")
    if options.name is None:
        found = listed(course)
        for backup in found:
            print(f"{backup.folder.name}  before `{one_line(backup.what, 200)}`")
        count = counted(len(found), "backup")
        print(f"{count} in {course.root / 'backups'}; `restore NAME` puts one back")
        return 0
    before = restore(course, options.name)
    print(f"the marks are those of {options.name}; `restore {before.name}` takes that back")
    print("now `release` and `grade` look for what has changed, `feedback` and `export` report it")
    return 0
