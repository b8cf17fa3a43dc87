"""Sums singular values: the squared distance is a sum of eigenvalues, which are squared singular values divided by n."""
# caught-by: q5_error_visible, q5_error_hidden

# %% q5_error
def pca_error(X, m):
    Xc = X - X.mean(dim=0)
    variances = torch.linalg.svdvals(Xc)
    return variances[m:].sum()


def choose_dimension(variances, share):
    kept = torch.cumsum(variances, dim=0) / variances.sum()
    return min(int((kept < share).sum()) + 1, len(variances))
