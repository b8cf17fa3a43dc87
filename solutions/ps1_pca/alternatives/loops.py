"""Sums written out, sample by sample and coordinate by coordinate; lists of numbers come back."""

# %% q1_centre
def centre(X, seen):
    n, d = X.shape
    mu = [0.0] * d
    for j in range(d):
        values = [X[i, j].item() for i in range(n) if seen[i, j]]
        if values:
            mu[j] = sum(values) / len(values)
    Xc = [[X[i, j].item() - mu[j] if seen[i, j] else 0.0 for j in range(d)] for i in range(n)]
    return Xc, mu

# %% q2_covariance
def merge(n1, mu1, C1, n2, mu2, C2):
    n, d = n1 + n2, len(mu1)
    mu = [(n1 * float(a) + n2 * float(b)) / n for a, b in zip(mu1, mu2)]
    C = [[0.0] * d for _ in range(d)]
    for j in range(d):
        for k in range(d):
            first = float(C1[j, k]) + (float(mu1[j]) - mu[j]) * (float(mu1[k]) - mu[k])
            second = float(C2[j, k]) + (float(mu2[j]) - mu[j]) * (float(mu2[k]) - mu[k])
            C[j][k] = (n1 * first + n2 * second) / n
    return [n, mu, C]

# %% q3_codes
def codes_from_products(G, m):
    n = len(G)
    K = torch.zeros_like(G)
    for i in range(n):
        for k in range(n):
            K[i, k] = G[i, k] - G[i].sum() / n - G[:, k].sum() / n + G.sum() / n**2
    U, S, _ = torch.linalg.svd(K)
    columns, variances = [], []
    for j in range(m):
        columns.append((U[:, j] * S[j] ** 0.5).tolist())
        variances.append(S[j].item() / n)
    return [list(row) for row in zip(*columns)], variances

# %% q4_codec
def encode(X, seen, W, mu):
    out = []
    for i in range(len(X)):
        m = len(W)
        A, b = torch.zeros(m, m, dtype=X.dtype), torch.zeros(m, dtype=X.dtype)
        for j in range(X.shape[1]):
            if seen[i, j]:
                A += torch.outer(W[:, j], W[:, j])
                b += W[:, j] * (X[i, j] - mu[j])
        out.append((torch.linalg.inv(A) @ b).tolist())
    return out


def fill_in(X, seen, H, W, mu):
    out = []
    for i in range(len(X)):
        row = []
        for j in range(X.shape[1]):
            rebuilt = mu[j].item() + sum(H[i, k].item() * W[k, j].item() for k in range(len(W)))
            row.append(X[i, j].item() if seen[i, j] else rebuilt)
        out.append(row)
    return out


def reconstruction_error(X, H, mu):
    total = 0.0
    for x, h in zip(X, H):
        total += float((x - mu) @ (x - mu)) - float(h @ h)
    return total / len(X)

# %% q5_error
def pca_errors(X):
    Xc = X - X.mean(dim=0)
    values = torch.linalg.svdvals(Xc).tolist()
    errors = []
    for m in range(X.shape[1] + 1):
        error = 0.0
        for k, s in enumerate(values):
            if k >= m:
                error += s**2 / len(X)
        errors.append(error)
    return errors


def choose_dimension(variances, share):
    total = 0.0
    for m, variance in enumerate(variances.tolist(), start=1):
        total += variance
        if total >= (share - 1e-12) * variances.sum().item():
            return m
    return len(variances)

# %% q6_whiten
def whiten(X, new):
    mu = X.mean(dim=0)
    _, S, Vh = torch.linalg.svd(X - mu)
    columns = []
    for s, v in zip(S, Vh):
        if s**2 > 1e-8 * S[0] ** 2:
            columns.append([float((x - mu) @ v / s * math.sqrt(len(X))) for x in new])
    return list(zip(*columns))

# %% q7_gradients
def autoencoder_gradients(W, D, X, A):
    grad_W, grad_D = torch.zeros_like(W), torch.zeros_like(D)
    for x, a in zip(X, A):
        h = W @ x
        r = a * (D @ h - x)
        grad_D += 2 * torch.outer(r, h) / len(X)
        grad_W += 2 * torch.outer(D.T @ r, x) / len(X)
    return grad_W, grad_D

# %% q8_steps
def update_codes(Xc, D, penalty):
    M = D.T @ D
    for j in range(len(M)):
        M[j, j] += penalty
    return torch.stack([torch.linalg.solve(M, D.T @ x) for x in Xc])


def update_dictionary(Xc, H, penalty):
    M = H.T @ H / len(Xc)
    for j in range(len(M)):
        M[j, j] += penalty
    return torch.stack([torch.linalg.solve(M, H.T @ column / len(Xc)) for column in Xc.T])

# %% q8_alternation
def alternate(Xc, D, penalty, iterations):
    objectives, D = [], D.clone()
    while len(objectives) < iterations:
        H = update_codes(Xc, D, penalty)
        D = update_dictionary(Xc, H, penalty)
        value = penalty * sum(float(column @ column) for column in D.T)
        for x, h in zip(Xc, H):
            value += (float((x - D @ h) @ (x - D @ h)) + penalty * float(h @ h)) / len(Xc)
        objectives.append(value)
    return H.tolist(), D.tolist(), objectives

# %% q10_escape
def escape_direction(X, W):
    Xc = X - X.mean(dim=0)
    variances = [float(((Xc @ w) ** 2).mean()) for w in W]
    for w in W:
        Xc = Xc - torch.outer(Xc @ w, w)
    _, S, Vh = torch.linalg.svd(Xc)
    return variances.index(min(variances)), Vh[0].tolist()
