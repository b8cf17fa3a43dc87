"""Rotates back to the original coordinates (ZCA): the covariance is the identity as well, but the columns are not the principal codes."""
# caught-by: q6_whiten_visible, q6_whiten_hidden

# %% q6_whiten
def whiten(X, m):
    Xc = X - X.mean(dim=0)
    _, S, Vh = torch.linalg.svd(Xc, full_matrices=False)
    codes = Xc @ Vh[:m].T / (S[:m] / math.sqrt(len(X)))
    return (codes @ Vh[:m])[:, :m]
