"""A warm process that is forked once per request; the same for workers and runners.

It has one thread, so that a fork copies no half-held lock: with torch that means one OpenMP thread,
and it is checked before every fork. Requests are JSON frames on a control socket:

``{"do": "fork", "id": n, "group": k, ...}`` followed by 1 + k file descriptors: start a child with
the first. The others, if there are any, are those of its control group (``"peak"``: whether the
second is where its peak stands): the kernel counts its memory then, and else this process does.
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
from collections.abc import Callable, Sequence
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
    # Not as ASCII, which can be three times as long: a job is bounded by the bytes handed in.
    text = json.dumps(message, ensure_ascii=False)
    framing.send(sock, text.encode("utf-8", "surrogatepass"), deadline=deadline)


def receive(sock: socket.socket, *, deadline: float | None = None) -> dict[str, Any]:
    """Receive a JSON frame from a process of our own."""
    data = framing.receive(sock, limit=ORDER_BYTES, deadline=deadline)
    return dict(json.loads(data.decode("utf-8", "surrogatepass")))


def send_fds(sock: socket.socket, fds: Sequence[int]) -> None:
    """Pass open files on."""
    socket.send_fds(sock, [b"+"], fds)


def receive_fds(sock: socket.socket, count: int) -> list[int]:
    """Take the files that were passed on."""
    _, fds, _, _ = socket.recv_fds(sock, 1, count)
    if len(fds) != count:
        for fd in fds:
            os.close(fd)
        raise framing.Closed(f"{len(fds)} files were passed on, wanted {count}")
    return list(fds)


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
    events: int = -1  # of its control group; -1: it has none
    peak_file: int = -1

    def look_at_group(self) -> bool:
        """Whether the kernel has ended a process of the group for its memory; notes the peak."""
        if self.peak_file >= 0:
            self.peak = max(self.peak, int(os.pread(self.peak_file, 100, 0)))
        lines = os.pread(self.events, 4_000, 0).decode("ascii").splitlines()
        return any(line.startswith("oom_kill ") and line.split()[1] != "0" for line in lines)

    def close(self) -> None:
        for fd in (self.events, self.peak_file):
            if fd >= 0:
                os.close(fd)


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
            fd, *group = receive_fds(self._control, 1 + request.get("group", 0))
            try:
                reply = self._fork(fd, group, request)
            finally:
                os.close(fd)
        else:
            reply = self._end(request["id"])
        send(self._control, reply)

    def _fork(self, fd: int, group: list[int], request: dict[str, Any]) -> dict[str, Any]:
        watched = group[: 1 + bool(request.get("peak"))]
        entrances = group[len(watched) :]
        child = _Child(0, -1, memory=request.get("memory", 0))
        if watched:
            child.events, child.peak_file = watched[0], (watched[1:] or [-1])[0]
        if threads() != 1:
            for entrance in entrances:
                os.close(entrance)
            child.close()
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
                self._start(fd, {**request, "entrances": entrances}, writing)
            finally:
                os._exit(SETUP_FAILED)
        os.close(writing)
        for entrance in entrances:
            os.close(entrance)
        if self._groups:  # whoever comes first
            with contextlib.suppress(OSError):
                os.setpgid(pid, pid)
        child.pid, child.errors = pid, reading
        self._children[request["id"]] = child
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
        if child.events >= 0:
            if child.look_at_group():
                child.termination_reason = _too_much(child)
            child.close()
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

    def _stop(self, child: _Child) -> None:
        """End a child that holds too much memory, and say so to who asks."""
        child.termination_reason = _too_much(child)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGTERM)

    def _watch(self) -> None:
        """End the children whose processes together hold more memory than they may."""
        watched: dict[int, _Child] = {}
        for child in self._children.values():
            if not child.memory or child.termination_reason:
                continue
            if child.events < 0:
                watched[child.pid] = child
            elif child.look_at_group():
                self._stop(child)  # all of it, as the kernel has ended a part
        if not watched:
            return
        for root, pids in _trees(set(watched)).items():
            child = watched[root]
            tables = sum(_of_status(pid, _TABLES) for pid in pids)
            held = tables + sum(map(_resident, pids))
            now = time.monotonic()
            # Above, an upper bound, as it counts what is shared as own; tables are nobody else's.
            if tables <= child.memory and held > child.memory // 2:
                if now < child.next_look:
                    continue
                # Walking through page tables takes long, and all others wait for it.
                held = tables + sum(map(_proportional, pids))
                child.next_look = time.monotonic() + 5 * (time.monotonic() - now)
            child.peak = max(child.peak, held)
            if held > child.memory:
                self._stop(child)


def _too_much(child: _Child) -> str:
    return f"it used more than {child.memory // _MIB:,} MiB of memory"


_HELD = ("RssAnon:", "RssShmem:")
_TABLES = ("VmPTE:",)  # of a page that was only read they are all that is held


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
    return _of_status(pid, _HELD)


def _of_status(pid: int, names: tuple[str, ...]) -> int:
    """Sum of some sizes that the kernel tells of a process, in bytes."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return 0
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith(names))


def _proportional(pid: int) -> int:
    """Memory of a process, with what it shares divided among those that share it."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            lines = file.read().splitlines()
    except OSError:
        return _resident(pid)
    kilobytes = [int(line.split()[1]) for line in lines if line.startswith(("Pss_Anon", "Pss_Shm"))]
    return 1024 * sum(kilobytes)
