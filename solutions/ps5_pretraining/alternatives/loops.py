"""Samples, units and states one at a time; Newton's method for the probe; gradients by hand."""

# %% q1_rbm
def hidden_given_visible(X, W, b):
    p = torch.zeros(len(X), len(W), dtype=torch.float64)
    for i, x in enumerate(X):
        for j in range(len(W)):
            p[i, j] = 1 / (1 + torch.exp(-(W[j] @ x + b[j])))
    return p


def visible_given_hidden(H, W, c):
    p = torch.zeros(len(H), W.shape[1], dtype=torch.float64)
    for i, h in enumerate(H):
        for k in range(W.shape[1]):
            p[i, k] = 1 / (1 + torch.exp(-(W[:, k] @ h + c[k])))
    return p


def free_energy(X, W, b, c):
    values = []
    for x in X:
        total = -float(c @ x)
        for j in range(len(W)):
            a = float(W[j] @ x + b[j])
            total -= max(a, 0.0) + math.log1p(math.exp(-abs(a)))
        values.append(total)
    return torch.tensor(values, dtype=torch.float64)

# %% q2_likelihood
def joint_table(W, b, c):
    # log of the unnormalised probability of each pair (x, h), by enumeration.
    X, H = all_states(len(c)), all_states(len(b))
    return X, H, torch.stack([-energy(X, h.expand(len(X), -1), W, b, c) for h in H], dim=1)


def log_likelihood(X, W, b, c):
    _, H, pairs = joint_table(W, b, c)
    log_z = torch.logsumexp(pairs.flatten(), dim=0)
    total = 0.0
    for x in X:
        one = torch.stack([-energy(x[None], h[None], W, b, c)[0] for h in H])
        total += float(torch.logsumexp(one, dim=0) - log_z)
    return total / len(X)


def log_likelihood_gradient(X, W, b, c):
    states, codes, pairs = joint_table(W, b, c)
    joint = torch.softmax(pairs.flatten(), dim=0).reshape(pairs.shape)
    dW, db, dc = torch.zeros_like(W), torch.zeros_like(b), torch.zeros_like(c)
    for x in X:
        h = torch.sigmoid(W @ x + b)
        dW += torch.outer(h, x) / len(X)
        db += h / len(X)
        dc += x / len(X)
    for s, x in enumerate(states):
        for k, h in enumerate(codes):
            dW -= joint[s, k] * torch.outer(h, x)
            db -= joint[s, k] * h
            dc -= joint[s, k] * x
    return dW, db, dc

# %% q4_greedy
def train_layer(H, m, seed):
    # A loop of its own, and cross-entropy.
    layer = Layer(H.shape[1], m, seed)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.01)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(60):
        for batch in torch.randperm(len(H), generator=generator).split(40):
            loss = functional.binary_cross_entropy(layer(H[batch]), H[batch], reduction="sum")
            optimizer.zero_grad()
            (loss / len(batch)).backward()
            optimizer.step()
    return layer.weights()


def greedy(X, sizes, seed):
    layers, H = [], X
    for number, m in enumerate(sizes):
        layers.append(train_layer(H, m, 1000 * number + seed))
        H = through(H, [layers[-1][:2]])
    return layers

# %% q5_unroll
def stack_codes(X, layers):
    return [through(X, [layer[:2] for layer in layers[: k + 1]]) for k in range(len(layers))]


def unroll(layers):
    encoder, decoder = (), ()
    for W, b, D, c in layers:
        encoder, decoder = (*encoder, (W, b)), ((D, c), *decoder)
    return encoder, decoder


def stack_bound(X, layers):
    # By recursion: the bound of the layers above, passed through the first decoder.
    (W, b, D, c), *above = layers
    H = torch.sigmoid(X @ W.T + b)
    own = torch.stack([torch.dist(x, g) for x, g in zip(X, through(H, [(D, c)]), strict=True)])
    if not above:
        return own
    return own + torch.linalg.svdvals(D).max() / 4 * stack_bound(H, above)

# %% q6_fine_tune
def fine_tune(X, encoder, decoder, steps, lr, frozen=0):
    weights = [[A, a] for A, a in (*encoder, *decoder)]
    for _ in range(steps):
        values = [X]
        for A, a in weights:
            values.append(torch.sigmoid(values[-1] @ A.T + a))
        back = 2 * (values[-1] - X) / len(X)
        for k in reversed(range(len(weights))):
            A, a = weights[k]
            back = back * values[k + 1] * (1 - values[k + 1])
            if k >= frozen:
                weights[k] = [A - lr * back.T @ values[k], a - lr * back.sum(dim=0)]
            back = back @ A
    return weights[: len(encoder)], weights[len(encoder) :]

# %% q7_probe
def probe_loss(H, y, V, v, penalty):
    total = 0.0
    for h, label in zip(H, y, strict=True):
        z = V @ h + v
        total += float(torch.logsumexp(z, dim=0) - z[label]) / len(H)
    return total + 0.5 * penalty * float(V.norm()) ** 2


def fit_probe(H, y, n_classes, penalty):
    # Newton's method with halved steps; the offset of the last class is held at 0, which loses nothing.
    n, m = H.shape
    A = torch.cat([H, torch.ones(n, 1, dtype=H.dtype)], dim=1)
    Y = functional.one_hot(y, n_classes).to(H.dtype)
    ridge = torch.full((n_classes, m + 1), penalty, dtype=H.dtype)
    ridge[:, m] = 1e-9
    theta = torch.zeros(n_classes, m + 1, dtype=H.dtype)

    def value(theta):
        return functional.cross_entropy(A @ theta.T, y) + 0.5 * (ridge * theta**2).sum()

    for _ in range(60):
        P = torch.softmax(A @ theta.T, dim=1)
        gradient = (P - Y).T @ A / n + ridge * theta
        S = torch.diag_embed(P) - P[:, :, None] * P[:, None, :]
        hessian = torch.einsum("nkl,na,nb->kalb", S, A, A).reshape(theta.numel(), -1) / n
        step = torch.linalg.solve(hessian + torch.diag(ridge.flatten()), gradient.flatten())
        step, length = step.reshape(theta.shape), 1.0
        while value(theta - length * step) > value(theta) and length > 1e-8:
            length /= 2
        theta = theta - length * step
        if float(gradient.abs().max()) < 1e-9:
            break
    return theta[:, :m], theta[:, m]

# %% q8_fair
def draw_labelled(y, per_class, generator):
    left = {int(k): per_class for k in y.unique()}
    index = []
    for i in torch.randperm(len(y), generator=generator).tolist():
        if left[int(y[i])] > 0:
            left[int(y[i])] -= 1
            index.append(i)
    return torch.tensor(index)


def standardise(H, H_test):
    Z, Z_test = H.clone(), H_test.clone()
    for j in range(H.shape[1]):
        centre = H[:, j].sum() / len(H)
        spread = ((H[:, j] - centre) ** 2).mean().sqrt()
        constant = bool((H[:, j] == H[0, j]).all())
        Z[:, j] = (H[:, j] - centre) / (1 if constant else spread)
        Z_test[:, j] = (H_test[:, j] - centre) / (1 if constant else spread)
    return Z, Z_test
