"""Commands about what came of grading: feedback, export, preview."""

from __future__ import annotations

import argparse

from autograder.assignments.source import Assignment
from autograder.course import Course
from autograder.errors import CourseError
from autograder.words import counted
from gradekit.text import one_line


def run_feedback(options: argparse.Namespace, course: Course, assignments: list[Assignment]) -> int:
    """Write the pages."""
    from autograder.reports.feedback import default_book_url, write_feedback

    if not options.assignments:
        assignments = _graded(course, assignments)
    pages = write_feedback(course, assignments, options.book_url or default_book_url(course))
    print(f"{counted(pages, 'feedback page')}: {course.feedback / 'index.html'}")
    return 0


def run_export(options: argparse.Namespace, course: Course, assignments: list[Assignment]) -> int:
    """Write the CSV."""
    from autograder.reports.export import export, replaceable

    if options.output and options.output.is_dir():
        raise CourseError(f"--output {options.output} is a folder, wanted a file")
    if options.output and not replaceable(options.output):
        raise CourseError(
            f"--output {options.output} is there and is no earlier export, wanted a name that is "
            "free or an export's"
        )
    if not options.assignments:
        assignments = _graded(course, assignments)
    path = options.output or course.grades
    rows = export(course, assignments, path)
    print(f"{counted(rows, 'row')}: {path}")
    return 0


def run_preview(options: argparse.Namespace, course: Course, assignments: list[Assignment]) -> int:
    """Say whose marks the settings would change."""
    from autograder.reports.preview import preview

    if not options.assignments:
        assignments = _graded(course, assignments)
    for found in preview(course, assignments):
        print(
            f"{found.assignment}: maximum {found.max_before:g} -> {found.max_after:g}, "
            f"{len(found.changes)} of {found.students} scores change"
        )
        for change in found.changes:
            print(
                f"  {one_line(change.student, 100)}: {change.before:g} -> {change.after:g} "
                f"({change.after - change.before:+g})"
            )
    print("nothing was changed; `grade`, `feedback` and `export` put the settings into force")
    return 0


def _graded(course: Course, assignments: list[Assignment]) -> list[Assignment]:
    """Those that have been graded; the first one's error when none has."""
    graded = [a for a in assignments if course.results.students(a.name)]
    return graded or assignments[:1]
