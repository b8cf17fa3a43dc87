"""NumPy throughout: arrays and NumPy scalars are returned; Jacobians by central differences."""

# %% q1_infomax
import numpy as np


def information(W, C, noise):
    W, C, s = W.numpy(), C.numpy(), noise.numpy()
    K = W @ C @ W.T + np.diag(s**2)
    return (np.linalg.slogdet(K)[1] - 2 * np.log(s).sum()) / 2


def best_orthonormal(C, noise):
    values, vectors = np.linalg.eigh(C.numpy())
    order = np.argsort(-values)
    rank = np.argsort(np.argsort(noise.numpy(), kind="stable"), kind="stable")
    return vectors[:, order[rank]].T


def powers(noise, power):
    floor = noise.numpy() ** 2
    low, high = floor.min(), floor.max() + power
    for _ in range(200):
        middle = (low + high) / 2
        if np.maximum(middle - floor, 0).sum() > power:
            high = middle
        else:
            low = middle
    return np.maximum(low - floor, 0)


def bound_gap(W, C, noise):
    W, C, s = W.numpy(), C.numpy(), noise.numpy()
    d = len(C)
    precision = np.linalg.inv(C) + (W.T / s**2) @ W
    E = np.trace(np.linalg.inv(precision))
    known = 0.5 * np.linalg.slogdet(np.eye(len(W)) + W @ C @ W.T / s**2)[1]
    entropy = 0.5 * np.linalg.slogdet(2 * np.pi * np.e * C)[1]
    return known - entropy + d / 2 * np.log(2 * np.pi * np.e * E / d)

# %% q2_trap
def copying_decoder(W, b, alive):
    masked = W.numpy() * alive.numpy()[:, None]
    D = np.linalg.pinv(masked) * alive.numpy()
    return D, -(D @ b.numpy())


def noise_error(M, c, low, high):
    A, low, high = np.eye(len(c)) - M.numpy(), low.numpy(), high.numpy()
    mean = A @ ((low + high) / 2) - c.numpy()
    return mean @ mean + np.trace(A @ np.diag((high - low) ** 2) @ A.T) / 12


def decayed(C, m, decay_W, decay_D):
    U, s, _ = np.linalg.svd(C.numpy())
    price = np.sqrt(decay_W * decay_D)
    W, D = np.zeros((m, len(s))), np.zeros((len(s), m))
    for j in range(min(m, len(s))):
        if s[j] > price:
            gain = 1 - price / s[j]
            omega = np.sqrt(gain * np.sqrt(decay_D / decay_W))
            W[j], D[:, j] = omega * U[:, j], gain / omega * U[:, j]
    return W, D

# %% q3_protocol
def infer(X, D, c, H, penalty, rate, steps):
    X, D, c, H = X.numpy(), D.numpy(), c.numpy(), H.numpy()
    for _ in range(steps):
        G = 0.5 * (1 + np.tanh((H @ D.T + c) / 2))
        B = H + 2 * rate * ((X - G) * G * (1 - G)) @ D
        H = np.where(np.abs(B) > rate * penalty, B - np.sign(B) * rate * penalty, 0.0)
    return H


def judge(X, X_hat, H, mean):
    X, X_hat, H = X.numpy(), X_hat.numpy(), H.numpy()
    lost = np.linalg.norm(X - X_hat) ** 2 / np.linalg.norm(X - mean.numpy()) ** 2
    used = np.count_nonzero(H, axis=0)
    return np.array([100 * lost, 100 - 100 * used.sum() / H.size, (used == 0).sum()])


def budget_errors(X, D, k):
    X, D = X.numpy(), D.numpy()
    A = X @ D
    n, m = A.shape
    masks = [np.zeros_like(A) for _ in range(3)]
    masks[0][:, np.argsort(-(A**2).sum(axis=0))[:k]] = 1
    for i in range(n):
        masks[1][i, np.argsort(-np.abs(A[i]))[:k]] = 1
    masks[2].flat[np.argsort(-np.abs(A), axis=None)[: n * k]] = 1
    return [((X - (mask * A) @ D.T) ** 2).sum(axis=1).mean() for mask in masks]

# %% q4_field
def denoiser_jacobian(Y, M, weights, std):
    Y, M, w = Y.numpy(), M.numpy(), weights.numpy()
    logits = np.log(w) - ((Y[:, None] - M) ** 2).sum(axis=2) / (2 * std**2)
    P = np.exp(logits - logits.max(axis=1, keepdims=True))
    P /= P.sum(axis=1, keepdims=True)
    mean = P @ M
    return np.stack(
        [(M - mean[i]).T @ np.diag(P[i]) @ (M - mean[i]) / std**2 for i in range(len(Y))]
    )


