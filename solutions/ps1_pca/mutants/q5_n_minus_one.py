"""Uses the variances with n - 1: the sum of discarded eigenvalues equals the reconstruction error only when both are means over n."""
# caught-by: q5_error_visible, q5_error_hidden

# %% q5_error
def pca_error(X, m):
    Xc = X - X.mean(dim=0)
    variances = torch.linalg.svdvals(Xc) ** 2 / (len(X) - 1)
    return variances[m:].sum()


def choose_dimension(variances, share):
    kept = torch.cumsum(variances, dim=0) / variances.sum()
    return min(int((kept < share).sum()) + 1, len(variances))
