"""The command grade: takes in what was handed in, and grades it."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

from autograder.assignments.source import Assignment
from autograder.commands.machine import check_machine
from autograder.course import Course
from autograder.errors import CourseError
from gradekit.text import one_line

if TYPE_CHECKING:
    from autograder.execution.engine import SandboxEngine
    from autograder.grading import ClassReport


def run_grade(options: argparse.Namespace, course: Course, assignments: list[Assignment]) -> int:
    """Take in, grade what is new, and say what came of it."""
    check_machine(options)
    from autograder.execution.engine import SandboxEngine

    engine = SandboxEngine(
        safe=not options.unsafe,
        secret=course.secret(new=options.new_secret) if course.root.is_dir() else b"",
        compare=True,
        cache=course.mutants,
        protect=(course.root, options.solutions),
    )
    with closing(engine):
        if _has_new(course, assignments[0]):
            engine.warm(assignments[0])  # while nbgrader is imported, which takes seconds too
        return _grade_with(engine, options, course, assignments)


def _has_new(course: Course, assignment: Assignment) -> bool:
    """Whether someone handed in who has no result: then processes will be needed for sure."""
    stored = set(course.results.students(assignment.name))
    notebooks = course.submitted.glob(f"*/{assignment.name}/{assignment.name}.ipynb")
    return any(path.parent.parent.name not in stored for path in notebooks)


def _grade_with(
    engine: SandboxEngine,
    options: argparse.Namespace,
    course: Course,
    assignments: list[Assignment],
) -> int:
    from autograder.assignments.release import require_release
    from autograder.grading import default_workers, grade_class

    for assignment in assignments:
        require_release(course, assignment)
    if options.source:
        _collect(options, course, assignments)
    workers = options.workers or default_workers()
    failures = 0
    for assignment in assignments:
        started = time.monotonic()
        report = grade_class(course, assignment, engine, workers=workers, quiet=options.quiet)
        _say_statuses(report)
        for name in course.unusable():
            print(f"  skipped the folder {name}: its name can't be used; rename it")
        failures += sum(result.outcome == "not graded" for result in report.results)
        print(
            f"{assignment.name}: {len(report.results)} submissions, "
            f"{len(report.reused)} unchanged, in {time.monotonic() - started:.1f} s"
        )
    print(f"gradebook: {course.db_path}; now `feedback` writes pages and `export` the CSV")
    if failures:
        print(f"{failures} not graded because the grader failed; run again", file=sys.stderr)
    return 1 if failures else 0


def _say_statuses(report: ClassReport) -> None:
    """What did not go well in this call; what was said by an earlier one is only counted."""
    troubled = [result for result in report.results if result.outcome != "complete"]
    new = [result for result in troubled if result.student not in report.reused]
    for result in new:
        print(f"  {one_line(result.student, 100)}: {one_line(result.status(), 300)}")
    count = len(troubled) - len(new)
    if count == 1:
        print("  1 earlier submission not graded in full; its status stands in the CSV")
    elif count:
        print(f"  {count} earlier submissions not graded in full; their statuses stand in the CSV")
    if report.gone:
        gone = ", ".join(one_line(name, 100) for name in report.gone)
        print(
            f"  no folder under submitted/, results kept: {gone}; "
            "`remove` takes such students out of the marks"
        )


def _collect(options: argparse.Namespace, course: Course, assignments: list[Assignment]) -> None:
    from autograder.submissions.collect import collect

    if len(assignments) != 1:
        raise CourseError("--from takes one assignment's submissions; name it with --assignments")
    done = collect(options.source, course, assignments[0])
    print(f"took in {len(done.students)} submissions from {options.source}")
    for line in done.skipped:
        print(f"  skipped {line}", file=sys.stderr)
