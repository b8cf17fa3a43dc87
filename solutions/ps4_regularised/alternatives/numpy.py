"""Everything in NumPy: arrays and NumPy scalars come back; a network whose gradients are written by hand."""

# %% q1_losses
def best_gaussian(A, X):
    errors = X.numpy() - A.numpy()
    variance = np.einsum("nd,nd->d", errors, errors) / len(errors)
    return np.sqrt(variance), 0.5 * np.sum(np.log(2 * np.pi * np.e * variance))


def bernoulli_loss(A, X):
    A, X = A.numpy(), X.numpy()
    return np.nansum(np.logaddexp(0, A) - X * A) / len(X)


def least_bernoulli_loss(X, codes):
    X, codes = X.numpy(), codes.numpy()
    P = np.empty_like(X)
    for code in np.unique(codes):
        P[codes == code] = X[codes == code].mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(P > 0, P * np.log(P), 0) + np.where(P < 1, (1 - P) * np.log1p(-P), 0)
    return -parts.sum() / len(X)

# %% q2_tied
def tied_gradients(X, W, b, c):
    X, W, b, c = X.numpy(), W.numpy(), b.numpy(), c.numpy()
    n = len(X)
    H = 1 / (1 + np.exp(-(X @ W.T + b)))
    A = H @ W + c
    error = np.exp(-np.logaddexp(0, -A)) - X
    back = (error @ W.T) * (H - H**2)
    loss = (np.logaddexp(0, A) - X * A).sum() / n
    return loss, (back.T @ X + H.T @ error) / n, back.mean(axis=0), error.mean(axis=0)



def weight_pulls(X, W, b, c):
    X, W, b, c = X.numpy(), W.numpy(), b.numpy(), c.numpy()
    H = 1 / (1 + np.exp(-(X @ W.T + b)))
    A = H @ W + c
    error = np.exp(-np.logaddexp(0, -A)) - X
    back = (error @ W.T) * (H - H**2)
    # Gram matrices of the left and of the right factors, two by two.
    left = np.stack([back, H], axis=1)
    right = np.stack([X, error], axis=1)
    grams = (left @ left.transpose(0, 2, 1)) * (right @ right.transpose(0, 2, 1))
    return np.sqrt(np.maximum(grams.sum(axis=(1, 2)), 0))

# %% q3_penalties
def l1_penalty(H, D):
    H, D = H.numpy(), D.numpy()
    lengths = np.sqrt((D**2).sum(axis=0))
    with np.errstate(invalid="ignore"):
        directions = np.where(lengths > 0, D / lengths, 0)
    weights = np.abs(H).sum(axis=0) / len(H)
    return weights.dot(lengths), np.sign(H) * lengths / len(H), directions * weights


def kl_penalty(Z, rate):
    Z = Z.numpy()
    on, off = -np.logaddexp(0, -Z), -np.logaddexp(0, Z)
    log_r = np.logaddexp.reduce(on, axis=0) - np.log(len(Z))
    log_rest = np.logaddexp.reduce(off, axis=0) - np.log(len(Z))
    value = np.sum(rate * (np.log(rate) - log_r) + (1 - rate) * (np.log1p(-rate) - log_rest))
    # A share of the unit's activity, times the slope of its logarithm.
    share, rest = np.exp(on - log_r), np.exp(off - log_rest)
    return value, ((1 - rate) * rest * np.exp(on) - rate * share * np.exp(off)) / len(Z)

# %% q4_ksparse
def kept(A, k):
    order = np.argsort(-A.numpy(), axis=1, kind="stable")
    on = np.zeros(tuple(A.shape))
    np.put_along_axis(on, order, (np.arange(A.shape[1]) < k.numpy()[:, None]).astype(float), axis=1)
    return on


def k_sparse(A, k):
    return kept(A, k) * A.numpy()


def k_sparse_backward(A, k, dH):
    return kept(A, k) * dH.numpy()

# %% q5_corruptions
def numpy_generator(generator):
    return np.random.default_rng(int(torch.randint(2**62, (1,), generator=generator)))


def mask(X, rate, generator):
    return X.numpy() * numpy_generator(generator).binomial(1, 1 - rate, tuple(X.shape))


def salt_and_pepper(X, rate, generator):
    rng = numpy_generator(generator)
    hit = rng.random(tuple(X.shape)) < rate
    return np.where(hit, rng.integers(0, 2, tuple(X.shape)), X.numpy())


def matching_rates(X, std):
    X = X.numpy()
    square, first = np.mean(X**2), np.mean(X)
    return np.array([std**2 / square, std**2 / (square - first + 0.5)])

# %% q6_mixture
def beliefs(Y, std, weights, means, variances):
    Y, weights, means, variances = (part.numpy() for part in (Y, weights, means, variances))
    noisy = variances + std**2
    squares = ((Y[:, None] - means[None]) ** 2).sum(axis=2)
    logs = np.log(weights) - 0.5 * Y.shape[1] * np.log(2 * np.pi * noisy) - 0.5 * squares / noisy
    logs -= logs.max(axis=1, keepdims=True)
    return np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True), noisy, Y, means


def posterior_mean(Y, std, weights, means, variances):
    return Y.numpy() + std**2 * score(Y, std, weights, means, variances)


