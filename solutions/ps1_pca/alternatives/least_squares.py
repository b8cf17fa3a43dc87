"""lstsq and pseudoinverses instead of normal equations, NaN for what is missing, QR before the SVD."""

# %% q1_centre
def centre(X, seen):
    marked = X.masked_fill(~seen, float("nan"))
    mu = torch.nanmean(marked, dim=0).nan_to_num()
    return (marked - mu).nan_to_num(), mu

# %% q2_covariance
def merge(n1, mu1, C1, n2, mu2, C2):
    # Welford's update, with the scatter matrices n C.
    n, delta = n1 + n2, mu2 - mu1
    scatter = n1 * C1 + n2 * C2 + delta[:, None] * delta[None, :] * n1 * n2 / n
    return n, (n1 * mu1 + n2 * mu2) / n, scatter / n

# %% q3_codes
def codes_from_products(G, m):
    n = len(G)
    J = torch.eye(n, dtype=G.dtype) - 1 / n
    _, S, Vh = torch.linalg.svd(J @ G @ J)
    return (S[:m, None].sqrt() * Vh[:m]).T, S[:m] / n

# %% q4_codec
def encode(X, seen, W, mu):
    rows = []
    for x, s in zip(X, seen):
        # Rows of zeros for what was not seen.
        A = W.T * s[:, None]
        rows.append(torch.linalg.lstsq(A, torch.where(s, x - mu, 0.0)[:, None]).solution[:, 0])
    return torch.stack(rows)


def fill_in(X, seen, H, W, mu):
    out = X.clone()
    out[~seen] = (mu + H @ W)[~seen]
    return out


def reconstruction_error(X, H, mu):
    return torch.linalg.matrix_norm(X - mu) ** 2 / len(X) - torch.linalg.matrix_norm(H) ** 2 / len(X)

# %% q5_error
def pca_errors(X):
    n, d = X.shape
    Xc = X - X.mean(dim=0)
    if n < d:
        eigenvalues = torch.linalg.eigvalsh(Xc @ Xc.T / n).clamp_min(0).flip(0)
        eigenvalues = torch.nn.functional.pad(eigenvalues, (0, d - n))
    else:
        eigenvalues = torch.linalg.svdvals(torch.linalg.qr(Xc).R) ** 2 / n
    return [float(eigenvalues[m:].sum()) for m in range(d + 1)]


def choose_dimension(variances, share):
    wanted = (share - 1e-12) * variances.sum()
    m = 1
    while m < len(variances) and variances[:m].sum() < wanted:
        m += 1
    return float(m)

# %% q6_whiten
def whiten(X, new):
    mu = X.mean(dim=0)
    C = torch.cov(X.T, correction=0).reshape(X.shape[1], X.shape[1])
    V, variances, _ = torch.linalg.svd(C)
    r = sum(1 for v in variances.tolist() if v > 1e-10 * float(variances[0]))
    return torch.stack([(new - mu) @ V[:, j] / math.sqrt(variances[j]) for j in range(r)], dim=1)

# %% q8_steps
def update_codes(Xc, D, penalty):
    m = D.shape[1]
    rows = torch.cat([D, penalty**0.5 * torch.eye(m, dtype=D.dtype)])
    goals = torch.cat([Xc, torch.zeros(len(Xc), m, dtype=D.dtype)], dim=1)
    return torch.linalg.lstsq(rows, goals.T).solution.T


def update_dictionary(Xc, H, penalty):
    n, m = H.shape
    rows = torch.cat([H / n**0.5, penalty**0.5 * torch.eye(m, dtype=H.dtype)])
    goals = torch.cat([Xc / n**0.5, torch.zeros(m, Xc.shape[1], dtype=H.dtype)])
    return (torch.linalg.pinv(rows) @ goals).T

# %% q10_escape
def escape_direction(X, W):
    Xc = X - X.mean(dim=0)
    Q = torch.linalg.qr(W.T, mode="complete").Q[:, len(W) :]
    _, _, Vh = torch.linalg.svd(Xc @ Q, full_matrices=False)
    return min(range(len(W)), key=lambda j: float((Xc @ W[j]).norm())), Q @ Vh[0]
