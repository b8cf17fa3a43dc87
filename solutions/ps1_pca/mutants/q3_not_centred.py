"""Forgets to centre before the decomposition: the first direction then points from the origin to the mean instead of along the spread."""
# caught-by: q3_variances_visible, q3_variances_hidden, q3_subspace_hidden

# %% q3_directions
def principal_directions(X, m):
    _, S, Vh = torch.linalg.svd(X, full_matrices=False)
    return Vh[:m], S[:m] ** 2 / len(X)
