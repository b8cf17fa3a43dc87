"""Eigenvectors of the covariance matrix, from torch.linalg.eigh turned around."""

# %% q3_directions
def principal_directions(X, m):
    Xc = X - X.mean(dim=0)
    variances, vectors = torch.linalg.eigh(Xc.T @ Xc / len(X))
    return vectors.flip(1)[:, :m].T, variances.flip(0)[:m]

# %% q5_error
def pca_error(X, m):
    # The trace minus the kept part, instead of a sum of the discarded one.
    C = torch.cov(X.T, correction=0)
    eigenvalues = torch.linalg.eigvalsh(C).flip(0)
    return C.trace() - eigenvalues[:m].sum()


def choose_dimension(variances, share):
    wanted = share * variances.sum()
    m = 1
    while m < len(variances) and variances[:m].sum() < wanted:
        m += 1
    return m

# %% q6_whiten
def whiten(X, m):
    Xc = X - X.mean(dim=0)
    variances, vectors = torch.linalg.eigh(Xc.T @ Xc / len(X))
    top = vectors[:, -m:].flip(1)
    return Xc @ top @ torch.diag(variances[-m:].flip(0) ** -0.5)

# %% q10_escape
def escape_direction(X, W):
    Xc = X - X.mean(dim=0)
    C = Xc.T @ Xc / len(X)
    P = torch.eye(X.shape[1], dtype=X.dtype) - W.T @ W
    _, vectors = torch.linalg.eigh(P @ C @ P)
    return torch.argmin(torch.diagonal(W @ C @ W.T)), vectors[:, -1]
