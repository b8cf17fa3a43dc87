"""NumPy throughout, gradients by hand, scipy's minimiser; arrays are returned."""

# %% q1_rbm
def free_energy(X, W, b, c):
    X, W, b, c = (np.asarray(t) for t in (X, W, b, c))
    A = X @ W.T + b
    return -X @ c - np.logaddexp(A, -A).sum(axis=1)


def as_bits(W, b, c):
    W, b, c = (np.asarray(t) for t in (W, b, c))
    return [W + W, b + b, c - np.ones(len(W)) @ W]

# %% q2_likelihood
def spins_and_logs(W, b, c):
    codes = all_spins(len(b)).numpy()
    inputs = codes @ W + c
    return codes, inputs, codes @ b + np.logaddexp(inputs, 0).sum(axis=1)


def log_likelihood(X, W, b, c):
    X, W, b, c = (t.numpy() for t in (X, W, b, c))
    A = X @ W.T + b
    _, _, logs = spins_and_logs(W, b, c)
    log_z = logs.max() + np.log(np.exp(logs - logs.max()).sum())
    return (X @ c + np.logaddexp(A, -A).sum(axis=1) - log_z).mean()


def log_likelihood_gradient(X, W, b, c):
    X, W, b, c = (t.numpy() for t in (X, W, b, c))
    codes, inputs, logs = spins_and_logs(W, b, c)
    p = np.exp(logs - logs.max())
    p /= p.sum()
    x = 0.5 * (1 + np.tanh(inputs / 2))
    H = np.tanh(X @ W.T + b)
    dW = H.T @ X / len(X) - (codes.T * p) @ x
    return dW, H.mean(axis=0) - codes.T @ p, X.mean(axis=0) - x.T @ p

# %% q3_cd
def gibbs_step(X, W, b, c, u_h, u_x):
    X, W, b, c, u_h, u_x = (t.numpy() for t in (X, W, b, c, u_h, u_x))
    H = np.where(u_h < 0.5 * (1 + np.tanh(X @ W.T + b)), 1, -1)
    return H, (u_x < 0.5 * (1 + np.tanh((H @ W + c) / 2))).astype(int)


def pcd_gradient(X, chains, W, b, c, uniforms):
    for u_h, u_x in uniforms:
        chains = torch.from_numpy(gibbs_step(chains, W, b, c, u_h, u_x)[1]).double()
    X, chains, W, b = (t.numpy() for t in (X, chains, W, b))

    def means(S):
        H = np.tanh(S @ W.T + b)
        return H.T @ S / len(S), H.mean(axis=0), S.mean(axis=0)

    return [*(u - v for u, v in zip(means(X), means(chains), strict=True)), chains]

# %% q4_greedy
def train_layer(H, start, masks, lr):
    H = H.numpy()
    W, b, D, c = (t.numpy().copy() for t in start)
    for mask in masks:
        spoiled = H * mask.numpy()
        code = 1 / (1 + np.exp(-(spoiled @ W.T + b)))
        out = 1 / (1 + np.exp(-(code @ D.T + c)))
        top = 2 / len(H) * (out - H) * out * (1 - out)
        low = (top @ D) * code * (1 - code)
        W -= lr * low.T @ spoiled
        b -= lr * low.sum(axis=0)
        D -= lr * top.T @ code
        c -= lr * top.sum(axis=0)
    return [W, b, D, c]


def greedy(X, starts, masks, lr):
    layers = []
    for number, start in enumerate(starts):
        layers.append(train_layer(X, start, masks[number], lr))
        W, b = layers[-1][:2]
        X = torch.from_numpy(1 / (1 + np.exp(-(X.numpy() @ W.T + b))))
    return tuple(layers)

# %% q5_unroll
def unroll(layers):
    up = [[W.numpy(), b.numpy()] for W, b, _, _ in layers]
    down = [[D.numpy(), c.numpy()] for _, _, D, c in layers]
    return up, down[::-1]


def allowed_error(X, layers, tau):
    H, left, factor = X.numpy(), tau * np.ones(len(X)), 1.0
    for number, layer in enumerate(layers):
        W, b, D, c = (t.numpy() for t in layer)
        code = 1 / (1 + np.exp(-(H @ W.T + b)))
        back = code @ D.T + c
        if number:
            back = 1 / (1 + np.exp(-back))
        left = left - factor * np.linalg.norm(H - back, axis=1)
        factor *= np.linalg.svd(D, compute_uv=False)[0] * (0.25 if number else 1.0)
        H = code
    return np.maximum(left, 0) / factor

