"""Command line: ``python -m autograder COMMAND``; see ``_parser`` for the commands."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import NoReturn

from autograder.assignments.source import find_assignments
from autograder.backups import recover
from autograder.commands.arguments import book_url, path, worker_count
from autograder.commands.assignments import run_demo, run_mutants, run_release
from autograder.commands.backups import run_restore
from autograder.commands.grade import run_grade
from autograder.commands.reports import run_export, run_feedback, run_preview
from autograder.commands.students import run_merge, run_readmit, run_remove, run_rename
from autograder.course import Course
from autograder.errors import CourseError
from autograder.lock import only_writer
from gradekit.text import visible

_ERROR_CHARS = 5_000


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(argv)
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        if options.course.exists() and not options.course.is_dir():
            raise CourseError(f"--course {options.course} is a file, wanted a folder")
        assignments = find_assignments(options.solutions, options.assignments)
        course = Course(options.course)
        locked = options.locks and (course.root.is_dir() or options.run is run_release)
        lock = only_writer(course, options.command, wait=options.wait) if locked else nullcontext()
        with lock:
            if locked and (undone := recover(course)):
                print(f"`{undone}` was stopped half way: the course is as it was before it")
            return int(options.run(options, course, assignments))
    except CourseError as error:
        print(f"error: {visible(str(error), _ERROR_CHARS)}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read our output has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        text = f"{error.filename or ''}: {error.strerror or error}"
        print(f"error: {visible(text, _ERROR_CHARS)}", file=sys.stderr)
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
    unsafe(command("mutants", run_mutants, text, locks=False))
    return parser


if __name__ == "__main__":
    sys.exit(main())
