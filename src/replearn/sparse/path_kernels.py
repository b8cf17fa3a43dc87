"""The compiled loops of the homotopy: see replearn.sparse.path for the method.

This module imports numba, which is slow: it is itself imported only to run them. ``solve`` calls
``follow`` for each sample, which takes steps of ``append``, ``divide_by_transpose``, ``slopes``,
``next_event`` and ``remove``. What it finds is made exact by ``solve_on_support``, and looked at
(and mended, if need be) by the rounds of coordinate descent, ``kernels.solve_sample``.

The Cholesky factor L of the Gram matrix of the k atoms on the path is kept in both triangles of one
array, L below and its transpose above, so that both triangular solves read rows.
"""

from __future__ import annotations

import numpy as np

from replearn._compiled import compiled
from replearn.sparse.kernels import (
    Array,
    Buffers,
    Options,
    Precision,
    Results,
    allocate,
    solve_sample,
    write_result,
)

MOST_STEPS = 8  # for each atom: only a cycle among ties takes more
MENDING = 20  # rounds of coordinate descent that may mend what slopes in float32 got wrong
DEPENDENT = 1e-12  # share of an atom's squared length beyond the span of others, up to which it
# counts as depending on them

Problem = tuple[Array, Array, Array, Array, Array, bool]
"""B = X D (n, m), ||x||^2 (n,) and penalties (n, p), none above the one before it, in float64;
G = D^T D (m, m) in float64, and in the dtype of the slopes; whether codes are nonnegative."""

Path = tuple[Array, Array, Array, Array, Array]
"""Of the k atoms on the path: which they are, the signs of their correlations, their codes, how
fast these change as the penalty falls, and L^{-1} signs."""

Correlated = tuple[Array, Array, Array]
"""Of all atoms (m,): their correlations, how fast these fall, and the sign of those that are on the
path, or depend on what is: the correlation is the sign times the penalty, and 0 is kept here."""

State = tuple[float, int, int, int]
"""The penalty reached, how many atoms are on the path, the one that joins it next, or -1, and how
many steps were taken."""


@compiled
def start(b: Array, nonnegative: bool, correlated: Correlated) -> State:
    """At the smallest penalty for which the code is 0."""
    c, _, held = correlated
    level, joins = 0.0, -1
    for t in range(b.shape[0]):
        c[t] = b[t]
        held[t] = 0
        size = b[t] if nonnegative else abs(b[t])
        if size > level:
            level, joins = size, t
    return level, 0, joins, 0


@compiled
def divide_by_factor(k: int, L: Array, x: Array) -> None:
    """x becomes L^{-1} x."""
    for i in range(k):
        value = x[i] / L[i, i]
        x[i] = value
        above = L[i]
        for t in range(i + 1, k):
            x[t] -= value * above[t]


@compiled
def divide_by_transpose(k: int, L: Array, x: Array) -> None:
    """x becomes L^{-T} x."""
    for i in range(k - 1, -1, -1):
        row = L[i]
        value = x[i] / row[i]
        x[i] = value
        for t in range(i):
            x[t] -= value * row[t]


@compiled
def append(j: int, sign: float, k: int, G: Array, path: Path, L: Array, u: Array) -> int:
    """Put atom j on the path. Returns how many are on it: k if j depends on those that are."""
    atoms, signs, code, _, z = path
    row = G[j]
    for i in range(k):
        u[i] = row[atoms[i]]
    divide_by_factor(k, L, u)
    squares, inner = 0.0, 0.0
    for i in range(k):
        squares += u[i] * u[i]
        inner += u[i] * z[i]
    rest = row[j] - squares
    if rest <= DEPENDENT * row[j]:
        return k
    pivot = np.sqrt(rest)
    for i in range(k):
        L[k, i] = u[i]
        L[i, k] = u[i]
    L[k, k] = pivot
    atoms[k], signs[k], code[k], z[k] = j, sign, 0.0, (sign - inner) / pivot
    return k + 1


@compiled
def remove(i: int, k: int, path: Path, L: Array) -> None:
    """Take the i-th of k atoms off the path: Givens rotations make its factor triangular again."""
    atoms, signs, code, _, z = path
    for row in range(i, k - 1):
        atoms[row], signs[row], code[row] = atoms[row + 1], signs[row + 1], code[row + 1]
        for t in range(row + 2):
            L[row, t] = L[row + 1, t]
    for t in range(i, k - 1):
        a, b = L[t, t], L[t, t + 1]
        r = np.sqrt(a * a + b * b)
        cosine, sine = a / r, b / r
        for row in range(t, k - 1):
            a, b = L[row, t], L[row, t + 1]
            L[row, t] = cosine * a + sine * b
            L[row, t + 1] = cosine * b - sine * a
    for row in range(k - 1):
        for t in range(row):
            L[t, row] = L[row, t]
        z[row] = signs[row]
    divide_by_factor(k - 1, L, z)


