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
SWEEPS_AT_END = 1  # passes before it where the code is nearly the solution
NEWTON_STEPS = 30  # at most, in a round
LARGE = 1e30  # beyond all numbers of a problem in its own units; loops this fast know no infinity
IDLE = 4  # rounds without progress beyond rounding after which a sample is given up


# What belongs together is passed in plain tuples. Named ones would be pickled, by their names, into
# the files where numba keeps compiled code, and renaming one would make those files unreadable.

Problem = tuple[Array, Array, Array, Array, bool]
"""B = X D (n, m), ||x||^2 (n,) in float64, penalties (n,), G = D^T D (m, m), and whether codes are
nonnegative."""

Sample = tuple[Array, float, Any, Array, bool]
"""The same for one sample: b (m,), ||x||^2, penalty, G, nonnegative."""

Exact = tuple[Array, Array, Array]
"""X (n, d), D (d, m) and G (m, m) in float64: what a sample is finished with that needs more than
float32."""

Options = tuple[bool, bool, float, int, int]
"""Whether to start from the codes in the results, whether to take Newton steps, tol, max_iter, and
how many passes come before the first Newton step of a round."""

Precision = tuple[float, float, float, float, float, float]
"""mu, the smallest curvature where a penalty is 0; eps of the dtype; noise and slack: noise ||x||^2
is rounding in the objective whatever the dtype, slack ||d_j|| ||x|| in a correlation that is 0; and
error: error (||x|| + longest ||h||_1) is what rounding may do to a correlation, where longest is
the length of the longest atom, and 0 where there is nothing more precise."""

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
    # Unsigned, so that loops that look things up need not ask whether a place counts from the end.
    active, support = np.empty(m, np.uint32), np.empty(m, np.uint32)
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
def is_rounding(q: Array, G: Array, slack: float, nonnegative: bool) -> bool:
    """Whether every correlation is 0 but for ``slack`` times its atom's length."""
    for t in range(q.shape[0]):
        size = q[t] if nonnegative else abs(q[t])
        if size > slack * np.sqrt(np.float64(G[t, t])):
            return False
    return True


@compiled
def bound(
    sample: Sample, precision: Precision, q: Array, active: Array, code: Array, k: int
) -> tuple[Any, float, float, float]:
    """Largest correlation, objective, duality gap and what rounding may have done to the gap.

    By the formulas of replearn.sparse.lasso, with ||x - D h||^2 = ||x||^2 - h^T (b + q). Sums over
    the active atoms are in float64. What rounding has done is that of the correlations, by the
    derivatives of the gap: directly, by ||x - D h||^2, and by s, which the largest may set.
    """
    b, x2, lam, G, nonnegative = sample
    mu, _, _, slack, error, longest = precision
    largest = largest_correlation(q, nonnegative)
    l1, qh, bh = 0.0, 0.0, 0.0
    for a in range(k):
        h = np.float64(code[a])
        l1 += abs(h)
        qh += q[active[a]] * h
        bh += b[active[a]] * h
    R = max(x2 - bh - qh, 0.0)
    s = 1.0 + qh / R if R > 0 else 1.0
    free = lam == 0 and mu == 0 and is_rounding(q, G, slack * np.sqrt(x2), nonnegative)
    off = error * (np.sqrt(x2) + longest * l1)  # of each correlation
    slope = 0.0  # of the gap with s, and s with the largest correlation
    if largest > 0 and not free and s > np.float64(lam) / np.float64(largest):
        s = np.float64(lam) / np.float64(largest)
        slope = s * abs(qh + (1 - s) * R) / np.float64(largest)
    s = max(s, 0.0)
    gap = lam * l1 - s * qh + 0.5 * (1 - s) * (1 - s) * R
    allowed = off * (l1 * (s + (1 - s) * (1 - s)) + slope)
    if lam == 0 and mu > 0:
        curved = curvature_bound(q, active, code, k, mu, nonnegative)
        if curved < gap:
            total = 0.0
            for t in range(q.shape[0]):
                total += abs(np.float64(q[t])) + 0.5 * off
            gap, allowed = curved, off * total / mu
    return largest, 0.5 * R + lam * l1, max(gap, 0.0), allowed


