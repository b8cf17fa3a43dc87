"""Runs a notebook's tests against a student's process and says what came of each.

The given cells of the assignment run on both sides, the student's cells on the student's side, the
test cells here. The same class runs them on the student's machine (:mod:`gradekit.report`)
and while work is graded.
"""

from __future__ import annotations

import ast
import contextlib
import io
import itertools
import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import FrameType
from typing import Any

import numpy as np

from gradekit import checks
from gradekit.arguments import ArgumentChanged
from gradekit.notebook import Step, TimeLimits
from gradekit.protocol.client import EXCEPTIONS, Client, StudentError, WorkerLost

MESSAGE_CHARS = 1_000
EVALUE_CHARS = 200
_LARGEST = 1e300  # larger integers are no floats
NOT_WRITTEN = "Not written yet: the code still raises NotImplementedError."
_AGAIN_SECONDS = 0.001
SHORTEST_SENTENCE = 8  # shorter string constants in a test are not messages
OUT_OF_SIGHT = (
    "Is it a variable of a test? Your functions don't see those: give it to the function as an "
    "argument."
)
_PRINTED_CHARS = 100_000
_OUTPUT_CHARS = 10_000_000  # kept of all outputs of a notebook


class GivenCellError(Exception):
    """A cell of the assignment itself fails: the assignment must be mended, not the answer."""


class _Overtime(BaseException):
    """A test's own code took too long."""


@dataclass(frozen=True)
class Verdict:
    """What came of a test; an empty message when it passed."""

    name: str
    passed: bool
    message: str


