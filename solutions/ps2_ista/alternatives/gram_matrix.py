"""Everything from the Gram matrix D^T D and the products D^T x, which are formed once."""

# %% q1_optimality
def subdifferential(h, a, b):
    low = torch.full_like(h, -b)
    high = torch.full_like(h, a)
    low[h > 0] = a
    high[h < 0] = -b
    return low, high


def violation(X, D, H, penalties):
    downhill = X @ D - H @ (D.T @ D)
    # The distance of downhill from its nearest point in the interval.
    low = torch.where(H > 0, penalties, -penalties)
    high = torch.where(H < 0, -penalties, penalties)
    nearest = torch.minimum(torch.maximum(downhill, low), high)
    return (downhill - nearest).abs().amax(dim=1)

# %% q2_prox
def elastic_prox(Z, t, ridge):
    t = torch.as_tensor(t, dtype=Z.dtype)
    return torch.where(Z > t, (Z - t) / (1 + ridge), torch.where(Z < -t, (Z + t) / (1 + ridge), 0 * Z))


def group_prox(Z, t):
    lengths = torch.sqrt(torch.diag(Z @ Z.T))
    shrunk = torch.relu(lengths - t)
    return torch.diag(torch.nan_to_num(shrunk / lengths)) @ Z

# %% q3_clamp
def clamp_step(X, D, H, penalties, width, step):
    G = D.T @ D
    B = H @ (torch.eye(len(G), dtype=G.dtype) - step * G) + step * X @ D
    moved = B - step * penalties * torch.sgn(B) * (width / (width + B.abs()))
    return moved * (moved * B > 0)

# %% q4_lipschitz
def lipschitz(D, seen):
    values = []
    for s in seen:
        # Power iteration on D^T diag(s) D.
        A = D.T @ torch.diag(s) @ D
        v = torch.ones(len(A), dtype=D.dtype) + torch.arange(len(A), dtype=D.dtype) / 7
        before, after = -1.0, 0.0
        while after > before * (1 + 1e-12) + 1e-300:
            before, v = after, A @ v / v.norm()
            after = float(v.norm())
            if after == 0:
                break
        values.append(after)
    return torch.tensor(values)


def steps_needed(L, distance, accuracy, accelerated):
    if accelerated:
        needed = distance / math.sqrt(accuracy / (2 * L)) - 1
    else:
        needed = (distance / math.sqrt(2 * accuracy / L)) ** 2
    return max(1, math.ceil(needed))


def distance_bound(X, penalties):
    return (X @ X.T).diagonal() / (2 * penalties.sort().values[0])

# %% q5_ista
def ista(X, seen, D, penalties, steps, start, iterations):
    X = X.masked_fill(seen == 0, 0.0)
    G = torch.stack([D.T @ (s[:, None] * D) for s in seen])
    C, squares = X @ D, (X**2).sum(dim=1)
    H = start.clone()

    def mean_objective():
        GH = (G @ H[:, :, None])[:, :, 0]
        fit = squares / 2 - (H * C).sum(dim=1) + (GH * H).sum(dim=1) / 2
        return (fit + H.abs() @ penalties).mean().item()

    objectives = [mean_objective()]
    for _ in range(iterations):
        B = H - steps.unsqueeze(1) * ((G @ H[:, :, None])[:, :, 0] - C)
        t = steps.unsqueeze(1) * penalties
        H = torch.maximum(B - t, torch.zeros_like(B)) + torch.minimum(B + t, torch.zeros_like(B))
        objectives.append(mean_objective())
    return H, objectives

# %% q6_momentum
def momentum(iterations, restarts):
    weights, t = [], 1.0
    for k in range(1, iterations + 1):
        t = {True: 1.0, False: t}[k in restarts]
        weights.append((t - 1) / ((1 + math.sqrt(1 + 4 * t**2)) / 2))
        t = (1 + math.sqrt(1 + 4 * t**2)) / 2
    return tuple(weights)

