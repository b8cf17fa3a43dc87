"""A student's process on the student's own machine: no sandbox, the same requests.

The two sides meet on a loopback TCP connection, which is the one way that Linux, macOS and Windows
share; a token that only the child was told keeps other programs of the machine out. The child's
standard input stays open as long as the parent lives, and the child ends with it, whatever it does.
"""

from __future__ import annotations

import contextlib
import hmac
import importlib
import importlib.util
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from gradekit.preload import preload
from gradekit.protocol import SEED_VARIABLE, framing
from gradekit.protocol.import_blocker import ImportBlocker

if TYPE_CHECKING:
    from gradekit.protocol.client import Client

_START_SECONDS = 180.0  # a cold disk may take long to import torch
_TOKEN_SECONDS = 5.0
# Threads as in the grader, whose last digits are those of one thread; no accelerator there either.
SETTINGS = {
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
    "CUDA_VISIBLE_DEVICES": "",
    "REPLEARN_DEVICE": "cpu",
}
"""Environment variables of both sides, to be set before NumPy is imported."""
# Of the student's side alone: sets have one order. (The tests' side keeps its own secret.)
FIXED_HASHES = {"PYTHONHASHSEED": "0"}
"""Environment variables of the student's side alone."""


class StartError(Exception):
    """No process could be started for the student's cells: one sentence that says why."""


class LocalRunner:
    """Starts the student's processes, one at a time; none is left after the with.

    Parameters
    ----------
    given : the assignment's given cells, for what they load.
    hide : modules that the student's process can't import.
    call_seconds : how long one call may take.
    """

    def __init__(self, *, given: Sequence[str], hide: Sequence[str], call_seconds: float) -> None:
        self._orders = {"given": list(given), "hide": list(hide)}
        self._call_seconds = call_seconds
        self._child: _Child | None = None
        self._fresh = False

    def __enter__(self) -> LocalRunner:
        if importlib.util.find_spec("IPython") is None:
            raise StartError(
                "Jupyter is not installed for this Python (there is no IPython); "
                "install it with: pip install jupyterlab"
            )
        self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.end()

    def wait(self) -> None:
        """Return when the first process is ready, so that this costs no test its time."""
        assert self._child is not None
        self._child.connect()

    def start_worker(self) -> Client:
        """A fresh process; the one before is ended."""
        from gradekit.protocol.client import Client  # late: it imports NumPy

        if not self._fresh:
            self._start()
        self._fresh = False
        assert self._child is not None
        return Client(self._child.connect(), call_seconds=self._call_seconds)

    def end(self) -> None:
        """End the process, if there is one."""
        child, self._child = self._child, None
        if child is not None:
            child.end()

    def termination_reason(self) -> str:
        """Why the process was lost: here nobody knows more than that."""
        self.end()
        return ""

    def _start(self) -> None:
        self.end()
        # Once torch is loaded here its random state goes with every call, and a call's time is
        # too short to import it there.
        self._child = _Child({**self._orders, "torch": "torch" in sys.modules})
        self._fresh = True


class _Child:
    def __init__(self, orders: Mapping[str, Any]) -> None:
        self._token = secrets.token_hex(32)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in end()
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._process: subprocess.Popen[bytes] | None = None
        self._session: socket.socket | None = None
        # Its own, as in grading: the files beside the notebook come over the socket.
        self._folder = tempfile.TemporaryDirectory(prefix="check-", ignore_cleanup_errors=True)
        try:
            self._listener.bind(("127.0.0.1", 0))
            self._listener.listen()
            self._process = subprocess.Popen(
                # -P: no module of the student's own may be taken for one of the library's.
                [sys.executable, "-P", "-c", "from gradekit.local import serve; serve()"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                cwd=self._folder.name,
                env=_environment(),
                # Ctrl-C is for the parent, which ends the child.
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
            port = self._listener.getsockname()[1]
            own = {"port": port, "token": self._token, "folder": self._folder.name}
            line = json.dumps({**orders, **own}) + "\n"
            assert self._process.stdin is not None
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()
        except BaseException as error:
            reason = self._last_line()
            self.end()
            if isinstance(error, OSError):
                raise _cannot_start(reason or str(error)) from error
            raise

    def connect(self) -> socket.socket:
        """Wait until the child is ready; the connection to it."""
        if self._session is not None:
            return self._session
        assert self._process is not None
        deadline = time.monotonic() + _START_SECONDS
        self._listener.settimeout(0.2)
        while time.monotonic() < deadline:
            try:
                sock, _ = self._listener.accept()
            except TimeoutError:
                if self._process.poll() is None:
                    continue
                raise _cannot_start(self._last_line() or "it ended at once") from None
            if self._knows_token(sock):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._session = sock
                return sock
            sock.close()
        raise _cannot_start(f"it was not ready after {_START_SECONDS:g} seconds")

    def _knows_token(self, sock: socket.socket) -> bool:
        deadline = time.monotonic() + _TOKEN_SECONDS
        try:
            token = framing.receive(sock, limit=len(self._token), deadline=deadline)
        except (framing.Closed, framing.TooLate, framing.TooLong):
            return False
        return hmac.compare_digest(token, self._token.encode())

    def _last_line(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read(100_000).decode("utf-8", "replace").strip().splitlines()
        return lines[-1][:300] if lines else ""

    def end(self) -> None:
        """Kill it and, where processes come in groups, what it started."""
        for sock in (self._listener, self._session):
            if sock is not None:
                sock.close()
        if self._process is not None:
            if sys.platform == "win32":
                self._process.kill()
            else:
                # The group may be gone; macOS denies a signal to one whose leader has ended.
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)
            if self._process.stdin is not None:
                with contextlib.suppress(OSError):
                    self._process.stdin.close()
            self._process.wait()
        self._errors.close()
        self._folder.cleanup()


def _cannot_start(reason: str) -> StartError:
    return StartError(f"no process could be started for your cells ({reason})")


def _environment() -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if name != SEED_VARIABLE}
    return {
        **kept,
        **SETTINGS,
        **FIXED_HASHES,
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }


def serve() -> NoReturn:
    """The child: get ready, connect, and answer until the parent hangs up."""
    orders = json.loads(sys.stdin.buffer.readline())
    lifeline = os.dup(0)  # not passed on to what the student's code may start
    ImportBlocker(orders["hide"]).install()
    from gradekit.protocol.worker import Worker, make_shell

    if orders["torch"]:
        importlib.import_module("torch")
    preload(orders["given"])
    shell = make_shell()
    sock = socket.create_connection(("127.0.0.1", orders["port"]))
    sock.settimeout(None)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    framing.send(sock, orders["token"].encode(), deadline=None)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    threading.Thread(target=_end_with, args=(lifeline, orders["folder"]), daemon=True).start()
    Worker(shell, sock).serve()
    os._exit(0)


def _end_with(lifeline: int, folder: str) -> None:
    """End this process, and what it started, when the parent is gone; with its folder."""
    with contextlib.suppress(OSError):
        while os.read(lifeline, 1):
            pass
    shutil.rmtree(folder, ignore_errors=True)
    if sys.platform != "win32":
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
