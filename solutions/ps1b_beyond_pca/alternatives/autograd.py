"""Automatic differentiation, torch's own losses and decompositions."""

# %% q1_parts
def tied_parts(X, W, a):
    encoder, decoder = W.clone().requires_grad_(), W.clone().requires_grad_()
    error = (a * (X - torch.nn.functional.linear(X, encoder) @ decoder) ** 2).sum(dim=1).mean()
    return torch.autograd.grad(error, [encoder, decoder])

# %% q2_price
def tied_minimum(X, m, decay):
    centred = X - X.mean(dim=0, keepdim=True)
    _, s, Vh = torch.linalg.svd(centred, full_matrices=False)
    variances = torch.nn.functional.pad(s**2 / len(X), (0, m))[:m]
    p = torch.where(variances > decay / 2, 1 - decay / 2 / variances, torch.zeros_like(variances))
    directions = torch.cat([Vh, torch.zeros(m, X.shape[1], dtype=X.dtype)])[:m]
    return torch.diag(p.nan_to_num().sqrt()) @ directions


def least_decay(X, k):
    variances = torch.linalg.svdvals(X - X.mean(dim=0)) ** 2 / len(X)
    return 2 * torch.cat([variances, torch.zeros(X.shape[1] + 1, dtype=X.dtype)])[k]


def turn_between(W1, W2):
    # Directions of W1's own decomposition, completed by any orthonormal ones.
    U1, s, Vh = torch.linalg.svd(W1, full_matrices=False)
    rank = int((s > 1e-9 * s.max()).sum())
    first = U1[:, :rank]
    second = W2 @ Vh[:rank].T / s[:rank]
    def completed(Q):
        full = torch.linalg.qr(torch.cat([Q, torch.eye(len(Q), dtype=Q.dtype)], dim=1)).Q
        return torch.cat([Q, full[:, rank : len(Q)]], dim=1)
    return completed(second) @ completed(first).T

# %% q3_logistic
def weighted_loss(X, weights, Theta):
    known = X.masked_fill(weights == 0, 0.5)
    cost = torch.nn.functional.binary_cross_entropy_with_logits(Theta, known, weight=weights, reduction="sum")
    return cost / X.shape[0]


def working_response(X, weights, Theta):
    theta = Theta.clone().requires_grad_()
    (slope,) = torch.autograd.grad(weighted_loss(X, weights, theta) * len(X), theta)
    return Theta - slope / (weights.max() * 0.25)


def fit_logits(X, weights, m, steps):
    Theta, losses = torch.zeros(X.shape, dtype=torch.float64), []
    for _ in range(steps):
        Z = working_response(X, weights, Theta)
        U, s, Vh = torch.linalg.svd(Z - Z.mean(dim=0), full_matrices=False)
        Theta = Z.mean(dim=0) + (U[:, :m] * s[:m]) @ Vh[:m]
        losses.append(weighted_loss(X, weights, Theta))
    return Theta, torch.stack(losses)

# %% q4_spiral
def arc_length(t, turns):
    # Simpson's rule.
    u = torch.linspace(0, 1, 2001, dtype=torch.float64)
    weights = torch.ones(2001, dtype=torch.float64)
    weights[1:-1:2], weights[2:-1:2] = 4.0, 2.0
    speed = (1 + (t[:, None] * u) ** 2).sqrt() / (2 * math.pi * turns)
    return t * (speed @ weights) / 6000


def decode(s, turns):
    end = torch.tensor([2 * math.pi * turns], dtype=torch.float64)
    s = torch.minimum(s.clamp(min=0), arc_length(end, turns))
    t = torch.full_like(s, float(end))
    for _ in range(40):
        t = t - (arc_length(t, turns) - s) * end / torch.hypot(torch.ones_like(t), t)
    return torch.polar(t / end, t).view(torch.float64).reshape(-1, 2)


