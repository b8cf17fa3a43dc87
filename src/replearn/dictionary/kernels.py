"""Compiled loops of the dictionary step. Imports numba: import this module only to run it."""

from typing import Any

import numpy as np

from replearn._compiled import compiled


@compiled
def sweep(C: Any, A: Any, B: Any) -> None:
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
        total = 0.0
        for i in range(d):
            total += v[i] * v[i]
        if total > 0:
            scale = 1 / np.sqrt(total)
            for i in range(d):
                C[j, i] = v[i] * scale