# %% q6_fista
def fista(X, D, penalties, step, iterations):
    G, C = D.T @ D, X @ D
    before = H = torch.zeros_like(C)
    beta, t = torch.zeros(len(X), 1, dtype=X.dtype), torch.ones(len(X), 1, dtype=X.dtype)
    objectives = [float(objective(X, D, H, penalties).mean())]
    for _ in range(iterations):
        Y = (1 + beta) * H - beta * before
        B = Y - step * (Y @ G - C)
        before, H = H, torch.sign(B) * torch.relu(B.abs() - step * penalties)
        t = t.masked_fill(((Y - H) * (H - before)).sum(dim=1, keepdim=True) > 0, 1.0)
        beta = (t - 1) / ((1 + (1 + 4 * t**2).sqrt()) / 2)
        t = (1 + (1 + 4 * t**2).sqrt()) / 2
        objectives.append(float(objective(X, D, H, penalties).mean()))
    return H, objectives

# %% q7_point
def dual_point(X, D, H, penalties):
    products = (X @ D - H @ (D.T @ D)).abs()
    # 0/0, a condition that is kept, is not a number and counts as 1.
    s = torch.nan_to_num(penalties / products, nan=1.0, posinf=1.0).clamp(max=1).amin(dim=1)
    return torch.diag(s) @ (X - H @ D.T)

# %% q7_gap
def duality_gap(X, D, H, penalties):
    theta = dual_point(X, D, H, penalties)
    dual = (X**2).sum(dim=1) / 2 - ((X - theta) ** 2).sum(dim=1) / 2
    fit = (X**2).sum(dim=1) / 2 - (H * (X @ D)).sum(dim=1) + (H @ (D.T @ D) * H).sum(dim=1) / 2
    return fit + H.abs() @ penalties - dual

# %% q8_guarantee
def guaranteed_noise(tau, penalty):
    return torch.relu(torch.minimum(torch.tensor(penalty), torch.tensor(tau - penalty)).double())

# %% q8_break
def breaking_noise(h_true, D, penalty):
    room = torch.where(h_true != 0, torch.relu(h_true.abs() - penalty), torch.full_like(h_true, penalty))
    j = torch.argmin(room)
    sign = 1.0 if h_true[j] < 0 else -1.0
    return D @ (sign * room[j] * torch.eye(len(h_true), dtype=D.dtype)[j])

# %% q9_update
def coordinate_update(X, D, H, penalties, ridge, j):
    G = D.T @ D
    z = (X @ D)[:, j] - H @ G[:, j] + H[:, j] * G[j, j]
    if G[j, j] == 0:
        return torch.zeros(len(X))
    z, t = z / (G[j, j] + ridge), penalties[j] / (G[j, j] + ridge)
    return torch.where(z.abs() > t, z - t * z.sign(), torch.zeros_like(z))

# %% q9_sweep
def coordinate_sweep(X, D, H, penalties, ridge):
    H, G, C = H.clone(), D.T @ D, X @ D
    for j in range(len(G)):
        z = C[:, j] - H @ G[:, j] + G[j, j] * H[:, j]
        new = torch.nn.functional.softshrink(z, float(penalties[j])) / (G[j, j] + ridge)
        H[:, j] = torch.where(G[j, j] > 0, new, torch.zeros_like(new))
    return H

# %% q10_largest
def largest_penalty(X, D, weights):
    free, G, C = weights == 0, D.T @ D, X @ D
    if free.any():
        codes = torch.linalg.solve(G[free][:, free], C[:, free].T).T
        C = C - codes @ G[free]
    return (C[:, ~free] / weights[~free]).abs().amax(dim=1)

# %% q10_count
def penalty_for(X, D, count):
    m = D.shape[1]
    if count == m:
        return torch.zeros(len(X), dtype=X.dtype)
    return torch.topk((X @ D).abs(), count + 1, dim=1).values[:, count]
