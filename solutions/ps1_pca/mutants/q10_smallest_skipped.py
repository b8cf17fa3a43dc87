"""Turns towards the skipped direction of smallest variance: any unit vector orthogonal to W is a candidate, the one with the most variance is wanted."""
# caught-by: q10_escape_visible, q10_escape_hidden

# %% q10_escape
def escape_direction(X, W):
    Xc = X - X.mean(dim=0)
    C = Xc.T @ Xc / len(X)
    kept = torch.diag(W @ C @ W.T)
    variances, vectors = torch.linalg.eigh(C)
    skipped = [k for k in range(len(C)) if float((W @ vectors[:, k]).norm()) < 0.5]
    return int(kept.argmin()), vectors[:, skipped[0]]
