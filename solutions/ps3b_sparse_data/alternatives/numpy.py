"""Everything in NumPy: arrays, NumPy scalars and tuples come back instead of tensors and lists."""

# %% q1_coherence
def cumulative_coherence(D):
    D = D.numpy()
    lengths = np.sqrt((D**2).sum(axis=0))
    C = np.abs(D.T @ D) / np.outer(lengths, lengths)
    np.fill_diagonal(C, -1.0)
    others = -np.sort(-C, axis=1)[:, : C.shape[0] - 1]
    return np.cumsum(others, axis=1).max(axis=0)


def guaranteed_size(D):
    mu = np.concatenate([[0.0], cumulative_coherence(D)])
    return np.count_nonzero(mu[1:] + mu[:-1] < 1)


def most_atoms(d, s):
    square = (2 * s - 1) ** 2
    whole, rest = divmod(d * (square - 1), square - d)
    return np.float64(whole - (rest == 0))

# %% q2_sense
def sense(Y, A, D, penalty):
    E = (A @ D).numpy()
    lengths = np.linalg.norm(E, axis=0)
    inverse = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    H = lasso_codes(Y, torch.from_numpy(E * inverse), penalty).numpy()
    Z = np.zeros(H.shape)
    for z, h, y in zip(Z, H, Y.numpy()):
        on = np.flatnonzero(h)
        z[on] = np.linalg.pinv(E[:, on]) @ y
    return Z


def success_rate(Z, H):
    Z, H = Z.numpy(), H.numpy()
    good = 0
    for z, h in zip(Z, H):
        on = z != 0
        t = np.abs(h[~on]).max(initial=0.0)
        good += bool(np.all(np.abs(h[on]) > t) and np.all(np.sign(h[on]) == np.sign(z[on])))
    return np.float32(good / len(Z)) if good in (0, len(Z)) else good / len(Z)

# %% q3_measure
def orientation(W):
    p = int(np.sqrt(W.shape[1]) + 0.5)
    patches = W.numpy().reshape(-1, p, p)
    # Parseval: the moments of the power are those of the derivatives of the patch.
    u = np.fft.fftfreq(p)
    F = np.fft.fft2(patches - patches.mean(axis=(1, 2), keepdims=True))
    gx, gy = F * u, F * u[:, None]
    T = np.empty((len(W), 2, 2))
    T[:, 0, 0] = (abs(gx) ** 2).sum(axis=(1, 2))
    T[:, 1, 1] = (abs(gy) ** 2).sum(axis=(1, 2))
    T[:, 0, 1] = T[:, 1, 0] = (gx * gy.conj()).real.sum(axis=(1, 2))
    values, vectors = np.linalg.eigh(T)
    theta = np.arctan2(vectors[:, 1, 1], vectors[:, 0, 1])
    theta = np.where(theta < 0, theta + np.pi, theta)
    return np.where(theta >= np.pi, 0.0, theta), (values[:, 1] - values[:, 0]) / values.sum(axis=1)


def place(W, theta):
    p = int(np.sqrt(W.shape[1]) + 0.5)
    weight = W.numpy().reshape(-1, p, p) ** 2
    weight = weight / weight.sum(axis=(1, 2), keepdims=True)
    columns, rows = weight.sum(axis=1), weight.sum(axis=2)
    k = np.arange(p)
    x0, y0 = columns @ k, rows @ k
    xx, yy = columns @ k**2 - x0**2, rows @ k**2 - y0**2
    xy = np.einsum("kyx,y,x->k", weight, k, k) - x0 * y0
    c, s = np.cos(theta.numpy()), np.sin(theta.numpy())
    along = c * c * xx + 2 * c * s * xy + s * s * yy
    across = s * s * xx - 2 * c * s * xy + c * c * yy
    return np.stack([x0, y0, np.sqrt(2 * along), np.sqrt(2 * across)])


def half_band(frequencies, response):
    f, ends = frequencies.numpy(), []
    for row in response.numpy():
        peak, half = np.argmax(row), np.max(row) / 2
        below = np.flatnonzero(row <= half)
        left, right = below[below < peak], below[below > peak]
        low = np.interp(half, row[left[-1] : left[-1] + 2], f[left[-1] : left[-1] + 2]) if len(left) else 0.0
        high = f[-1]
        if len(right):
            j = right[0]
            high = np.interp(half, row[[j, j - 1]], f[[j, j - 1]])
        ends.append((low, high))
    return np.array(ends).T

