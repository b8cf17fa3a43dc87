"""The covariance by torch.cov with correction=0, and everything else from its eigenvectors."""

# %% q2_covariance
def covariance(X):
    return torch.cov(X.T, correction=0)

# %% q3_directions
def principal_directions(X, m):
    variances, vectors = torch.linalg.eigh(torch.cov(X.T, correction=0))
    return vectors.flip(1)[:, :m].T, variances.flip(0)[:m]

# %% q5_error
def pca_error(X, m):
    d = X.shape[1]
    return torch.linalg.eigvalsh(torch.cov(X.T, correction=0))[: d - m].sum()


def choose_dimension(variances, share):
    return torch.searchsorted(variances.cumsum(0) / variances.sum(), share) + 1

# %% q6_whiten
def whiten(X, m):
    variances, vectors = torch.linalg.eigh(torch.cov(X.T, correction=0))
    return (X - X.mean(dim=0)) @ vectors.flip(1)[:, :m] / variances.flip(0)[:m].sqrt()

# %% q7_gradients
def autoencoder_gradients(W, D, Xc):
    C = torch.cov(Xc.T, correction=0)
    rest = torch.eye(len(C), dtype=C.dtype) - D @ W
    return -2 * D.T @ rest @ C, -2 * rest @ C @ W.T