@dataclass
class Record:
    """What running the tests gave.

    ``outcome`` is complete, timed out or stopped, ``detail`` where.
    """

    outcome: str = "complete"
    detail: str = ""
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    outputs: dict[int, list[Any]] = field(default_factory=dict)
    values: dict[str, list[Any]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    """Questions of whose values some may be missing, as a process died or time was over."""

    def as_json(self) -> dict[str, Any]:
        """The record as plain lists and dicts."""
        return asdict(self)


class Runner:
    """Runs the tests of one notebook.

    Parameters
    ----------
    steps : the code cells in their order.
    start_worker : starts a fresh process of the student's; called again after one is lost.
    limits : see :class:`~gradekit.notebook.TimeLimits`.
    files : what every process of the student's finds in its working folder, by relative path.
    termination_reason : asked why a process was lost; may name a cause (memory), or raise when
        the loss was no doing of the student's.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        start_worker: Callable[[], Client],
        limits: TimeLimits,
        *,
        files: Mapping[str, bytes] | None = None,
        termination_reason: Callable[[], str] = lambda: "",
    ) -> None:
        self.record = Record()
        self._steps, self._limits, self._files = steps, limits, files or {}
        self._start_worker, self._termination_reason = start_worker, termination_reason
        self._deadline = time.monotonic() + limits.total
        self._lost: dict[str, str] = {}  # question -> why its tests are not run
        self._crashing_cells: dict[int, str] = {}  # cells that end the process, and why
        self._over = ""  # why nothing more is run
        self._output_left = _OUTPUT_CHARS
        self._values_left: dict[str, int] = {}
        self._ended: tuple[list[Step], dict[str, Any], _WorkerSlot] | None = None

    def run(self, *, hidden: bool, keep_output: bool = True) -> None:
        """Run the cells in order with the visible or with the hidden tests among them.

        Each pass has a process of its own, so that nothing seen in a hidden test reaches a visible
        message. ``keep_output``: whether notes and outputs of the student's cells are kept.
        """
        tests = [step for step in self._steps if step.role == "test" and step.hidden == hidden]
        last = max((step.index for step in (self._steps if keep_output else tests)), default=-1)
        steps = [
            step
            for step in self._steps
            if step.index <= last and (step.role != "test" or step.hidden == hidden)
        ]
        self._pass(steps, keep_output, lambda step: True)

    def run_each(
        self, groups: Sequence[Sequence[Step]], *, verdicts: bool
    ) -> list[dict[str, Verdict]]:
        """Run groups of cells, each after the notebook's own in a copy of their process.

        For answers of ours: visible and hidden tests share the copy. Each group has the time of a
        notebook. Without ``verdicts`` what their functions return is kept, by the tests' question.
        """
        self._pass(list(self._steps), False, lambda step: True)
        found, lost = [], set()
        for group in groups:
            self._deadline = time.monotonic() + self._limits.total
            self._lost, self._over, self.record.verdicts = {}, "", {}
            self._run_branch(list(group), verdicts)
            found.append(self.record.verdicts)
            lost |= {step.question for step in group if self._over} | set(self._lost)
        self.record.lost = sorted(lost)
        return found

    def _run_branch(self, group: list[Step], verdicts: bool) -> None:
        assert self._ended is not None
        before, namespace, slot = self._ended
        namespace = dict(namespace)
        branch = self._client(before, namespace, slot)
        try:
            branch.enter_branch()
        except WorkerLost as gone:
            raise GivenCellError(f"no copy of the process could be made ({gone.how})") from gone
        for place, step in enumerate(group):
            if step.role == "test":
                self._test(step, [*before, *group[:place]], namespace, slot, verdicts)
            else:
                self._cell(step, [*before, *group[:place]], namespace, slot, False)
        try:
            if slot.client is branch:
                branch.leave_branch()
                return
        except WorkerLost:
            pass  # what ran in it ended it
        slot.close()  # a process that was started for this group only

    def values(self, questions: set[str]) -> None:
        """Keep what the student's functions return in the tests of some questions.

        After :meth:`run` they are asked in the process of the last pass, as it is in the end. A
        question that was lost before has nothing to compare.
        """
        wanted = [s for s in self._steps if s.role == "test" and s.question in questions]
        verdicts = dict(self.record.verdicts)
        outcome = self.record.outcome, self.record.detail
        if self._ended is None:
            last = max((step.index for step in wanted), default=-1)
            cells = [
                s for s in self._steps if s.index <= last and (s.role != "test" or s in wanted)
            ]
            self._pass(cells, False, lambda step: False)
        else:
            before, namespace, slot = self._ended
            for step in wanted:
                self._test(step, before, namespace, slot, False)
        self.record.verdicts = verdicts
        self.record.outcome, self.record.detail = outcome
        self.record.lost = sorted(questions if self._over else questions & set(self._lost))

    def close(self) -> None:
        """End the process of the last pass."""
        if self._ended is not None:
            self._ended[2].close()
            self._ended = None

    def _pass(
        self, steps: list[Step], keep_output: bool, with_verdict: Callable[[Step], bool]
    ) -> None:
        self.close()
        namespace: dict[str, Any] = {"__name__": "__main__"}
        slot = _WorkerSlot()
        self._ended = (steps, namespace, slot)
        for place, step in enumerate(steps):
            if step.role == "test":
                self._test(step, steps[:place], namespace, slot, with_verdict(step))
            elif not self._over and step.index not in self._crashing_cells:
                self._cell(step, steps[:place], namespace, slot, keep_output)

    def _cell(
        self,
        step: Step,
        before: list[Step],
        namespace: dict[str, Any],
        slot: _WorkerSlot,
        keep_output: bool,
    ) -> None:
        """Run a given or a student's cell."""
        if step.role == "given":
            self._given(step, before, namespace, slot)
        label = step.name or "a cell without a name"
        try:
            client = self._client(before, namespace, slot)
            ran = client.run(step.source, self._limits.cell)
        except WorkerLost as gone:
            slot.close()
            reason = self._reason(gone, label)
            self._crashing_cells[step.index] = reason
            if step.question:
                self._lost[step.question] = reason
            if keep_output:
                self.record.notes.append(f"{label}: {reason}")
            return
        if ran.error and step.role == "given" and all(s.role == "given" for s in before):
            raise GivenCellError(
                f"the assignment's cell {step.name or step.index} raised {_error_text(*ran.error)} "
                "where the student's code runs"
            )
        if keep_output:
            self._keep(step, ran.outputs)
            if ran.error and ran.error != ("NotImplementedError", ""):
                self.record.notes.append(
                    f"{label} stopped with an error: {_error_text(*ran.error)}"
                )

    def _given(
        self, step: Step, before: list[Step], namespace: dict[str, Any], slot: _WorkerSlot
    ) -> None:
        """Run a cell of the assignment on this side too."""
        names = {name for other in self._steps for name in other.names}
        shown = sorted(names & _names(step.source))
        try:
            if shown:  # it shows something with a function of the student's
                namespace.update(self._client(before, namespace, slot).resolve_names(shown))
            with (
                _captured_output(),
                contextlib.suppress(StudentError),
                _alarm(self._limits.cell),
            ):
                exec(compile(step.source, f"<{step.name or 'given cell'}>", "exec"), namespace)
        except WorkerLost:
            slot.close()  # the student's side tells, where the same cell runs next
        except _Overtime:
            slot.close()
            if not shown:
                raise GivenCellError(
                    f"the assignment's cell {step.name or step.index} did not end within "
                    f"{self._limits.cell:g} seconds"
                ) from None
        except Exception as error:
            if not shown:
                raise GivenCellError(
                    f"the assignment's cell {step.name or step.index} raised "
                    f"{type(error).__name__}: {error}"
                ) from error

    def _client(self, before: list[Step], namespace: dict[str, Any], slot: _WorkerSlot) -> Client:
        """The student's process, started anew with the cells so far when it was lost."""
        if slot.client is None:
            before_entering = time.monotonic()
            slot.client = self._start_worker()
            slot.client.put_files(self._files)
            self._deadline += time.monotonic() - before_entering  # that is no time of the student's
            slot.client.deadline = self._deadline
            for step in before:
                if step.role != "test" and step.index not in self._crashing_cells:
                    slot.client.run(step.source, self._limits.cell)
        client = slot.client
        client.register_given(namespace)
        client.deadline = self._deadline
        return client

    def _test(
        self,
        step: Step,
        before: list[Step],
        namespace: dict[str, Any],
        slot: _WorkerSlot,
        verdict: bool,
    ) -> None:
        reason = self._over or self._lost.get(step.question, "")
        message = f"Not run: {reason}" if reason else ""
        message = message or self._run_test(step, before, namespace, slot, verdict)
        if verdict:
            self.record.verdicts[step.name] = Verdict(step.name, not message, message)

    def _run_test(
        self,
        step: Step,
        before: list[Step],
        namespace: dict[str, Any],
        slot: _WorkerSlot,
        verdict: bool,
    ) -> str:
        """Run one test; return why it failed, in words for the student, or an empty text."""
        seen: list[Any] | None = None if verdict else []

        def record(label: str, value: object) -> None:
            left = self._values_left.setdefault(step.question, _VALUES)
            if seen is not None and left > 0:
                seen.append(_summary(f"{step.name} {label}", value, min(_PARTS, left)))
                self._values_left[step.question] -= len(seen[-1][1]) + len(seen[-1][2])

        with _captured_output() as captured:
            try:
                client = self._client(before, namespace, slot)
                client.deadline = min(self._deadline, time.monotonic() + self._limits.cell)
                client.in_place, client.forgiving = step.in_place, seen is not None
                if seen is not None:
                    client.record = record
                # What a test makes is gone after it: each stands alone.
                scope = {**namespace, **client.resolve_names(list(step.names))}
                with (
                    _alarm(client.deadline - time.monotonic()),
                    contextlib.nullcontext() if seen is None else checks.forgiving(),
                ):
                    exec(compile(step.source, f"<{step.name}>", "exec"), scope)
                message = ""
            except WorkerLost as gone:
                slot.close()
                reason = self._reason(gone, step.name)
                self._lost[step.question] = reason
                message = f"Stopped: {reason}" if gone.how == "timed out" else _sentence(reason)
            except _Overtime:
                slot.close()
                reason = self._reason(WorkerLost("timed out"), step.name)
                self._lost[step.question] = reason
                message = f"Stopped: {reason}"
            except (Exception, SystemExit) as error:
                message = explain(step, error)
            finally:
                output = self._printed_output(slot)
        if verdict and not step.hidden:  # a student's code may have printed what it was given
            text = {"output_type": "stream", "name": "stdout", "text": captured.getvalue()}
            self._keep(step, [*output, *([text] if text["text"] else [])])
        if seen is not None:
            self.record.values.setdefault(step.question, []).extend(seen)
        return message

    def _keep(self, step: Step, outputs: list[Any]) -> None:
        """Keep a cell's outputs, as long as there is room for the notebook's."""
        size = len(json.dumps(outputs))
        self._output_left -= size
        if self._output_left < 0:
            note = "[more output than is kept]\n"
            outputs = [{"output_type": "stream", "name": "stdout", "text": note}]
        self.record.outputs[step.index] = outputs

    def _printed_output(self, slot: _WorkerSlot) -> list[Any]:
        """What the student's functions printed in a test."""
        if slot.client is None:
            return []
        slot.client.record = None
        try:
            return slot.client.output()
        except WorkerLost:
            slot.close()
            return []

    def _reason(self, gone: WorkerLost, label: str) -> str:
        """Why a process was lost, and what that means for the rest."""
        cause = self._termination_reason()
        if time.monotonic() >= self._deadline:
            self._end("timed out", label)
            self._over = f"the notebook took longer than {self._limits.total:g} seconds."
            return self._over
        if gone.how == "timed out":
            self._end("timed out", label)
            return (
                f"{label} did not end in time ({self._limits.call:g} seconds for a call, "
                f"{self._limits.cell:g} for a cell)."
            )
        self._end("stopped", label)
        if cause:
            return f"the process was ended in {label}: {cause}."
        if gone.how == "malformed":
            return f"the process sent something that is no value in {label}."
        return f"the process died in {label}."

    def _end(self, outcome: str, label: str) -> None:
        """Record how the run went wrong; the first time counts."""
        if self.record.outcome == "complete":
            self.record.outcome, self.record.detail = outcome, label


class _WorkerSlot:
    """Holds the student's process of one pass, if there is one."""

    def __init__(self) -> None:
        self.client: Client | None = None

    def close(self) -> None:
        if self.client is not None:
            self.client.close()
            self.client = None


def explain(step: Step, error: BaseException) -> str:
    """The message for the student.

    Of a hidden test only the author's own sentences are shown: any other text, the student's
    exceptions included, could carry the test's values.
    """
    theirs = isinstance(error, StudentError)
    name = error.ename if isinstance(error, StudentError) else type(error).__name__
    text = error.evalue if isinstance(error, StudentError) else str(error)
    if theirs and (name, text) == ("NotImplementedError", ""):
        return NOT_WRITTEN
    if isinstance(error, ArgumentChanged):
        return text
    if not step.hidden:
        if isinstance(error, AssertionError) and not theirs:
            return text[:MESSAGE_CHARS] or "This test failed."
        unseen = name == "NameError" and not any(f"'{own}'" in text for own in step.names)
        return _error_text(name, text) + (f". {OUT_OF_SIGHT}" if unseen else "")
    if isinstance(error, AssertionError) and not theirs:
        for sentence in string_literals(step.source):
            if len(sentence) >= SHORTEST_SENTENCE and sentence in text:
                return sentence
        return "This hidden test failed."
    if name not in EXCEPTIONS:
        return "An exception was raised while this hidden test ran."
    return f"{name} was raised while this hidden test ran."


def _error_text(name: str, text: str) -> str:
    return f"{name}: {text.strip()[:EVALUE_CHARS]}".rstrip(": ")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def string_literals(source: str) -> list[str]:
    """Every string constant in a cell, longest first: the messages an author may have written."""
    found = {
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return sorted(found, key=len, reverse=True)


def _names(source: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}


class _Capped(io.StringIO):
    """Keeps the beginning of what is printed."""

    def write(self, text: str) -> int:
        return super().write(text[: max(0, _PRINTED_CHARS - self.tell())])


@contextlib.contextmanager
def _captured_output() -> Iterator[io.StringIO]:
    captured = _Capped()
    with contextlib.redirect_stdout(captured), contextlib.redirect_stderr(captured):
        yield captured


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raise _Overtime after some seconds, where the system has alarms."""
    if (
        not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return

    def ring(_: int, frame: FrameType | None) -> None:
        if frame is not None and frame.f_globals.get("__name__", "").startswith("coverage."):
            # It holds a lock there, and would never give it back.
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS)
            return
        raise _Overtime

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


_PARTS = 500  # kept of one value: words of its structure, and numbers
_VALUES = 50_000  # of all values of a question


def _summary(label: str, value: object, parts: int) -> list[Any]:
    """A returned value as (label, structure, numbers), to compare with another answer's.

    Numbers of one shape are the same in a list, an array, or a tensor of any precision.
    """
    shape: list[str] = []
    numbers: list[float] = []
    torch = sys.modules.get("torch")
    arrays = (np.ndarray, torch.Tensor) if torch else (np.ndarray,)

    def walk(part: Any) -> None:
        if len(shape) + len(numbers) >= parts:
            return
        if (array := checks.as_array(part)) is not None:
            shape.append(f"numbers {array.shape}")
            flat = array.reshape(-1)[: parts - len(numbers)]
            numbers.extend(np.clip(flat, -_LARGEST, _LARGEST).tolist())
        elif isinstance(part, StudentError):
            shape.append(f"raised {part.args[0] if part.args else ''}")
        elif part is None or type(part) in (bool, str):
            shape.append(repr(part)[:80])
        elif type(part) in (list, tuple):
            shape.append(f"sequence {len(part)}")
            for item in part[:parts]:
                walk(item)
        elif type(part) is dict:
            shape.append(f"dict {len(part)}")
            for key, item in itertools.islice(part.items(), parts):
                shape.append(repr(key)[:80])
                walk(item)
        elif type(part) in arrays:  # neither real nor whole numbers
            shape.append(f"{part.dtype} {tuple(part.shape)}")
            flat = part.reshape(-1)[: parts - len(numbers)].tolist()
            numbers.extend(abs(n) if isinstance(n, complex) else float(n) for n in flat)
        elif isinstance(part, np.generic):
            walk(part.item())
        else:
            shape.append(type(part).__name__)

    walk(value)
    return [label, shape, numbers]