# %% q4_fill
def masked_lipschitz(D, M):
    D = D.numpy()
    return np.array([np.linalg.norm(D[mask > 0], 2) ** 2 if (mask > 0).any() else 0.0 for mask in M.numpy()])


def fill(X, M, D, penalty, steps):
    X, M, D = X.numpy(), M.numpy().astype(bool), D.numpy()
    X_hat = np.array(X)
    everything = X[M].mean()
    for i, on in enumerate(M):
        mean = X[i, on].mean() if on.any() else everything
        A, h = D[on], np.zeros(D.shape[1])
        L = np.linalg.norm(A, 2) ** 2 if on.any() else 0.0
        for _ in range(steps if L > 0 else 0):
            b = h + A.T @ (X[i, on] - mean - A @ h) / L
            h = np.sign(b) * np.maximum(np.abs(b) - penalty * on.mean() / L, 0)
        X_hat[i, ~on] = mean + D[~on] @ h
    return X_hat

# %% q5_words
def nonnegative_codes(X, D, penalty, sweeps):
    X, D = X.numpy(), D.numpy()
    gram, b = D.T @ D, X @ D - penalty
    H = np.zeros(b.shape)
    for _ in range(sweeps):
        for j in range(D.shape[1]):
            if gram[j, j] > 0:
                H[:, j] = np.maximum(0, (b[:, j] - H @ gram[j] + gram[j, j] * H[:, j]) / gram[j, j])
    return H


def sense_vectors(x, D, h):
    x, D, h = x.numpy(), D.numpy(), h.numpy()
    order = [j for j in np.argsort(-h, kind="stable") if h[j] > 0]
    V = np.zeros((len(order), len(x)))
    for v, j in zip(V, order):
        others = np.delete(np.arange(len(h)), j)
        v[:] = x - D[:, others] @ h[others]
        v /= np.linalg.norm(v)
    return V


def name_senses(h, C, labels, senses):
    C, labels = C.numpy(), np.array(labels)
    own = np.flatnonzero(h.numpy() > 0)
    total = C.sum(axis=1)
    share = np.zeros(C.shape)
    share[total > 0] = C[total > 0] / total[total > 0, None]
    S = np.zeros((senses, len(own)))
    for s in range(senses):
        if np.any(labels == s):
            S[s] = share[labels == s][:, own].mean(axis=0)
    rows, columns = linear_sum_assignment(-S)
    atoms = np.full(senses, -1)
    for s, j in zip(rows, columns):
        if S[s, j] > 0:
            atoms[s] = own[j]
    return atoms

# %% q6_predictive
def infer(X, D, prediction, penalty, pull, steps):
    X, D, f, pull = X.numpy(), D.numpy(), prediction.numpy(), pull.numpy()
    # The pull is a LASSO with sqrt(pull) as further rows of the dictionary.
    A = np.concatenate([D, np.diag(np.sqrt(pull))])
    Y = np.concatenate([X, f * np.sqrt(pull)], axis=1)
    step = 1 / np.linalg.norm(A, 2) ** 2
    Z = f.copy()
    for _ in range(steps):
        B = Z + step * (Y - Z @ A.T) @ A
        Z = np.maximum(B - step * penalty, 0) + np.minimum(B + step * penalty, 0)
    return Z


def steps_needed(D, pull, share):
    A = np.concatenate([D.numpy(), np.diag(np.sqrt(pull.numpy()))])
    s = np.linalg.svd(A, compute_uv=False) ** 2
    q = 1 - s.min() / s.max()
    k, left = 0, 1.0
    while left > share:
        k, left = k + 1, left * (q if q > 1e-12 else 0.0)
    return np.int64(k)


def encoder_gradients(X, W, b, gain, Z, pull):
    X, W, b, gain, Z, pull = (part.numpy() for part in (X, W, b, gain, Z, pull))
    dW, db, dgain = np.zeros(W.shape), np.zeros(b.shape), np.zeros(gain.shape)
    for x, z in zip(X, Z):
        t = np.tanh(W @ x + b)
        e = pull * (gain * t - z) / len(X)
        dgain += e * t
        db += e * gain / np.cosh(W @ x + b) ** 2
        dW += np.outer(e * gain / np.cosh(W @ x + b) ** 2, x)
    return [dW, db, dgain]
