"""Loops over samples and atoms, Python numbers, lists returned."""

# %% q1_coherence
def cumulative_coherence(D):
    atoms = D.T.tolist()
    rows = []
    for i, a in enumerate(atoms):
        row = []
        for j, b in enumerate(atoms):
            if i != j:
                row.append(abs(sum(x * y for x, y in zip(a, b))) / (math.hypot(*a) * math.hypot(*b)))
        rows.append(sorted(row, reverse=True))
    return [max(sum(row[: k + 1]) for row in rows) for k in range(len(atoms) - 1)]


def guaranteed_size(D):
    mu = [0.0] + cumulative_coherence(D)
    return max((s for s in range(1, len(mu)) if mu[s] + mu[s - 1] < 1), default=0)


def most_atoms(d, s):
    m = d
    while (m + 1 - d) * (2 * s - 1) ** 2 < d * m:
        m += 1
    return m

# %% q2_sense
def sense(Y, A, D, penalty):
    E = A @ D
    codes = []
    for y in Y:
        used = [j for j in range(D.shape[1]) if bool(E[:, j].any())]
        scaled = torch.stack([E[:, j] / E[:, j].norm() for j in used], dim=1)
        h = lasso_codes(y[None], scaled, penalty)[0]
        support = [j for j, value in zip(used, h.tolist()) if value != 0]
        z = [0.0] * D.shape[1]
        if support:
            B = E[:, support]
            for j, value in zip(support, torch.linalg.solve(B.T @ B, B.T @ y).tolist()):
                z[j] = value
        codes.append(z)
    return codes


def success_rate(Z, H):
    count = 0
    for z, h in zip(Z.tolist(), H.tolist()):
        thresholds = [0.0] + [abs(v) for v in h]
        count += any(
            all((abs(v) > t) == (w != 0) and (w == 0 or (v > 0) == (w > 0)) for v, w in zip(h, z)) for t in thresholds
        )
    return count / len(Z)

