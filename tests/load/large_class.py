"""A class of any size, and how much memory the grader's processes hold while they grade it."""

from __future__ import annotations

import itertools
import os
import shutil
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.course import Course

_SAMPLE_SECONDS = 0.25
_MIB = 2**20


def enlarge(course: Course, assignment: str, size: int) -> None:
    """Copies of what was handed in under other names, until the class has that size."""
    present = course.students(assignment)
    for student, number in zip(itertools.cycle(present), range(size - len(present)), strict=False):
        copy = course.notebook("submitted", assignment, f"copy-{number + 1:03d}")
        copy.parent.mkdir(parents=True)
        shutil.copy(course.notebook("submitted", assignment, student), copy)


@dataclass
class Memory:
    """Bytes, over time: what is shared is divided among those that share it."""

    grader: list[int] = field(default_factory=list)
    warm: list[int] = field(default_factory=list)  # both fork servers and bubblewrap
    work: list[int] = field(default_factory=list)  # runner processes and students' processes
    jobs: list[int] = field(default_factory=list)  # runner processes at work

    @property
    def total(self) -> list[int]:
        return [sum(each) for each in zip(self.grader, self.warm, self.work, strict=True)]

    @property
    def worker(self) -> int:
        """What a submission's runner and student's processes held when all together held most."""
        return max(self.work) // max(1, *self.jobs)

    def growth(self) -> int:
        """By how much the grader and its warm processes grew from the second third to the last.

        Only moments with as many submissions at work count: what the warm processes share with
        their children is all theirs when those are gone.
        """
        busy = max(self.jobs)
        samples = zip(self.grader, self.warm, self.jobs, strict=True)
        lasting = [grader + warm for grader, warm, jobs in samples if jobs == busy]
        third = len(lasting) // 3
        second, last = lasting[third : -third or None], lasting[-third:]
        return int(statistics.median(last) - statistics.median(second))

    def summary(self) -> str:
        parts = {
            "all": max(self.total),
            "grader": max(self.grader),
            "fork servers": max(self.warm),
            "a submission (runner and student's processes)": self.worker,
        }
        return "; ".join(f"{name} {held / _MIB:.0f} MiB" for name, held in parts.items())


def watch(process: subprocess.Popen[Any]) -> Memory:
    """Sample the processes below one until it ends."""
    memory = Memory()
    while process.poll() is None:
        _sample(process.pid, memory)
        time.sleep(_SAMPLE_SECONDS)
    return memory


def _sample(root: int, memory: Memory) -> None:
    below: dict[int, list[int]] = {}
    names: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            head, _, tail = (folder / "stat").read_text(errors="replace").rpartition(")")
        except OSError:
            continue  # it has ended
        names[int(folder.name)] = head.partition("(")[2]
        below.setdefault(int(tail.split()[1]), []).append(int(folder.name))
    warm, work, jobs = 0, 0, 0
    for child in below.get(root, []):
        chain = [child]  # bubblewrap's processes, then the fork server inside
        while names.get(chain[-1]) == "bwrap" and below.get(chain[-1]):
            chain.append(below[chain[-1]][0])
        server = chain[-1]
        warm += sum(map(_held, chain))
        for fork in below.get(server, []):
            jobs += server == child  # the runners' server is not sandboxed
            work += sum(map(_held, _tree(fork, below)))
    if warm:
        memory.grader.append(_held(root))
        memory.warm.append(warm)
        memory.work.append(work)
        memory.jobs.append(jobs)


def _tree(root: int, below: dict[int, list[int]]) -> list[int]:
    return [root, *(pid for child in below.get(root, []) for pid in _tree(child, below))]


def _held(pid: int) -> int:
    """Bytes of a process (proportional set size; resident where that may not be read)."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        return 1024 * int(text.partition("\nPss:")[2].split()[0])
    except (OSError, IndexError):
        pass  # an ordinary user may not look into a sandbox
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0  # it has ended
    return pages * os.sysconf("SC_PAGE_SIZE")