@compiled
def curvature_bound(
    q: Array, active: Array, code: Array, k: int, mu: float, nonnegative: bool
) -> float:
    """``max_v q^T v - mu/2 ||v||^2``, over the v with h + v >= 0 for nonnegative codes."""
    m = q.shape[0]
    total = 0.0
    for t in range(m):
        g = np.float64(q[t])
        if g > 0 or not nonnegative:
            total += 0.5 * g * g / mu
    if nonnegative:  # codes may fall as well, where there are some, but not below 0
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
    sweeps: int,
    singular: Any,
    halt: Array,
) -> None:
    """Solve the problem on the active atoms until the violation has fallen to INNER of itself."""
    target = INNER * violation(reduced, k, lam, nonnegative)
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
        # 1 / size must be finite; an atom this small is zero but for underflow, as the longest has
        # a length near 1 (replearn.sparse.scaling).
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
def read_codes(h: Array, atoms: Atoms, reduced: Reduced) -> int:
    """Start from the code h: its atoms are active. Returns their number."""
    _, inside, active = atoms
    code = reduced[0]
    k = 0
    for j in range(h.shape[0]):
        if h[j] != 0:
            inside[j] = True
            active[k], code[k] = j, h[j]
            k += 1
    return k


@compiled
def solve_sample(
    sample: Sample,
    k: int,
    built: int,
    options: Options,
    precision: Precision,
    halt: Array,
    buffers: Buffers,
) -> tuple[int, int, float, float, bool]:
    """Rounds from k active atoms on, as replearn.sparse.coordinate says.

    The first ``built`` of them are in the reduced problem. Returns how many atoms are active in the
    end, the number of rounds, objective, a bound on its distance from the minimum and whether that
    is small enough. If rounding does not let it be, and the gap is down to rounding, that is the
    end: what is left to do wants more precision.
    """
    b, x2, lam, G, nonnegative = sample
    _, use_newton, tol, max_iter, sweeps = options
    mu, eps, _, _, _, _ = precision
    atoms, reduced, direction = buffers
    q, _, active = atoms
    code, places = reduced[0], direction[0]
    number = b.dtype.type
    singular = number(64 * eps)
    share = number(HOMOTOPY)
    level = number(LARGE) if k == 0 else lam  # codes to start from are those of this penalty
    best, closest, idle, rounds = LARGE, LARGE, 0, 0
    while True:
        correlations(b, G, active, code, k, q)
        largest, value, gap, error = bound(sample, precision, q, active, code, k)
        done = gap + error <= tol * value + 0.5 * eps**1.5 * x2
        if done or gap < error or rounds == max_iter or idle == IDLE or halt[0]:
            return k, rounds, value, gap + error, done
        rounds += 1
        # Never above the last: a problem that is not solved yet would be begun again and again.
        level = max(lam, min(level, share * largest)) if rounds <= HOMOTOPY_ROUNDS else lam
        if level == lam:
            # Near the optimum the objective stands still first: its error is the square of the
            # violation's, of whose order the gap is (or all of F, until the correlations are 0).
            near = np.float64(largest) if lam == 0 and mu == 0 else gap
            stands = value > best - 2 * eps * x2 and near > 0.9 * closest
            idle = idle + 1 if stands else 0
            best, closest = min(best, value), min(closest, near)
        if built < k:
            extend(G, q, active, reduced, built, k)
        kept = deactivate(atoms, reduced, places, k)
        k = activate(atoms, code, kept, level, nonnegative)
        extend(G, q, active, reduced, kept, k)
        built = k
        descend(reduced, direction, k, level, nonnegative, use_newton, sweeps, singular, halt)


