"""Control groups: found where they can be made, filled in right, and gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.execution import control_groups
from autograder.execution.control_groups import ControlGroups

MIB = 2**20
# What the kernel puts into a new group, for the two versions of the interface.
MADE = {
    2: ("cgroup.procs", "memory.max", "memory.swap.max", "memory.oom.group", "memory.peak"),
    1: ("cgroup.procs", "memory.limit_in_bytes", "memory.max_usage_in_bytes", "pids.max"),
}


class Kernel:
    """A folder that behaves like the file system of the groups, as far as it matters here."""

    def __init__(self, root: Path, version: int, patch: pytest.MonkeyPatch) -> None:
        self.proc, self.root = root / "proc", root / "groups"
        self.made: list[Path] = []
        self.proc.mkdir()
        mkdir = Path.mkdir

        def make(path: Path, *arguments: Any, **named: Any) -> None:
            mkdir(path, *arguments, **named)
            if self.root in path.parents:
                self.made.append(path)
                for name in (*MADE[version], "pids.max", "memory.events", "memory.oom_control"):
                    (path / name).write_text("0\n")

        patch.setattr(Path, "mkdir", make)
        patch.setattr(control_groups, "_removed", lambda f: shutil.rmtree(f) is None)

    def group(self, name: str, controllers: str = "") -> Path:
        """A group that is there before us."""
        folder = self.root / name
        os.makedirs(folder)
        for file, text in (
            ("cgroup.controllers", controllers),
            ("cgroup.procs", f"{os.getpid()}\n"),
            ("cgroup.subtree_control", ""),
        ):
            (folder / file).write_text(text)
        return folder

    def says(self, cgroup: str, mountinfo: str) -> None:
        (self.proc / "cgroup").write_text(cgroup)
        (self.proc / "mountinfo").write_text(mountinfo)


def read(folder: Path, name: str) -> str:
    return (folder / name).read_text()


def test_a_delegated_group_of_version_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel(tmp_path, 2, monkeypatch)
    folder = kernel.group("user.slice/run-1.scope", "cpu memory pids")
    kernel.says(
        "0::/user.slice/run-1.scope\n",
        f"30 1 0:26 / {kernel.root} rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n",
    )
    groups = control_groups.find(proc=kernel.proc)
    assert groups is not None
    assert read(folder, "cgroup.subtree_control") == "+memory +pids"
    group = groups.new(memory=64 * MIB, processes=8)
    (made,) = group.folders
    assert made.parent == folder
    assert read(made, "memory.max") == str(64 * MIB)
    assert read(made, "memory.swap.max") == "0"
    assert read(made, "memory.oom.group") == "1"
    assert read(made, "pids.max") == "8"
    assert len(group.entrances) == 1
    groups.remove(group)
    assert not made.exists()


def test_hierarchies_of_version_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel(tmp_path, 1, monkeypatch)
    for name in ("memory/job", "pids"):
        kernel.group(name)
    kernel.says(
        "9:name=systemd:/\n8:pids:/\n4:memory:/job\n0::/\n",
        f"31 1 0:27 / {kernel.root}/memory rw - cgroup cgroup rw,memory\n"
        f"32 1 0:28 / {kernel.root}/pids rw - cgroup cgroup rw,pids\n",
    )
    groups = control_groups.find(proc=kernel.proc)
    assert groups is not None
    group = groups.new(memory=64 * MIB, processes=8)
    memory, pids = group.folders
    assert (memory.parent, pids.parent) == (kernel.root / "memory/job", kernel.root / "pids")
    assert read(memory, "memory.limit_in_bytes") == str(64 * MIB)
    assert read(pids, "pids.max") == "8"
    assert len(group.entrances) == 2
    groups.remove(group)
    assert not memory.exists()
    assert not pids.exists()


@pytest.mark.parametrize("controllers", ["cpu pids", ""], ids=["no memory", "none"])
def test_a_group_that_counts_no_memory_is_none(
    controllers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = Kernel(tmp_path, 2, monkeypatch)
    kernel.group("session.scope", controllers)
    kernel.says("0::/session.scope\n", f"30 1 0:26 / {kernel.root} rw - cgroup2 c rw\n")
    assert control_groups.find(proc=kernel.proc) is None


def test_a_group_that_may_not_be_written_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = Kernel(tmp_path, 2, monkeypatch)
    kernel.group("session.scope", "memory pids")
    kernel.says("0::/session.scope\n", f"30 1 0:26 / {kernel.root} rw - cgroup2 c rw\n")

    def refuse(path: Path, *_: Any) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "write_text", refuse)
    assert control_groups.find(proc=kernel.proc) is None


def test_what_a_killed_grader_left_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = Kernel(tmp_path, 2, monkeypatch)
    folder = kernel.group("run.scope", "memory pids")
    kernel.says("0::/run.scope\n", f"30 1 0:26 / {kernel.root} rw - cgroup2 c rw\n")
    left, running = folder / "autograder-999999999-3", folder / f"autograder-{os.getpid()}-4"
    for path in (left, running):
        path.mkdir()
    assert control_groups.find(proc=kernel.proc) is not None
    assert not left.exists()
    assert running.exists()


@pytest.fixture
def real() -> Iterator[ControlGroups]:
    groups = control_groups.find()
    if groups is None:
        pytest.skip("this account can make no control groups here")
    yield groups
    groups.close()


def test_the_kernel_ends_what_holds_too_much_whoever_maps_it(real: ControlGroups) -> None:
    """A child fills a shared mapping and lives on without it: no process has it, the group does."""
    group = real.new(memory=64 * MIB, processes=8)
    code = (
        "import mmap, os, sys\n"
        "for fd in map(int, sys.argv[1:]): os.write(fd, b'0')\n"
        "shared = mmap.mmap(-1, 100 * 2**20)\n"
        "for at in range(0, len(shared), 2**20):\n"
        "    if os.fork() == 0:\n"
        "        shared[at:at + 2**20] = b'x' * 2**20\n"
        "        os._exit(0)\n"
        "    status = os.wait()[1]\n"
        "    if status: sys.exit(9)\n"
    )
    fds = [str(fd) for fd in group.entrances]
    done = subprocess.run([sys.executable, "-c", code, *fds], pass_fds=group.entrances, check=False)
    assert done.returncode in (9, -9)
    events = os.pread(group.events, 4000, 0).decode()
    assert int(events.split("oom_kill ")[-1].split()[0]) >= 1
    folders = group.folders
    real.remove(group)
    real.close()
    assert not any(folder.exists() for folder in folders)
