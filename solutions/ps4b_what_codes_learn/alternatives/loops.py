"""Plain loops; lists and Python numbers are returned."""

# %% q1_infomax
def information(W, C, noise):
    # One unit after the other, each as new information beyond the units before it.
    noisy = W @ C @ W.T + torch.diag(noise**2)
    pivots = torch.diagonal(torch.linalg.cholesky(noisy))
    return sum(math.log(float(p) / float(s)) for p, s in zip(pivots, noise))


def best_orthonormal(C, noise):
    d = len(C)
    values, vectors = torch.linalg.eigh(C)
    rows = [None] * len(noise)
    units = sorted(range(len(noise)), key=lambda j: float(noise[j]))
    for place, j in enumerate(units):
        rows[j] = vectors[:, d - 1 - place].tolist()
    return rows


def powers(noise, power):
    floor = [float(s) ** 2 for s in noise]
    on = set(range(len(floor)))
    while True:
        level = (power + sum(floor[j] for j in on)) / len(on)
        below = {j for j in on if floor[j] > level}
        if not below:
            return [max(0.0, level - floor[j]) if j in on else 0.0 for j in range(len(floor))]
        on -= below


def bound_gap(W, C, noise):
    # The units are heard one after the other: each shrinks what is unknown.
    unknown = C.clone()
    for w, s in zip(W, noise):
        u = unknown @ w
        unknown = unknown - torch.outer(u, u) / (w @ u + s**2)
    d = len(C)
    mean = sum(float(unknown[i, i]) for i in range(d)) / d
    return d / 2 * math.log(mean) - float(torch.logdet(unknown)) / 2

# %% q2_trap
def copying_decoder(W, b, alive):
    live = [j for j in range(len(alive)) if alive[j] == 1]
    A = W[live]
    inverse = torch.linalg.lstsq(A, torch.eye(len(live), dtype=torch.float64)).solution
    D = [[0.0] * len(alive) for _ in range(W.shape[1])]
    for place, j in enumerate(live):
        for i in range(W.shape[1]):
            D[i][j] = float(inverse[i, place])
    c = [-sum(D[i][j] * float(b[j]) for j in live) for i in range(W.shape[1])]
    return [D, c]


def noise_error(M, c, low, high):
    d, total = len(c), 0.0
    for i in range(d):
        mean = -float(c[i])
        for j in range(d):
            slope = (1.0 if i == j else 0.0) - float(M[i, j])
            mean += slope * float(low[j] + high[j]) / 2
            total += slope**2 * float(high[j] - low[j]) ** 2 / 12
        total += mean**2
    return total


def decayed(C, m, decay_W, decay_D):
    values, vectors = torch.linalg.eigh(C)
    d = len(C)
    W, D = torch.zeros(m, d, dtype=torch.float64), torch.zeros(d, m, dtype=torch.float64)
    # Units are filled from the last one, with the direction's sign turned round.
    for j in range(min(m, d)):
        v, variance = -vectors[:, d - 1 - j], float(values[d - 1 - j])
        if variance <= math.sqrt(decay_W * decay_D):
            break
        gain = 1 - math.sqrt(decay_W * decay_D) / variance
        delta = math.sqrt(gain) * (decay_W / decay_D) ** 0.25
        W[m - 1 - j], D[:, m - 1 - j] = gain / delta * v, delta * v
    return W.tolist(), D.tolist()

# %% q3_protocol
def infer(X, D, c, H, penalty, rate, steps):
    H = H.clone()
    for i in range(len(X)):
        h = H[i]
        for _ in range(steps):
            a = D @ h + c
            g = torch.sigmoid(a)
            slope = torch.sigmoid(a) * torch.sigmoid(-a)
            h = h - rate * (D.T @ (2 * (g - X[i]) * slope))
            h = torch.nn.functional.softshrink(h, rate * penalty)
        H[i] = h
    return H.tolist()


def judge(X, X_hat, H, mean):
    error = baseline = 0.0
    for x, y in zip(X.tolist(), X_hat.tolist()):
        for a, b, m in zip(x, y, mean.tolist()):
            error += (a - b) ** 2
            baseline += (a - m) ** 2
    rows = H.tolist()
    zeros = sum(v == 0 for row in rows for v in row)
    silent = sum(all(v == 0 for v in column) for column in zip(*rows))
    return 100 * error / baseline, 100 * zeros / (len(rows) * len(rows[0])), silent


def budget_errors(X, D, k):
    squares = [[v**2 for v in row] for row in (X @ D).tolist()]
    total = float((X * X).sum())
    columns = sorted(map(sum, zip(*squares)), reverse=True)
    everything = sorted((v for row in squares for v in row), reverse=True)
    own = sum(sum(sorted(row, reverse=True)[:k]) for row in squares)
    n = len(squares)
    return [(total - sum(columns[:k])) / n, (total - own) / n, (total - sum(everything[: n * k])) / n]

# %% q4_field
def denoiser_jacobian(Y, M, weights, std):
    result = []
    for y in Y:
        logs = [math.log(float(p)) - float(((y - mu) ** 2).sum()) / (2 * std**2) for p, mu in zip(weights, M)]
        top = max(logs)
        shares = [math.exp(v - top) for v in logs]
        shares = [v / sum(shares) for v in shares]
        mean = sum(p * mu for p, mu in zip(shares, M))
        moment = sum(p * torch.outer(mu - mean, mu - mean) for p, mu in zip(shares, M))
        result.append((moment / std**2).tolist())
    return result