# %% q3_measure
def orientation(W):
    thetas, strengths = [], []
    for w in W:
        p = round(len(w) ** 0.5)
        spectrum = torch.fft.fftshift(torch.fft.fft2(w.reshape(p, p), norm="ortho"))
        power = spectrum.real**2 + spectrum.imag**2
        u = (torch.arange(p) - p // 2).double() / p
        T = torch.zeros(2, 2, dtype=torch.float64)
        grid = torch.stack(torch.meshgrid(u, u, indexing="xy"))
        for i in range(2):
            for j in range(2):
                T[i, j] = (power * grid[i] * grid[j]).sum() / power.sum()
        values, vectors = torch.linalg.eigh(T)
        theta = math.atan2(float(vectors[1, 1]), float(vectors[0, 1]))
        thetas.append(theta + math.pi if theta < 0 else theta)
        strengths.append(float((values[1] - values[0]) / (values[1] + values[0])))
    return thetas, strengths


def place(W, theta):
    answers = []
    for w, angle in zip(W.tolist(), theta.tolist()):
        p = round(len(w) ** 0.5)
        total = sum(v * v for v in w)
        points = [(i % p, i // p, v * v / total) for i, v in enumerate(w)]
        x0 = sum(x * q for x, y, q in points)
        y0 = sum(y * q for x, y, q in points)
        c, s = math.cos(angle), math.sin(angle)
        along = sum(q * ((x - x0) * c + (y - y0) * s) ** 2 for x, y, q in points)
        across = sum(q * ((x - x0) * s - (y - y0) * c) ** 2 for x, y, q in points)
        answers.append((x0, y0, math.sqrt(2) * math.sqrt(along), math.sqrt(2 * across)))
    return [list(part) for part in zip(*answers)]


def half_band(frequencies, response):
    f = frequencies.tolist()
    lows, highs = [], []

    def walk(row, start, step):
        half, i = max(row) / 2, start
        while 0 <= i + step < len(row):
            if row[i + step] <= half:
                part = (row[i] - half) / (row[i] - row[i + step])
                return (1 - part) * f[i] + part * f[i + step]
            i += step
        return None

    for row in response.tolist():
        peak = max(range(len(row)), key=lambda i: row[i])
        low, high = walk(row, peak, -1), walk(row, peak, 1)
        lows.append(0 if low is None else low)
        highs.append(f[-1] if high is None else high)
    return [lows, highs]

# %% q4_fill
def masked_lipschitz(D, M):
    found = []
    for mask in M:
        A = torch.diag(mask) @ D
        found.append(max(float(torch.linalg.eigvalsh(A.T @ A)[-1]), 0.0))
    return found


def fill(X, M, D, penalty, steps):
    known = [X[i, j].item() for i in range(len(X)) for j in range(X.shape[1]) if M[i, j] == 1]
    rows = []
    for x, mask, L in zip(X, M, masked_lipschitz(D, M)):
        on = [j for j in range(len(x)) if mask[j] == 1]
        values = x[on]
        mean = float(values.mean()) if on else sum(known) / len(known)
        h = torch.zeros(D.shape[1], dtype=torch.float64)
        for _ in range(steps):
            if L == 0:
                break
            b = h - D[on].T @ (D[on] @ h - (values - mean)) / L
            t = penalty * len(on) / (len(x) * L)
            h = torch.where(b.abs() > t, b - t * b.sign(), torch.zeros_like(b))
        hat = D @ h + mean
        hat[on] = values
        rows.append(hat)
    return torch.stack(rows)

# %% q5_words
def nonnegative_codes(X, D, penalty, sweeps):
    codes = []
    for x in X:
        h = torch.zeros(D.shape[1], dtype=torch.float64)
        for _ in range(sweeps):
            for j in range(len(h)):
                d = D[:, j]
                square = float(d @ d)
                if square == 0:
                    continue
                h[j] = 0.0
                h[j] = max(0.0, (float(d @ (x - D @ h)) - penalty) / square)
        codes.append(h.tolist())
    return codes


def sense_vectors(x, D, h):
    order = sorted((j for j in range(len(h)) if h[j] > 0), key=lambda j: (-float(h[j]), j))
    V = torch.zeros(len(order), len(x), dtype=torch.float64)
    for row, j in enumerate(order):
        rest = h.clone()
        rest[j] = 0
        V[row] = torch.nn.functional.normalize(x - D @ rest, dim=0)
    return V


def name_senses(h, C, labels, senses):
    own = [j for j in range(len(h)) if h[j] > 0]
    score = [[0.0] * len(own) for _ in range(senses)]
    for c, label in zip(C.tolist(), labels):
        if sum(c) > 0:
            for k, j in enumerate(own):
                score[label][k] += c[j] / sum(c) / labels.count(label)
    # A name more for each sense, worth nothing, so that each finds one.
    padded = [row + [0.0] * senses for row in score]
    rows, columns = linear_sum_assignment(padded, maximize=True)
    return [own[k] if k < len(own) and score[s][k] > 0 else -1 for s, k in zip(rows, columns)]

# %% q6_predictive
def infer(X, D, prediction, penalty, pull, steps):
    m = len(pull)
    A = D.T @ D + torch.eye(m, dtype=torch.float64) * pull
    t = 1 / float(torch.linalg.svdvals(A)[0])
    codes = []
    for x, f in zip(X, prediction):
        z = f
        for _ in range(steps):
            b = z - t * (D.T @ (D @ z - x)) - t * pull * (z - f)
            z = b - b.clamp(-t * penalty, t * penalty)
        codes.append(z)
    return torch.stack(codes)


def steps_needed(D, pull, share):
    A = D.T @ D + torch.diag(pull)
    step = torch.eye(len(pull), dtype=torch.float64) - A / torch.linalg.eigvalsh(A).max()
    q = float(torch.linalg.eigvalsh(step).abs().max())
    k = 0
    while q**k > share:
        k += 1
    return k


def encoder_gradients(X, W, b, gain, Z, pull):
    W, b, gain = (part.clone().requires_grad_() for part in (W, b, gain))
    P = 0
    for x, z in zip(X, Z):
        P = P + 0.5 * (pull * (z - gain * torch.tanh(W @ x + b)) ** 2).sum() / len(X)
    P.backward()
    return W.grad, b.grad, gain.grad