def score(Y, std, weights, means, variances):
    belief, noisy, Y, means = beliefs(Y, std, weights, means, variances)
    share = belief / noisy
    return share @ means - share.sum(axis=1, keepdims=True) * Y

# %% q7_linear
def linear_denoise(X, std, Y):
    X, std, Y = X.numpy(), std.numpy(), Y.numpy()
    n, d = X.shape
    if d <= n:
        S = X.T @ X
        return Y @ np.linalg.inv(S + n * np.diag(std**2)) @ S
    whitened = X / std
    values, vectors = np.linalg.eigh(whitened @ whitened.T)
    weights = (Y / std) @ whitened.T @ vectors / (values + n)
    return weights @ vectors.T @ X


def linear_unmasker(X, rates):
    X, kept = X.numpy(), 1 - rates.numpy()
    G = X.T @ X
    # P = Q diag(1 / kept), with a ridge for each pixel.
    Q = G @ np.linalg.inv(G + np.diag(np.diag(G) * (1 - kept) / kept))
    return Q / kept

# %% q8_contractive
def jacobian_penalty(X, W, b):
    X, W, b = X.numpy(), W.numpy(), b.numpy()
    V = 1 / (2 + 2 * np.cosh(X @ W.T + b))
    return np.sum((V.T @ V) * (W @ W.T) ** 2) / len(X)


def jacobian_gradients(X, W, b):
    X, W, b = X.numpy(), W.numpy(), b.numpy()
    Z, G = X @ W.T + b, W @ W.T
    V = 1 / (2 + 2 * np.cosh(Z))
    dZ = -2 * np.tanh(Z / 2) * V * (V @ G**2) / len(X)
    return dZ.T @ X + 4 * ((V.T @ V) * G) @ W / len(X), dZ.sum(axis=0)

# %% q9_hutchinson
def asymmetry(r, X, V):
    total = np.zeros(len(X))
    for v in V:
        leaf, dual = X.clone().requires_grad_(), v.clone().requires_grad_()
        back = torch.autograd.grad(r(leaf), leaf, dual, create_graph=True)[0]
        # J^T u is linear in u, and its derivative along v is J v.
        forward = torch.autograd.grad(back, dual, v)[0].numpy()
        back = back.detach().numpy()
        total += np.linalg.norm(forward - back, axis=1) ** 2
    return total / len(V)


def hutchinson_variance(J, kurtosis, p):
    J = J.numpy()
    values = np.linalg.svd(J, compute_uv=False)
    diagonal = (np.linalg.norm(J, axis=1) ** 4).sum(axis=1)
    return (2 * ((values**4).sum(axis=1) - diagonal) + (kurtosis - 1) * diagonal) / p

# %% q10_cheat
def cheat(W, b, D, eps):
    eps = eps.numpy()
    return (W.numpy().T * eps).T, b.numpy() * eps, D.numpy() * (1 / eps)


def balanced_scales(X, W, b, D, decay):
    X, W, b, D = X.numpy(), W.numpy(), b.numpy(), D.numpy()
    paid = np.mean((X @ W.T + b > 0) * np.sum(W**2, axis=1), axis=0)
    return np.sqrt(np.linalg.norm(D, axis=0) * np.sqrt(decay / paid))


def spend(variances, budget):
    values = np.sort(variances.numpy())[::-1]
    for k in range(1, len(values) + 1):
        gamma = 2 * (k - budget) / np.sum(1 / values[:k])
        if gamma >= 0 and gamma < 2 * values[k - 1] and (k == len(values) or gamma >= 2 * values[k]):
            break
    return np.maximum(0, 1 - gamma / 2 / variances.numpy()), gamma

# %% q11_train
def learn_to_denoise(X, corrupt, X_noisy, seed):
    rng = np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(seed)
    d, width, steps = X.shape[1], 160, 1200
    weights = [rng.normal(0, d**-0.5, (width, d)), np.zeros(width)]
    weights += [rng.normal(0, width**-0.5, (d, width)), np.zeros(d)]
    first = [np.zeros_like(w) for w in weights]
    second = [np.zeros_like(w) for w in weights]

    def forward(Y):
        H = np.maximum(0, Y @ weights[0].T + weights[1])
        return H, 1 / (1 + np.exp(-(H @ weights[2].T + weights[3])))

    for step in range(steps):
        clean = X[torch.from_numpy(rng.integers(0, len(X), 128))]
        noisy, clean = corrupt(clean, generator).numpy(), clean.numpy()
        H, out = forward(noisy)
        back = 2 * (out - clean) * out * (1 - out) / len(clean)
        hidden = (back @ weights[2]) * (H > 0)
        gradients = [hidden.T @ noisy, hidden.sum(axis=0), back.T @ H, back.sum(axis=0)]
        rate = 4e-3 * (1 - step / steps)
        for k, gradient in enumerate(gradients):
            first[k] = 0.9 * first[k] + 0.1 * gradient
            second[k] = 0.999 * second[k] + 0.001 * gradient**2
            move = first[k] / (1 - 0.9 ** (step + 1))
            size = np.sqrt(second[k] / (1 - 0.999 ** (step + 1))) + 1e-8
            weights[k] = weights[k] - rate * move / size
    return forward(X_noisy.numpy())[1]
