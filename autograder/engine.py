"""Runs one submission and judges it: submission and assignment in, result out.

Everything else in the package talks to an :class:`Engine`, never to a kernel. :class:`KernelEngine`
runs the student's cells and the tests in one fresh kernel, as stock nbgrader does: it keeps honest
classes apart and survives loops and crashes, but it is no wall against code written to cheat.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Protocol

import zmq
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import KernelManager

from .assignment import Assignment, Cell, string_literals
from .rebuild import Step, rebuild, to_notebook
from .results import Outcome, Result, Submission, TestResult

_START_SECONDS = 120.0  # a busy machine may take long to import IPython
_GRACE_SECONDS = 3.0  # after an interrupt, before the kernel is killed
_POLL_SECONDS = 0.2
_OUTPUT_CHARS = 1_000_000  # kept per cell; the rest of the output is dropped
_OUTPUTS = 200
_MESSAGE_CHARS = 1_000
_EXCEPTION_CHARS = 200
_SHORTEST_SENTENCE = 8  # shorter string constants in a test are not messages


class EngineError(Exception):
    """The infrastructure failed (no kernel, engine stopped): says nothing about the submission."""


class Engine(Protocol):
    """Grades one submission. Must be safe to call from several threads at once."""

    @property
    def version(self) -> str:
        """Changes whenever the same submission may get another result."""

    def grade(self, submission: Submission, assignment: Assignment) -> Result:
        """Return the verdict; raise EngineError when there can't be one."""

    def close(self) -> None:
        """Stop what is running (the calls to grade raise EngineError)."""


class KernelEngine:
    """Engine that executes the rebuilt notebook in a fresh ipykernel, in an empty folder."""

    version = "kernel-1"

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def grade(self, submission: Submission, assignment: Assignment) -> Result:
        started = time.monotonic()
        steps = rebuild(assignment, submission)
        with _Kernel(self._stopped) as kernel:
            kernel.hide(assignment.hide)
            run = _Run(assignment, kernel)
            for index, step in enumerate(steps):
                run.step(index, step)
        return Result(
            student=submission.student,
            assignment=assignment.name,
            outcome=run.outcome,
            detail=run.detail,
            tests=tuple(run.tests),
            notes=(*submission.notes, *run.notes),
            seconds=round(time.monotonic() - started, 2),
            notebook=to_notebook(steps, run.outputs),
        )

    def close(self) -> None:
        self._stopped.set()


class _Run:
    """State of one pass over a notebook: what was judged so far and why it ended, if it did."""

    def __init__(self, assignment: Assignment, kernel: _Kernel) -> None:
        self.outcome: Outcome = "complete"
        self.detail = ""
        self.tests: list[TestResult] = []
        self.notes: list[str] = []
        self.outputs: dict[int, list[Any]] = {}
        self._assignment = assignment
        self._kernel = kernel
        self._deadline = time.monotonic() + assignment.total_seconds
        self._over = ""  # why nothing more can run

    def step(self, index: int, step: Step) -> None:
        if step.kind != "code":
            return
        name = step.cell.grade_id if step.cell else ""
        label = name or "a cell without a name"
        not_run = f"Not run: {self._over}." if self._over else ""
        failure = not_run or self._execute(index, step, label)
        if step.cell and step.cell.role == "test":
            self.tests.append(_verdict(step.cell, failure))
        elif failure and not self._over:
            self.notes.append(f"{label} stopped with an error: {failure}")

    def _execute(self, index: int, step: Step, label: str) -> str:
        """Run a cell; return why it failed, in the student's words, or an empty string."""
        limit = self._assignment.cell_seconds
        reply = self._kernel.run(step.source, min(limit, self._deadline - time.monotonic()))
        self.outputs[index] = reply.outputs
        if reply.ended == "died":
            self._end("stopped", label, f"the kernel died in {label}")
            return f"The kernel died while this cell ran ({label})."
        if reply.ended in ("timed out", "killed"):
            over = f"{label} did not end and had to be killed" if reply.ended == "killed" else ""
            total = self._assignment.total_seconds
            if time.monotonic() >= self._deadline:
                over = f"the notebook took longer than {total:g} seconds"
            self._end("timed out", label, over)
            return f"Stopped: {over or f'this cell did not end within {limit:g} seconds'}."
        if not reply.ename:
            return ""
        return _explain(step.cell, reply.ename, reply.evalue)

    def _end(self, outcome: Outcome, label: str, over: str) -> None:
        """Record how the run went wrong; the first time counts, except that a death tops it."""
        if self.outcome == "complete" or outcome == "stopped":
            self.outcome, self.detail = outcome, label
        self._over = over or self._over


