"""Multiplies the weights by eps squared: that is what happens to the penalty."""
# caught-by: q10_cheat_visible, q10_cheat_hidden

# %% q10_cheat
def cheat(W, b, D, eps):
    return eps**2 * W, eps**2 * b, D / eps**2


def cheating_scale(X, W, b, penalty):
    on = (X @ W.T + b > 0).to(X.dtype)
    return torch.sqrt(penalty / (on.mean(dim=0) @ (W**2).sum(dim=1)))


def tied_gains(variances, penalty):
    return (1 - penalty / (2 * variances)).clamp(min=0)
