"""Takes shares of the standard deviations: variances add up along orthogonal directions, standard deviations do not."""
# caught-by: q5_dimension_visible

# %% q5_error
def pca_error(X, m):
    Xc = X - X.mean(dim=0)
    variances = torch.linalg.svdvals(Xc) ** 2 / len(X)
    return variances[m:].sum()


def choose_dimension(variances, share):
    variances = variances.sqrt()
    kept = torch.cumsum(variances, dim=0) / variances.sum()
    return min(int((kept < share).sum()) + 1, len(variances))
