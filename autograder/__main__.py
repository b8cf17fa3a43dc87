"""Command line: ``python -m autograder release | demo | grade | feedback | export | mutants``."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from .assignment import Assignment, find_assignments
from .course import Course
from .errors import CourseError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(argv)
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        assignments = find_assignments(options.solutions, options.assignments)
        return int(options.run(options, Course(options.course), assignments))
    except CourseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error.filename or ''}: {error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the same command goes on where it was", file=sys.stderr)
        return 130
    finally:
        signal.signal(signal.SIGTERM, previous)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _workers(text: str) -> int:
    count = int(text) if text.isascii() and text.isdigit() else 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"wanted a whole number from 1 up, got {text!r}")
    return count


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    common = _Parser(add_help=False)
    add = common.add_argument
    add("--course", type=Path, default=Path("_build/course"), help="course folder (%(default)s)")
    add("--assignments", nargs="+", metavar="NAME", help="default: all under --solutions")
    add("--solutions", type=Path, default=Path("solutions"), help="sources (%(default)s)")
    add("--workers", type=_workers, help="submissions graded at once (default: one per core)")
    add("--quiet", action="store_true", help="no progress bar")
    parser = _Parser(prog="python -m autograder", description="Release, grade and report.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)

    def command(name: str, run: object, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, parents=[common], help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    sub = command("release", _release, "make the students' notebooks and the gradebook")
    sub.add_argument("--force", action="store_true", help="even if that drops marks")
    command("demo", _demo, "hand in for a demo class of twenty")
    sub = command("grade", _grade, "grade what was handed in")
    sub.add_argument("--from", dest="source", type=Path, help="folder or zip file to take in first")
    sub = command("feedback", _feedback, "write a page per student")
    sub.add_argument(
        "--book-url", help="where the book is (default: beside the course folder, if it is there)"
    )
    sub = command("export", _export, "write grades.csv")
    sub.add_argument("--output", type=Path, help="default: grades.csv in the course folder")
    command("mutants", _mutants, "prove the tests against wrong and right answers")
    return parser


# The commands import what they need when they run: nbgrader takes two seconds to import.


def _release(options: argparse.Namespace, course: Course, assignments: list[Assignment]) -> int:
    from .library import pack_library
    from .release import release
    from .variants import load_variants

    for assignment in assignments:
        for kind in ("mutant", "right"):
            load_variants(assignment, kind)  # a wrong file is reported now, not weeks later
        made = release(course, assignment, force=options.force)
        path = course.notebook("release", assignment.name)
        print(f"{'released' if made else 'up to date'}: {assignment.name}: {path}")
    library = pack_library(course)
    if library:
        print(f"the library students install: {library}")
    return 0


def _demo(options: argparse.Namespace, course: Course, assignments: list[Assignment]) -> int:
    from .demo import make_class

    for assignment in assignments:
        paths = make_class(course, assignment)
        print(f"{assignment.name}: {len(paths)} demo submissions under {course.submitted}")
    return 0


def _grade(options: argparse.Namespace, course: Course, assignments: list[Assignment]) -> int:
    from .engine import KernelEngine
    from .grading import default_workers, grade_class
    from .release import require_release

    for assignment in assignments:
        require_release(course, assignment)
    if options.source:
        _collect(options, course, assignments)
    workers = options.workers or default_workers()
    failures = 0
    for assignment in assignments:
        started = time.monotonic()
        report = grade_class(
            course, assignment, KernelEngine(), workers=workers, quiet=options.quiet
        )
        for result in report.results:
            if result.outcome != "complete":
                print(f"  {result.student}: {result.status()}")
        failures += sum(result.outcome == "not graded" for result in report.results)
        print(
            f"{assignment.name}: {len(report.results)} submissions, {report.reused} unchanged, "
            f"in {time.monotonic() - started:.1f} s"
        )
    print(f"gradebook: {course.db_path}; now `feedback` writes pages and `export` the CSV")
    if failures:
        print(f"{failures} not graded because the grader failed; run again", file=sys.stderr)
    return 1 if failures else 0


def _collect(options: argparse.Namespace, course: Course, assignments: list[Assignment]) -> None:
    from .intake import collect

    if len(assignments) != 1:
        raise CourseError("--from takes one assignment's submissions; name it with --assignments")
    done = collect(options.source, course, assignments[0].name)
    print(f"took in {len(done.students)} submissions from {options.source}")
    for line in done.skipped:
        print(f"  skipped {line}", file=sys.stderr)


def _feedback(options: argparse.Namespace, course: Course, assignments: list[Assignment]) -> int:
    from .feedback import default_book_url, write_feedback

    if not options.assignments:
        assignments = _graded(course, assignments)
    pages = write_feedback(course, assignments, options.book_url or default_book_url(course))
    print(f"{pages} feedback pages: {course.feedback / 'index.html'}")
    return 0


def _export(options: argparse.Namespace, course: Course, assignments: list[Assignment]) -> int:
    from .export import export

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


def _mutants(options: argparse.Namespace, course: Course, assignments: list[Assignment]) -> int:
    from .engine import KernelEngine
    from .grading import default_workers
    from .mutants import check_tests
    from .results import ResultStore

    workers = options.workers or default_workers()
    store = ResultStore(course.results.folder / "mutants")
    report = check_tests(assignments, KernelEngine(), store, workers=workers, quiet=options.quiet)
    print("\n".join(report.lines))
    for fault in report.faults:
        print(f"fault: {fault}")
    print(report.summary)
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
