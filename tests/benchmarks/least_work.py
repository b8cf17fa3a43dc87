"""The least that a solver on the Gram matrix has to do, by itself: a bound set by the machine.

Whatever its method, it computes X D, and for each sample it takes every row of D^T D once that
belongs to a code other than 0.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import torch
from torch import Tensor


def least_work(X: Tensor, D: Tensor, H: Tensor) -> Callable[[], float]:
    """A function that does this for codes H (n, m), on all threads, and returns its seconds."""
    threads = torch.get_num_threads()
    G, codes = (D.T @ D).numpy(), H.contiguous().numpy()
    subtract_rows = numba.njit(nogil=True, fastmath=True)(_subtract_rows)
    length = -(-len(X) // threads)
    parts = [slice(start, start + length) for start in range(0, len(X), length)]

    def run() -> float:
        start = time.perf_counter()
        B = (X @ D).numpy()
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda part: subtract_rows(B[part], codes[part], G), parts))
        return time.perf_counter() - start

    run()  # compiles
    return run


def _subtract_rows(B: Any, H: Any, G: Any) -> None:
    """``B -= H G`` in place, row by row."""
    for i in range(H.shape[0]):
        for j in range(H.shape[1]):
            value = H[i, j]
            if value != 0:
                for t in range(G.shape[0]):
                    B[i, t] -= value * G[j, t]