@compiled
def slopes(G: Array, k: int, path: Path, correlated: Correlated) -> None:
    """``G_A w`` over all atoms, four rows at a time; 0 where the correlation is the penalty's."""
    atoms, _, _, w, _ = path
    _, slope, held = correlated
    number = G.dtype.type
    m = slope.shape[0]
    for t in range(m):
        slope[t] = 0
    i = 0
    while i + 4 <= k:
        w0, w1, w2, w3 = number(w[i]), number(w[i + 1]), number(w[i + 2]), number(w[i + 3])
        g0, g1, g2, g3 = G[atoms[i]], G[atoms[i + 1]], G[atoms[i + 2]], G[atoms[i + 3]]
        for t in range(m):
            slope[t] += w0 * g0[t] + w1 * g1[t] + w2 * g2[t] + w3 * g3[t]
        i += 4
    while i < k:
        w0, g0 = number(w[i]), G[atoms[i]]
        for t in range(m):
            slope[t] += w0 * g0[t]
        i += 1
    for t in range(m):
        if held[t] != 0:
            slope[t] = 0


@compiled
def next_event(
    level: float, lam: float, k: int, path: Path, correlated: Correlated, nonnegative: bool
) -> tuple[float, int, int]:
    """How far the penalty falls until something happens, and what.

    A code reaches 0 (its place, -1), an atom's correlation reaches the penalty (-1, the atom), or
    neither before the penalty is ``lam`` (-1, -1).
    """
    _, signs, code, w, _ = path
    c, slope, held = correlated
    number = c.dtype.type
    far, leaves, joins = level - lam, -1, -1
    for i in range(k):
        if signs[i] * w[i] < 0:
            reached = max(-code[i] / w[i], 0.0)
            if reached < far:
                far, leaves = reached, i
    m = c.shape[0]
    for first in range(0, m, 32):
        end = min(m, first + 32)
        step, limit = number(far), number(level - far)
        top = step - step
        if nonnegative:
            for t in range(first, end):
                top = max(top, c[t] - step * slope[t])
        else:
            for t in range(first, end):
                top = max(top, abs(c[t] - step * slope[t]))
        if top <= limit:
            continue
        for t in range(first, end):
            if held[t] != 0:
                continue
            ahead = c[t] - step * slope[t]
            if ahead > limit:
                short, closing = level - c[t], 1.0 - slope[t]
            elif ahead < -limit and not nonnegative:
                short, closing = level + c[t], 1.0 + slope[t]
            else:
                continue
            # It is there already but for rounding where it is not coming closer.
            reached = short / closing if short > 0 and closing > 0 else 0.0
            far, leaves, joins = min(reached, far), -1, t
            step, limit = number(far), number(level - far)
    return far, leaves, joins


@compiled
def follow(
    state: State,
    lam: float,
    most: int,
    G: Array,
    fast: Array,
    nonnegative: bool,
    path: Path,
    correlated: Correlated,
    L: Array,
    u: Array,
) -> State:
    """Go on until the penalty is ``lam``, or for ``most`` steps in all."""
    atoms, signs, code, w, z = path
    c, slope, held = correlated
    number = c.dtype.type
    level, k, joins, steps = state
    left, sign = -1, np.int8(0)
    while level > lam and steps < most:
        steps += 1
        if joins >= 0:
            held[joins] = 1 if c[joins] > 0 else -1
            k = append(joins, held[joins], k, G, path, L, u)
            c[joins] = 0
        for i in range(k):
            w[i] = z[i]
        divide_by_transpose(k, L, w)
        # The atom that has just left may join again, but with the other sign only: its correlation
        # falls from the penalty's, and rounding must not bring it back.
        if left >= 0:
            held[left], c[left] = sign, 0
        slopes(fast, k, path, correlated)
        far, leaves, joins = next_event(level, lam, k, path, correlated, nonnegative)
        if left >= 0:
            fall, row = 0.0, G[left]
            for i in range(k):
                fall += w[i] * row[atoms[i]]
            c[left], slope[left], held[left] = number(sign * level), number(fall), 0
            opposite = 1.0 + sign * fall
            if opposite > 0 and 2 * level < far * opposite and not nonnegative:
                far, leaves, joins = 2 * level / opposite, -1, left
        step = number(far)
        for t in range(c.shape[0]):
            c[t] -= step * slope[t]
        for i in range(k):
            code[i] += far * w[i]
        level -= far
        left = -1
        if leaves >= 0:
            left, sign = atoms[leaves], np.int8(signs[leaves])
            for t in range(c.shape[0]):  # also those that may have depended on it
                if held[t] != 0:
                    c[t], held[t] = number(held[t] * level), 0
            remove(leaves, k, path, L)
            k -= 1
            for i in range(k):
                c[atoms[i]], held[atoms[i]] = 0, np.int8(signs[i])
        elif joins < 0:
            level = lam
    return level, k, joins, steps


