"""Sums written out, sample by sample and coordinate by coordinate."""

# %% q1_centre
def centre(X):
    n = len(X)
    mu = torch.zeros(X.shape[1], dtype=X.dtype)
    for x in X:
        mu += x / n
    return torch.stack([x - mu for x in X]), mu

# %% q2_covariance
def covariance(X):
    n, d = X.shape
    mu = sum(X) / n
    C = torch.zeros(d, d, dtype=X.dtype)
    for x in X:
        C += torch.outer(x - mu, x - mu)
    return C / n

# %% q4_codec
def encode(X, W, mu):
    return torch.stack([W @ (x - mu) for x in X])


def decode(H, W, mu):
    out = []
    for h in H:
        x = mu.clone()
        for j in range(len(W)):
            x += h[j] * W[j]
        out.append(x)
    return torch.stack(out)


def reconstruction_error(X, X_hat):
    total = 0.0
    for x, x_hat in zip(X, X_hat):
        total += float((x - x_hat) @ (x - x_hat))
    return total / len(X)

# %% q5_error
def pca_error(X, m):
    Xc = X - X.mean(dim=0)
    error = 0.0
    for k, s in enumerate(torch.linalg.svdvals(Xc)):
        if k >= m:
            error += s.item() ** 2 / len(X)
    return error


def choose_dimension(variances, share):
    total = 0.0
    for m, variance in enumerate(variances.tolist(), start=1):
        total += variance
        if total >= share * variances.sum().item():
            return m
    return len(variances)

# %% q7_gradients
def autoencoder_gradients(W, D, Xc):
    grad_W, grad_D = torch.zeros_like(W), torch.zeros_like(D)
    for x in Xc:
        h = W @ x
        r = D @ h - x
        grad_D += 2 * torch.outer(r, h) / len(Xc)
        grad_W += 2 * torch.outer(D.T @ r, x) / len(Xc)
    return grad_W, grad_D

# %% q8_steps
def update_codes(Xc, D):
    return torch.stack([torch.linalg.solve(D.T @ D, D.T @ x) for x in Xc])


def update_dictionary(Xc, H):
    return torch.stack([torch.linalg.solve(H.T @ H, H.T @ column) for column in Xc.T])
