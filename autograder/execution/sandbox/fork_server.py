"""A warm process that is forked once per request; the same for workers and runners.

It has one thread, so that a fork copies no half-held lock: with torch that means one OpenMP thread,
and it is checked before every fork. Requests are JSON frames on a control socket:

``{"do": "fork", "id": n, ...}`` followed by one file descriptor: start a child with it.
``{"do": "end", "id": n}``: end that child; the reply says how it ended, and why if that is known.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from gradekit.protocol import framing

ORDER_BYTES = 64 * 2**20
SETUP_FAILED = 70  # exit status of a child whose sandbox layer could not be built
_WATCH_SECONDS = 0.2
_STOP_SECONDS = 10.0
_MIB = 2**20


def send(sock: socket.socket, message: dict[str, Any], *, deadline: float | None = None) -> None:
    """Send a JSON frame."""
    framing.send(sock, json.dumps(message).encode(), deadline=deadline)


def receive(sock: socket.socket, *, deadline: float | None = None) -> dict[str, Any]:
    """Receive a JSON frame from a process of our own."""
    data = framing.receive(sock, limit=ORDER_BYTES, deadline=deadline)
    return dict(json.loads(data))


def send_fd(sock: socket.socket, fd: int) -> None:
    """Pass an open file on."""
    socket.send_fds(sock, [b"+"], [fd])


def receive_fd(sock: socket.socket) -> int:
    """Take the file that was passed on."""
    _, fds, _, _ = socket.recv_fds(sock, 1, 1)
    if not fds:
        raise framing.Closed("no file was passed on")
    return int(fds[0])


def threads() -> int:
    """Threads of this process; 1 where the system can't say."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 1


@dataclass
class _Child:
    pid: int
    errors: int  # the read end of a pipe on which it says that its layer could not be built
    termination_reason: str = ""
    peak: int = 0
    memory: int = 0  # bytes allowed to its whole tree; 0: not watched
    next_look: float = 0.0


class ForkServer:
    """Serves one control socket; returns when that is closed.

    Parameters
    ----------
    control : requests come from here.
    start : runs in the forked child, with the file that came, the request, and a pipe on which to
        say that its sandbox layer could not be built; must not return.
    groups : whether a child leads a process group that is to end with it (in the sandbox, all that
        a child started ends with it anyway).
    """

    def __init__(
        self,
        control: socket.socket,
        start: Callable[[int, dict[str, Any], int], NoReturn],
        *,
        groups: bool = False,
    ) -> None:
        self._control, self._start, self._groups = control, start, groups
        self._children: dict[int, _Child] = {}

    def serve(self) -> None:
        """Answer requests until the control socket is closed; then end all children."""
        poller = select.poll()
        poller.register(self._control, select.POLLIN | select.POLLHUP)
        try:
            while True:
                watching = any(child.memory for child in self._children.values())
                if poller.poll(1000 * _WATCH_SECONDS if watching else None):
                    self._answer(receive(self._control))
                self._watch()
        except framing.Closed:
            for number in list(self._children):
                self._end(number)

    def _answer(self, request: dict[str, Any]) -> None:
        if request["do"] == "fork":
            fd = receive_fd(self._control)
            try:
                reply = self._fork(fd, request)
            finally:
                os.close(fd)
        else:
            reply = self._end(request["id"])
        send(self._control, reply)

    def _fork(self, fd: int, request: dict[str, Any]) -> dict[str, Any]:
        if threads() != 1:
            return {"error": f"the template has {threads()} threads, and only one can be forked"}
        reading, writing = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            try:
                self._control.close()
                os.close(reading)
                if self._groups:
                    os.setpgid(0, 0)
                self._start(fd, request, writing)
            finally:
                os._exit(SETUP_FAILED)
        os.close(writing)
        if self._groups:  # whoever comes first
            with contextlib.suppress(OSError):
                os.setpgid(pid, pid)
        self._children[request["id"]] = _Child(pid, reading, memory=request.get("memory", 0))
        return {"ok": True}

    def _end(self, number: int) -> dict[str, Any]:
        """End a child and say how it was: a child that is gone already has a status of its own."""
        child = self._children.pop(number)
        with contextlib.suppress(ProcessLookupError):
            if self._groups:
                os.killpg(child.pid, signal.SIGKILL)
            else:
                os.kill(child.pid, signal.SIGTERM)
        status = self._reap(child)
        with os.fdopen(child.errors, "rb") as pipe:
            setup_error = pipe.read(2_000).decode("utf-8", "replace")
        return {
            "status": status,
            "termination_reason": child.termination_reason,
            "setup_error": setup_error,
            "peak": child.peak,
        }

    def _reap(self, child: _Child) -> int:
        deadline = time.monotonic() + _STOP_SECONDS
        while time.monotonic() < deadline:
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.001)
        os.kill(child.pid, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])

    def _watch(self) -> None:
        """End the children whose processes together hold more memory than they may."""
        watched = {
            c.pid: c for c in self._children.values() if c.memory and not c.termination_reason
        }
        if not watched:
            return
        for root, pids in _trees(set(watched)).items():
            child = watched[root]
            held = sum(map(_resident, pids))
            now = time.monotonic()
            if held > child.memory // 2:  # an upper bound, as it counts what is shared as own
                if now < child.next_look:
                    continue
                # Walking through page tables takes long, and all others wait for it.
                held = sum(map(_proportional, pids))
                child.next_look = time.monotonic() + 5 * (time.monotonic() - now)
            child.peak = max(child.peak, held)
            if held > child.memory:
                child.termination_reason = (
                    f"it used more than {child.memory // _MIB:,} MiB of memory"
                )
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGTERM)


_HELD = ("RssAnon:", "RssShmem:")


def _trees(roots: set[int]) -> dict[int, list[int]]:
    """The processes below each root."""
    parents: dict[int, int] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue  # it ended meanwhile
            parents[int(name)] = int(fields[1])
    trees: dict[int, list[int]] = {root: [] for root in roots}
    for pid in parents:
        above = pid
        while above in parents and above not in roots:
            above = parents[above]
        if above in roots and pid != above:
            trees[above].append(pid)
    return trees


def _resident(pid: int) -> int:
    """Memory of a process that no file holds, what it shares with others included."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return 0
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith(_HELD))


def _proportional(pid: int) -> int:
    """Memory of a process, with what it shares divided among those that share it."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            lines = file.read().splitlines()
    except OSError:
        return _resident(pid)
    kilobytes = [int(line.split()[1]) for line in lines if line.startswith(("Pss_Anon", "Pss_Shm"))]
    return 1024 * sum(kilobytes)
