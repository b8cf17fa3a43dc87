"""How the C library keeps memory between the steps of a training run."""

from __future__ import annotations

import ctypes
import functools
import platform

# Of glibc's malloc.h; 32 MiB is the most that it takes for the second.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_NEVER, _LARGE = 2**31 - 1, 32 * 2**20


@functools.cache
def keep_freed_memory() -> bool:
    """Let freed memory stay with the process, as torch does on a GPU; True where that worked.

    A step of gradient descent frees what the next one asks for again. glibc hands blocks of that
    size back to the system each time, and every page of them is fetched anew: hundreds of page
    faults a step, a tenth of the time of a deep network's. Other C libraries are left as they are.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    # Both are asked for, also when the first is refused.
    done = [mallopt(_M_MMAP_THRESHOLD, _LARGE), mallopt(_M_TRIM_THRESHOLD, _NEVER)]
    return done == [1, 1]
