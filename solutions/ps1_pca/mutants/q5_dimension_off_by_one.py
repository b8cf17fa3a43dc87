"""Returns an index for a count: the first position whose cumulative share suffices counts from 0, the number of directions from 1."""
# caught-by: q5_dimension_visible, q5_dimension_hidden

# %% q5_error
def pca_error(X, m):
    Xc = X - X.mean(dim=0)
    variances = torch.linalg.svdvals(Xc) ** 2 / len(X)
    return variances[m:].sum()


def choose_dimension(variances, share):
    kept = torch.cumsum(variances, dim=0) / variances.sum()
    return int((kept < share).sum())
