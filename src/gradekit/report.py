"""``python -m gradekit check NOTEBOOK``: the visible tests, judged as the grader judges them."""

from __future__ import annotations

import ast
import os
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

from gradekit.local import LocalRunner, StartError, seed_random_state
from gradekit.notebook import Homework, NotebookError, Part, read
from gradekit.protocol import SEED_VARIABLE
from gradekit.runner import GivenCellError, Record, Runner, Step, Verdict

_WIDTH = 60  # of half a screen
_INDENT = "    "


def check(path: Path) -> int:
    """Runner a notebook, print a report, and return the exit status: 0 when all visible tests
    pass, 1 when one fails, 2 (with a sentence on standard error) when nothing can be judged."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a console without a letter must not end the report
            stream.reconfigure(errors="replace")
    try:
        homework = read(path)
        count = len(homework.visible)
        tests = f"{count} visible test{'' if count == 1 else 's'}"
        print(f"Running {tests} of {path.name}\n", flush=True)
        return _report(homework, path.resolve().parent)
    except (NotebookError, StartError, GivenCellError) as error:
        print(f"error: {_plain(str(error))}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever reads the report has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


class _Told(dict[str, Verdict]):
    """The judge's verdicts, each told as soon as it is there: a slow notebook shows progress."""

    def __init__(self, tell: Callable[[Verdict], None]) -> None:
        super().__init__()
        self._tell = tell

    def __setitem__(self, name: str, verdict: Verdict) -> None:
        super().__setitem__(name, verdict)
        self._tell(verdict)


def judge(
    homework: Homework, folder: Path, tell: Callable[[Verdict], None] = lambda verdict: None
) -> Record:
    """What the grader's judge says of the visible tests.

    Parameters
    ----------
    homework : the notebook.
    folder : where the student's code runs.
    tell : called with every verdict as soon as it is there.

    Raises
    ------
    GivenCellError : a cell of the assignment itself fails on this machine.
    StartError : no process can be started for the student's cells.
    """
    handout = homework.handout
    given = [step.source for step in homework.steps if step.role == "given"]
    for step in homework.steps:
        _require_python(step)
    os.environ.pop(SEED_VARIABLE, None)
    with LocalRunner(
        given=given, hide=handout.hide, folder=folder, call_seconds=handout.limits.call
    ) as laptop:
        seed_random_state(given)  # while the student's process gets ready
        laptop.wait()
        work = Runner(homework.steps, laptop.enter, handout.limits, why=laptop.lost)
        work.record.verdicts = _Told(tell)
        work.run(hidden=False)
        work.close()
    return work.record


def _require_python(step: Step) -> None:
    """A given cell runs here too, and without the metadata it may be the student's version."""
    if step.role != "given":
        return
    try:
        ast.parse(step.source)
    except SyntaxError as error:
        raise GivenCellError(
            f"the assignment's cell {step.name} is no Python (line {error.lineno}: {error.msg})"
        ) from error


def _report(homework: Homework, folder: Path) -> int:
    parts = {part.name: part for part in homework.visible}
    out = sys.stdout  # the judge catches what a test prints

    def tell(verdict: Verdict) -> None:
        for line in _lines(parts[verdict.name], verdict):
            print(line, file=out, flush=True)

    record = judge(homework, folder, tell)
    print()
    for note in (*homework.notes, *record.notes):
        print(_wrapped(f"Note: {note}"))
    print(_wrapped(_total(homework, record.verdicts)))
    return 0 if all(verdict.passed for verdict in record.verdicts.values()) else 1


def _lines(part: Part, verdict: Verdict) -> list[str]:
    got = part.points if verdict.passed else 0
    word = "passed" if verdict.passed else "FAILED"
    head = f"{part.question:<4}{word}  {got} of {part.points}  {part.name}"
    texts = [line for line in verdict.message.splitlines() if line.strip()]
    return [head, *(_wrapped(text, _INDENT) for text in texts)]


def _total(homework: Homework, verdicts: dict[str, Verdict]) -> str:
    got = sum(part.points for part in homework.visible if verdicts[part.name].passed)
    whole = sum(part.points for part in homework.visible)
    text = f"{got} of {_points(whole)} on visible tests"
    if homework.hidden_points:
        text += f"; {_points(homework.hidden_points)} in hidden tests, run when graded"
    if homework.manual_points:
        text += f"; {_points(homework.manual_points)} given by a person"
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
