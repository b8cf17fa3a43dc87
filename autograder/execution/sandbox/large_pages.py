"""Large pages for a process that is forked often.

A fork copies an entry of the page table for each page that the process has written, and its end
removes them again; for a process with torch that was a third of the computing of a submission.
"""

from __future__ import annotations

import ctypes
import re

_SIZE = 2**21
_COLLAPSE = 25  # MADV_COLLAPSE, of Linux 6.1
_WRITTEN = re.compile(rb"([0-9a-f]+)-([0-9a-f]+) rw-p \S+ \S+ 0 +(?!\[stack)")


def gather() -> None:
    """Put the process's own memory into pages of 2 MiB; where the kernel can't, it stays as it is.

    A child that writes into one gets a copy of 4 KiB of it, as before.
    """
    try:
        with open("/proc/self/maps", "rb") as maps:
            lines = maps.read().split(b"\n")
    except OSError:
        return
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for found in filter(None, map(_WRITTEN.match, lines)):
        first, last = (int(part, 16) for part in found.groups())
        first, last = -(-first // _SIZE) * _SIZE, last // _SIZE * _SIZE
        if first < last:
            advise(first, last - first, _COLLAPSE)
