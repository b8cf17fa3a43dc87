"""Commands about students: remove."""

from __future__ import annotations

import argparse

from autograder.assignments.source import Assignment
from autograder.course import Course
from autograder.errors import CourseError


def run_remove(options: argparse.Namespace, course: Course, _: list[Assignment]) -> int:
    """Take students out of the course."""
    from autograder.submissions.removal import remove

    if options.assignments:
        raise CourseError("remove takes a student out of the whole course; leave out --assignments")
    for kept in remove(course, options.students):
        print(f"removed; everything is kept in {kept}")
    print("now `feedback` and `export` write the index and the CSV anew")
    return 0
