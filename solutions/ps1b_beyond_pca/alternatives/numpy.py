"""NumPy throughout, arrays returned."""

# %% q1_parts
def tied_parts(X, W, a):
    X, W, a = X.numpy(), W.numpy(), a.numpy()
    H = X @ W.T
    R = (H @ W - X) * a
    encoder = np.einsum("nd,md,ne->me", R, W, X, optimize=True)
    decoder = np.einsum("nm,nd->md", H, R)
    return 2 / len(X) * encoder, 2 / len(X) * decoder

# %% q2_price
def tied_minimum(X, m, decay):
    X = X.numpy()
    n, d = X.shape
    Xc = X - X.mean(0)
    if n < d:  # the small matrix of inner products
        values, left = np.linalg.eigh(Xc @ Xc.T / n)
        keep = values > 1e-12 * values.max()
        directions = (Xc.T @ left[:, keep]) / np.sqrt(n * values[keep])
        values = values[keep]
    else:
        values, directions = np.linalg.eigh(Xc.T @ Xc / n)
    order = np.argsort(-values)[:m]
    W = np.zeros((m, d))
    for row, k in enumerate(order):
        if values[k] > decay / 2:
            W[row] = np.sqrt((values[k] - decay / 2) / values[k]) * directions[:, k]
    return W


def least_decay(X, k):
    C = np.cov(X.numpy().T, ddof=0)
    values = np.sort(np.linalg.eigvalsh(np.atleast_2d(C)))[::-1]
    return np.float64(2 * max(values[k], 0.0)) if k < len(values) else 0


def turn_between(W1, W2):
    A, _, Bt = np.linalg.svd(W1.numpy() @ W2.numpy().T)
    return (A @ Bt).T

# %% q3_logistic
def weighted_loss(X, weights, Theta):
    X, w, t = X.numpy(), weights.numpy(), Theta.numpy()
    seen = w > 0
    cost = np.maximum(t, 0) + np.log1p(np.exp(-np.abs(t)))
    return np.sum(w[seen] * (cost[seen] - X[seen] * t[seen])) / X.shape[0]


def working_response(X, weights, Theta):
    X, w, t = X.numpy(), weights.numpy(), Theta.numpy()
    kappa = w.max() / 4
    Z = t.copy()
    seen = w > 0
    Z[seen] += w[seen] / kappa * (X[seen] - 1 / (1 + np.exp(-t[seen])))
    return Z


def fit_logits(X, weights, m, steps):
    Theta, losses = np.zeros(X.shape), []
    for _ in range(steps):
        Z = working_response(X, weights, torch.from_numpy(Theta))
        b = Z.mean(0, keepdims=True)
        values, vectors = np.linalg.eigh((Z - b).T @ (Z - b))
        D = vectors[:, -m:]
        Theta = b + (Z - b) @ D @ D.T
        losses.append(weighted_loss(X, weights, torch.from_numpy(Theta)))
    return Theta, np.array(losses)

# %% q4_spiral
def arc_length(t, turns):
    t = t.numpy()
    return (t * np.sqrt(1 + t * t) + np.log(t + np.sqrt(1 + t * t))) / (4 * np.pi * turns)


def decode(s, turns):
    s = s.numpy()
    low, high = np.zeros_like(s), np.full_like(s, 2 * np.pi * turns)
    for _ in range(60):
        middle = (low + high) / 2
        short = arc_length(torch.from_numpy(middle), turns) < s
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    r = high / (2 * np.pi * turns)
    return np.column_stack([r * np.cos(high), r * np.sin(high)])


def encode(X, turns):
    c, end, out = 1 / (2 * np.pi * turns), 2 * np.pi * turns, []
    for x, y in X.numpy():
        grid = np.linspace(0, end, 20001)
        distance = np.hypot(c * grid * np.cos(grid) - x, c * grid * np.sin(grid) - y)
        best = distance.argmin()
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, 20000)]

        def slope(t):
            dx, dy = np.cos(t) - t * np.sin(t), np.sin(t) + t * np.cos(t)
            return (c * t * np.cos(t) - x) * dx + (c * t * np.sin(t) - y) * dy

        if slope(low) >= 0:
            t = low
        elif slope(high) <= 0:
            t = high
        else:
            for _ in range(60):
                middle = (low + high) / 2
                low, high = (low, middle) if slope(middle) > 0 else (middle, high)
            t = low
        out.append(arc_length(torch.tensor(t), turns))
    return np.array(out)

