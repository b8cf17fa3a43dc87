"""Gradient descent where a solver would do, longer training at a smaller rate, numpy for the study."""

# %% q4_greedy
def train_layer(H, m, seed):
    layer = Layer(H.shape[1], m, seed + 7)

    def loss(layer, x):
        return functional.mse_loss(layer(x), x, reduction="sum") / len(x)

    train(layer, H, loss=loss, epochs=100, batch_size=25, lr=5e-3, seed=seed, progress=False)
    return list(layer.weights())


def greedy(X, sizes, seed):
    layers = []
    for m in sizes:
        H = through(X, [tuple(layer[:2]) for layer in layers])
        layers.append(train_layer(H, m, seed))
    return tuple(layers)

# %% q7_probe
def probe_loss(H, y, V, v, penalty):
    Z = H @ V.T + v
    Z = Z - Z.max(dim=1, keepdim=True).values
    right = torch.log(torch.exp(Z).sum(dim=1)) - Z[torch.arange(len(y)), y]
    return right.mean() + penalty * (V * V).sum() / 2


def fit_probe(H, y, n_classes, penalty):
    # Nesterov's method with a restart, about the mean of the codes.
    centre = H.mean(dim=0)
    A = torch.cat([H - centre, torch.ones(len(H), 1, dtype=H.dtype)], dim=1)
    Y = functional.one_hot(y, n_classes).to(H.dtype)
    L = 0.5 * float(torch.linalg.matrix_norm(A, 2)) ** 2 / len(H) + penalty
    held = torch.full((1, A.shape[1]), penalty, dtype=H.dtype)
    held[0, -1] = 0
    theta = point = torch.zeros(n_classes, A.shape[1], dtype=H.dtype)
    t = 1.0
    for _ in range(20000):
        gradient = (torch.softmax(A @ point.T, dim=1) - Y).T @ A / len(H) + held * point
        new = point - gradient / L
        if float((gradient * (new - theta)).sum()) > 0:
            t = 1.0
        after = (1 + math.sqrt(1 + 4 * t * t)) / 2
        point, theta, t = new + (t - 1) / after * (new - theta), new, after
        if float(gradient.abs().max()) < 1e-8:
            break
    V = theta[:, :-1]
    return V, theta[:, -1] - V @ centre

# %% q8_fair
def draw_labelled(y, per_class, generator):
    key = torch.rand(len(y), dtype=torch.float64, generator=generator)
    order = key.argsort()
    ranked = functional.one_hot(y[order], int(y.max()) + 1).cumsum(dim=0)
    rank = ranked.gather(1, y[order][:, None])[:, 0]
    return order[rank <= per_class]


def standardise(H, H_test):
    centre = H.numpy().mean(axis=0)
    centred = H.numpy() - centre
    spread = np.sqrt((centred**2).mean(axis=0))
    spread[np.ptp(H.numpy(), axis=0) == 0] = 1
    return centred / spread, (H_test.numpy() - centre) / spread

# %% q9_study
def label_study(X, y, X_test, y_test, sizes, per_class, seeds):
    def untrained(seed):
        generator = torch.Generator().manual_seed(seed)
        pieces, d = [], X.shape[1]
        for m in sizes:
            W = torch.randn(m, d, dtype=torch.float64, generator=generator) / math.sqrt(d)
            pieces.append((W, torch.zeros(m, dtype=torch.float64)))
            d = m
        return pieces

    tables = []
    for seed in seeds:
        draws = [
            draw_labelled(y, number, torch.Generator().manual_seed(1000 * seed + number))
            for number in per_class
        ]
        rows = []
        for pieces in ([], untrained(seed), [tuple(layer[:2]) for layer in greedy(X, sizes, seed)]):
            H, H_test = through(X, pieces), through(X_test, pieces)
            Z, Z_test = (torch.as_tensor(part) for part in standardise(H, H_test))
            row = []
            for index in draws:
                V, v = fit_probe(Z[index], y[index], int(y[index].max()) + 1, PENALTY)
                row.append(float(((Z_test @ V.T + v).argmax(dim=1) == y_test).double().mean()))
            rows.append(row)
        tables.append(rows)
    tables = np.array(tables)
    return tables.mean(axis=0), tables.std(axis=0)
