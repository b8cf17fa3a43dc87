"""Always turns towards the leading direction: W may hold it already, and then it is not orthogonal to the rows."""
# caught-by: q10_escape_visible, q10_escape_hidden

# %% q10_escape
def escape_direction(X, W):
    Xc = X - X.mean(dim=0)
    kept = ((Xc @ W.T) ** 2).mean(dim=0)
    rest = Xc - Xc @ W.T @ W
    _, _, Vh = torch.linalg.svd(Xc, full_matrices=False)
    return int(kept.argmin()), Vh[0]