# %% q5_codes
def code_gradient(X, H, A, a, B, b, decay):
    X, H, A, a, B, b = (z.numpy() for z in (X, H, A, a, B, b))
    U = np.tanh(H @ A.T + a)
    out = np.zeros_like(H)
    for i in range(len(X)):
        jacobian = B @ np.diag(1 - U[i] ** 2) @ A
        out[i] = 2 * jacobian.T @ (B @ U[i] + b - X[i]) + 2 * decay * H[i]
    return out


def code_step(X, H, A, a, B, b, decay, step):
    G = torch.from_numpy(code_gradient(X, H, A, a, B, b, decay))

    def cost(i, h):
        rest = X[i] - B @ torch.tanh(A @ h + a) - b
        return float(rest @ rest + decay * h @ h)

    out = []
    for i in range(len(X)):
        chosen = H[i]
        for k in range(21):
            trial = H[i] - step * 0.5**k * G[i]
            if cost(i, trial) <= cost(i, H[i]) - step * 0.5 ** (k + 1) * float(G[i] @ G[i]):
                chosen = trial
                break
        out.append(chosen.numpy())
    return np.array(out)


def best_output(X, H, A, a):
    X, U = X.numpy(), np.tanh(H.numpy() @ A.numpy().T + a.numpy())
    Xc, Uc = X - X.mean(0), U - U.mean(0)
    B = np.linalg.solve(Uc.T @ Uc, Uc.T @ Xc).T
    return B, X.mean(0) - B @ U.mean(0)


def alternate(X, H, A, a, B, b, decay, step, rounds):
    def total(H, B, b):
        rest = X.numpy() - np.tanh(H.numpy() @ A.numpy().T + a.numpy()) @ B.numpy().T - b.numpy()
        return np.mean((rest**2).sum(1) + decay * (H.numpy() ** 2).sum(1))

    totals = [total(H, B, b)]
    for _ in range(rounds):
        H = torch.from_numpy(code_step(X, H, A, a, B, b, decay, step))
        totals.append(total(H, B, b))
        B, b = (torch.from_numpy(part) for part in best_output(X, H, A, a))
        totals.append(total(H, B, b))
    return H.numpy(), np.array(totals)

# %% q6_collapse
def collapse(layers):
    e = np.zeros(layers[0][0].shape[1])
    P = np.eye(len(e))
    for W, b in layers:
        P, e = W.numpy() @ P, W.numpy() @ e + b.numpy()
    return P, e, np.min([min(W.shape) for W, b in layers])

# %% q6_compare
def compare(train, X_train, X_valid, X_test, m, widths, seeds):
    def error(f, X):
        return np.mean(np.sum((f(X).numpy() - X.numpy()) ** 2, axis=1))

    scores = [np.mean([error(train(X_train, m, w, "tanh", s), X_valid) for s in seeds]) for w in widths]
    width = widths[int(np.argmin(scores))]
    Xt = X_train.numpy()
    mean = Xt.mean(0)
    V = np.linalg.eigh((Xt - mean).T @ (Xt - mean))[1][:, -m:]
    rest = X_test.numpy() - mean
    pca = np.mean(((rest - rest @ V @ V.T) ** 2).sum(1))
    table = np.zeros((len(seeds), 3))
    for i, s in enumerate(seeds):
        table[i] = [
            error(train(X_train, m, width, "tanh", s), X_test),
            error(train(X_train, m, width, "linear", s), X_test),
            pca,
        ]
    return width, table

# %% q6_verdict
def verdict(errors):
    net, control, pca = errors.numpy().T
    gain = control - net
    return np.array([gain.mean(), gain.std(ddof=1) / len(gain) ** 0.5, np.mean(control - pca)])
