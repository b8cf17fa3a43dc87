"""Cases and sums written out, sample by sample and coordinate by coordinate."""

# %% q1_optimality
def subdifferential(h, penalty):
    low, high = [], []
    for value in h.tolist():
        low.append(penalty if value > 0 else -penalty)
        high.append(-penalty if value < 0 else penalty)
    return torch.tensor(low, dtype=h.dtype), torch.tensor(high, dtype=h.dtype)


def violation(X, D, H, penalty):
    worst = []
    for x, h in zip(X, H):
        g = D.T @ (D @ h - x)
        violations = []
        for j in range(len(h)):
            if h[j] > 0:
                violations.append(abs(float(g[j]) + penalty))
            elif h[j] < 0:
                violations.append(abs(float(g[j]) - penalty))
            else:
                violations.append(max(abs(float(g[j])) - penalty, 0.0))
        worst.append(max(violations))
    return torch.tensor(worst, dtype=X.dtype)

# %% q2_threshold
def soft_threshold(Z, t):
    t = torch.as_tensor(t, dtype=Z.dtype).expand(Z.shape)
    H = torch.zeros_like(Z)
    for i in range(Z.shape[0]):
        for j in range(Z.shape[1]):
            if Z[i, j] > t[i, j]:
                H[i, j] = Z[i, j] - t[i, j]
            elif Z[i, j] < -t[i, j]:
                H[i, j] = Z[i, j] + t[i, j]
    return H

# %% q3_clamp
def clamp_step(X, D, H, penalty, step):
    def sign(value):
        return (value > 0) - (value < 0)

    out = torch.zeros_like(H)
    for i in range(len(X)):
        b = H[i] - step * D.T @ (D @ H[i] - X[i])
        for k, value in enumerate(b.tolist()):
            moved = value - step * penalty * sign(value)
            out[i, k] = moved if sign(moved) == sign(value) else 0.0
    return out

# %% q4_lipschitz
def lipschitz(D):
    # Power iteration on the smaller of D^T D and D D^T.
    A = D.T @ D if D.shape[1] <= D.shape[0] else D @ D.T
    v = torch.ones(len(A), dtype=D.dtype) + torch.arange(len(A), dtype=D.dtype) / 7
    before = after = 0.0
    while after == 0 or after > before * (1 + 1e-12):
        before, v = after, A @ v / v.norm()
        after = float(v.norm())
    return after


def steps_needed(L, distance, accuracy):
    k = 1
    while L * distance**2 / (2 * k) > accuracy:
        k += 1
    return k

# %% q5_ista
def ista(X, D, penalty, step, iterations):
    n, m = len(X), D.shape[1]
    H = torch.zeros(n, m, dtype=X.dtype)
    totals = [0.0] * (iterations + 1)
    for i in range(n):
        h = torch.zeros(m, dtype=X.dtype)
        for k in range(iterations + 1):
            if k > 0:
                b = h + step * D.T @ (X[i] - D @ h)
                h = torch.sign(b) * torch.relu(torch.abs(b) - step * penalty)
            r = X[i] - D @ h
            totals[k] += (float(r @ r) / 2 + penalty * float(h.abs().sum())) / n
        H[i] = h
    return H, totals

# %% q8_recovery
def one_step(X, D, tau):
    out = []
    for x in X:
        b = [float(atom @ x) for atom in D.T]
        out.append([v - tau / 2 if v > tau / 2 else v + tau / 2 if v < -tau / 2 else 0.0 for v in b])
    return torch.tensor(out, dtype=X.dtype)


def recovery_rate(H, H_true):
    right = 0
    for h, true in zip(H.tolist(), H_true.tolist()):
        right += {j for j, v in enumerate(h) if v} == {j for j, v in enumerate(true) if v}
    return right / len(H)


def guaranteed_noise(tau, penalty):
    if penalty >= tau:
        return 0
    return penalty if penalty < tau / 2 else tau - penalty

# %% q9_update
def coordinate_update(X, D, H, penalty, j):
    values = []
    for x, h in zip(X, H):
        others = h.clone()
        others[j] = 0
        rest = x - D @ others
        z = float(D[:, j] @ rest)
        square = float(D[:, j] @ D[:, j])
        values.append((z - penalty if z > penalty else z + penalty if z < -penalty else 0.0) / square)
    return torch.tensor(values, dtype=X.dtype)

# %% q10_path
def largest_penalty(X, D):
    return torch.tensor([max(abs(float(x @ atom)) for atom in D.T) for x in X], dtype=X.dtype)


def orthonormal_path(x, D, penalties):
    rows = []
    for penalty in penalties:
        z = D.T @ x
        rows.append(torch.where(z > penalty, z - penalty, torch.where(z < -penalty, z + penalty, 0.0)))
    return torch.stack(rows)
