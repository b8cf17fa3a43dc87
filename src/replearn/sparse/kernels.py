"""The compiled loops of coordinate descent: see replearn.sparse.coordinate for the method.

This module imports numba, which is slow: it is itself imported only to run them. Names: k active
atoms, ``active`` their places in the dictionary; on them ``code``, ``slope`` (q = D^T (x - D h))
and their Gram matrix ``A``. Loops over the k run to the next multiple of 32, ``width``, which the
buffers have room for: so they need no remainder loop, which would cost as much as the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]
PAD = 32

HOMOTOPY = 0.5  # the penalty of a round is at least this share of the largest slope ...
HOMOTOPY_ROUNDS = 10  # ... in the first rounds
INNER = 0.3  # the active problem of a round is solved until its violation falls to this share
SWEEPS, SWEEPS_BETWEEN = 12, 4  # passes before the first Newton step of a round, and between
NEWTON_STEPS = 30  # at most, in a round
IDLE = 4  # rounds without progress beyond rounding after which a sample is given up


def compiled(function: Callable[..., Any]) -> Any:
    """Compiled on first use and kept on disk; where no folder can be written, in memory only."""
    options: dict[str, Any] = {"nogil": True, "fastmath": True, "error_model": "numpy"}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError as error:
        if "no locator" not in str(error):
            raise
        return njit(**options)(function)


@compiled
def slopes(
    b: Array,
    G: Array,
    active: Array,
    code: Array,
    k: int,
    q: Array,
) -> None:
    """q = b - G h over all atoms."""
    m = q.shape[0]
    for t in range(m):
        q[t] = b[t]
    for a in range(k):
        value = code[a]
        if value != 0:
            j = active[a]
            for t in range(m):
                q[t] -= value * G[j, t]


@compiled
def bound(
    x2: float,
    lam: Any,
    b: Array,
    q: Array,
    active: Array,
    code: Array,
    k: int,
    mu: float,
    nonnegative: bool,
    slack: float,
) -> tuple[Any, float, float]:
    """Largest slope, objective and duality gap: the formulas of replearn.sparse.lasso.

    With ||x - D h||^2 = ||x||^2 - h^T (b + q). Sums over the active atoms are in float64. Slopes up
    to ``slack`` are rounding.
    """
    m = q.shape[0]
    largest = lam - lam
    if nonnegative:
        for t in range(m):
            largest = max(largest, q[t])
    else:
        for t in range(m):
            largest = max(largest, abs(q[t]))
    l1, qh, bh = 0.0, 0.0, 0.0
    for a in range(k):
        h = np.float64(code[a])
        l1 += abs(h)
        qh += q[active[a]] * h
        bh += b[active[a]] * h
    R = max(x2 - bh - qh, 0.0)
    s = 1.0 + qh / R if R > 0 else 1.0
    if largest > 0 and not (lam == 0 and mu == 0 and largest <= slack):
        s = min(s, np.float64(lam) / np.float64(largest))
    s = max(s, 0.0)
    gap = lam * l1 - s * qh + 0.5 * (1 - s) * (1 - s) * R
    if lam == 0 and mu > 0:
        curved = 0.0
        for t in range(m):
            v = q[t] / mu
            curved += (q[t] - 0.5 * mu * v) * v
        if nonnegative:  # v is held at -h where it would make the code negative
            for t in range(m):
                if q[t] < 0:
                    curved -= 0.5 * q[t] * q[t] / mu
            for a in range(k):
                g = np.float64(q[active[a]])
                if g < 0:
                    v = max(g / mu, -np.float64(code[a]))
                    curved += (g - 0.5 * mu * v) * v
        gap = min(gap, curved)
    return largest, 0.5 * R + lam * l1, max(gap, 0.0)


@compiled
def sweep(
    A: Array,
    inverse: Array,
    code: Array,
    slope: Array,
    k: int,
    width: int,
    lam: Any,
    nonnegative: bool,
) -> Any:
    """One pass of coordinate descent over the active atoms. Returns the largest violation met."""
    worst = lam - lam
    for a in range(k):
        if inverse[a] == 0:  # an atom that is zero
            continue
        old = code[a]
        z = slope[a] + A[a, a] * old
        if z > lam:
            new = (z - lam) * inverse[a]
        elif z < -lam and not nonnegative:
            new = (z + lam) * inverse[a]
        else:
            new = lam - lam
        delta = new - old
        if delta != 0:
            code[a] = new
            for t in range(width):
                slope[t] -= delta * A[a, t]
            worst = max(worst, abs(delta) * A[a, a])
    return worst


@compiled
def newton(
    A: Array,
    code: Array,
    slope: Array,
    k: int,
    width: int,
    lam: Any,
    U: Array,
    support: Array,
    step: Array,
    singular: Any,
) -> bool:
    """Towards the solution of ``G_SS h_S = b_S - lam sign(h_S)`` on the support S.

    That is the minimum for these signs; only until the first code reaches 0. Returns whether all
    the way.

    U^T U = G_SS by elimination. A pivot below ``singular`` of its diagonal entry belongs to an
    atom that depends on those before it, and leaves its code as it is.
    """
    s = 0
    for a in range(k):
        if code[a] != 0:
            support[s] = a
            s += 1
    size = (s + 31) // 32 * 32
    for i in range(s):
        a = support[i]
        from_row, to_row = A[a], U[i]
        for j in range(s):
            to_row[j] = from_row[support[j]]
        step[i] = slope[a] - lam if code[a] > 0 else slope[a] + lam
    for i in range(s):
        if U[i, i] <= singular * A[support[i], support[i]]:
            U[i, i] = 0
            continue
        start = i // 32 * 32  # what this computes to the left of the diagonal is not used
        pivot = U[i, start:size]
        right = step[start:size]
        scale = 1 / np.sqrt(U[i, i])
        value = step[i] * scale
        for t in range(size - start):
            pivot[t] *= scale
            right[t] -= value * pivot[t]
        step[i] = value
        for j in range(i + 1, s):
            factor = U[i, j]
            start = j // 32 * 32
            pivot = U[i, start:size]
            row = U[j, start:size]
            for t in range(size - start):
                row[t] -= factor * pivot[t]
    for i in range(s - 1, -1, -1):
        if U[i, i] == 0:
            step[i] = 0
            continue
        row = U[i, i + 1 : s]
        known = step[i + 1 : s]
        total = step[i]
        for t in range(s - i - 1):
            total -= row[t] * known[t]
        step[i] = total / U[i, i]
    length, first = lam - lam + 1, -1
    for i in range(s):
        h = code[support[i]]
        if h * (h + step[i]) <= 0:
            share = -h / step[i]
            if share < length or first < 0:
                length, first = share, i
    for i in range(s):
        a = support[i]
        delta = -code[a] if i == first else length * step[i]
        code[a] = code[a] + delta if i != first else code[a] - code[a]
        for t in range(width):
            slope[t] -= delta * A[a, t]
    return first < 0


@compiled
def violation(code: Array, slope: Array, k: int, lam: Any, nonnegative: bool) -> Any:
    """Largest violation of the optimality conditions on the active atoms."""
    worst = lam - lam
    for a in range(k):
        if code[a] > 0:
            worst = max(worst, abs(slope[a] - lam))
        elif code[a] < 0:
            worst = max(worst, abs(slope[a] + lam))
        else:
            worst = max(worst, (slope[a] if nonnegative else abs(slope[a])) - lam)
    return worst


@compiled
def descend(
    A: Array,
    inverse: Array,
    code: Array,
    slope: Array,
    k: int,
    width: int,
    lam: Any,
    nonnegative: bool,
    use_newton: bool,
    U: Array,
    support: Array,
    step: Array,
    singular: Any,
    halt: Array,
) -> None:
    """Solve the problem on the active atoms until the violation has fallen to INNER of itself."""
    target = INNER * violation(code, slope, k, lam, nonnegative)
    sweeps = SWEEPS
    for _ in range(NEWTON_STEPS):
        for _ in range(sweeps):
            if sweep(A, inverse, code, slope, k, width, lam, nonnegative) <= target:
                return
        if halt[0]:
            return
        if use_newton:
            newton(A, code, slope, k, width, lam, U, support, step, singular)
        sweeps = SWEEPS_BETWEEN


@compiled
def activate(
    G: Array,
    A: Array,
    inverse: Array,
    active: Array,
    code: Array,
    q: Array,
    inside: Array,
    places: Array,
    k: int,
    cut: Any,
    nonnegative: bool,
) -> int:
    """Take atoms with code 0 off the active ones, add those whose slope is above ``cut``."""
    kept = 0
    for a in range(k):
        if code[a] != 0:
            places[kept] = a
            kept += 1
        else:
            inside[active[a]] = False
    if kept < k:
        for a in range(kept):
            old = places[a]
            active[a], code[a], inverse[a] = active[old], code[old], inverse[old]
            for e in range(kept):
                A[a, e] = A[old, places[e]]
    k = kept
    for j in range(q.shape[0]):
        if not inside[j] and (q[j] > cut or (q[j] < -cut and not nonnegative)):
            inside[j] = True
            active[k] = j
            code[k] = 0
            k += 1
    for a in range(kept, k):
        j = active[a]
        for e in range(k):
            A[a, e] = G[j, active[e]]
        for e in range(kept):
            A[e, a] = A[a, e]
        size = A[a, a]
        # 1 / size must be finite; an atom this small is zero but for underflow.
        inverse[a] = 1 / size if size > 1e-36 else size - size
    return k


@compiled
def solve(
    B: Array,
    x2: Array,
    penalty: Array,
    G: Array,
    H: Array,
    warm: bool,
    nonnegative: bool,
    use_newton: bool,
    tol: float,
    max_iter: int,
    mu: float,
    eps: float,
    noise: float,
    slack: float,
    halt: Array,
    iterations: Array,
    objective: Array,
    gap: Array,
    converged: Array,
) -> None:
    """Codes of the samples with B = X D, written to H (where ``warm``, started from it).

    How they were found is written to the last four. ``noise`` ||x||^2 is rounding in the objective,
    ``slack`` ||x|| in a slope. Returns at once when another thread sets ``halt[0]``.
    """
    n, m = B.shape
    room = (m + PAD - 1) // PAD * PAD
    # Rows are not a power of two apart: those would all compete for the same lines of the cache.
    A, U = np.zeros((m, room + 16), B.dtype), np.zeros((m, room + 16), B.dtype)
    code, slope, step = np.zeros(room, B.dtype), np.zeros(room, B.dtype), np.zeros(room, B.dtype)
    q, inverse = np.empty(m, B.dtype), np.empty(m, B.dtype)
    active, places = np.empty(m, np.int64), np.empty(m, np.int64)
    inside = np.zeros(m, np.bool_)
    for i in range(n):
        b, lam = B[i], penalty[i]
        k = 0
        inside[:] = False
        if warm:
            for j in range(m):
                if H[i, j] != 0:
                    active[k], code[k] = j, H[i, j]
                    k += 1
                    q[j] = 0
            # The rows of A are filled as if all these were new.
            for a in range(k):
                inside[active[a]] = True
                size = G[active[a], active[a]]
                inverse[a] = 1 / size if size > 1e-36 else size - size
                for e in range(k):
                    A[a, e] = G[active[a], active[e]]
        best, closest, idle, rounds = np.inf, np.inf, 0, 0
        while True:
            slopes(b, G, active, code, k, q)
            largest, value, above = bound(
                x2[i], lam, b, q, active, code, k, mu, nonnegative, slack * np.sqrt(x2[i])
            )
            done = above <= tol * value + 0.5 * eps**1.5 * x2[i]
            if done or rounds == max_iter or idle == IDLE or halt[0]:
                break
            rounds += 1
            level = lam
            if rounds <= HOMOTOPY_ROUNDS:
                level = max(lam, B.dtype.type(HOMOTOPY) * largest)
            if level == lam:
                # Near the optimum the objective stands still first: its error is the square of
                # the violation's, of whose order the gap is (or all of F, until the slopes are 0).
                near = np.float64(largest) if lam == 0 and mu == 0 else above
                stands = value > best - 2 * eps * x2[i] and near > 0.9 * closest
                idle = idle + 1 if stands else 0
                best, closest = min(best, value), min(closest, near)
            k = activate(G, A, inverse, active, code, q, inside, places, k, level, nonnegative)
            width = (k + PAD - 1) // PAD * PAD
            for a in range(k):
                slope[a] = q[active[a]]
            descend(
                A,
                inverse,
                code,
                slope,
                k,
                width,
                level,
                nonnegative,
                use_newton,
                U,
                places,
                step,
                B.dtype.type(64 * eps),
                halt,
            )
        H[i, :] = 0
        for a in range(k):
            H[i, active[a]] = code[a]
        fitted = lam == 0 and value <= 0.5 * noise * x2[i]
        iterations[i], objective[i], gap[i], converged[i] = rounds, value, above, done or fitted
        if halt[0]:
            return
