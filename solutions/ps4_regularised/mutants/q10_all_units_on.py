"""Counts units that are off: their slope is zero."""
# caught-by: q10_cheat_visible, q10_cheat_hidden

# %% q10_cheat
def cheat(W, b, D, eps):
    return eps * W, eps * b, D / eps


def cheating_scale(X, W, b, penalty):
    on = (X @ W.T + b > 0).to(X.dtype)
    return torch.sqrt(penalty / ((W**2).sum()))


def tied_gains(variances, penalty):
    return (1 - penalty / (2 * variances)).clamp(min=0)
