"""Everything in NumPy: arrays, NumPy scalars and lists come back instead of tensors and floats."""

# %% q1_optimality
def subdifferential(h, penalty):
    h = h.numpy()
    return np.where(h > 0, penalty, -penalty), np.where(h < 0, -penalty, penalty)


def violation(X, D, H, penalty):
    X, D, H = X.numpy(), D.numpy(), H.numpy()
    g = (H @ D.T - X) @ D
    # The distance of -g from the interval of subgradients, by its ends.
    low, high = np.where(H > 0, penalty, -penalty), np.where(H < 0, -penalty, penalty)
    return np.maximum(np.maximum(low + g, -g - high), 0).max(axis=1)

# %% q2_threshold
def soft_threshold(Z, t):
    Z = np.array(Z)
    t = np.array(t)
    return np.maximum(Z - t, 0) - np.maximum(-Z - t, 0)

# %% q3_clamp
def clamp_step(X, D, H, penalty, step):
    X, D, H = X.numpy(), D.numpy(), H.numpy()
    B = H + step * (X - H @ D.T) @ D
    moved = B - step * penalty * np.sign(B)
    moved[np.sign(moved) != np.sign(B)] = 0
    return moved

# %% q4_lipschitz
def lipschitz(D):
    return np.linalg.norm(D.numpy(), 2) ** 2


def steps_needed(L, distance, accuracy):
    return np.maximum(np.ceil(L * distance * distance / accuracy / 2), 1)

# %% q5_ista
def ista(X, D, penalty, step, iterations):
    X, D = X.numpy(), D.numpy()
    H = np.zeros((X.shape[0], D.shape[1]))
    history = []
    for k in range(iterations + 1):
        if k > 0:
            B = H - step * (H @ D.T - X) @ D
            H = np.sign(B) * np.maximum(np.abs(B) - step * penalty, 0)
        F = 0.5 * np.sum((X - H @ D.T) ** 2, axis=1) + penalty * np.sum(np.abs(H), axis=1)
        history.append(np.mean(F))
    return H, history

# %% q6_fista
def momentum(iterations):
    t = [1.0]
    for _ in range(iterations):
        t.append(0.5 + np.sqrt(0.25 + t[-1] ** 2))
    t = np.array(t)
    return list((t[:-1] - 1) / t[1:])


def fista(X, D, penalty, step, iterations):
    X, D = X.numpy(), D.numpy()
    codes = [np.zeros((X.shape[0], D.shape[1]))] * 2
    for k in range(iterations):
        Y = codes[-1] + (momentum(k)[-1] * (codes[-1] - codes[-2]) if k else 0)
        B = Y - step * (Y @ D.T - X) @ D
        codes.append(np.sign(B) * np.maximum(np.abs(B) - step * penalty, 0))
    F = [
        np.mean(0.5 * np.sum((X - H @ D.T) ** 2, axis=1) + penalty * np.sum(np.abs(H), axis=1))
        for H in codes[1:]
    ]
    return codes[-1], tuple(F)

# %% q7_gap
def dual_point(X, D, H, penalty):
    R = X.numpy() - H.numpy() @ D.numpy().T
    largest = np.abs(R @ D.numpy()).max(axis=1)
    s = np.ones(len(R))
    s[largest > penalty] = penalty / largest[largest > penalty]
    return s[:, None] * R


def duality_gap(X, D, H, penalty):
    theta = dual_point(X, D, H, penalty)
    X, D, H = X.numpy(), D.numpy(), H.numpy()
    F = 0.5 * np.sum((X - H @ D.T) ** 2, axis=1) + penalty * np.sum(np.abs(H), axis=1)
    return F - 0.5 * np.sum(X**2, axis=1) + 0.5 * np.sum((X - theta) ** 2, axis=1)

# %% q8_recovery
def one_step(X, D, tau):
    B = X.numpy() @ D.numpy()
    return np.sign(B) * np.maximum(np.abs(B) - tau / 2, 0)


def recovery_rate(H, H_true):
    return np.mean(np.all((H.numpy() != 0) == (H_true.numpy() != 0), axis=1))


def guaranteed_noise(tau, penalty):
    return np.clip(tau - penalty, 0, penalty)

# %% q9_update
def coordinate_update(X, D, H, penalty, j):
    X, D, H = X.numpy(), D.numpy(), H.numpy().copy()
    H[:, j] = 0
    z = (X - H @ D.T) @ D[:, j]
    return np.sign(z) * np.maximum(np.abs(z) - penalty, 0) / np.sum(D[:, j] ** 2)

# %% q9_sweep
def coordinate_sweep(X, D, H, penalty):
    X, D, H = X.numpy(), D.numpy(), np.array(H)
    R = X - H @ D.T
    for j, atom in enumerate(D.T):
        R = R + np.outer(H[:, j], atom)
        z = R @ atom
        H[:, j] = np.sign(z) * np.maximum(np.abs(z) - penalty, 0) / (atom @ atom)
        R = R - np.outer(H[:, j], atom)
    return H

# %% q10_path
def largest_penalty(X, D):
    return np.linalg.norm(D.numpy().T @ X.numpy().T, np.inf, axis=0)


def orthonormal_path(x, D, penalties):
    z = D.numpy().T @ x.numpy()
    return np.sign(z) * np.maximum(np.abs(z) - penalties.numpy().reshape(-1, 1), 0)
