"""Memory that is freed stays with the process."""

import platform
import subprocess
import sys
import textwrap

import pytest

from replearn import _memory

# Page faults of taking and returning 20 blocks of 4 MiB, 1024 pages each, 10 times. In a process of
# its own, since the setting is the whole process's and stays.
SCRIPT = textwrap.dedent(
    """
    import ctypes, resource, sys
    import torch
    from replearn._memory import keep_freed_memory

    ctypes.CDLL(None).mallopt(-3, 2**16)  # return blocks at once: the default depends on the past
    if sys.argv[1] == "keep":
        assert keep_freed_memory()
    faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt

    def work():
        for _ in range(10):
            blocks = [torch.ones(2**20) for _ in range(20)]
            del blocks

    work()
    before = faults()
    work()
    print(faults() - before)
    """
)


def faults(how):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's setting")
def test_kept_memory_is_not_fetched_again():
    kept = faults("keep")
    assert kept < 1024
    assert faults("return") > 20 * 1024


def test_another_c_library_is_left_alone(monkeypatch):
    _memory.keep_freed_memory.cache_clear()
    monkeypatch.setattr(_memory.platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(_memory.ctypes, "CDLL", lambda name: pytest.fail("was called"))
    assert not _memory.keep_freed_memory()
    _memory.keep_freed_memory.cache_clear()
