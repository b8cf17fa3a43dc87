"""Takes rows for columns: torch.linalg.eigh returns eigenvectors as columns, and the first m rows of that matrix are no eigenvectors at all."""
# caught-by: q3_variances_visible, q3_subspace_hidden

# %% q3_directions
def principal_directions(X, m):
    Xc = X - X.mean(dim=0)
    variances, vectors = torch.linalg.eigh(Xc.T @ Xc / len(X))
    return vectors.flip(1)[:m], variances.flip(0)[:m]
