"""Divides by n - 1, which torch.cov does unless it is told otherwise: the directions are right, but the variances do not match the reconstruction error."""
# caught-by: q3_variances_visible, q3_variances_hidden

# %% q3_directions
def principal_directions(X, m):
    variances, vectors = torch.linalg.eigh(torch.cov(X.T))
    return vectors.flip(1)[:, :m].T, variances.flip(0)[:m]
