"""Takes the directions of smallest variance: torch.linalg.eigh sorts eigenvalues upwards, so the principal ones come last."""
# caught-by: q3_variances_visible, q3_variances_hidden, q3_subspace_hidden

# %% q3_directions
def principal_directions(X, m):
    Xc = X - X.mean(dim=0)
    variances, vectors = torch.linalg.eigh(Xc.T @ Xc / len(X))
    return vectors[:, :m].T, variances[:m]
