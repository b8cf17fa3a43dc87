"""A grader that is killed at a chosen moment.

``python -m tests.load.killed_process MOMENT COUNT PATIENCE ARGUMENT...``

It runs ``python -m autograder ARGUMENT ...`` and sends itself SIGKILL when it comes to that moment
for the COUNT-th time; ``never`` runs it undisturbed. PATIENCE is how many seconds it waits for a
locked gradebook ("": as long as it always does). What results depend on besides submission and
engine is held fixed, so that a source edited meanwhile does not grade the class anew.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from nbgrader.api import Gradebook
from sqlalchemy import event
from sqlalchemy.orm import Session

import autograder.execution.fork_servers
import autograder.grading
import autograder.keys
import autograder.reports.gradebook
import autograder.results
from autograder.__main__ import main


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _trap(owner: Any, name: str, count: int, *, before: bool = False) -> None:
    """Die before or after the count-th call of a function."""
    original: Callable[..., Any] = getattr(owner, name)
    calls = itertools.count(1)

    def killed(*arguments: Any, **named: Any) -> Any:
        last = next(calls) == count
        if last and before:
            _die()
        value = original(*arguments, **named)
        if last:
            _die()
        return value

    setattr(owner, name, killed)


def _flushed(count: int) -> None:
    """Die in a transaction: rows are written, and not committed."""
    flushes = itertools.count(1)

    def killed(*_: Any) -> None:
        if next(flushes) == count:
            _die()

    event.listen(Session, "after_flush", killed)


MOMENTS: dict[str, Callable[[int], None]] = {
    "never": lambda _: None,
    "folder": lambda n: _trap(autograder.execution.fork_servers, "_sandboxed_command", n),
    "notebook": lambda n: _trap(autograder.grading, "write_atomically", n),
    "submission": lambda n: _trap(Gradebook, "update_or_create_submission", n),
    "flush": _flushed,
    "marks": lambda n: _trap(autograder.grading.Book, "record", n),
    "half a file": lambda n: _trap(autograder.results.os, "replace", n, before=True),
    "result": lambda n: _trap(autograder.results.ResultStore, "save", n),
}

if __name__ == "__main__":
    moment, times, patience, *rest = sys.argv[1:]
    if patience:
        autograder.reports.gradebook.LOCK_SECONDS = float(patience)
    autograder.keys.hash_of_grader = lambda _: "settled"
    MOMENTS[moment](int(times))
    sys.exit(main(rest))