@compiled
def write_result(
    i: int,
    sample: Sample,
    k: int,
    iterations: int,
    value: float,
    gap: float,
    done: bool,
    tol: float,
    precision: Precision,
    buffers: Buffers,
    results: Results,
) -> None:
    """The code of k active atoms, rounded to the dtype of the results, as result i.

    Of a code in float64 that is rounded the objective changes by ``-q^T e + 1/2 e^T G e`` and the
    penalty's change, where e is what rounding has changed; the gap by as much, as the dual point
    stays.
    """
    H, all_iterations, objective, gaps, converged = results
    _, x2, lam, G, _ = sample
    (q, _, active), (code, _, _, _), _ = buffers
    number = H.dtype.type
    h = H[i]
    h[:] = 0
    for a in range(k):
        h[active[a]] = number(code[a])
    change = 0.0
    if H.itemsize != G.itemsize:
        for a in range(k):
            j = active[a]
            e = np.float64(h[j]) - code[a]
            row, curved = G[j], 0.0
            for t in range(k):
                other = active[t]
                curved += row[other] * (np.float64(h[other]) - code[t])
            change += e * (0.5 * curved - q[j])
            change += lam * (abs(np.float64(h[j])) - abs(np.float64(code[a])))
    value, gap = value + change, max(gap + change, 0.0)
    if H.itemsize != G.itemsize:  # what rounding the code has added counts as well
        done = done and gap <= tol * value + 0.5 * precision[1] ** 1.5 * x2
    fitted = lam == 0 and value <= 0.5 * precision[2] * x2
    all_iterations[i] = iterations
    objective[i], gaps[i], converged[i] = value, gap, done or fitted


@compiled
def product(x: Array, D: Array, b: Array) -> None:
    """b = D^T x in float64."""
    for t in range(b.shape[0]):
        b[t] = 0
    for i in range(x.shape[0]):
        value, row = np.float64(x[i]), D[i]
        for t in range(b.shape[0]):
            b[t] += value * row[t]


@compiled
def solve(
    problem: Problem,
    exact: Exact,
    options: Options,
    precision: Precision,
    exact_precision: Precision,
    halt: Array,
    results: Results,
) -> None:
    """Codes of all samples. Returns at once when another thread sets ``halt[0]``.

    Where float32 does not suffice, a sample is finished in float64.
    """
    B, squares, penalty, G, nonnegative = problem
    X, D, G64 = exact
    H = results[0]
    warm, use_newton, tol, max_iter, _ = options
    buffers = allocate(G)
    atoms, reduced, _ = buffers
    _, inside, active = atoms
    finish = G.itemsize != G64.itemsize
    second = allocate(G64) if finish else allocate(G64[:1, :1])
    b = np.empty(G64.shape[1])
    for i in range(B.shape[0]):
        x2, lam = squares[i], penalty[i]
        inside[:] = False
        k = read_codes(H[i], atoms, reduced) if warm else 0
        sample = B[i], x2, lam, G, nonnegative
        k, rounds, value, gap, done = solve_sample(sample, k, 0, options, precision, halt, buffers)
        if done or not finish or halt[0]:
            write_result(i, sample, k, rounds, value, gap, done, tol, precision, buffers, results)
        else:
            product(X[i], D, b)
            second[0][1][:] = False
            for a in range(k):
                second[0][2][a], second[1][0][a] = active[a], reduced[0][a]
                second[0][1][active[a]] = True
            whole = b, x2, np.float64(lam), G64, nonnegative
            left = warm, use_newton, tol, max_iter - rounds, SWEEPS_AT_END
            k, more, value, gap, done = solve_sample(
                whole, k, 0, left, exact_precision, halt, second
            )
            write_result(
                i, whole, k, rounds + more, value, gap, done, tol, exact_precision, second, results
            )
        if halt[0]:
            return