@compiled
def solve_on_support(b: Array, level: float, k: int, path: Path, L: Array, u: Array) -> None:
    """The codes for which the correlations on the path are exactly ``level`` times their signs.

    Steps of lower precision have found the support and the signs; these equations have no memory
    of them.
    """
    atoms, signs, code, _, _ = path
    for i in range(k):
        u[i] = b[atoms[i]] - level * signs[i]
    divide_by_factor(k, L, u)
    divide_by_transpose(k, L, u)
    for i in range(k):
        code[i] = u[i] if u[i] * signs[i] > 0 else 0.0  # a code that was about to reach it


@compiled
def solve_path(
    i: int,
    problem: Problem,
    fast: Array,
    correlated: Correlated,
    path: Path,
    factor: tuple[Array, Array],
    options: Options,
    precision: Precision,
    halt: Array,
    buffers: Buffers,
    results: Results,
) -> bool:
    """Codes of sample i at all its penalties. Returns whether all of them have converged."""
    B, squares, penalties, G, _, nonnegative = problem
    warm, use_newton, tol, max_iter, sweeps = options
    (_, inside, active), reduced, _ = buffers
    L, u = factor
    b, m, p = B[i], G.shape[0], penalties.shape[1]
    state = start(b, nonnegative, correlated)
    steps, all_done = 0, True
    for e in range(p):
        lam = penalties[i, e]
        most = min(steps + max_iter, (e + 1) * MOST_STEPS * m)
        state = follow(state, lam, most, G, fast, nonnegative, path, correlated, L, u)
        level, k, _, after = state
        if k > 0:
            solve_on_support(b, max(level, lam), k, path, L, u)
        inside[:] = False
        for a in range(k):
            active[a], reduced[0][a] = path[0][a], path[2][a]
            inside[active[a]] = True
        left = warm, use_newton, tol, max_iter - (after - steps), sweeps
        sample = b, squares[i], lam, G, nonnegative
        k, rounds, value, gap, done = solve_sample(sample, k, 0, left, precision, halt, buffers)
        taken = after - steps + rounds
        write_result(
            i * p + e, sample, k, taken, value, gap, done, tol, precision, buffers, results
        )
        steps, all_done = after, all_done and done
        if halt[0]:
            break
    return all_done


@compiled
def solve(
    problem: Problem, options: Options, precision: Precision, halt: Array, results: Results
) -> None:
    """Codes of n samples at p penalties: that of sample i at the e-th is result i p + e.

    Slopes in float32 may lead so far astray, where atoms are nearly dependent, that rounds of
    coordinate descent do not mend it: the path is then followed in float64. Returns at once when
    another thread sets ``halt[0]``.
    """
    B, _, _, G, fast, _ = problem
    m = G.shape[0]
    path = np.empty(m, np.int64), np.empty(m), np.empty(m), np.empty(m), np.empty(m)
    held = np.zeros(m, np.int8)
    first = np.empty(m, fast.dtype), np.empty(m, fast.dtype), held
    second = np.empty(m), np.empty(m), held
    factor = np.empty((m, m + 9)), np.empty(m)
    buffers = allocate(G)
    warm, use_newton, tol, max_iter, sweeps = options
    inexact = fast.itemsize != G.itemsize
    mended = warm, use_newton, tol, min(max_iter, MOST_STEPS * m + MENDING), sweeps
    for i in range(B.shape[0]):
        done = False
        if inexact:
            done = solve_path(
                i, problem, fast, first, path, factor, mended, precision, halt, buffers, results
            )
        if not done and not halt[0]:
            solve_path(
                i, problem, G, second, path, factor, options, precision, halt, buffers, results
            )
        if halt[0]:
            return
