"""Command line: ``python -m autograder COMMAND``; see ``_parser`` for the commands."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from autograder.arguments import book_url, path, worker_count
from autograder.assignments.source import Assignment, find_assignments
from autograder.course import Course
from autograder.errors import CourseError
from autograder.lock import only_writer
from autograder.results import UNSAFE
from gradekit.text import one_line

if TYPE_CHECKING:
    from autograder.execution.engine import SandboxEngine
    from autograder.grading import ClassReport


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(argv)
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        if options.course.exists() and not options.course.is_dir():
            raise CourseError(f"--course {options.course} is a file, wanted a folder")
        assignments = find_assignments(options.solutions, options.assignments)
        course = Course(options.course)
        locked = options.writes and (course.root.is_dir() or options.run is _release)
        with only_writer(course) if locked else nullcontext():
            return int(options.run(options, course, assignments))
    except CourseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read our output has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
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


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    common = _Parser(add_help=False)
    add = common.add_argument
    add("--course", type=path, default=Path("_build/course"), help="course folder (%(default)s)")
    add("--assignments", nargs="+", metavar="NAME", help="default: all under --solutions")
    add("--solutions", type=path, default=Path("solutions"), help="sources (%(default)s)")
    add("--workers", type=worker_count, help="submissions graded at once (default: one per core)")
    add("--quiet", action="store_true", help="no progress bar")
    parser = _Parser(prog="python -m autograder", description="Release, grade and report.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)

    def command(
        name: str, run: object, text: str, *, writes: bool = True
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, parents=[common], help=text, description=text)
        sub.set_defaults(run=run, writes=writes)
        return sub

    def unsafe(sub: argparse.ArgumentParser) -> None:
        text = "run students' code without a sandbox, with all that you may do"
        sub.add_argument("--unsafe", action="store_true", help=text)

    sub = command("release", _release, "make the students' notebooks and the gradebook")
    sub.add_argument("--force", action="store_true", help="even if that drops marks")
    command("demo", _demo, "hand in for a demo class of twenty")
    sub = command("grade", _grade, "grade what was handed in")
    sub.add_argument("--from", dest="source", type=path, help="folder or zip file to take in first")
    unsafe(sub)
    sub = command("feedback", _feedback, "write a page per student", writes=False)
    sub.add_argument(
        "--book-url",
        type=book_url,
        help="where the book is (default: beside the course folder, if it is there)",
    )
    sub = command("export", _export, "write grades.csv", writes=False)
    sub.add_argument("--output", type=path, help="default: grades.csv in the course folder")
    sub = command("remove", _remove, "take students out of the course, and keep their work aside")
    sub.add_argument("students", nargs="+", metavar="STUDENT")
    text = "prove the tests against wrong and right answers"
    unsafe(command("mutants", _mutants, text, writes=False))
    return parser


# The commands import what they need when they run: nbgrader takes two seconds to import.


def _release(options: argparse.Namespace, course: Course, assignments: list[Assignment]) -> int:
    from autograder.assignments.release import release
    from autograder.assignments.student_zip import pack
    from autograder.assignments.variants import load_variants

    for assignment in assignments:
        for kind in ("mutant", "right"):
            load_variants(assignment, kind)  # a wrong file is reported now, not weeks later
        made = release(course, assignment, force=options.force)
        path = course.notebook("release", assignment.name)
        print(f"{'released' if made else 'up to date'}: {assignment.name}: {path}")
    for path, names in pack(course, assignments).items():
        print(f"students of {', '.join(names)} install {path}")
    return 0


def _demo(options: argparse.Namespace, course: Course, assignments: list[Assignment]) -> int:
    from autograder.assignments.demo import make_class

    for assignment in assignments:
        paths = make_class(course, assignment)
        print(f"{assignment.name}: {len(paths)} demo submissions under {course.submitted}")
    return 0


def _grade(options: argparse.Namespace, course: Course, assignments: list[Assignment]) -> int:
    _check_machine(options)
    from autograder.execution.engine import SandboxEngine

    engine = SandboxEngine(
        safe=not options.unsafe,
        secret=course.secret() if course.root.is_dir() else b"",
        compare=True,
        cache=course.mutants,
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


def _check_machine(options: argparse.Namespace) -> None:
    if sys.platform == "win32":
        raise CourseError("grading needs Linux; on Windows, use the Linux in it (WSL)")
    if options.unsafe:
        print(f"warning: {UNSAFE}: students' code runs with all that you may do", file=sys.stderr)


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


def _feedback(options: argparse.Namespace, course: Course, assignments: list[Assignment]) -> int:
    from autograder.reports.feedback import default_book_url, write_feedback

    if not options.assignments:
        assignments = _graded(course, assignments)
    pages = write_feedback(course, assignments, options.book_url or default_book_url(course))
    print(f"{pages} feedback pages: {course.feedback / 'index.html'}")
    return 0


def _export(options: argparse.Namespace, course: Course, assignments: list[Assignment]) -> int:
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


def _remove(options: argparse.Namespace, course: Course, _: list[Assignment]) -> int:
    from autograder.submissions.removal import remove

    if options.assignments:
        raise CourseError("remove takes a student out of the whole course; leave out --assignments")
    for kept in remove(course, options.students):
        print(f"removed; everything is kept in {kept}")
    print("now `feedback` and `export` write the index and the CSV anew")
    return 0


def _mutants(options: argparse.Namespace, course: Course, assignments: list[Assignment]) -> int:
    _check_machine(options)
    from autograder.assignments.mutation_testing import check_tests
    from autograder.execution.engine import SandboxEngine
    from autograder.grading import default_workers
    from autograder.results import ResultStore

    workers = options.workers or default_workers()
    store = ResultStore(course.results.folder / "mutants")
    with closing(SandboxEngine(safe=not options.unsafe)) as engine:
        report = check_tests(assignments, engine, store, workers=workers, quiet=options.quiet)
    print("\n".join(report.lines))
    for fault in report.faults:
        print(f"fault: {fault}")
    print(report.summary)
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
