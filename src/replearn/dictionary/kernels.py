"""Compiled loops of the dictionary step. Imports numba: import this module only to run it."""

from typing import Any

import numpy as np

from replearn._compiled import compiled


@compiled
def sweep(C: Any, A: Any, B: Any, positive: bool) -> None:
    """Minimise over one unit row of C (m, d) after the other, in place (see ``update_atoms``)."""
    m, d = C.shape
    v = np.empty(d, C.dtype)
    for j in range(m):
        if not A[j, j] > 0:
            continue
        for i in range(d):
            v[i] = B[j, i] + A[j, j] * C[j, i]
        for k in range(m):
            a = A[j, k]
            if a != 0:
                for i in range(d):
                    v[i] -= a * C[k, i]
        first, largest = 0, 0.0
        for i in range(d):
            if v[i] > v[first]:
                first = i
            if positive and v[i] < 0:
                continue
            largest = max(largest, abs(v[i]))
        if largest > 0:
            total = 0.0
            for i in range(d):
                v[i] = 0 if positive and v[i] < 0 else v[i] / largest  # whose square is a number
                total += v[i] * v[i]
            scale = 1 / np.sqrt(total)
            for i in range(d):
                C[j, i] = v[i] * scale
        elif positive and v[first] < 0:
            for i in range(d):
                C[j, i] = 0
            C[j, first] = 1
