"""Divides by the variance: the code has variance lambda, so dividing by its square root makes that one."""
# caught-by: q6_whiten_visible, q6_whiten_hidden

# %% q6_whiten
def whiten(X, m):
    Xc = X - X.mean(dim=0)
    _, S, Vh = torch.linalg.svd(Xc, full_matrices=False)
    variances = S[:m] ** 2 / len(X)
    return Xc @ Vh[:m].T / variances
