"""The compiled loops of coordinate descent: see replearn.sparse.coordinate for the method.

This module imports numba, which is slow: it is itself imported only to run them. ``solve`` calls
``solve_sample``, which works in rounds of ``correlations``, ``bound``, ``deactivate``,
``activate``, ``extend`` and ``descend``; the last alternates between ``sweep`` and ``newton``.

The k active atoms of a sample come first in the buffers of ``Reduced``. Loops over them run to the
next multiple of 32, for which the buffers are long enough: so they need no remainder loop,
which would cost as much as the rest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from replearn._compiled import compiled

Array = NDArray[Any]

HOMOTOPY = 0.5  # the penalty of a round is at least this share of the largest correlation ...
HOMOTOPY_ROUNDS = 10  # ... in the first rounds
INNER = 0.3  # the active problem of a round is solved until its violation falls to this share
SWEEPS, SWEEPS_BETWEEN = 12, 4  # passes before the first Newton step of a round, and between
NEWTON_STEPS = 30  # at most, in a round
IDLE = 4  # rounds without progress beyond rounding after which a sample is given up


# What belongs together is passed in plain tuples. Named ones would be pickled, by their names, into
# the files where numba keeps compiled code, and renaming one would make those files unreadable.

Problem = tuple[Array, Array, Array, Array, bool]
"""B = X D (n, m), ||x||^2 (n,) in float64, penalties (n,), G = D^T D (m, m), and whether codes are
nonnegative."""

Sample = tuple[Array, float, Any, Array, bool]
"""The same for one sample: b (m,), ||x||^2, penalty, G, nonnegative."""

Options = tuple[bool, bool, float, int]
"""Whether to start from the codes in the results, whether to take Newton steps, tol, max_iter."""

Precision = tuple[float, float, float, float]
"""mu, the smallest curvature where a penalty is 0; eps of the dtype; noise and slack: noise ||x||^2
is rounding in the objective, slack ||x|| in a correlation."""

Results = tuple[Array, Array, Array, Array, Array]
"""Where to write: H (n, m), and (n,) each iterations, objective, gap and converged."""

Atoms = tuple[Array, Array, Array]
"""Of all atoms (m,): the correlations q; whether each is active; where the active ones are."""

Reduced = tuple[Array, Array, Array, Array]
"""The problem on the k active atoms: their codes, correlations, Gram matrix and 1 / ||d_j||^2."""

Direction = tuple[Array, Array, Array]
"""The equations of a Newton step: the support, as places among the active atoms; its Gram matrix,
then the Cholesky factor; the right side, then the change of the codes."""

Buffers = tuple[Atoms, Reduced, Direction]


@compiled
def padded(k: int) -> int:
    """The next multiple of 32."""
    return (k + 31) // 32 * 32


@compiled
def allocate(like: Array) -> Buffers:
    """Buffers for the m columns of ``like``, of its dtype, for one sample after the other."""
    m, dtype = like.shape[1], like.dtype
    length = padded(m)
    # Rows are not a power of two apart: those would all compete for the same lines of the cache.
    shape = (m, length + 16)
    code, correlation, step = (
        np.zeros(length, dtype),
        np.zeros(length, dtype),
        np.zeros(length, dtype),
    )
    gram, factor = np.zeros(shape, dtype), np.zeros(shape, dtype)
    inverse, q = np.empty(m, dtype), np.empty(m, dtype)
    active, support = np.empty(m, np.int64), np.empty(m, np.int64)
    inside = np.zeros(m, np.bool_)
    return (q, inside, active), (code, correlation, gram, inverse), (support, factor, step)


@compiled
def correlations(b: Array, G: Array, active: Array, code: Array, k: int, q: Array) -> None:
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
def largest_correlation(q: Array, nonnegative: bool) -> Any:
    """The largest entry of q that violates an optimality condition of penalty 0, or 0."""
    largest = q[0] - q[0]
    if nonnegative:
        for t in range(q.shape[0]):
            largest = max(largest, q[t])
    else:
        for t in range(q.shape[0]):
            largest = max(largest, abs(q[t]))
    return largest


@compiled
def bound(
    sample: Sample, precision: Precision, q: Array, active: Array, code: Array, k: int
) -> tuple[Any, float, float]:
    """Largest correlation, objective and duality gap: the formulas of replearn.sparse.lasso.

    With ||x - D h||^2 = ||x||^2 - h^T (b + q). Sums over the active atoms are in float64.
    """
    b, x2, lam, _, nonnegative = sample
    mu, _, _, slack = precision
    largest = largest_correlation(q, nonnegative)
    l1, qh, bh = 0.0, 0.0, 0.0
    for a in range(k):
        h = np.float64(code[a])
        l1 += abs(h)
        qh += q[active[a]] * h
        bh += b[active[a]] * h
    R = max(x2 - bh - qh, 0.0)
    s = 1.0 + qh / R if R > 0 else 1.0
    if largest > 0 and not (lam == 0 and mu == 0 and largest <= slack * np.sqrt(x2)):
        s = min(s, np.float64(lam) / np.float64(largest))
    s = max(s, 0.0)
    gap = lam * l1 - s * qh + 0.5 * (1 - s) * (1 - s) * R
    if lam == 0 and mu > 0:
        gap = min(gap, curvature_bound(q, active, code, k, mu, nonnegative))
    return largest, 0.5 * R + lam * l1, max(gap, 0.0)


@compiled
def curvature_bound(
    q: Array, active: Array, code: Array, k: int, mu: float, nonnegative: bool
) -> float:
    """``max_v q^T v - mu/2 ||v||^2``, over the v with h + v >= 0 for nonnegative codes."""
    m = q.shape[0]
    total = 0.0
    for t in range(m):
        v = q[t] / mu
        total += (q[t] - 0.5 * mu * v) * v
    if nonnegative:  # v is held at -h where it would make the code negative
        for t in range(m):
            if q[t] < 0:
                total -= 0.5 * q[t] * q[t] / mu
        for a in range(k):
            g = np.float64(q[active[a]])
            if g < 0:
                v = max(g / mu, -np.float64(code[a]))
                total += (g - 0.5 * mu * v) * v
    return total


@compiled
def sweep(reduced: Reduced, k: int, lam: Any, nonnegative: bool) -> Any:
    """One pass of coordinate descent over the active atoms. Returns the largest violation met."""
    code, correlation, gram, inverse = reduced
    width = padded(k)
    worst = lam - lam
    for a in range(k):
        if inverse[a] == 0:  # an atom that is zero
            continue
        old = code[a]
        z = correlation[a] + gram[a, a] * old
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
                correlation[t] -= delta * gram[a, t]
            worst = max(worst, abs(delta) * gram[a, a])
    return worst


@compiled
def newton(reduced: Reduced, direction: Direction, k: int, lam: Any, singular: Any) -> bool:
    """Towards the solution of ``G_SS h_S = b_S - lam sign(h_S)`` on the support S.

    That is the minimum for these signs; only until the first code reaches 0. Returns whether all
    the way.
    """
    s = gather_support(reduced, direction, k, lam)
    eliminate(reduced[2], direction, s, singular)
    substitute_back(direction, s)
    whole: bool = move(reduced, direction, k, s, lam)
    return whole


@compiled
def gather_support(reduced: Reduced, direction: Direction, k: int, lam: Any) -> int:
    """The support, its Gram matrix in ``factor``, ``q_S - lam sign(h_S)`` in ``step``."""
    code, correlation, gram, _ = reduced
    support, factor, step = direction
    s = 0
    for a in range(k):
        if code[a] != 0:
            support[s] = a
            s += 1
    for i in range(s):
        a = support[i]
        from_row, to_row = gram[a], factor[i]
        for j in range(s):
            to_row[j] = from_row[support[j]]
        step[i] = correlation[a] - lam if code[a] > 0 else correlation[a] + lam
    return s


@compiled
def eliminate(gram: Array, direction: Direction, s: int, singular: Any) -> None:
    """``factor`` becomes U with U^T U = G_SS, and ``step`` is divided by U^T.

    A pivot below ``singular`` of its diagonal entry belongs to an atom that depends on those
    before it: it is 0 in U, and the atom's code stays as it is.
    """
    support, U, step = direction
    size = padded(s)
    for i in range(s):
        if U[i, i] <= singular * gram[support[i], support[i]]:
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
            ratio = U[i, j]
            start = j // 32 * 32
            pivot = U[i, start:size]
            row = U[j, start:size]
            for t in range(size - start):
                row[t] -= ratio * pivot[t]


@compiled
def substitute_back(direction: Direction, s: int) -> None:
    """``step`` is divided by U: it is now the change that solves the equations."""
    _, U, step = direction
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


@compiled
def move(reduced: Reduced, direction: Direction, k: int, s: int, lam: Any) -> bool:
    """Take the step, only until the first code reaches 0. Returns whether all the way."""
    code, correlation, gram, _ = reduced
    support, _, step = direction
    width = padded(k)
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
            correlation[t] -= delta * gram[a, t]
    return first < 0


@compiled
def violation(reduced: Reduced, k: int, lam: Any, nonnegative: bool) -> Any:
    """Largest violation of the optimality conditions on the active atoms."""
    code, correlation, _, _ = reduced
    worst = lam - lam
    for a in range(k):
        if code[a] > 0:
            worst = max(worst, abs(correlation[a] - lam))
        elif code[a] < 0:
            worst = max(worst, abs(correlation[a] + lam))
        else:
            worst = max(worst, (correlation[a] if nonnegative else abs(correlation[a])) - lam)
    return worst


@compiled
def descend(
    reduced: Reduced,
    direction: Direction,
    k: int,
    lam: Any,
    nonnegative: bool,
    use_newton: bool,
    singular: Any,
    halt: Array,
) -> None:
    """Solve the problem on the active atoms until the violation has fallen to INNER of itself."""
    target = INNER * violation(reduced, k, lam, nonnegative)
    sweeps = SWEEPS
    for _ in range(NEWTON_STEPS):
        for _ in range(sweeps):
            if sweep(reduced, k, lam, nonnegative) <= target:
                return
        if halt[0]:
            return
        if use_newton:
            newton(reduced, direction, k, lam, singular)
        sweeps = SWEEPS_BETWEEN


@compiled
def deactivate(atoms: Atoms, reduced: Reduced, places: Array, k: int) -> int:
    """Take atoms with code 0 off the active ones; returns how many are left."""
    _, inside, active = atoms
    code, _, gram, inverse = reduced
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
                gram[a, e] = gram[old, places[e]]
    return kept


@compiled
def extend(G: Array, q: Array, active: Array, reduced: Reduced, first: int, k: int) -> None:
    """Extend the reduced problem to k active atoms, whose codes are set.

    Those before ``first`` were active before.
    """
    _, correlation, gram, inverse = reduced
    for a in range(first, k):
        j = active[a]
        for e in range(k):
            gram[a, e] = G[j, active[e]]
        for e in range(first):
            gram[e, a] = gram[a, e]
        size = gram[a, a]
        # 1 / size must be finite; an atom this small is zero but for underflow.
        inverse[a] = 1 / size if size > 1e-36 else size - size
    for a in range(k):
        correlation[a] = q[active[a]]


@compiled
def activate(atoms: Atoms, code: Array, k: int, cut: Any, nonnegative: bool) -> int:
    """Add the atoms whose correlation is above ``cut``; returns how many are active."""
    q, inside, active = atoms
    for j in range(q.shape[0]):
        if not inside[j] and (q[j] > cut or (q[j] < -cut and not nonnegative)):
            inside[j] = True
            active[k] = j
            code[k] = 0
            k += 1
    return k


@compiled
def read_codes(h: Array, G: Array, atoms: Atoms, reduced: Reduced) -> int:
    """Start from the code h: its atoms are active. Returns their number."""
    q, inside, active = atoms
    code = reduced[0]
    k = 0
    for j in range(h.shape[0]):
        if h[j] != 0:
            inside[j] = True
            active[k], code[k] = j, h[j]
            k += 1
    extend(G, q, active, reduced, 0, k)  # but for the correlations, as q is not known yet
    return k


@compiled
def write_codes(h: Array, active: Array, code: Array, k: int) -> None:
    """The code of the active atoms, and 0 elsewhere."""
    h[:] = 0
    for a in range(k):
        h[active[a]] = code[a]


@compiled
def solve_sample(
    sample: Sample, k: int, options: Options, precision: Precision, halt: Array, buffers: Buffers
) -> tuple[int, int, float, float, bool]:
    """Rounds from k active atoms on, as replearn.sparse.coordinate says.

    Returns how many atoms are active in the end, the number of rounds, objective, gap and whether
    it is small enough.
    """
    b, x2, lam, G, nonnegative = sample
    _, use_newton, tol, max_iter = options
    mu, eps, _, _ = precision
    atoms, reduced, direction = buffers
    q, _, active = atoms
    code, places = reduced[0], direction[0]
    number = b.dtype.type
    singular = number(64 * eps)
    best, closest, idle, rounds = np.inf, np.inf, 0, 0
    while True:
        correlations(b, G, active, code, k, q)
        largest, value, gap = bound(sample, precision, q, active, code, k)
        done = gap <= tol * value + 0.5 * eps**1.5 * x2
        if done or rounds == max_iter or idle == IDLE or halt[0]:
            return k, rounds, value, gap, done
        rounds += 1
        level = lam
        if rounds <= HOMOTOPY_ROUNDS:
            level = max(lam, number(HOMOTOPY) * largest)
        if level == lam:
            # Near the optimum the objective stands still first: its error is the square of the
            # violation's, of whose order the gap is (or all of F, until the correlations are 0).
            near = np.float64(largest) if lam == 0 and mu == 0 else gap
            stands = value > best - 2 * eps * x2 and near > 0.9 * closest
            idle = idle + 1 if stands else 0
            best, closest = min(best, value), min(closest, near)
        kept = deactivate(atoms, reduced, places, k)
        k = activate(atoms, code, kept, level, nonnegative)
        extend(G, q, active, reduced, kept, k)
        descend(reduced, direction, k, level, nonnegative, use_newton, singular, halt)


@compiled
def solve(
    problem: Problem, options: Options, precision: Precision, halt: Array, results: Results
) -> None:
    """Codes of all samples. Returns at once when another thread sets ``halt[0]``."""
    B, squares, penalty, G, nonnegative = problem
    H, iterations, objective, gap, converged = results
    warm, noise = options[0], precision[2]
    buffers = allocate(B)
    atoms, reduced, _ = buffers
    _, inside, active = atoms
    for i in range(B.shape[0]):
        x2, lam = squares[i], penalty[i]
        inside[:] = False
        k = read_codes(H[i], G, atoms, reduced) if warm else 0
        k, rounds, value, above, done = solve_sample(
            (B[i], x2, lam, G, nonnegative), k, options, precision, halt, buffers
        )
        write_codes(H[i], active, reduced[0], k)
        fitted = lam == 0 and value <= 0.5 * noise * x2
        iterations[i], objective[i], gap[i], converged[i] = rounds, value, above, done or fitted
        if halt[0]:
            return
