"""The n x n Gram matrix instead of the d x d covariance: eigenvectors u give the directions Xc^T u / s."""

# %% q3_directions
def principal_directions(X, m):
    Xc = X - X.mean(dim=0)
    squares, U = torch.linalg.eigh(Xc @ Xc.T)
    squares, U = squares.flip(0)[:m], U.flip(1)[:, :m]
    W = (Xc.T @ U / squares.sqrt()).T
    return W, squares / len(X)

# %% q5_error
def pca_error(X, m):
    Xc = X - X.mean(dim=0)
    eigenvalues = torch.linalg.eigvalsh(Xc @ Xc.T / len(X)).clamp_min(0)
    return float(eigenvalues.sort(descending=True).values[m:].sum())


def choose_dimension(variances, share):
    return int(torch.searchsorted(variances.cumsum(0), share * variances.sum())) + 1

# %% q6_whiten
def whiten(X, m):
    Xc = X - X.mean(dim=0)
    _, U = torch.linalg.eigh(Xc @ Xc.T)
    # The whitened codes are the left singular vectors, up to the factor sqrt(n).
    return U.flip(1)[:, :m] * len(X) ** 0.5
