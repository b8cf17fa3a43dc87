"""Memory in large pages: the same memory, and fewer entries of the page table to a fork."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from autograder.execution.sandbox import large_pages

_MIB = 2**20
_TRY = """
from autograder.execution.sandbox import large_pages
def large():
    with open("/proc/self/smaps_rollup") as rollup:
        return sum(int(line.split()[1]) for line in rollup if line.startswith("AnonHugePages"))
kept = bytearray(b"7") * (32 * 2**20)
before = large()
large_pages.gather()
print(large() - before, kept.count(b"7"))
"""


def _kernel() -> tuple[int, ...]:
    return tuple(int(part) for part in platform.release().split(".")[:2])


@pytest.mark.skipif(sys.platform != "linux", reason="a call of Linux")
@pytest.mark.skipif(sys.platform == "linux" and _kernel() < (6, 1), reason="Linux before 6.1")
def test_what_a_process_has_written_lies_in_large_pages() -> None:
    done = subprocess.run([sys.executable, "-c", _TRY], capture_output=True, text=True, check=True)
    gathered, kept = map(int, done.stdout.split())
    assert gathered >= 28 * 1024  # in KiB; the ends of a mapping need not be aligned
    assert kept == 32 * _MIB


def test_a_system_without_the_call_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr("builtins.open", missing)
    large_pages.gather()
