"""Command line for students: ``python -m gradekit check NOTEBOOK``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = _Parser(prog="python -m gradekit", description="For those who do an assignment.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    text = "run the visible tests of a notebook as the grader runs them"
    command = commands.add_parser("check", help=text, description=text)
    command.add_argument("notebook", type=Path, help="such as ps1_pca.ipynb")
    options = parser.parse_args(argv)

    from gradekit.local import SETTINGS

    # No window may open and wait, should a cell of the assignment draw a figure.
    os.environ.update(SETTINGS, MPLBACKEND="agg")
    from gradekit.report import check  # only now: it imports NumPy

    return check(options.notebook)


def _leave_current_folder_out() -> None:
    """A module beside the notebook must not be taken for one of the library's."""
    current = {""}
    with suppress(OSError):  # the folder has been deleted: nothing is imported from it
        current.add(os.getcwd())
    sys.path[:] = [folder for folder in sys.path if folder not in current]


if __name__ == "__main__":
    _leave_current_folder_out()
    sys.exit(main())
