"""Divides by the singular values: these are sqrt(n) times the standard deviations, so every variance comes out as 1/n."""
# caught-by: q6_whiten_visible, q6_whiten_hidden

# %% q6_whiten
def whiten(X, m):
    Xc = X - X.mean(dim=0)
    _, S, Vh = torch.linalg.svd(Xc, full_matrices=False)
    return Xc @ Vh[:m].T / S[:m]
