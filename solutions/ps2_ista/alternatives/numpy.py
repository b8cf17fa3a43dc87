"""Everything in NumPy: arrays, NumPy scalars and lists come back instead of tensors and floats."""

# %% q1_optimality
def subdifferential(h, a, b):
    h = h.numpy()
    return np.where(h > 0, a, -b), np.where(h < 0, -b, a)


def violation(X, D, H, penalties):
    X, D, H, p = X.numpy(), D.numpy(), H.numpy(), penalties.numpy()
    g = (H @ D.T - X) @ D
    # The distance of -g from the interval, by its ends.
    low, high = np.where(H > 0, p, -p), np.where(H < 0, -p, p)
    return np.maximum(np.maximum(low + g, -g - high), 0).max(axis=1)

# %% q2_prox
def elastic_prox(Z, t, ridge):
    Z, t = np.array(Z), np.array(t)
    return (np.maximum(Z - t, 0) - np.maximum(-Z - t, 0)) / (1 + ridge)


def group_prox(Z, t):
    Z = Z.numpy()
    lengths = np.linalg.norm(Z, axis=1)
    out = np.zeros_like(Z)
    out[lengths > t] = Z[lengths > t] * (1 - t / lengths[lengths > t])[:, None]
    return out

# %% q3_clamp
def clamp_step(X, D, H, penalties, width, step):
    X, D, H = X.numpy(), D.numpy(), H.numpy()
    B = H + step * (X - H @ D.T) @ D
    moved = B - step * penalties.numpy() * np.sign(B) / (1 + np.abs(B) / width)
    moved[np.sign(moved) != np.sign(B)] = 0
    return moved

# %% q4_lipschitz
def lipschitz(D, seen):
    return [np.linalg.norm(s[:, None] * D.numpy(), 2) ** 2 for s in seen.numpy()]


def steps_needed(L, distance, accuracy, accelerated):
    if accelerated:
        return np.maximum(np.ceil(distance * np.sqrt(2 * L / accuracy)) - 1, 1)
    return np.maximum(np.ceil(L * distance * distance / accuracy / 2), 1)


def distance_bound(X, penalties):
    return np.sum(X.numpy() ** 2, axis=1) / (2 * np.min(penalties.numpy()))

# %% q5_ista
def ista(X, seen, D, penalties, steps, start, iterations):
    S, D, p = seen.numpy() > 0, D.numpy(), penalties.numpy()
    X = np.where(S, X.numpy(), 0)
    a, H, history = steps.numpy()[:, None], start.numpy(), []
    for k in range(iterations + 1):
        if k > 0:
            B = H - a * (S * (H @ D.T - X)) @ D
            H = np.sign(B) * np.maximum(np.abs(B) - a * p, 0)
        F = 0.5 * np.sum((S * (X - H @ D.T)) ** 2, axis=1) + np.sum(p * np.abs(H), axis=1)
        history.append(np.mean(F))
    return H, history

# %% q6_momentum
def momentum(iterations, restarts):
    t, weights = 1.0, np.zeros(iterations)
    for k in range(iterations):
        t = 1.0 if k + 1 in restarts else t
        after = 0.5 + np.sqrt(0.25 + t**2)
        weights[k], t = (t - 1) / after, after
    return weights

# %% q6_fista
def fista(X, D, penalties, step, iterations):
    X, D, p = X.numpy(), D.numpy(), penalties.numpy()
    H = Y = np.zeros((X.shape[0], D.shape[1]))
    t = np.ones(len(X))
    codes = [H]
    for _ in range(iterations):
        B = Y - step * (Y @ D.T - X) @ D
        new = np.sign(B) * np.maximum(np.abs(B) - step * p, 0)
        t = np.where(np.einsum("nj,nj->n", Y - new, new - H) > 0, 1.0, t)
        after = 0.5 + np.sqrt(0.25 + t**2)
        Y = new + ((t - 1) / after)[:, None] * (new - H)
        H, t = new, after
        codes.append(H)
    F = [np.mean(0.5 * np.sum((X - H @ D.T) ** 2, axis=1) + np.sum(p * np.abs(H), axis=1)) for H in codes]
    return H, np.array(F)

# %% q7_point
def dual_point(X, D, H, penalties):
    R = X.numpy() - H.numpy() @ D.numpy().T
    products, p = np.abs(R @ D.numpy()), np.broadcast_to(penalties.numpy(), H.shape)
    share = np.ones(products.shape)
    share[products > p] = p[products > p] / products[products > p]
    return share.min(axis=1)[:, None] * R

# %% q7_gap
def duality_gap(X, D, H, penalties):
    theta = dual_point(X, D, H, penalties)
    X, D, H, p = X.numpy(), D.numpy(), H.numpy(), penalties.numpy()
    F = 0.5 * np.sum((X - H @ D.T) ** 2, axis=1) + np.abs(H) @ p
    return F - 0.5 * np.sum(X**2, axis=1) + 0.5 * np.sum((X - theta) ** 2, axis=1)

# %% q8_guarantee
def guaranteed_noise(tau, penalty):
    return np.clip(tau - penalty, 0, penalty)

# %% q8_break
def breaking_noise(h_true, D, penalty):
    h, D = h_true.numpy(), D.numpy()
    room = np.abs(penalty - np.abs(h))
    if np.any((h != 0) & (np.abs(h) <= penalty)):
        return np.zeros(len(D))
    j = np.argmin(room)
    return -room[j] * np.sign(h[j] + (h[j] == 0)) * D[:, j]

# %% q9_update
def coordinate_update(X, D, H, penalties, ridge, j):
    X, D, H = X.numpy(), D.numpy(), H.numpy().copy()
    if not D[:, j].any():
        return np.zeros(len(X))
    H[:, j] = 0
    z = (X - H @ D.T) @ D[:, j]
    return np.sign(z) * np.maximum(np.abs(z) - float(penalties[j]), 0) / (np.sum(D[:, j] ** 2) + ridge)

# %% q9_sweep
def coordinate_sweep(X, D, H, penalties, ridge):
    X, D, H = X.numpy(), D.numpy(), np.array(H)
    R = X - H @ D.T
    for j, atom in enumerate(D.T):
        R = R + np.outer(H[:, j], atom)
        z = R @ atom
        best = np.sign(z) * np.maximum(np.abs(z) - float(penalties[j]), 0)
        H[:, j] = best / (atom @ atom + ridge) if atom.any() else 0
        R = R - np.outer(H[:, j], atom)
    return H

# %% q10_largest
def largest_penalty(X, D, weights):
    X, D, w = X.numpy(), D.numpy(), weights.numpy()
    A = D[:, w == 0]
    R = X.T - A @ np.linalg.pinv(A) @ X.T
    return np.max(np.abs(D[:, w > 0].T @ R) / w[w > 0][:, None], axis=0)

# %% q10_count
def penalty_for(X, D, count):
    sizes = np.sort(np.abs(X.numpy() @ D.numpy()), axis=1)
    return sizes[:, -count - 1] if count < sizes.shape[1] else np.zeros(len(sizes))
