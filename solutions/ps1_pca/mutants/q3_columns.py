"""Returns the directions as columns, shape (d, m): here they are the rows of W, so that H = Xc W^T."""
# caught-by: q3_orthonormal_visible, q3_subspace_hidden

# %% q3_directions
def principal_directions(X, m):
    Xc = X - X.mean(dim=0)
    _, S, Vh = torch.linalg.svd(Xc, full_matrices=False)
    return Vh[:m].T, S[:m] ** 2 / len(X)
