"""Commands that write what came of grading: feedback, export."""

from __future__ import annotations

import argparse

from autograder.assignments.source import Assignment
from autograder.course import Course
from autograder.errors import CourseError


def run_feedback(options: argparse.Namespace, course: Course, assignments: list[Assignment]) -> int:
    """Write the pages."""
    from autograder.reports.feedback import default_book_url, write_feedback

    if not options.assignments:
        assignments = _graded(course, assignments)
    pages = write_feedback(course, assignments, options.book_url or default_book_url(course))
    print(f"{pages} feedback pages: {course.feedback / 'index.html'}")
    return 0


def run_export(options: argparse.Namespace, course: Course, assignments: list[Assignment]) -> int:
    """Write the CSV."""
    from autograder.reports.export import export

    if options.output and options.output.is_dir():
        raise CourseError(f"--output {options.output} is a folder, wanted a file")
    if not options.assignments:
        assignments = _graded(course, assignments)
    path = options.output or course.grades
    rows = export(course, assignments, path)
    print(f"{rows} rows: {path}")
    return 0


def _graded(course: Course, assignments: list[Assignment]) -> list[Assignment]:
    """Those that have been graded; the first one's error when none has."""
    graded = [a for a in assignments if course.results.students(a.name)]
    return graded or assignments[:1]
