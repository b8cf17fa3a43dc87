"""Starts fork servers and talks to them: one in the sandbox for workers, one for test runners."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autograder.errors import CourseError, EngineError
from autograder.execution import private_copy
from autograder.execution.control_groups import ControlGroup
from autograder.execution.sandbox import fork_server, outer_layer
from gradekit.local import FIXED_HASHES, SETTINGS
from gradekit.protocol import framing

FOLDER = "grade-"  # and the grader's process number
_START_SECONDS = 120.0  # a busy machine may take long to import torch
_ANSWER_SECONDS = 60.0
_REPOSITORY = Path(__file__).resolve().parents[2]


class ForkServerProcess:
    """A fork server that was started, and its children. Calls may come from several threads.

    Parameters
    ----------
    command : what to run.
    control, inside : the two ends of a socket; the server gets the second.
    orders : sent to it first.
    environment : in place of this process's.
    name : of the server, in messages.
    folder : made for it, and removed when it has ended.
    """

    def __init__(
        self,
        command: Sequence[str],
        control: socket.socket,
        inside: socket.socket,
        orders: Mapping[str, Any],
        *,
        environment: Mapping[str, str] | None = None,
        name: str,
        folder: Path | None = None,
    ) -> None:
        self._name = name
        self._folder = folder
        self._lock = threading.Lock()
        self._last = 0
        self._control = control
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        try:
            self._process = subprocess.Popen(
                command,
                pass_fds=[inside.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=self._output,
                env=None if environment is None else dict(environment),
                start_new_session=True,  # Ctrl-C in a terminal goes to the grader alone
            )
        except OSError as error:
            raise EngineError(f"{name} could not be started ({error})") from error
        finally:
            inside.close()
        deadline = time.monotonic() + _START_SECONDS
        try:
            fork_server.send(control, dict(orders), deadline=deadline)
            self.ready = fork_server.receive(control, deadline=deadline)
        except (framing.Closed, framing.TooLate, OSError, ValueError) as error:
            self._end()
            last_line = self._last_line()
            self._output.close()
            raise EngineError(
                f"{name} did not start" + (f": {last_line}" if last_line else f" ({error})")
            ) from error

    def fork(self, fd: int, *, group: ControlGroup | None = None, **order: Any) -> int:
        """Start a child that gets an open file, in a control group if one is given.

        Returns the child's number.
        """
        fds = [fd]
        if group is not None:
            fds += group.fds
            order |= {"group": len(group.fds), "peak": group.peak >= 0}
        with self._lock:
            self._last += 1
            number = self._last
            reply = self._ask({"do": "fork", "id": number, **order}, fds)
        if "error" in reply:
            raise EngineError(f"{self._name}: {reply['error']}")
        return number

    def end(self, number: int) -> dict[str, Any]:
        """End a child; returns how it ended."""
        with self._lock:
            return self._ask({"do": "end", "id": number}, [])

    def _ask(self, request: dict[str, Any], fds: Sequence[int]) -> dict[str, Any]:
        deadline = time.monotonic() + _ANSWER_SECONDS
        try:
            fork_server.send(self._control, request, deadline=deadline)
            if fds:
                fork_server.send_fds(self._control, fds)
            return fork_server.receive(self._control, deadline=deadline)
        except (framing.Closed, framing.TooLate, OSError, ValueError) as error:
            raise EngineError(f"{self._name} does not answer ({error})") from error

    def _last_line(self) -> str:
        """The last line that the process wrote."""
        self._output.seek(0)
        lines = self._output.read(100_000).decode("utf-8", "replace").strip().splitlines()
        return lines[-1][:300] if lines else ""

    def close(self) -> None:
        """End it and every child of its."""
        self._end()
        self._output.close()

    def _end(self) -> None:
        self._control.close()
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._folder is not None:  # it is shown inside as long as there is an inside
            shutil.rmtree(self._folder, ignore_errors=True)


def start_template(
    *,
    given: list[str],
    hide: Sequence[str],
    memory: int,
    seconds: int,
    bwrap: str | None,
    modules: Sequence[str] = (),
    counted: bool = False,
) -> ForkServerProcess:
    """The fork server of students' workers.

    Parameters
    ----------
    given : the assignment's given cells, for what they load.
    hide : modules that are not shown.
    memory : bytes that each child may hold beyond the server's.
    seconds : of computing that each process may take.
    bwrap : path of bubblewrap; None: without a sandbox.
    modules : loaded besides.
    counted : whether each child gets a control group that counts its memory.
    """
    control, inside = socket.socketpair()
    orders = {
        "given": given,
        "hide": list(hide),
        "modules": list(modules),
        "memory": memory,
        "seconds": seconds,
        "sandboxed": bwrap is not None,
        "counted": counted,
    }
    run = f"from autograder.execution.sandbox.template import main; main({inside.fileno()})"
    if bwrap is None:
        return ForkServerProcess(
            [sys.executable, "-c", run],
            control,
            inside,
            orders,
            environment={**_plain_environment(), **FIXED_HASHES},
            name="the template",
        )
    folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-", dir=_open_folder()))
    try:
        try:
            private_copy.make(folder / "copies", hide)
        except OSError as error:
            raise CourseError(
                f"the library can't be copied to {folder.parent} ({error.strerror or error}); "
                "make room there, or set TMPDIR to another folder"
            ) from error
        line = _sandboxed_command(bwrap, run, folder)
        server = ForkServerProcess(line, control, inside, orders, name="the sandbox", folder=folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return server


def start_runners(*, given: list[str]) -> ForkServerProcess:
    """The fork server from which a test runner is forked for each submission."""
    control, inside = socket.socketpair()
    module = "autograder.execution.runner_process"
    run = f"from {module} import main; main({inside.fileno()}, {os.getpid()})"
    return ForkServerProcess(
        [sys.executable, "-c", run],
        control,
        inside,
        {"given": given},
        environment=_plain_environment(),
        name="the test runner",
    )


def _open_folder() -> str:
    """Where the sandbox's folder stands: as root it must be open to the user that root becomes."""
    places = [tempfile.gettempdir()]
    if os.geteuid() == 0:
        places = [p for p in (*places, "/tmp", "/var/tmp", "/run") if _is_open(Path(p))]
    if not places:
        raise EngineError("no folder for temporary files is open to other users; set TMPDIR to one")
    return places[0]


