"""Assumes the rows of W are sorted and turns the last one; the question says in any order."""
# caught-by: q10_escape_visible, q10_escape_hidden

# %% q10_escape
def escape_direction(X, W):
    Xc = X - X.mean(dim=0)
    kept = ((Xc @ W.T) ** 2).mean(dim=0)
    rest = Xc - Xc @ W.T @ W
    _, _, Vh = torch.linalg.svd(rest, full_matrices=False)
    return len(W) - 1, Vh[0]
