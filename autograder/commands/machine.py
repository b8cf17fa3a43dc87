"""What this machine must be to grade."""

from __future__ import annotations

import argparse
import sys

from autograder.errors import CourseError
from autograder.results import UNSAFE


def check_machine(options: argparse.Namespace) -> None:
    """CourseError where there can be no grading; a warning where there is no sandbox."""
    if sys.platform == "win32":
        raise CourseError("grading needs Linux; on Windows, use the Linux in it (WSL)")
    if options.unsafe:
        print(f"warning: {UNSAFE}: students' code runs with all that you may do", file=sys.stderr)
