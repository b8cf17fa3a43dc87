"""Command line: ``python -m autograder COMMAND``; see ``_parser`` for the commands."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import NoReturn, cast

from autograder.assignments.source import find_assignments
from autograder.backups import recover
from autograder.commands.arguments import book_url, path, worker_count
from autograder.commands.assignments import run_demo, run_mutants, run_release
from autograder.commands.backups import run_restore
from autograder.commands.grade import run_grade
from autograder.commands.outcome import Outcome
from autograder.commands.reports import run_export, run_feedback, run_preview
from autograder.commands.students import run_merge, run_readmit, run_remove, run_rename
from autograder.course import Course
from autograder.errors import CourseError
from autograder.lock import only_writer
from autograder.submissions import placing
from gradekit.text import visible

_ERROR_CHARS = 5_000

# Not there, as far as jsonschema is told, which would take a second at its import to make a parser
# of international web addresses; no schema of nbformat's has any.
sys.modules.setdefault("rfc3987_syntax", cast(ModuleType, None))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    options, unknown = _parser().parse_known_args(arguments)
    if unknown:  # argparse itself would send people to the help of all commands
        of_command = _Parser(prog=f"python -m autograder {options.command}")
        of_command.error(f"unrecognized arguments: {' '.join(unknown)}")
    if options.run is not run_grade:
        return _run(options)
    options.outcome = Outcome(arguments[1:])
    with redirect_stdout(sys.stderr) if options.json else nullcontext():
        status = _run(options)
        course = Course(options.course)
        if course.root.is_dir():
            try:
                options.outcome.log(course, status)
            except OSError as error:
                if not options.outcome.error:  # a full disk, say, has been named already
                    print(f"warning: the log was not written: {error}", file=sys.stderr)
    if options.json:
        try:
            print(options.outcome.as_json(course, status), flush=True)
        except BrokenPipeError:
            return _unread()
    return status


def _run(options: argparse.Namespace) -> int:
    """Run the command; what a person can mend is one sentence."""
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        if options.course.exists() and not options.course.is_dir():
            raise CourseError(f"--course {options.course} is a file, wanted a folder")
        if {"?", "%"} & set(where := os.path.realpath(options.course)):
            raise CourseError(
                f"--course {where}: wanted a path without ? and %, which the gradebook's "
                "address can't hold"
            )
        assignments = find_assignments(options.solutions, options.assignments)
        course = Course(options.course)
        locked = options.locks and (course.root.is_dir() or options.run is run_release)
        lock = only_writer(course, options.command, wait=options.wait) if locked else nullcontext()
        with lock:
            if locked and (undone := recover(course)):
                print(f"`{undone}` was stopped half way: the course is as it was before it")
            if locked:
                placing.finish(course)
            return int(options.run(options, course, assignments))
    except CourseError as error:
        return _failed(options, str(error))
    except BrokenPipeError:
        return _unread()
    except OSError as error:
        return _failed(options, f"{error.filename or ''}: {error.strerror or error}")
    except KeyboardInterrupt:
        return _failed(options, "stopped; the same command goes on where it was", status=130)
    finally:
        signal.signal(signal.SIGTERM, previous)


def _unread() -> int:
    """Whoever read our output has enough: what is left of it goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141


def _failed(options: argparse.Namespace, message: str, *, status: int = 2) -> int:
    shown = visible(message, _ERROR_CHARS)
    print(shown if status == 130 else f"error: {shown}", file=sys.stderr)
    if "outcome" in options:
        options.outcome.error = message
    return status


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
    add("--wait", action="store_true", help="wait for a command at work in the course to end")
    parser = _Parser(prog="python -m autograder", description="Release, grade and report.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)

    def command(
        name: str, run: object, text: str, *, locks: bool = True
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, parents=[common], help=text, description=text)
        sub.set_defaults(run=run, locks=locks, command=name)
        return sub

    def unsafe(sub: argparse.ArgumentParser) -> None:
        text = "run students' code without a sandbox, with all that you may do"
        sub.add_argument("--unsafe", action="store_true", help=text)

    command("release", run_release, "make the students' notebooks and the gradebook")
    command("demo", run_demo, "hand in for a demo class of twenty")
    sub = command("grade", run_grade, "grade what was handed in")
    sub.add_argument("--from", dest="source", type=path, help="folder or zip file to take in first")
    text = "draw hidden tests' inputs anew where the file `secret` is lost: grades all again"
    sub.add_argument("--new-secret", action="store_true", help=text)
    unsafe(sub)
    text = "print one JSON document of what was done; what is for people goes to standard error"
    sub.add_argument("--json", action="store_true", help=text)
    sub = command("feedback", run_feedback, "write a page per student")
    sub.add_argument(
        "--book-url",
        type=book_url,
        help="where the book is (default: beside the course folder, if it is there)",
    )
    sub = command("export", run_export, "write grades.csv")
    sub.add_argument("--output", type=path, help="default: grades.csv in the course folder")
    command("preview", run_preview, "show whose marks the settings would change, and how")
    sub = command(
        "remove", run_remove, "take students out of the course, and keep their work aside"
    )
    sub.add_argument("students", nargs="+", metavar="STUDENT")
    sub = command("readmit", run_readmit, "bring removed students back, with their marks")
    sub.add_argument("students", nargs="+", metavar="STUDENT")
    sub = command("rename", run_rename, "give a student another name")
    sub.add_argument("old", metavar="OLD")
    sub.add_argument("new", metavar="NEW")
    sub = command("merge", run_merge, "make one student of two, known under two names")
    sub.add_argument("gone", metavar="FROM")
    sub.add_argument("into", metavar="INTO")
    sub = command("restore", run_restore, "put a backup of the marks back; alone: list backups")
    sub.add_argument("name", nargs="?", metavar="NAME")
    text = "prove the tests against wrong and right answers"
    sub = command("mutants", run_mutants, text, locks=False)
    unsafe(sub)
    text = "grade each answer this often, on other inputs each time: the marks must agree"
    sub.add_argument("--gradings", type=worker_count, default=1, metavar="N", help=text)
    return parser


if __name__ == "__main__":
    sys.exit(main())