def line_integral(path, V, closed):
    path, V = path.numpy(), V.numpy()
    following, ahead = np.roll(path, -1, axis=0), np.roll(V, -1, axis=0)
    parts = np.einsum("nd,nd->n", V + ahead, following - path) / 2
    S = np.concatenate([[0], np.cumsum(parts)])
    return S if closed else S[:-1]


def potential(X, W, a, b, c):
    X, W, a, b, c = X.numpy(), W.numpy(), a.numpy(), b.numpy(), c.numpy()
    wells = np.logaddexp(0, X @ W.T + b) - np.logaddexp(0, b)
    return wells @ a + X @ c - 0.5 * np.einsum("nd,nd->n", X, X)


def asymmetry(X, W, D, b):
    X, W, D, b = X.numpy(), W.numpy(), D.numpy(), b.numpy()
    E = np.exp(-np.abs(X @ W.T + b))
    Q = E / (1 + E) ** 2
    result = np.zeros(len(X))
    for i, q in enumerate(Q):
        inner = (W @ D) * q
        size = np.sum(((D.T @ D) * q[:, None]) * ((W @ W.T) * q))
        if size > 0:
            result[i] = 1 - np.trace(inner @ inner) / size
    return result

# %% q5_tangents
def tangents_through(X, at, k, dim):
    X, at = X.numpy(), at.numpy()
    planes = []
    for p in at:
        away = X - p
        away = away[np.any(away != 0, axis=1)]
        near = away[np.argsort((away**2).sum(axis=1))[:k]]
        if near.shape[1] <= near.shape[0]:
            planes.append(np.linalg.eigh(near.T @ near)[1][:, ::-1][:, :dim])
        else:
            planes.append(np.linalg.svd(near.T, full_matrices=False)[0][:, :dim])
    return np.array(planes)


def slope_error(k, density, curvature, third, noise, sides):
    h = np.float64(k) / density / sides
    second = h**2 / 3
    product = third / 6 * h**4 / 5 + (curvature / 2 * h**3 / 4 if sides == 1 else 0)
    return (product / second) ** 2 + noise**2 / (k * second)


def neighbours_at_end(density, curvature, noise):
    A, B = (3 * curvature / (8 * density)) ** 2, 3 * noise**2 * density**2
    return np.power(1.5 * B / A, 0.2)

# %% q6_machine
def _sigmoid(A):
    return 0.5 * (1 + np.tanh(A / 2))


def mean_field_cd(X, W, b, c):
    X, W, b, c = X.numpy(), W.numpy(), b.numpy(), c.numpy()
    H = _sigmoid(X @ W.T + b)
    X1 = H @ W + c
    H1 = _sigmoid(X1 @ W.T + b)
    n = len(X)
    return [H.T @ X / n - H1.T @ X1 / n, H.mean(axis=0) - H1.mean(axis=0), (X - X1).sum(axis=0) / n]


def tied_direction(X, W, b, c):
    X, W, b, c = X.numpy(), W.numpy(), b.numpy(), c.numpy()
    dW, db, dc = np.zeros_like(W), np.zeros_like(b), np.zeros_like(c)
    for x in X:
        h = _sigmoid(W @ x + b)
        e = x - W.T @ h - c
        back = h * (1 - h) * (W @ e)
        dW += np.outer(h, e) + np.outer(back, x)
        db += back
        dc += e
    return dW / len(X), db / len(X), dc / len(X)


def cd_curl(X, W, b, c):
    X, W, b, c = X.numpy(), W.numpy(), b.numpy(), c.numpy()
    H = _sigmoid(X @ W.T + b)
    H1 = _sigmoid((H @ W + c) @ W.T + b)
    return np.diag((H1 - H1**2 - H + H**2).mean(axis=0)) @ W


def effective_pixels(W):
    W = W.numpy()
    result = np.zeros(len(W))
    for j, w in enumerate(W):
        if np.any(w != 0):
            w = w / np.linalg.norm(w / np.abs(w).max()) / np.abs(w).max()
            result[j] = 1 / np.sum(w**4)
    return result


def idle_units(X, W, b, tol):
    H = _sigmoid(X.numpy() @ W.numpy().T + b.numpy())
    return (np.ptp(H, axis=0) <= tol).astype(int)

# %% q7_tangents
def tangent_basis(encode, X, k):
    # Differences whose step is small beside each sample.
    step, columns = 1e-5 * X.abs().amax(dim=1, keepdim=True), []
    for e in torch.eye(X.shape[1], dtype=X.dtype):
        columns.append(((encode(X + step * e) - encode(X - step * e)) / (2 * step)).numpy())
    return np.linalg.svd(np.stack(columns, axis=2))[2][:, :k].transpose(0, 2, 1)


def plane_angle(A, B):
    # The sine is what is left of B outside of the plane of A.
    A, B = A.numpy(), B.numpy()
    rest = B - A @ (A.transpose(0, 2, 1) @ B)
    return np.arcsin(np.minimum(np.linalg.norm(rest, ord=2, axis=(1, 2)), 1))
