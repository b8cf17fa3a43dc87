"""Sample by sample, plain numbers and lists returned."""

# %% q1_parts
def tied_parts(X, W, a):
    encoder, decoder = torch.zeros_like(W), torch.zeros_like(W)
    for x in X:
        h = W @ x
        g = 2 * a * (W.T @ h - x) / len(X)
        encoder += torch.outer(W @ g, x)
        decoder += torch.outer(h, g)
    return [encoder.tolist(), decoder.tolist()]

# %% q2_price
def tied_minimum(X, m, decay):
    n = len(X)
    Xc = X - X.mean(dim=0)
    U, s, Vh = torch.linalg.svd(Xc / math.sqrt(n), full_matrices=False)
    rows = []
    for k in range(m):
        shrink = 0.0 if k >= len(s) or float(s[k]) ** 2 <= decay / 2 else 1 - decay / 2 / float(s[k]) ** 2
        rows.append(Vh[k] * math.sqrt(shrink) if shrink > 0 else torch.zeros_like(X[0]))
    # Any basis is as good: turn it.
    Q = torch.linalg.qr(torch.randn(m, m, dtype=X.dtype, generator=torch.Generator().manual_seed(1))).Q
    return Q @ torch.stack(rows)


def least_decay(X, k):
    Xc = X - X.mean(dim=0)
    small = Xc @ Xc.T if len(X) < X.shape[1] else Xc.T @ Xc
    values = sorted((float(v) for v in torch.linalg.eigvalsh(small / len(X))), reverse=True)
    return 2 * max(values[k], 0.0) if k < len(values) else 0.0


def turn_between(W1, W2):
    A, _, Bh = torch.linalg.svd(torch.einsum("id,jd->ij", W2, W1), full_matrices=False)
    return [[float(v) for v in row] for row in A @ Bh]

# %% q3_logistic
def weighted_loss(X, weights, Theta):
    total = 0.0
    for x, w, t in zip(X.flatten().tolist(), weights.flatten().tolist(), Theta.flatten().tolist()):
        if w > 0:
            total += w * (max(t, 0.0) + math.log1p(math.exp(-abs(t))) - x * t)
    return total / len(X)


def working_response(X, weights, Theta):
    most = max(max(row) for row in weights.tolist())
    Z = Theta.tolist()
    for i in range(len(X)):
        for j in range(X.shape[1]):
            if weights[i, j] > 0:
                step = 4 * float(weights[i, j]) / most
                Z[i][j] += step * (float(X[i, j]) - 0.5 * (1 + math.tanh(Z[i][j] / 2)))
    return Z


def fit_logits(X, weights, m, steps):
    Theta = torch.zeros(X.shape, dtype=torch.float64)
    losses = []
    for _ in range(steps):
        Z = torch.tensor(working_response(X, weights, Theta), dtype=torch.float64)
        U, s, Vh = torch.linalg.svd(Z - Z.mean(dim=0, keepdim=True))
        s[m:] = 0
        r = len(s)
        Theta = U[:, :r] * s @ Vh[:r] + Z.mean(dim=0)
        losses.append(weighted_loss(X, weights, Theta))
    return Theta.tolist(), tuple(losses)

# %% q4_spiral
def arc_length(t, turns):
    return [(u * math.sqrt(1 + u * u) + math.asinh(u)) / 2 / (2 * math.pi * turns) for u in t.tolist()]


def decode(s, turns):
    points = []
    for length in s.tolist():
        whole = arc_length(torch.tensor([2 * math.pi * turns], dtype=torch.float64), turns)[0]
        length = min(max(length, 0.0), whole)
        t = 2 * math.pi * turns
        for _ in range(200):
            value = (t * math.sqrt(1 + t * t) + math.asinh(t)) / (4 * math.pi * turns)
            t -= (value - length) * 2 * math.pi * turns / math.sqrt(1 + t * t)
        t = max(t, 0.0)
        points.append([t * math.cos(t) / (2 * math.pi * turns), t * math.sin(t) / (2 * math.pi * turns)])
    return points


