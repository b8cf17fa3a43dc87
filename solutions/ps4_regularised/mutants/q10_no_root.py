"""Forgets the root: the penalty goes with eps squared."""
# caught-by: q10_cheat_visible, q10_cheat_hidden

# %% q10_cheat
def cheat(W, b, D, eps):
    return eps * W, eps * b, D / eps


def cheating_scale(X, W, b, penalty):
    on = (X @ W.T + b > 0).to(X.dtype)
    return penalty / (on.mean(dim=0) @ (W**2).sum(dim=1))


def tied_gains(variances, penalty):
    return (1 - penalty / (2 * variances)).clamp(min=0)