def line_integral(path, V, closed):
    total, values, n = 0.0, [0.0], len(path)
    for i in range(n if closed else n - 1):
        j = (i + 1) % n
        total += float((V[i] + V[j]) @ (path[j] - path[i])) / 2
        values.append(total)
    return values


def potential(X, W, a, b, c):
    def softplus(t):
        return max(t, 0.0) + math.log1p(math.exp(-abs(t)))

    values = []
    for x in X:
        value = float(c @ x) - float(x @ x) / 2
        for w, gain, offset in zip(W, a, b):
            value += float(gain) * (softplus(float(w @ x + offset)) - softplus(float(offset)))
        values.append(value)
    return values


def asymmetry(X, W, D, b):
    m = len(W)
    rows = [[float(W[j] @ W[l]) for l in range(m)] for j in range(m)]
    columns = [[float(D[:, j] @ D[:, l]) for l in range(m)] for j in range(m)]
    cross = [[float(W[j] @ D[:, l]) for l in range(m)] for j in range(m)]
    result = []
    for x in X:
        q = [math.exp(-abs(t)) / (1 + math.exp(-abs(t))) ** 2 for t in (W @ x + b).tolist()]
        size = sum(q[j] * q[l] * rows[j][l] * columns[j][l] for j in range(m) for l in range(m))
        trace = sum(q[j] * q[l] * cross[j][l] * cross[l][j] for j in range(m) for l in range(m))
        result.append(1 - trace / size if size else 0.0)
    return result

# %% q5_tangents
def tangents_through(X, at, k, dim):
    planes = []
    for p in at:
        rows = [row for row in X - p if bool(row.any())]
        rows.sort(key=lambda row: float(row @ row))
        U = torch.linalg.svd(torch.stack(rows[:k]).T, full_matrices=False).U
        planes.append((-U[:, :dim].flip(1)).tolist())
    return planes


def slope_error(k, density, curvature, third, noise, sides):
    if sides == 2:
        h = k / density / 2
        return (third * h * h / 10) ** 2 + 3 * noise**2 / k / h / h
    h = k / density
    return (curvature * h * 0.375 + third * h * h * 0.1) ** 2 + 3 * noise**2 / k / h / h


def neighbours_at_end(density, curvature, noise):
    return math.exp((math.log(32) + 2 * math.log(noise) + 4 * math.log(density) - 2 * math.log(abs(curvature))) / 5)

# %% q6_machine
def mean_field_cd(X, W, b, c):
    dW, db, dc, n = torch.zeros_like(W), torch.zeros_like(b), torch.zeros_like(c), len(X)
    for x in X:
        h = torch.sigmoid(W @ x + b)
        x1 = W.T @ h + c
        h1 = torch.sigmoid(W @ x1 + b)
        dW += (torch.outer(h, x) - torch.outer(h1, x1)) / n
        db += (h - h1) / n
        dc += (x - x1) / n
    return dW.tolist(), db.tolist(), dc.tolist()


def tied_direction(X, W, b, c):
    H = torch.sigmoid(torch.einsum("nd,md->nm", X, W) + b)
    E = X - torch.einsum("nm,md->nd", H, W) - c
    back = torch.einsum("nd,md->nm", E, W) * (H - H**2)
    dW = torch.einsum("nm,nd->md", H, E) + torch.einsum("nm,nd->md", back, X)
    return [dW / len(X), back.sum(dim=0) / len(X), E.sum(dim=0) / len(X)]


def cd_curl(X, W, b, c):
    m, d = W.shape
    curl = [[0.0] * d for _ in range(m)]
    for x in X:
        h = torch.sigmoid(W @ x + b)
        h1 = torch.sigmoid(W @ (W.T @ h + c) + b)
        for j in range(m):
            change = float(h1[j]) * (1 - float(h1[j])) - float(h[j]) * (1 - float(h[j]))
            for k in range(d):
                curl[j][k] += float(W[j, k]) * change / len(X)
    return curl


def effective_pixels(W):
    result = []
    for row in W.tolist():
        top = max(abs(v) for v in row)
        squares = [(v / top) ** 2 for v in row] if top else [0.0]
        result.append(sum(squares) ** 2 / sum(v**2 for v in squares) if top else 0)
    return result


def idle_units(X, W, b, tol):
    idle = []
    for w, offset in zip(W, b):
        values = torch.sigmoid(X @ w + offset).tolist()
        idle.append(1 if max(values) - min(values) <= tol else 0)
    return idle

# %% q7_tangents
def tangent_basis(encode, X, k):
    bases = []
    for x in X:
        J = torch.autograd.functional.jacobian(encode, x[None])[0, :, 0]
        _, _, Qt = torch.linalg.svd(J)
        bases.append(Qt[:k].T.tolist())
    return bases


def plane_angle(A, B):
    angles = []
    for a, b in zip(A, B, strict=True):
        sine = float(torch.linalg.svdvals(b - a @ (a.T @ b)).max())
        cosine = float(torch.linalg.svdvals(b.T @ a).min())
        angles.append(math.asin(sine) if sine < 0.7 else math.acos(min(1.0, cosine)))
    return angles
