"""Sums the kept eigenvalues: that is the variance explained, the error is what the discarded ones leave."""
# caught-by: q5_error_visible, q5_error_hidden

# %% q5_error
def pca_error(X, m):
    Xc = X - X.mean(dim=0)
    variances = torch.linalg.svdvals(Xc) ** 2 / len(X)
    return variances[:m].sum()


def choose_dimension(variances, share):
    kept = torch.cumsum(variances, dim=0) / variances.sum()
    return min(int((kept < share).sum()) + 1, len(variances))
