"""Control groups of the kernel: where one can be had, it counts all memory of a submission.

What a process has mapped is only a part of what it makes the kernel keep: pages of a shared mapping
stay when nobody maps them, and so do files in memory, pipes and sockets. A control group is charged
for each page by whoever made it.

An ordinary user has a group to divide where systemd gave one (``systemd-run --user --scope -p
Delegate=yes COMMAND``), root where the file system of the groups can be written.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_PREFIX = "autograder-"  # and the grader's process number
_REMOVE_SECONDS = 2.0


@dataclass(frozen=True)
class _Version:
    """The files of one version of the interface; an empty name where it has no such file."""

    memory: str
    swap: str  # set to 0 or, in version 1, to the sum of both
    together: str  # whether the kernel ends all of a group at once
    events: str
    peak: str


_VERSIONS = {
    1: _Version(
        "memory.limit_in_bytes",
        "memory.memsw.limit_in_bytes",
        "",
        "memory.oom_control",
        "memory.max_usage_in_bytes",
    ),
    2: _Version(
        "memory.max", "memory.swap.max", "memory.oom.group", "memory.events", "memory.peak"
    ),
}


class ControlGroup:
    """A group for one process and all that it starts.

    Parameters
    ----------
    folders : of the group, one a hierarchy; the first counts the memory.
    version : of the interface, 1 or 2.
    """

    def __init__(self, folders: tuple[Path, ...], version: int) -> None:
        self._folders, files = folders, _VERSIONS[version]
        self.entrances = [os.open(folder / "cgroup.procs", os.O_WRONLY) for folder in folders]
        """Files that a process writes "0" into to enter."""
        self.events = os.open(folders[0] / files.events, os.O_RDONLY)
        """A file with a line ``oom_kill N``: how many processes were ended for their memory."""
        self.peak = -1
        """A file with the most bytes ever held; -1 where the kernel does not say."""
        with contextlib.suppress(FileNotFoundError):
            self.peak = os.open(folders[0] / files.peak, os.O_RDONLY)

    @property
    def fds(self) -> list[int]:
        """All open files, the entrances last."""
        return [self.events, *([self.peak] if self.peak >= 0 else []), *self.entrances]

    def close(self) -> None:
        """Close the files."""
        for fd in self.fds:
            os.close(fd)

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where it lies."""
        return self._folders


class ControlGroups:
    """A place where groups can be made.

    Parameters
    ----------
    parents : folder of the hierarchy that counts memory, then of that which counts processes, where
        they are two.
    version : of the interface, 1 or 2.
    """

    def __init__(self, parents: tuple[Path, ...], version: int) -> None:
        self._parents, self._version = parents, version
        self._numbers = itertools.count(1)
        self._leaving: list[Path] = []
        self._lock = threading.Lock()

    def new(self, *, memory: int, processes: int) -> ControlGroup:
        """A group that may hold so many bytes and processes; OSError where there can't be one."""
        name = f"{_PREFIX}{os.getpid()}-{next(self._numbers)}"
        folders = tuple(parent / name for parent in self._parents)
        files = _VERSIONS[self._version]
        try:
            for folder in folders:
                folder.mkdir()
            (folders[0] / files.memory).write_text(str(memory))
            swap = folders[0] / files.swap
            if swap.exists():
                swap.write_text(str(memory if self._version == 1 else 0))
            if files.together:
                (folders[0] / files.together).write_text("1")
            (folders[-1] / "pids.max").write_text(str(processes))
            return ControlGroup(folders, self._version)
        except OSError:
            self._leave(folder for folder in folders if folder.exists())
            raise

    def remove(self, group: ControlGroup) -> None:
        """Remove a group whose processes are ending; one that is not empty yet goes later."""
        group.close()
        self._leave(group.folders)

    def close(self) -> None:
        """Remove what is left of the groups, as soon as they are empty."""
        deadline = time.monotonic() + _REMOVE_SECONDS
        while self._leave(()) and time.monotonic() < deadline:
            time.sleep(0.01)

    def _leave(self, folders: Iterable[Path]) -> int:
        """Remove these and earlier ones, as far as they are empty by now; how many are left."""
        with self._lock:
            self._leaving = [f for f in (*self._leaving, *folders) if not _removed(f)]
            return len(self._leaving)

    def adopt(self) -> None:
        """Take over what graders left that were killed."""
        left = []
        for folder in (f for parent in self._parents for f in parent.glob(f"{_PREFIX}*-*")):
            pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
            if pid.isdigit() and not Path("/proc", pid).exists():
                left.append(folder)
        self._leave(left)


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False  # a process in it is not gone yet
    return True


def find(*, proc: Path = Path("/proc/self")) -> ControlGroups | None:
    """Where groups can be made that limit memory and processes; None where that is nowhere.

    Parameters
    ----------
    proc : this process's folder.
    """
    for version, parents in _candidates(proc):
        groups = ControlGroups(parents, version)
        try:
            if version == 2:
                _divide(parents[0])
            groups.remove(groups.new(memory=2**30, processes=32))
        except OSError:
            continue
        groups.adopt()
        return groups
    return None


def _candidates(proc: Path) -> Iterator[tuple[int, tuple[Path, ...]]]:
    """Folders of this process's own groups, by version of the interface."""
    own: dict[str, str] = {}  # path by controller; "" is version 2
    for line in os.fsdecode((proc / "cgroup").read_bytes()).split("\n")[:-1]:
        _, controllers, path = line.split(":", 2)
        own |= dict.fromkeys(controllers.split(","), path)
    mounts = dict(_mounts(proc))
    if "" in own and "" in mounts:
        folder = mounts[""] / own[""].lstrip("/")
        with contextlib.suppress(OSError):
            offered = (folder / "cgroup.controllers").read_text(encoding="ascii").split()
            if {"memory", "pids"} <= set(offered):
                yield 2, (folder,)
    if all(name in own and name in mounts for name in ("memory", "pids")):
        yield 1, tuple(mounts[name] / own[name].lstrip("/") for name in ("memory", "pids"))


def _mounts(proc: Path) -> Iterator[tuple[str, Path]]:
    """Where the hierarchies are mounted: controller ("" for version 2) and folder."""
    # Any name may stand in it, of mounts that have nothing to do with groups.
    for line in os.fsdecode((proc / "mountinfo").read_bytes()).split("\n")[:-1]:
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        folder = Path(before.split(" ")[4])
        if kind == "cgroup2":
            yield "", folder
        elif kind == "cgroup":
            for name in options.split(","):
                yield name, folder


def _divide(folder: Path) -> None:
    """Let a group of version 2 have groups below it: then no process may be in itself.

    The root of all groups is an exception; what runs in a group that was delegated to us is ours.
    """
    control = folder / "cgroup.subtree_control"
    if {"memory", "pids"} <= set(control.read_text(encoding="ascii").split()):
        return
    try:
        control.write_text("+memory +pids")
    except OSError:
        own = folder / f"{_PREFIX}own"
        own.mkdir(exist_ok=True)
        for pid in (folder / "cgroup.procs").read_text(encoding="ascii").split():
            (own / "cgroup.procs").write_text(pid)
        control.write_text("+memory +pids")
