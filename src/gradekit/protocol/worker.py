"""The student's side: runs the cells of a notebook and answers calls, one request at a time.

Nothing here is trusted by the other side (:mod:`gradekit.protocol.client`): a student's code runs
in the same process and may change all of it, and then spoils its own answers only.

A request is a list that begins with its number and its name, a reply one that begins with the same
number; both are values of :mod:`gradekit.protocol.codec`:

============================================  =====================================================
``[n, "file", path, bytes as an array]``       ``[n, "value", None, {}]``
``[n, "run", source in pieces]``              ``[n, "ran", outputs, error or None]``
``[n, "resolve", names]``                     ``[n, "resolved", {name: value}]``
``[n, "call", target, args, kwargs]``         ``[n, "value", value, {index: changed argument}]``
``[n, "gradients", target, args, weights]``   ``[n, "value", [value, inputs, parameters], {}]``
``[n, "get", target, attribute]``             ``[n, "value", value, {}]``
``[n, "items", target]``                      ``[n, "value", list of what it iterates over, {}]``
``[n, "parts", target]``                      ``[n, "value", list of a tuple's parts or None, {}]``
``[n, "enter_branch"]``                       ``[n, "value", None, {}]``, from a copy of the process
``[n, "leave_branch"]``                       ``[n, "value", None, {}]``
``[n, "seed", state of a generator]``         ``[n, "value", None, {}]``
``[n, "output"]``                             ``[n, "ran", outputs, None]``
============================================  =====================================================

A target is a reference: to an object that a call returned, or to a name. Where the student's code
raises, the reply is ``[n, "raised", name of the exception, its text]``, of a call or of gradients
with the changed arguments after it.
"""

from __future__ import annotations

import importlib
import io
import itertools
import os
import random
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from gradekit.arguments import Watched
from gradekit.protocol.codec import LIMITS, CodecError, Reference, decode, encode
from gradekit.protocol.framing import Closed, receive, send

MAX_ITEMS = 10_000  # what "items" lists at most
MAX_KEPT = 100_000  # objects that calls may leave behind
STREAM_CHARS = 200_000  # kept of what one cell prints; in UTF-8 that still is one string
OUTPUT_CHARS = 900_000  # kept of all else that it shows
OUTPUTS = 200
_TEXT = 2_000  # kept of an exception's text
_LEFT = 47  # exit status of a branch that was left, which no other end of a process has by chance


class _Stream(io.TextIOBase):
    """Standard output or error of the cell that runs; what is over the cap is dropped."""

    def __init__(self, name: str, capture: _OutputCapture) -> None:
        self.name = name
        self._capture = capture

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._capture.add({"output_type": "stream", "name": self.name, "text": text}, len(text))
        return len(text)


class _OutputCapture:
    """Keeps the outputs of the cell that runs."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.outputs: list[dict[str, Any]] = []
        self._left, self._stream_left = OUTPUT_CHARS, STREAM_CHARS

    def add(self, output: dict[str, Any], chars: int) -> None:
        if output["output_type"] == "stream":
            output["text"] = output["text"][: max(self._stream_left, 0)]
            self._stream_left -= chars
            if not output["text"]:
                return
            last = self.outputs[-1] if self.outputs else {}
            if last.get("output_type") == "stream" and last["name"] == output["name"]:
                last.setdefault("parts", []).append(output["text"])
                return
        else:
            if chars > self._left:
                return
            self._left -= chars
        if len(self.outputs) < OUTPUTS:
            self.outputs.append(output)

    def take(self) -> list[dict[str, Any]]:
        for output in self.outputs:
            if "parts" in output:
                output["text"] += "".join(output.pop("parts"))
        taken, self.outputs = self.outputs, []
        return taken


class Shell(InteractiveShell):
    """IPython without a terminal and without a network: cells, magics, rich output."""

    def init_history(self) -> None:
        """Keep no history, and list none among the settings."""
        super().init_history()
        self.configurables = [c for c in self.configurables if c is not self.history_manager]

    def _showtraceback(self, etype: Any, evalue: Any, stb: Any) -> None:
        lines = [str(line) for line in stb]
        content = {"ename": _name(etype), "evalue": _text(evalue), "traceback": lines}
        self.capture.add({"output_type": "error", **content}, sum(map(len, lines)))

    def enable_gui(self, gui: Any = None) -> None:
        """Nothing to do without a screen; %matplotlib asks for it."""

    def ask_exit(self) -> None:
        """exit() ends nothing: the tests still have questions."""

    capture: Any = None


class _Publisher(DisplayPublisher):  # type: ignore[misc,unused-ignore]
    """Display data is an output too."""

    def publish(self, data: Any, metadata: Any = None, source: Any = None, **_: Any) -> None:
        _add_rich(self.shell.capture, "display_data", data)


def _add_rich(capture: Any, kind: str, data: Any) -> None:
    kept = {key: text for key, text in dict(data).items() if isinstance(text, str)}
    capture.add({"output_type": kind, "data": kept}, sum(map(len, kept.values())))


def make_shell() -> Shell:
    """The one shell of this process; it starts no thread and writes no file."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.xmode = "Plain"
    Shell.clear_instance()
    shell = Shell.instance(config=config)
    shell.capture = _OutputCapture()
    shell.display_pub = _Publisher(parent=shell)
    shell.display_pub.shell = shell
    hook = shell.displayhook

    def show(result: Any) -> None:
        if result is None or hook.quiet():
            return
        data, _ = hook.compute_format_data(result)
        _add_rich(shell.capture, "execute_result", data)
        hook.update_user_ns(result)

    shell.display_trap.hook = show
    return shell