def encode(X, turns):
    end = 2 * math.pi * turns
    golden = (math.sqrt(5) - 1) / 2
    codes = []
    for x, y in X.tolist():
        def distance(t):
            return (t * math.cos(t) / end - x) ** 2 + (t * math.sin(t) / end - y) ** 2

        pieces = int(30 * turns * turns) + 100
        places = [end * k / pieces for k in range(pieces + 1)]
        best = min(range(pieces + 1), key=lambda k: distance(places[k]))
        found = None
        for near in (best - 1, best, best + 1):
            if not 0 <= near < pieces:
                continue
            low, high = places[near], places[near + 1]
            for _ in range(60):
                a, b = high - golden * (high - low), low + golden * (high - low)
                low, high = (low, b) if distance(a) < distance(b) else (a, high)
            for t in (low, (low + high) / 2, high, places[near], places[near + 1]):
                if found is None or distance(t) < distance(found):
                    found = t
        codes += arc_length(torch.tensor([found], dtype=torch.float64), turns)
    return codes

# %% q5_codes
def _cost(x, h, A, a, B, b, decay):
    return ((x - B @ torch.tanh(A @ h + a) - b) ** 2).sum() + decay * (h**2).sum()


def code_gradient(X, H, A, a, B, b, decay):
    rows = []
    for x, h in zip(X, H):
        h = h.clone().requires_grad_()
        _cost(x, h, A, a, B, b, decay).backward()
        rows.append(h.grad)
    return torch.stack(rows)


def code_step(X, H, A, a, B, b, decay, step):
    new = []
    for x, h, g in zip(X, H, code_gradient(X, H, A, a, B, b, decay)):
        length, halvings = step, 0
        now = _cost(x, h, A, a, B, b, decay)
        while _cost(x, h - length * g, A, a, B, b, decay) > now - length / 2 * (g @ g):
            if halvings == 20:
                length = 0.0
                break
            length, halvings = length / 2, halvings + 1
        new.append(h - length * g)
    return torch.stack(new)


def best_output(X, H, A, a):
    Z = torch.stack([torch.cat([torch.tanh(A @ h + a), torch.ones(1, dtype=h.dtype)]) for h in H])
    solution = torch.linalg.pinv(Z) @ X
    return [solution[:-1].T, solution[-1]]


def alternate(X, H, A, a, B, b, decay, step, rounds):
    totals = []
    for half in range(2 * rounds + 1):
        if half % 2 == 1:
            H = code_step(X, H, A, a, B, b, decay, step)
        elif half:
            B, b = best_output(X, H, A, a)
        costs = [float(_cost(x, h, A, a, B, b, decay)) for x, h in zip(X, H)]
        totals.append(sum(costs) / len(costs))
    return H.tolist(), totals

# %% q6_collapse
def collapse(layers):
    def run(x):
        for W, b in layers:
            x = W @ x + b
        return x

    d = layers[0][0].shape[1]
    e = run(torch.zeros(d, dtype=torch.float64))
    columns = [run(u) - e for u in torch.eye(d, dtype=torch.float64)]
    return torch.stack(columns, dim=1), e, min([d] + [W.shape[0] for W, _ in layers])

# %% q6_compare
def compare(train, X_train, X_valid, X_test, m, widths, seeds):
    def error(reconstruct, X):
        return sum(float(((y - x) ** 2).sum()) for x, y in zip(X, reconstruct(X))) / len(X)

    best = None
    for width in widths:
        score = 0.0
        for seed in seeds:
            score += error(train(X_train, m, width, "tanh", seed), X_valid) / len(seeds)
        if best is None or score < best[0]:
            best = (score, width)
    width = best[1]
    U, s, Vh = torch.linalg.svd(X_train - X_train.mean(dim=0), full_matrices=True)

    def pca(X):
        codes = (X - X_train.mean(dim=0)) @ Vh[:m].T
        return codes @ Vh[:m] + X_train.mean(dim=0)

    table = []
    for seed in seeds:
        network = train(X_train, m, width, "tanh", seed)
        control = train(X_train, m, width, "linear", seed)
        table.append([error(network, X_test), error(control, X_test), error(pca, X_test)])
    return width, table

# %% q6_verdict
def verdict(errors):
    rows = errors.tolist()
    k = len(rows)
    gains = [c - n for n, c, _ in rows]
    mean = sum(gains) / k
    variance = sum((g - mean) ** 2 for g in gains) / (k - 1)
    return mean, math.sqrt(variance / k), sum(c - p for _, c, p in rows) / k