def _is_open(folder: Path) -> bool:
    path = folder.resolve()
    return path.is_dir() and all(p.stat().st_mode & 0o001 for p in (path, *path.parents))


def sweep() -> None:
    """Remove the folders of graders that were killed before they could do so."""
    for path in Path(_open_folder()).glob(f"{FOLDER}*"):
        pid = path.name.removeprefix(FOLDER).split("-")[0]
        if pid.isdigit() and not Path("/proc", pid).exists():
            shutil.rmtree(path, ignore_errors=True)  # another person's can't be removed


def _sandboxed_command(bwrap: str, run: str, folder: Path) -> list[str]:
    copies = folder / "copies"
    if os.geteuid() != 0:
        return outer_layer.command(bwrap, run, copies=copies)
    root = folder / "root"
    root.mkdir()
    folder.chmod(0o755)
    line = outer_layer.command(bwrap, run, copies=copies, root=str(root))
    plan = {
        "folder": str(root),
        "binds": [[bind.source, bind.target] for bind in outer_layer.binds(copies)],
        "command": line,
    }
    start = (
        f"import sys; sys.path.insert(0, {str(_REPOSITORY)!r}); "
        "from autograder.execution.sandbox.drop_privileges import main; main()"
    )
    return [sys.executable, "-I", "-S", "-c", start, json.dumps(plan)]


def _plain_environment() -> dict[str, str]:
    """For test runners, and for workers without a sandbox.

    One thread, and no downloads, so that both sides have the same data.
    """
    path = os.pathsep.join(filter(None, [str(_REPOSITORY), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, **SETTINGS, "REPLEARN_OFFLINE": "1", "PYTHONPATH": path}
