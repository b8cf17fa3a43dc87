"""Cases and sums written out in plain Python; lists of numbers come back."""

# %% q1_optimality
def subdifferential(h, a, b):
    low = [a if value > 0 else -b for value in h.tolist()]
    high = [-b if value < 0 else a for value in h.tolist()]
    return [low, high]


def violation(X, D, H, penalties):
    worst = []
    for x, h in zip(X, H):
        g = D.T @ (D @ h - x)
        violations = []
        for j, p in enumerate(penalties.tolist()):
            if h[j] > 0:
                violations.append(abs(float(g[j]) + p))
            elif h[j] < 0:
                violations.append(abs(float(g[j]) - p))
            else:
                violations.append(max(abs(float(g[j])) - p, 0.0))
        worst.append(max(violations))
    return worst

# %% q2_prox
def elastic_prox(Z, t, ridge):
    t = torch.as_tensor(t, dtype=Z.dtype).expand(Z.shape)
    H = torch.zeros_like(Z)
    for i in range(Z.shape[0]):
        for j in range(Z.shape[1]):
            if Z[i, j] > t[i, j]:
                H[i, j] = (Z[i, j] - t[i, j]) / (1 + ridge)
            elif Z[i, j] < -t[i, j]:
                H[i, j] = (Z[i, j] + t[i, j]) / (1 + ridge)
    return H


def group_prox(Z, t):
    rows = []
    for z in Z.tolist():
        length = math.hypot(*z)
        rows.append([v * (length - t) / length for v in z] if length > t else [0.0 for _ in z])
    return rows

# %% q3_clamp
def clamp_step(X, D, H, penalties, width, step):
    def sign(value):
        return (value > 0) - (value < 0)

    out = []
    for x, h in zip(X, H):
        b = h - step * D.T @ (D @ h - x)
        row = []
        for value, p in zip(b.tolist(), penalties.tolist()):
            moved = value - step * p * sign(value) * width / (width + abs(value))
            row.append(moved if sign(moved) == sign(value) else 0)
        out.append(row)
    return out

# %% q4_lipschitz
def lipschitz(D, seen):
    values = []
    for row in seen:
        A = D[row > 0]
        values.append(torch.linalg.eigvalsh(A @ A.T)[-1] if len(A) else torch.tensor(0.0))
    return values


def steps_needed(L, distance, accuracy, accelerated):
    def enough(k):
        bound = 2 * L * distance**2 / (k + 1) ** 2 if accelerated else L * distance**2 / (2 * k)
        return bound <= accuracy

    high = 1
    while not enough(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def distance_bound(X, penalties):
    return [max(sum(v**2 for v in x) / 2 / p for p in penalties.tolist()) for x in X.tolist()]

# %% q5_ista
def ista(X, seen, D, penalties, steps, start, iterations):
    codes, totals = [], [0.0] * (iterations + 1)
    for x, s, step, h in zip(X, seen, steps.tolist(), start):
        A, x = D[s > 0], x[s > 0]
        for k in range(iterations + 1):
            if k > 0:
                b = h - step * A.T @ (A @ h - x)
                h = torch.sign(b) * torch.relu(b.abs() - step * penalties)
            r = x - A @ h
            totals[k] += (float(r @ r) / 2 + float(penalties @ h.abs())) / len(X)
        codes.append(h)
    return codes, totals

# %% q6_momentum
def momentum(iterations, restarts):
    t = 1.0
    weights = []
    while len(weights) < iterations:
        if len(weights) + 1 in set(restarts):
            t = 1.0
        t, before = (1 + math.sqrt(1 + 4 * t * t)) / 2, t
        weights += [(before - 1) / t]
    return weights

# %% q6_fista
def fista(X, D, penalties, step, iterations):
    codes, totals = [], [0.0] * (iterations + 1)
    for x in X:
        h = y = torch.zeros(D.shape[1], dtype=X.dtype)
        t = 1.0
        totals[0] += float(x @ x) / 2 / len(X)
        for k in range(1, iterations + 1):
            b = y - step * D.T @ (D @ y - x)
            new = torch.sign(b) * torch.relu(b.abs() - step * penalties)
            if float((y - new) @ (new - h)) > 0:
                t = 1.0
            after = (1 + math.sqrt(1 + 4 * t * t)) / 2
            y = new + (t - 1) / after * (new - h)
            h, t = new, after
            r = x - D @ h
            totals[k] += (float(r @ r) / 2 + float(penalties @ h.abs())) / len(X)
        codes.append(h)
    return torch.stack(codes), tuple(totals)

# %% q7_point
def dual_point(X, D, H, penalties):
    points = []
    for x, h in zip(X, H):
        r = x - D @ h
        s = 1.0
        for atom, p in zip(D.T, penalties.tolist()):
            product = abs(float(atom @ r))
            if product > p:
                s = min(s, p / product)
        points.append(s * r)
    return torch.stack(points)

# %% q7_gap
def duality_gap(X, D, H, penalties):
    gaps = []
    for x, h, theta in zip(X, H, dual_point(X, D, H, penalties)):
        r = x - D @ h
        gaps.append(float(r @ r / 2 + penalties @ h.abs() - theta @ x + theta @ theta / 2))
    return gaps

# %% q8_guarantee
def guaranteed_noise(tau, penalty):
    if penalty >= tau:
        return 0
    return penalty if penalty < tau / 2 else tau - penalty

# %% q8_break
def breaking_noise(h_true, D, penalty):
    best = None
    for j, h in enumerate(h_true.tolist()):
        if h != 0 and abs(h) <= penalty:
            return [0.0] * len(D)
        coefficient = -penalty if h == 0 else penalty - h if h > 0 else -penalty - h
        if best is None or abs(coefficient) < abs(best[0]):
            best = coefficient, j
    return [best[0] * value for value in D[:, best[1]].tolist()]

# %% q9_update
def coordinate_update(X, D, H, penalties, ridge, j):
    values = []
    p, square = float(penalties[j]), float(D[:, j] @ D[:, j])
    for x, h in zip(X, H):
        others = h.clone()
        others[j] = 0
        z = float(D[:, j] @ (x - D @ others))
        best = z - p if z > p else z + p if z < -p else 0.0
        values.append(best / (square + ridge) if square > 0 else 0.0)
    return values

# %% q9_sweep
def coordinate_sweep(X, D, H, penalties, ridge):
    columns = [H[:, j] for j in range(H.shape[1])]
    for j in range(len(columns)):
        new = coordinate_update(X, D, torch.stack(columns, dim=1), penalties, ridge, j)
        columns[j] = torch.tensor(new, dtype=H.dtype)
    return torch.stack(columns, dim=1)

# %% q10_largest
def largest_penalty(X, D, weights):
    # The free atoms are made orthonormal one after the other.
    basis = []
    for atom, w in zip(D.T, weights.tolist()):
        if w == 0:
            for _ in range(2):
                for b in basis:
                    atom = atom - (atom @ b) * b
            basis.append(atom / atom.norm())
    found = []
    for x in X:
        for b in basis:
            x = x - (x @ b) * b
        found.append(max(abs(float(x @ atom)) / w for atom, w in zip(D.T, weights.tolist()) if w > 0))
    return found

# %% q10_count
def penalty_for(X, D, count):
    out = []
    for x in X:
        sizes = sorted([abs(float(x @ atom)) for atom in D.T] + [0.0])
        out.append(sizes[len(sizes) - 1 - count])
    return out
