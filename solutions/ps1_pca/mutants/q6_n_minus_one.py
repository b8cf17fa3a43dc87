"""Whitens with the n - 1 standard deviation: Z^T Z / n is then (n - 1)/n times the identity."""
# caught-by: q6_whiten_visible, q6_whiten_hidden

# %% q6_whiten
def whiten(X, m):
    Xc = X - X.mean(dim=0)
    _, S, Vh = torch.linalg.svd(Xc, full_matrices=False)
    variances = S[:m] ** 2 / (len(X) - 1)
    return Xc @ Vh[:m].T / variances.sqrt()