def encode(X, turns):
    end = 2 * math.pi * turns
    starts = torch.linspace(0, end, int(100 * turns) + 100, dtype=torch.float64)
    t = starts.repeat(len(X), 1)
    x, y = X[:, :1], X[:, 1:]
    for _ in range(60):  # Newton on the slope, from everywhere, where the curvature is positive
        cos, sin = t.cos(), t.sin()
        dx, dy = cos - t * sin, sin + t * cos
        slope = (t * cos - end * x) * dx + (t * sin - end * y) * dy
        bend = dx**2 + dy**2 + (t * cos - end * x) * (-2 * sin - t * cos) + (t * sin - end * y) * (2 * cos - t * sin)
        t = (t - (slope / bend.abs().clamp(min=1e-3)).clamp(-0.05, 0.05)).clamp(0, end)
    distance = (t * t.cos() / end - x) ** 2 + (t * t.sin() / end - y) ** 2
    best = t.gather(1, distance.argmin(dim=1, keepdim=True))[:, 0]
    return arc_length(best, turns)

# %% q5_codes
def _costs(X, H, A, a, B, b, decay):
    hidden = torch.nn.functional.linear(H, A, a).tanh()
    return (torch.nn.functional.linear(hidden, B, b) - X).pow(2).sum(-1) + decay * H.pow(2).sum(-1)


def code_gradient(X, H, A, a, B, b, decay):
    H = H.detach().clone().requires_grad_()
    return torch.autograd.grad(_costs(X, H, A, a, B, b, decay).sum(), H)[0]


def code_step(X, H, A, a, B, b, decay, step):
    G = code_gradient(X, H, A, a, B, b, decay)
    lengths = step * 0.5 ** torch.arange(21, dtype=torch.float64)
    trials = H[None] - lengths[:, None, None] * G[None]
    fine = _costs(X, trials, A, a, B, b, decay) <= _costs(X, H, A, a, B, b, decay) - lengths[:, None] / 2 * G.pow(2).sum(1)
    first = fine.int().argmax(dim=0)
    chosen = trials[first, torch.arange(len(X))]
    return torch.where(fine.any(dim=0)[:, None], chosen, H)


def best_output(X, H, A, a):
    U = torch.tanh(torch.nn.functional.linear(H, A, a))
    Q, R = torch.linalg.qr(torch.cat([torch.ones(len(U), 1, dtype=U.dtype), U], dim=1))
    fitted = torch.linalg.solve_triangular(R, Q.T @ X, upper=True)
    return fitted[1:].mT, fitted[0]


def alternate(X, H, A, a, B, b, decay, step, rounds):
    totals = [_costs(X, H, A, a, B, b, decay).mean()]
    for _ in range(rounds):
        H = code_step(X, H, A, a, B, b, decay, step)
        totals.append(_costs(X, H, A, a, B, b, decay).mean())
        B, b = best_output(X, H, A, a)
        totals.append(_costs(X, H, A, a, B, b, decay).mean())
    return H, totals

# %% q6_collapse
def collapse(layers):
    modules = []
    for W, b in layers:
        layer = torch.nn.Linear(W.shape[1], W.shape[0]).double()
        layer.weight.data, layer.bias.data = W.clone(), b.clone()
        modules.append(layer)
    network = torch.nn.Sequential(*modules)
    zero = torch.zeros(layers[0][0].shape[1], dtype=torch.float64)
    with torch.no_grad():
        e = network(zero)
    P = torch.autograd.functional.jacobian(network, zero)
    return P, e, torch.tensor(min(layer.in_features for layer in modules))

# %% q6_compare
def compare(train, X_train, X_valid, X_test, m, widths, seeds):
    def error(reconstruct, X):
        return torch.nn.functional.mse_loss(reconstruct(X), X) * X.shape[1]

    scores = torch.tensor(
        [[error(train(X_train, m, width, "tanh", seed), X_valid) for seed in seeds] for width in widths]
    )
    scores = scores.mean(dim=1)
    width = widths[[i for i in range(len(widths)) if scores[i] == scores.min()][0]]
    centred = X_train - X_train.mean(dim=0)
    V = torch.linalg.svd(centred, full_matrices=False).Vh[:m]
    P = V.T @ V
    pca = error(lambda X: X @ P + X_train.mean(dim=0) @ (torch.eye(len(P), dtype=P.dtype) - P), X_test)
    columns = [
        torch.stack([error(train(X_train, m, width, kind, seed), X_test) for seed in seeds])
        for kind in ("tanh", "linear")
    ]
    return torch.tensor(width), torch.stack([*columns, pca.expand(len(seeds))], dim=1)

# %% q6_verdict
def verdict(errors):
    spread, gain = torch.std_mean(errors[:, 1] - errors[:, 0])
    return torch.stack([gain, spread / len(errors) ** 0.5, errors[:, 1].mean() - errors[:, 2].mean()])
