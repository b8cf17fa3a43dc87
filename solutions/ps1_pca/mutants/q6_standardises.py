"""Standardises the coordinates: each then has variance one, but they remain correlated."""
# caught-by: q6_whiten_visible, q6_whiten_hidden

# %% q6_whiten
def whiten(X, m):
    Xc = X - X.mean(dim=0)
    return (Xc / Xc.pow(2).mean(dim=0).sqrt())[:, :m]
