"""The command grade: takes in what was handed in, and grades it."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

from autograder.assignments.source import Assignment
from autograder.commands.machine import check_machine
from autograder.commands.outcome import Outcome
from autograder.course import Course
from autograder.words import counted
from gradekit.text import one_line

if TYPE_CHECKING:
    from autograder.execution.engine import SandboxEngine
    from autograder.grading import ClassReport
    from autograder.submissions.collected import Collected

_SHOWN = 30  # lines about files on the screen; the log has all


def run_grade(options: argparse.Namespace, course: Course, assignments: list[Assignment]) -> int:
    """Take in, grade what is new, and say what came of it."""
    check_machine(options)
    from autograder.execution.engine import SandboxEngine

    engine = SandboxEngine(
        safe=not options.unsafe,
        secret=course.secret(new=options.new_secret) if course.root.is_dir() else b"",
        compare=True,
        cache=course.mutants,
        protect=(*course.parts, options.solutions),
    )
    with closing(engine):
        for assignment in assignments:
            if _has_new(course, assignment):
                engine.warm(assignment)  # while nbgrader is imported, which takes seconds too
                break
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

    outcome: Outcome = options.outcome
    left_out = 0
    if options.source:
        assignment, left_out = _collect(options, course, assignments)
        assignments = [assignment]
    elif not options.assignments:
        assignments = _handed_in(course, assignments, outcome)
    for assignment in assignments:
        require_release(course, assignment)
    workers = options.workers or default_workers()
    failures = 0
    for assignment in assignments:
        started = time.monotonic()
        report = grade_class(course, assignment, engine, workers=workers, quiet=options.quiet)
        seconds = time.monotonic() - started
        outcome.add_class(course, assignment, report, seconds)
        _say_statuses(report)
        for name in course.unusable():
            print(f"  skipped the folder {name}: its name can't be used; rename it")
        failures += sum(result.outcome == "not graded" for result in report.results)
        if len(report.reused) < len(report.results):
            outcome.limits = engine.memory_rule
        print(
            f"{assignment.name}: {counted(len(report.results), 'submission')}, "
            f"{len(report.reused)} unchanged, in {seconds:.1f} s"
        )
    if outcome.limits:
        print(outcome.limits)
    if assignments:
        print(f"gradebook: {course.db_path}; now `feedback` writes pages and `export` the CSV")
    if failures:
        print(f"{failures} not graded because the grader failed; run again", file=sys.stderr)
    if left_out:
        print(f"{left_out} not taken in because of this machine; run again", file=sys.stderr)
    return 1 if failures or left_out else 0


def _handed_in(course: Course, assignments: list[Assignment], outcome: Outcome) -> list[Assignment]:
    """Those that someone handed in; of the others it is said that nobody did.

    Where nothing was released at all, all of them, of which the first will be refused.
    """
    from autograder.assignments.release import is_released

    if not any(is_released(course, assignment) for assignment in assignments):
        return assignments
    found = []
    for assignment in assignments:
        kept = len(course.results.students(assignment.name))
        if course.has_submissions(assignment.name):
            found.append(assignment)
            continue
        outcome.without.append(assignment.name)
        still = f"; the results of {kept} are kept" if kept else ""
        print(f"{assignment.name}: nobody has handed in{still}")
    if not found:
        print(
            f"put submissions at {course.submitted}/STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb, "
            "or use grade --from FOLDER"
        )
    return found


def _say_statuses(report: ClassReport) -> None:
    """What did not go well in this call; what was said by an earlier one is only counted."""
    troubled = [result for result in report.results if result.outcome != "complete"]
    new = [result for result in troubled if result.student not in report.reused]
    for result in new:
        print(f"  {one_line(result.student, 100)}: {one_line(result.status(), 300)}")
    count = len(troubled) - len(new)
    if count == 1:
        print("  1 earlier submission not graded in full; `export` writes its status")
    elif count:
        print(f"  {count} earlier submissions not graded in full; `export` writes their statuses")
    if report.gone:
        gone = ", ".join(one_line(name, 100) for name in report.gone)
        print(
            f"  no folder under submitted/, results kept: {gone}; "
            "`remove` takes such students out of the marks"
        )


def _collect(
    options: argparse.Namespace, course: Course, assignments: list[Assignment]
) -> tuple[Assignment, int]:
    """Take in a download; returns its assignment and how many students the machine left out."""
    from autograder.assignments.release import require_release
    from autograder.submissions.choosing import choose
    from autograder.submissions.collect import check_apart, collect_download
    from autograder.submissions.collected import Collected
    from autograder.submissions.download import opened

    check_apart(options.source, course)
    done, name = Collected(), ""
    try:
        with opened(options.source, done) as download:
            assignment = choose(download, assignments)
            name = assignment.name
            require_release(course, assignment)
            collect_download(download, options.source, course, assignment, done)
    finally:  # what was done until an error is said too
        options.outcome.add_intake(str(options.source), name, done)
        _say_files(done)
    print(f"took in {done.summary()}, from {options.source}")
    return assignment, len(done.failed)


def _say_files(done: Collected) -> None:
    """The files that a person should know of; the log has all of them."""
    lines = [
        f"  {'skipped ' if fate.became == 'skipped' else ''}{fate.line()}"
        for fate in done.fates
        if fate.attention
    ]
    for line in lines[:_SHOWN]:
        print(line, file=sys.stderr)
    if len(lines) > _SHOWN:
        print(f"  and {len(lines) - _SHOWN} more, in logs/grade.log", file=sys.stderr)
