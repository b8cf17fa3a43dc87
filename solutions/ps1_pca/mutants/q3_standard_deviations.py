"""Returns standard deviations: the variance is the squared singular value divided by n, not the singular value divided by the root of n."""
# caught-by: q3_variances_visible, q3_variances_hidden

# %% q3_directions
def principal_directions(X, m):
    Xc = X - X.mean(dim=0)
    _, S, Vh = torch.linalg.svd(Xc, full_matrices=False)
    return Vh[:m], S[:m] / math.sqrt(len(X))
