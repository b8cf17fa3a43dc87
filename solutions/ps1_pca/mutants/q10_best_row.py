"""Gives up the row with the largest variance: the error falls by the difference of the variances, so the smallest one has to go."""
# caught-by: q10_escape_visible, q10_escape_hidden

# %% q10_escape
def escape_direction(X, W):
    Xc = X - X.mean(dim=0)
    kept = ((Xc @ W.T) ** 2).mean(dim=0)
    rest = Xc - Xc @ W.T @ W
    _, _, Vh = torch.linalg.svd(rest, full_matrices=False)
    return int(kept.argmax()), Vh[0]
