"""Projects data that are not centred: the directions are right, but every code is shifted by the mean."""
# caught-by: q6_whiten_visible, q6_whiten_hidden

# %% q6_whiten
def whiten(X, m):
    Xc = X - X.mean(dim=0)
    _, S, Vh = torch.linalg.svd(Xc, full_matrices=False)
    variances = S[:m] ** 2 / len(X)
    return X @ Vh[:m].T / variances.sqrt()
