"""Everything in NumPy: arrays, NumPy scalars and lists come back instead of tensors and floats."""

# %% q1_centre
def centre(X, seen):
    A, s = X.numpy(), seen.numpy()
    counts = s.sum(axis=0)
    sums = np.where(s, A, 0).sum(axis=0)
    mu = np.divide(sums, counts, out=np.zeros(len(counts)), where=counts > 0)
    return np.where(s, A - mu, 0.0), mu

# %% q2_covariance
def merge(n1, mu1, C1, n2, mu2, C2):
    m1, m2 = mu1.numpy(), mu2.numpy()
    mu = np.average(np.stack([m1, m2]), axis=0, weights=[n1, n2])
    C = sum(n * (C + np.outer(m - mu, m - mu)) for n, m, C in [(n1, m1, C1.numpy()), (n2, m2, C2.numpy())])
    return np.int64(n1 + n2), mu, C / (n1 + n2)

# %% q3_codes
def codes_from_products(G, m):
    n = len(G)
    J = np.eye(n) - np.ones((n, n)) / n
    values, vectors = np.linalg.eigh(J @ G.numpy() @ J)
    order = np.argsort(values)[::-1][:m]
    return vectors[:, order] * np.sqrt(values[order]), values[order] / n

# %% q4_codec
def encode(X, seen, W, mu):
    H = np.empty((len(X), len(W)))
    for i in range(len(X)):
        s = seen[i].numpy()
        H[i] = np.linalg.lstsq(W.numpy()[:, s].T, (X[i] - mu).numpy()[s], rcond=None)[0]
    return H


def fill_in(X, seen, H, W, mu):
    out = H.numpy() @ W.numpy() + mu.numpy()
    out[seen.numpy()] = X.numpy()[seen.numpy()]
    return out


def reconstruction_error(X, H, mu):
    A = X.numpy() - mu.numpy()
    return np.mean(np.sum(A**2, axis=1) - np.sum(H.numpy() ** 2, axis=1))

# %% q5_error
def pca_errors(X):
    A = X.numpy() - X.numpy().mean(axis=0)
    squares = np.linalg.svd(A, compute_uv=False) ** 2 / len(A)
    return [squares[m:].sum() for m in range(A.shape[1] + 1)]


def choose_dimension(variances, share):
    kept = np.cumsum(variances.numpy())
    return np.argmax(kept >= share * kept[-1] * (1 - 1e-12)) + 1

# %% q6_whiten
def whiten(X, new):
    mu = X.numpy().mean(axis=0)
    A = X.numpy() - mu
    _, s, vt = np.linalg.svd(A, full_matrices=False)
    keep = s > 1e-5 * s[0]
    return np.sqrt(len(A)) * (new.numpy() - mu) @ vt[keep].T / s[keep]

# %% q7_gradients
def autoencoder_gradients(W, D, X, A):
    W, D, X, A = (t.numpy() for t in (W, D, X, A))
    G = A * ((X @ W.T) @ D.T - X)
    return 2 * (G @ D).T @ X / len(X), 2 * G.T @ (X @ W.T) / len(X)

# %% q8_steps
def update_codes(Xc, D, penalty):
    d = D.numpy()
    return np.linalg.solve(d.T @ d + penalty * np.eye(d.shape[1]), (Xc.numpy() @ d).T).T


def update_dictionary(Xc, H, penalty):
    h = H.numpy()
    return np.linalg.solve(h.T @ h / len(h) + penalty * np.eye(h.shape[1]), h.T @ Xc.numpy() / len(h)).T

# %% q8_alternation
def alternate(Xc, D, penalty, iterations):
    X, d, out = Xc.numpy(), D.numpy(), []
    n, m = len(X), d.shape[1]
    for _ in range(iterations):
        h = np.linalg.solve(d.T @ d + penalty * np.eye(m), (X @ d).T).T
        d = np.linalg.solve(h.T @ h + n * penalty * np.eye(m), h.T @ X).T
        out.append(np.mean(np.sum((X - h @ d.T) ** 2, axis=1)) + penalty * (np.sum(h**2) / n + np.sum(d**2)))
    return h, d, np.array(out)

# %% q10_escape
def escape_direction(X, W):
    A, B = X.numpy() - X.numpy().mean(axis=0), W.numpy()
    C = A.T @ A / len(A)
    # All of the orthogonal complement of the rows, then the best direction inside it.
    complement = np.linalg.svd(B)[2][len(B):].T
    values, vectors = np.linalg.eigh(complement.T @ C @ complement)
    return np.diag(B @ C @ B.T).argmin(), complement @ vectors[:, -1]
