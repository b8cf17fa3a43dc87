"""Compiled loops over samples, in threads: they do without Python's lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import numpy as np
import torch
from numpy.typing import NDArray

from replearn._batches import slices
from replearn.sparse.arguments import ProgressCallback

_BLOCK = 2**23  # codes whose X D is computed at a time: bounds the memory beyond X and H
_CHUNK = 2**15  # codes of a task: long enough to be worth one, short enough to share and to stop

Halt = NDArray[np.bool_]
Task = Callable[[slice, slice, Halt], object]
"""Of some samples: where they lie in a block, where among all, and what is set when to stop."""


def run_in_threads(
    n: int, m: int, begin: Callable[[slice], Task], callback: ProgressCallback | None
) -> None:
    """All tasks of :func:`in_threads`; the callback is told how many samples are finished."""
    finished = 0
    for count in in_threads(n, m, begin):
        finished += count
        if callback is not None:
            callback(count)
    assert finished == n


def in_threads(n: int, m: int, begin: Callable[[slice], Task]) -> Iterator[int]:
    """Tasks for n samples with m codes each; yields how many are finished, as they are.

    ``begin`` makes the products of a block in this thread and returns what works on parts of it.
    """
    rows, chunk = max(1, _BLOCK // m), max(1, _CHUNK // m)
    threads = torch.get_num_threads()
    halt = np.zeros(1, dtype=np.bool_)

    def counted(task: Task, within: slice, at: slice) -> int:
        task(within, at, halt)
        count: int = at.stop - at.start
        return count

    with ThreadPoolExecutor(threads, thread_name_prefix="replearn-sparse") as pool:
        try:
            for part in slices(n, rows):
                length = part.stop - part.start
                task = begin(part)
                tasks: set[Future[int]] = set()
                for some in slices(length, min(chunk, -(-length // threads))):
                    at = slice(part.start + some.start, part.start + some.stop)
                    tasks.add(pool.submit(counted, task, some, at))
                while tasks:
                    # A wait without end would not notice an interrupt on every system.
                    done, tasks = wait(tasks, timeout=0.1, return_when=FIRST_COMPLETED)
                    for finished in done:
                        count: int = finished.result()
                        yield count
        finally:  # interrupted: what has not begun is dropped, what runs stops after its round
            halt[0] = True
            pool.shutdown(cancel_futures=True)
