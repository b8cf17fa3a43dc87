"""``python -m gradekit check NOTEBOOK``: the visible tests, run as the grader runs them."""

from __future__ import annotations

import ast
import base64
import os
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

from gradekit.local import LocalRunner, StartError
from gradekit.notebook import (
    Cell,
    Description,
    NotebookError,
    Step,
    Submission,
    assemble,
    to_steps,
)
from gradekit.notebook.file import read
from gradekit.preload import preload
from gradekit.protocol import SEED_VARIABLE
from gradekit.protocol.client import PlacingError
from gradekit.runner import GivenCellError, Record, Runner, Verdict

_WIDTH = 60  # of half a screen
_INDENT = "    "


def check(path: Path) -> int:
    """Run a notebook's visible tests, print a report, and return the exit status.

    0 when all of them pass, 1 when one fails, 2 (with a sentence on standard error) when none can
    be run.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a console without a letter must not end the report
            stream.reconfigure(errors="replace")
    try:
        description, submission = read(path)
        count = len(description.visible_tests)
        if not count:
            raise NotebookError(f"{path.name}: the assignment has no visible tests")
        tests = f"{count} visible test{'' if count == 1 else 's'}"
        print(f"Running {tests} of {path.name}\n", flush=True)
        return _report(description, submission)
    except (NotebookError, StartError, GivenCellError, PlacingError) as error:
        print(f"error: {_plain(str(error))}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever reads the report has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


class _Progress(dict[str, Verdict]):
    """The runner's verdicts, each reported as soon as it is there, so that one sees progress."""

    def __init__(self, tell: Callable[[Verdict], None]) -> None:
        super().__init__()
        self._tell = tell

    def __setitem__(self, name: str, verdict: Verdict) -> None:
        super().__setitem__(name, verdict)
        self._tell(verdict)


def run_visible_tests(
    description: Description,
    submission: Submission,
    tell: Callable[[Verdict], None] = lambda verdict: None,
) -> Record:
    """Run the visible tests as the grader runs them.

    Parameters
    ----------
    description : of the assignment.
    submission : taken from the notebook.
    tell : called with every verdict as soon as it is there.

    Raises
    ------
    GivenCellError : a cell of the assignment itself fails on this machine.
    StartError : no process can be started for the student's cells.
    PlacingError : a file beside the notebook can't be put where they run.
    """
    steps = to_steps(assemble(description.cells, submission), description)
    given = [step.source for step in steps if step.role == "given"]
    for step in steps:
        _require_python(step)
    os.environ.pop(SEED_VARIABLE, None)
    with LocalRunner(
        given=given, hide=description.hide, call_seconds=description.limits.call
    ) as local:
        preload(given)  # while the student's process gets ready
        local.wait()
        runner = Runner(
            steps,
            local.start_worker,
            description.limits,
            files={name: base64.b64decode(text) for name, text in submission.files.items()},
            termination_reason=local.termination_reason,
        )
        runner.record.verdicts = _Progress(tell)
        runner.run(hidden=False)
        runner.close()
    return runner.record


def _require_python(step: Step) -> None:
    """A given cell runs here too, and the metadata it comes from may have been edited."""
    if step.role != "given":
        return
    try:
        ast.parse(step.source)
    except SyntaxError as error:
        raise GivenCellError(
            f"the assignment's cell {step.name} is no Python (line {error.lineno}: {error.msg})"
        ) from error


def _report(description: Description, submission: Submission) -> int:
    tests = {cell.grade_id: cell for cell in description.visible_tests}
    out = sys.stdout  # the runner catches what a test prints

    def tell(verdict: Verdict) -> None:
        for line in _lines(tests[verdict.name], verdict):
            print(line, file=out, flush=True)

    record = run_visible_tests(description, submission, tell)
    print()
    for note in (*submission.notes, *record.notes):
        print(_wrapped(f"Note: {note}"))
    print(_wrapped(_total(description, record.verdicts)))
    return 0 if all(verdict.passed for verdict in record.verdicts.values()) else 1


def _lines(test: Cell, verdict: Verdict) -> list[str]:
    got = test.points if verdict.passed else 0
    word = "passed" if verdict.passed else "FAILED"
    head = f"{test.question:<4}{word}  {got} of {test.points}  {test.grade_id}"
    texts = [line for line in verdict.message.splitlines() if line.strip()]
    return [head, *(_wrapped(text, _INDENT) for text in texts)]


def _total(description: Description, verdicts: dict[str, Verdict]) -> str:
    tests = description.visible_tests
    got = sum(test.points for test in tests if verdicts[test.grade_id].passed)
    whole = sum(test.points for test in tests)
    text = f"{got} of {_points(whole)} on visible tests"
    if description.hidden_points:
        text += f"; {_points(description.hidden_points)} in hidden tests, run when graded"
    if description.manual_points:
        text += f"; {_points(description.manual_points)} given by a person"
    return text + "."


def _points(number: int) -> str:
    return f"{number} point{'' if number == 1 else 's'}"


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(
        _plain(text), _WIDTH, initial_indent=indent, subsequent_indent=indent or "  "
    )


def _plain(text: str) -> str:
    """Without what a terminal would obey."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in text)
