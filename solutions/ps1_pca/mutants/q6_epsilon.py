"""Adds a constant under the root: 1e-5 is nothing for data of size one and everything for data measured in thousandths."""
# caught-by: q6_whiten_visible, q6_whiten_hidden

# %% q6_whiten
def whiten(X, m):
    Xc = X - X.mean(dim=0)
    _, S, Vh = torch.linalg.svd(Xc, full_matrices=False)
    variances = S[:m] ** 2 / len(X)
    return Xc @ Vh[:m].T / (variances + 1e-5).sqrt()
