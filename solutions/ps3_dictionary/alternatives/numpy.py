"""Everything in NumPy: arrays, NumPy scalars and lists come back instead of tensors and floats."""

# %% q1_objective
def objective(X, D, H, penalty, counts):
    A, B, C = X.numpy(), D.numpy(), H.numpy()
    each = 0.5 * np.sum((A - C @ B.T) ** 2, axis=1) + penalty * np.abs(C).sum(axis=1)
    return np.average(each, weights=counts.numpy())

# %% q1_lengths
def cheating_lengths(H):
    c = np.cbrt(np.abs(H.numpy()).mean(axis=0))
    return (c / np.sqrt(np.mean(c**2))).astype(np.float32)

# %% q2_normalise
def normalise(D, H, penalties):
    A = D.numpy()
    length = np.linalg.norm(A, axis=0)
    length[length == 0] = 1
    return A / length, H.numpy() * length, penalties.numpy() / length

# %% q3_codes
def ista_codes(X, D, W, penalty, H, steps):
    A, B, C, V = X.numpy(), D.numpy(), H.numpy(), W.numpy()
    step = 1 / np.array([[np.linalg.norm(np.sqrt(v)[:, None] * B, 2) ** 2] for v in V])
    for _ in range(steps):
        C = C - step * ((V * (C @ B.T - A)) @ B)
        C = np.sign(C) * np.maximum(np.abs(C) - step * penalty, 0)
    return C

# %% q4_gradient
def dictionary_gradient(X, D, H, delta):
    A, B, C = X.numpy(), D.numpy(), H.numpy()
    R = C @ B.T - A
    return ((R / np.hypot(1, R / delta)).T @ C / len(A)).astype(np.float32)

# %% q5_step
def dictionary_step(X, D, H, W):
    A, B, C, V = X.numpy(), D.numpy(), H.numpy(), W.numpy()
    # The n of the mean cancels in G / L.
    largest = max(np.linalg.norm(np.sqrt(v)[:, None] * C, 2) ** 2 for v in V.T)
    if largest == 0:
        return B
    new = B - (V * (C @ B.T - A)).T @ C / largest
    length = np.linalg.norm(new, axis=0)
    return np.where(length > 0, new / np.where(length > 0, length, 1), B)

# %% q6_atom
def update_atom(X, D, H, j):
    A, B, C = X.numpy(), D.numpy(), H.numpy()
    others = np.arange(B.shape[1]) != j
    pull = (A - C[:, others] @ B[:, others].T).T @ C[:, j]
    if not C[:, j].any():
        return B[:, j]
    if (pull <= 0).all():
        return np.eye(len(B))[np.argmax(pull)]
    pull = np.maximum(pull, 0)
    return pull / np.linalg.norm(pull)

# %% q6_alternation
def alternate(X, D, penalty, iterations):
    A, B, history = X.numpy(), D.numpy().copy(), []
    for _ in range(iterations):
        C = lasso_codes(X, torch.from_numpy(B), penalty).numpy()
        # A sweep on the two small matrices C^T C and A^T C.
        gram, cross, seen = C.T @ C, A.T @ C, np.zeros(len(A), dtype=bool)
        for j in range(B.shape[1]):
            pull = cross[:, j] - B @ gram[:, j] + B[:, j] * gram[j, j]
            if gram[j, j] == 0:
                worst = np.argmax(np.where(seen, -np.inf, ((A - C @ B.T) ** 2).sum(axis=1)))
                seen[worst], pull = True, A[worst]
            B[:, j] = pull / np.linalg.norm(pull)
        history.append((0.5 * ((A - C @ B.T) ** 2).sum() + penalty * np.abs(C).sum()) / len(A))
    return C, B, np.array(history)

# %% q7_match
def match_atoms(D, D_true):
    A, B = D.numpy(), D_true.numpy()
    cosine = (A.T @ B) / np.outer(np.linalg.norm(A, axis=0), np.linalg.norm(B, axis=0))
    rows, columns = linear_sum_assignment(np.abs(cosine), maximize=True)
    permutation = rows[np.argsort(columns)]
    partner = cosine[permutation, range(B.shape[1])]
    return [int(p) for p in permutation], np.where(partner < 0, -1, 1), np.abs(partner)

# %% q7_recover
def recover(X, starts, penalty, iterations):
    found = []
    for k, start in enumerate(starts):
        B = start.numpy().copy()
        for _ in range(iterations):
            C = lasso_codes(X, torch.from_numpy(B), penalty)
            for j in range(B.shape[1]):
                B[:, j] = best_atom(X, torch.from_numpy(B), C, j).numpy()
        C = lasso_codes(X, torch.from_numpy(B), penalty).numpy()
        found.append((0.5 * ((X.numpy() - C @ B.T) ** 2).sum() + penalty * np.abs(C).sum()) / len(X))
        if np.argmin(found) == k:
            best = B
    return best, np.min(found), np.argmin(found)

# %% q8_mean
def remove_mean(P, known):
    A, use = P.numpy(), known.numpy().astype(bool)
    mean = np.where(use, A, 0).sum(axis=1) / np.maximum(use.sum(axis=1), 1)
    return np.where(use, A - mean[:, None], 0), mean

# %% q8_assemble
def assemble(P, weights, height, width, size, stride):
    # Each pixel of each patch knows its place in the image.
    place = np.arange(height * width).reshape(height, width)
    windows = np.lib.stride_tricks.sliding_window_view(place, (size, size))[::stride, ::stride]
    index, w = windows.reshape(-1), np.repeat(weights.numpy(), size * size)
    total = np.bincount(index, weights=w * P.numpy().reshape(-1), minlength=height * width)
    return (total / np.bincount(index, weights=w, minlength=height * width)).reshape(height, width)

# %% q9_denoise
def denoise(Y, D, sigma, c, mu):
    size = int(round(np.sqrt(len(D))))
    height, width = Y.shape
    B = D.numpy() / np.linalg.norm(D.numpy(), axis=0)
    P = np.lib.stride_tricks.sliding_window_view(Y.numpy(), (size, size)).reshape(-1, size * size)
    mean = P.mean(axis=1, keepdims=True)
    C = lasso_codes(torch.from_numpy(P - mean), torch.from_numpy(B), c * sigma, tol=1e-5).numpy()
    rebuilt = (C @ B.T + mean).reshape(height - size + 1, width - size + 1, size, size)
    total, count = mu * Y.numpy(), np.full((height, width), float(mu))
    for y in range(size):
        for x in range(size):
            total[y : y + height - size + 1, x : x + width - size + 1] += rebuilt[:, :, y, x]
            count[y : y + height - size + 1, x : x + width - size + 1] += 1
    return total / count
