"""Scales the directions by their standard deviations: the rows of W are unit vectors, the size of the spread belongs to the variances."""
# caught-by: q3_orthonormal_visible, q3_subspace_hidden

# %% q3_directions
def principal_directions(X, m):
    Xc = X - X.mean(dim=0)
    _, S, Vh = torch.linalg.svd(Xc, full_matrices=False)
    variances = S[:m] ** 2 / len(X)
    return Vh[:m] * variances.sqrt()[:, None], variances