@dataclass(frozen=True)
class _Undefined:
    """Stands for a name that the student does not define."""

    name: str


class Worker:
    """Answers requests on a socket until it is closed."""

    def __init__(self, shell: Shell, sock: socket.socket) -> None:
        self._shell, self._sock = shell, sock
        self._process, self._leaving = os.getpid(), False
        self._kept: list[object] = []
        self._folder: Path | None = None  # of the files beside the notebook, once one has come

    def serve(self) -> None:
        """Return when the other side hangs up. Chance is the same each time."""
        sys.stdin = io.StringIO()
        random.seed(0)
        np.random.seed(0)
        capture = self._shell.capture
        streams = _Stream("stdout", capture), _Stream("stderr", capture)
        while True:
            try:
                data = receive(self._sock, limit=LIMITS.size, deadline=None)
            except Closed:
                return
            number, name, *rest = self._decode(data)
            sys.stdout, sys.stderr = streams
            kept = len(self._kept)
            reply = self._answer(getattr(self, f"_do_{name}"), rest)
            if os.getpid() != self._process:
                os._exit(1)  # a child that the student's code forked, and that came back
            if not reply:
                continue  # a branch was left
            try:
                send(self._sock, self._encode([number, *reply]), deadline=None)
            except CodecError as error:
                del self._kept[kept:]
                refused = f"the value returned can't be passed on: {error}"
                data = self._encode([number, "raised", "ValueError", refused])
                send(self._sock, data, deadline=None)
            except Closed:
                return
            if self._leaving:
                os._exit(_LEFT)

    def _answer(self, do: Callable[..., list[Any]], rest: list[Any]) -> list[Any]:
        try:
            return do(*rest)
        except BaseException as error:  # SystemExit and KeyboardInterrupt end a call, not the work
            return ["raised", _name(type(error)), _text(error)]

    def _do_file(self, path: str, content: Any) -> list[Any]:
        """Write a file beside the notebook into the working folder, for reading alone."""
        if self._folder is None:
            self._folder = _own_folder()
            # Last of all: a student's module takes the place of no other.
            others = [place for place in sys.path if place not in ("", str(self._folder))]
            sys.path[:] = [*others, str(self._folder)]
        parts = PurePosixPath(path).parts
        if not parts or PurePosixPath(path).is_absolute() or ".." in parts:
            raise ValueError(f"{path!r} is no path below the working folder")
        target = self._folder.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, "xb") as file:
            file.write(content.tobytes())
        target.chmod(0o444)
        importlib.invalidate_caches()
        return ["value", None, {}]

    def _do_run(self, pieces: list[str]) -> list[Any]:
        capture = self._shell.capture
        capture.clear()
        done = self._shell.run_cell("".join(pieces), store_history=True)
        error = done.error_before_exec or done.error_in_exec
        raised = None if error is None else [_name(type(error)), _text(error)]
        return ["ran", capture.take(), raised]

    def _do_resolve(self, names: list[str]) -> list[Any]:
        namespace = self._shell.user_ns
        return ["resolved", {name: namespace[name] for name in names if name in namespace}]

    def _do_call(self, target: object, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        called = Watched(self._find(target))
        return self._with_changes(called, lambda: called(*args, **kwargs))

    def _do_gradients(self, target: object, args: list[Any], weights: Any) -> list[Any]:
        from gradekit.checks import gradients_here

        called = Watched(self._find(target))
        return self._with_changes(called, lambda: list(gradients_here(called, args, weights)))

    def _with_changes(self, called: Watched, work: Callable[[], Any]) -> list[Any]:
        """What came of a call, and the arguments that it changed; None for what can't be sent."""
        try:
            reply = ["value", work()]
        except BaseException as error:
            reply = ["raised", _name(type(error)), _text(error)]
        return [*reply, {place: _sendable(value) for place, value in called.changed.items()}]

    def _do_get(self, target: object, attribute: str) -> list[Any]:
        return ["value", getattr(self._find(target), attribute), {}]

    def _do_items(self, target: Any) -> list[Any]:
        return ["value", list(itertools.islice(self._find(target), MAX_ITEMS)), {}]

    def _do_parts(self, target: Any) -> list[Any]:
        found = self._find(target)
        # The class is not asked: it may be the student's, with an __iter__ of its own.
        is_tuple = issubclass(type(found), tuple)
        return ["value", list(tuple.__iter__(found)) if is_tuple else None, {}]

    def _do_seed(self, state: Any) -> list[Any]:
        import torch

        torch.set_rng_state(state)
        return ["value", None, {}]

    def _do_enter_branch(self) -> list[Any]:
        """Go on in a copy of this process, until it is left; then here, as if nothing had been."""
        child = os.fork()
        if child:
            _, status = os.waitpid(child, 0)
            if os.waitstatus_to_exitcode(status) != _LEFT:
                os._exit(1)  # it is gone for another reason, and nobody answers
            return []
        self._process = os.getpid()
        return ["value", None, {}]

    def _do_leave_branch(self) -> list[Any]:
        self._leaving = True
        return ["value", None, {}]

    def _do_output(self) -> list[Any]:
        capture = self._shell.capture
        outputs = capture.take()
        capture.clear()
        return ["ran", outputs, None]

    def _find(self, target: object) -> Any:
        """What a reference was resolved to; NameError as Python words it."""
        if type(target) is _Undefined:
            raise NameError(f"name '{target.name}' is not defined")
        return target

    def _encode(self, value: object) -> bytes:
        return encode(value, opaque=self._keep)

    def _decode(self, data: bytes) -> Any:
        return decode(data, resolve=self._resolve, generators=True)

    def _keep(self, value: object) -> Reference:
        if len(self._kept) >= MAX_KEPT:
            raise CodecError(f"more than {MAX_KEPT:,} objects were returned")
        self._kept.append(value)
        name = _name(type(value))
        return Reference("object", len(self._kept) - 1, name, callable(value))

    def _resolve(self, reference: Reference) -> object:
        if reference.kind == "given":
            return self._shell.user_ns.get(reference.name, _Undefined(reference.name))
        return self._kept[reference.id]


def _sendable(value: object) -> object:
    """The value, or None where no code holds it: then it is only known to have changed."""
    try:
        encode(value, opaque=lambda _: Reference("object", 0, "object", False))
    except CodecError:
        return None
    return value


def _own_folder() -> Path:
    """The working folder when it is this process's own, and one made for it otherwise.

    It is in the sandbox and in the local check. Without a sandbox it is the grader's, where nothing
    may be written; the one made there has a name by which the grader removes it later.
    """
    if os.listdir():
        os.chdir(tempfile.mkdtemp(prefix=f"grade-{os.getpid()}-"))
    return Path.cwd()


def _name(kind: type) -> str:
    """A class's own name, as far as it is one."""
    name = str(getattr(kind, "__name__", "")) or "object"
    return name[:80] if name.isidentifier() else "object"


def _text(error: object) -> str:
    """Text of an exception; one that can't be had costs nothing else."""
    try:
        return str(error)[:_TEXT]
    except BaseException as other:
        return f"(its text raised {_name(type(other))})"
