"""Asks for more than the share: reaching it exactly is enough, so compare with < and not with <=."""
# caught-by: q5_dimension_visible, q5_dimension_hidden

# %% q5_error
def pca_error(X, m):
    Xc = X - X.mean(dim=0)
    variances = torch.linalg.svdvals(Xc) ** 2 / len(X)
    return variances[m:].sum()


def choose_dimension(variances, share):
    kept = torch.cumsum(variances, dim=0) / variances.sum()
    return min(int((kept <= share).sum()) + 1, len(variances))