def _verdict(cell: Cell, failure: str) -> TestResult:
    return TestResult(
        grade_id=cell.grade_id,
        question=cell.question,
        points=0 if failure else cell.points,
        max_points=cell.points,
        passed=not failure,
        message=failure,
    )


def _explain(cell: Cell | None, ename: str, evalue: str) -> str:
    """The message for the student. Of a hidden test only the author's own sentences are shown:
    any other text, the student's exceptions included, could carry the test's values."""
    if ename == "NotImplementedError" and not evalue:
        return "Not written yet: the code still raises NotImplementedError."
    if cell is not None and cell.hidden:
        if ename == "AssertionError":
            for sentence in string_literals(cell.source):
                if len(sentence) >= _SHORTEST_SENTENCE and sentence in evalue:
                    return sentence
            return "This hidden test failed."
        return f"{ename} was raised while this hidden test ran."
    if ename == "AssertionError":
        return evalue[:_MESSAGE_CHARS] or "This test failed."
    return f"{ename}: {evalue[:_EXCEPTION_CHARS]}".rstrip(": ")


class _Reply:
    """What came of one cell; ``ended`` is done, timed out (and interrupted), killed or died."""

    def __init__(self) -> None:
        self.ended = ""
        self.ename = ""
        self.evalue = ""
        self.outputs: list[Any] = []
        self._chars = 0

    def add_output(self, message: dict[str, Any]) -> None:
        kind, content = message["msg_type"], message["content"]
        if kind not in ("stream", "display_data", "execute_result", "error"):
            return
        self._chars += len(str(content))
        if self._chars > _OUTPUT_CHARS or len(self.outputs) >= _OUTPUTS:
            return
        last = self.outputs[-1] if self.outputs else {}
        if kind == "stream" and last.get("name") == content["name"]:
            last["text"] += content["text"]
        elif kind == "stream":
            self.outputs.append(
                {"output_type": kind, "name": content["name"], "text": content["text"]}
            )
        elif kind == "error":
            keys = ("ename", "evalue", "traceback")
            self.outputs.append({"output_type": kind, **{k: content[k] for k in keys}})
        else:
            output = {"output_type": kind, "data": content["data"], "metadata": content["metadata"]}
            if kind == "execute_result":
                output["execution_count"] = None
            self.outputs.append(output)


class _OwnPython(KernelSpecManager):  # type: ignore[misc,unused-ignore]
    """Starts kernels with this very interpreter, whatever kernels the user has installed."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        argv = [
            sys.executable,
            *("-m", "ipykernel_launcher", "-f", "{connection_file}"),
            "--HistoryManager.enabled=False",
            "--InteractiveShell.xmode=Plain",
            "--InteractiveShell.colors=nocolor",
        ]
        return KernelSpec(argv=argv, language="python", display_name=kernel_name)


# Runs in the kernel before the student's first cell, outside its namespace.
_HIDE = """
import sys

class _Hidden:
    def find_spec(self, name, path=None, target=None):
        if any(name == h or name.startswith(h + ".") for h in hidden):
            raise ImportError(
                f"{name} is what this assignment asks you to write; "
                "it can't be imported while grading"
            )

