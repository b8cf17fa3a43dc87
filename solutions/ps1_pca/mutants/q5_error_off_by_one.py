"""Starts summing one eigenvalue too late: with indices from 0, the first discarded one is number m, not m + 1."""
# caught-by: q5_error_visible, q5_error_hidden

# %% q5_error
def pca_error(X, m):
    Xc = X - X.mean(dim=0)
    variances = torch.linalg.svdvals(Xc) ** 2 / len(X)
    return variances[m + 1 :].sum()


def choose_dimension(variances, share):
    kept = torch.cumsum(variances, dim=0) / variances.sum()
    return min(int((kept < share).sum()) + 1, len(variances))
