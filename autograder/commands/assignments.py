"""Commands about assignments: release, demo, mutants."""

from __future__ import annotations

import argparse
from contextlib import closing

from autograder.assignments.source import Assignment
from autograder.commands.machine import check_machine
from autograder.course import Course


def run_release(options: argparse.Namespace, course: Course, assignments: list[Assignment]) -> int:
    """Make the students' notebooks and what they install."""
    from autograder.assignments.release import release
    from autograder.assignments.student_zip import pack
    from autograder.assignments.variants import load_variants
    from autograder.formgrader.settings import write_settings

    todo = write_settings(course.root)
    for assignment in assignments:
        for kind in ("mutant", "right"):
            load_variants(assignment, kind)  # a wrong file is reported now, not weeks later
        done = release(course, assignment)
        path = course.notebook("release", assignment.name)
        print(f"{'released' if done.made else 'up to date'}: {assignment.name}: {path}")
        for sentence in done.said:
            print(f"  {sentence}")
    for path, names in pack(course, assignments).items():
        print(f"students of {', '.join(names)} install {path}")
    if todo:
        print(f"note: {todo}")
    return 0


def run_demo(options: argparse.Namespace, course: Course, assignments: list[Assignment]) -> int:
    """Hand in for a made-up class."""
    from autograder.assignments.demo import make_class

    for assignment in assignments:
        paths = make_class(course, assignment)
        print(f"{assignment.name}: {len(paths)} demo submissions under {course.submitted}")
    return 0


def run_mutants(options: argparse.Namespace, course: Course, assignments: list[Assignment]) -> int:
    """Prove the tests against wrong and right answers."""
    check_machine(options)
    from autograder.assignments.mutation_testing import check_tests
    from autograder.execution.engine import SandboxEngine
    from autograder.grading import default_workers
    from autograder.results import ResultStore

    workers = options.workers or default_workers()
    store = ResultStore(course.results.folder / "mutants")
    with closing(
        SandboxEngine(safe=not options.unsafe, protect=(*course.parts, options.solutions))
    ) as engine:
        report = check_tests(
            assignments,
            engine,
            store,
            workers=workers,
            gradings=options.gradings,
            quiet=options.quiet,
        )
    print("\n".join(report.lines))
    for fault in report.faults:
        print(f"fault: {fault}")
    print(report.summary)
    return 1 if report.faults else 0