sys.meta_path.insert(0, _Hidden())
"""


class _Kernel:
    """A kernel of its own: own folder, own sockets, own process group; gone after the with."""

    def __init__(self, stopped: threading.Event) -> None:
        self._stopped = stopped

    def __enter__(self) -> _Kernel:
        self._exit = contextlib.ExitStack()
        try:
            self._start()
        except BaseException:
            self._exit.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def _start(self) -> None:
        self._check_stopped()
        temporary = tempfile.TemporaryDirectory(prefix="grade-", ignore_cleanup_errors=True)
        folder = Path(self._exit.enter_context(temporary))
        for name in ("work", "tmp", "ipython"):
            (folder / name).mkdir()
        self._manager = KernelManager(
            kernel_spec_manager=_OwnPython(),
            connection_file=str(folder / "kernel.json"),
        )
        if sys.platform != "win32":  # sockets in the private folder instead of TCP ports
            self._manager.transport = "ipc"
            self._manager.ip = str(folder / "s")
        one_thread = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        environment = {
            **os.environ,
            **one_thread,
            "OPENBLAS_NUM_THREADS": "1",
            "IPYTHONDIR": str(folder / "ipython"),
            "TMPDIR": str(folder / "tmp"),
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        }
        try:
            self._manager.start_kernel(
                cwd=str(folder / "work"),
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            self._exit.callback(self._kill)
            self._client: BlockingKernelClient = self._manager.blocking_client()
            self._client.start_channels(hb=False, stdin=False, control=False)
            self._exit.callback(self._client.stop_channels)
            self._client.wait_for_ready(timeout=_START_SECONDS)
        except (RuntimeError, OSError) as error:
            raise EngineError(f"no kernel could be started ({error})") from error

    def hide(self, modules: tuple[str, ...]) -> None:
        """Make modules impossible to import in this kernel."""
        code = f"exec({_HIDE!r}, {{'hidden': {modules!r}}})"
        reply = self.run(code, _START_SECONDS, silent=True)
        if reply.ended != "done" or reply.ename:
            raise EngineError(f"the kernel could not be prepared ({reply.ended} {reply.ename})")

    def run(self, code: str, seconds: float, *, silent: bool = False) -> _Reply:
        """Run one cell for at most so many seconds."""
        reply = _Reply()
        request = self._client.execute(
            code, silent=silent, store_history=not silent, allow_stdin=False, stop_on_error=False
        )
        if self._wait(request, reply, seconds):
            reply.ended = "done"
        elif not self._manager.is_alive():
            reply.ended = "died"
        else:
            self._manager.interrupt_kernel()
            if self._wait(request, reply, _GRACE_SECONDS):
                reply.ended = "timed out"
            else:
                reply.ended = "killed"
                self._kill()
        return reply

    def _wait(self, request: str, reply: _Reply, seconds: float) -> bool:
        """Collect until the cell is done; False when the time is over or the kernel is dead."""
        shell, iopub = self._client.shell_channel, self._client.iopub_channel
        poller = zmq.Poller()
        for channel in (shell, iopub):
            poller.register(channel.socket, zmq.POLLIN)
        deadline = time.monotonic() + max(seconds, 0)
        replied = idle = False
        while not (replied and idle):
            self._check_stopped()
            left = deadline - time.monotonic()
            if left <= 0:
                return replied
            ready = dict(poller.poll(int(1000 * min(left, _POLL_SECONDS)) + 1))
            if not ready and not self._manager.is_alive():
                return False
            if shell.socket in ready:
                message = shell.get_msg(timeout=0)
                if message["parent_header"].get("msg_id") == request:
                    content = message["content"]
                    if content["status"] != "ok":
                        reply.ename = _one_word(content.get("ename", "Error"))
                        reply.evalue = str(content.get("evalue", "")).strip()
                    replied = True
                    deadline = min(deadline, time.monotonic() + 2)  # what is still on its way
            if iopub.socket in ready:
                message = iopub.get_msg(timeout=0)
                if message["parent_header"].get("msg_id") == request:
                    reply.add_output(message)
                    idle = message["content"].get("execution_state") == "idle"
        return True

    def _check_stopped(self) -> None:
        if self._stopped.is_set():
            raise EngineError("the grader was stopped")

    def _kill(self) -> None:
        """End the kernel and whatever it started in its process group."""
        group = getattr(self._manager.provisioner, "pid", None)
        self._manager.shutdown_kernel(now=True)
        if group and hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)


def _one_word(name: object) -> str:
    """An exception's name, as shown to students: a class name and nothing else."""
    word = "".join(c for c in str(name) if c.isalnum() or c in "_.")
    return word[:80] or "Error"