# %% q6_fine_tune
def fine_tune(X, encoder, decoder, steps, lr, frozen=0, anchor=0.0):
    X = X.numpy()
    home = [(A.numpy(), a.numpy()) for A, a in (*encoder, *decoder)]
    now = [(A.copy(), a.copy()) for A, a in home]
    for _ in range(steps):
        values = [X]
        for A, a in now:
            values.append(1 / (1 + np.exp(-(values[-1] @ A.T + a))))
        back, new = 2 * (values[-1] - X) / len(X), list(now)
        for k in reversed(range(len(now))):
            A, a = now[k]
            back = back * values[k + 1] * (1 - values[k + 1])
            if k >= frozen:
                new[k] = (
                    A - lr * (back.T @ values[k] + anchor * (A - home[k][0])),
                    a - lr * (back.sum(axis=0) + anchor * (a - home[k][1])),
                )
            back = back @ A
        now = new
    return now[: len(encoder)], now[len(encoder) :]

# %% q7_probe
def probe_loss(H, y, V, v, penalty):
    H, y, V, v = (np.asarray(t) for t in (H, y, V, v))
    Z = H @ V.T + v
    top = Z.max(axis=1)
    right = top + np.log(np.exp(Z - top[:, None]).sum(axis=1)) - Z[np.arange(len(y)), y]
    means = [right[y == k].mean() for k in np.unique(y)]
    return np.mean(means) + 0.5 * penalty * np.sum(V * V)


def fit_probe(H, y, n_classes, penalty):
    H, y = np.asarray(H), np.asarray(y)
    A = np.hstack([H, np.ones((len(H), 1))])
    Y = np.eye(n_classes)[y]
    weight = (1 / np.bincount(y, minlength=n_classes))[y] / n_classes
    keep = np.append(np.ones(H.shape[1]), 0.0)

    def value(theta):
        theta = theta.reshape(n_classes, -1)
        Z = A @ theta.T
        Z = Z - Z.max(axis=1, keepdims=True)
        log_p = Z - np.log(np.exp(Z).sum(axis=1, keepdims=True))
        loss = -(weight * (Y * log_p).sum(axis=1)).sum() + penalty / 2 * ((theta * keep) ** 2).sum()
        slope = ((np.exp(log_p) - Y) * weight[:, None]).T @ A + penalty * theta * keep
        return loss, slope.ravel()

    options = {"maxiter": 5000, "maxfun": 10000, "ftol": 1e-15, "gtol": 2e-6}
    best = minimize(value, np.zeros(n_classes * A.shape[1]), jac=True, method="L-BFGS-B", options=options)
    theta = best.x.reshape(n_classes, -1)
    return theta[:, :-1], theta[:, -1]

# %% q8_fair
def draw_labelled(y, per_class, generator):
    y = y.numpy()
    rng = np.random.default_rng(int(torch.randint(2**62, (1,), generator=generator)))
    orders = [rng.permutation(np.flatnonzero(y == k)) for k in np.unique(y)]
    return tuple(np.concatenate([order[:p] for order in orders]) for p in per_class)


def standardise(H, H_test):
    H, H_test = np.asarray(H), np.asarray(H_test)
    centre = H.mean(axis=0)
    spread = np.sqrt(((H - centre) ** 2).mean(axis=0))
    spread[np.ptp(H, axis=0) == 0] = 1
    return (H - centre) / spread, (H_test - centre) / spread

# %% q9_study
def label_study(X, labelled, X_test, n_classes, sizes, seed):
    start, d = [], X.shape[1]
    for number, m in enumerate(sizes):
        start.append(Layer(d, m, seed + number).weights()[:2])
        d = m
    table = []
    for pieces in ([], start, pretrain(X, sizes, seed)):
        Z, Z_test = (np.asarray(part) for part in standardise(through(X, pieces), through(X_test, pieces)))
        row = []
        for index, classes in labelled:
            V, v = (np.asarray(part) for part in fit_probe(Z[index.numpy()], classes, n_classes, PENALTY))
            logits = Z_test @ V.T + v
            e = np.exp(logits - logits.max(axis=1, keepdims=True))
            row.append(e / e.sum(axis=1, keepdims=True))
        table.append(row)
    return np.array(table)


def paired_gain(a, b):
    difference = np.asarray(a) - np.asarray(b)
    return difference.mean(), difference.std(ddof=1) / len(difference) ** 0.5
