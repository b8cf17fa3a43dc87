"""Takes the sum over the samples for their mean."""
# caught-by: q10_cheat_visible, q10_cheat_hidden

# %% q10_cheat
def cheat(W, b, D, eps):
    return eps * W, eps * b, D / eps


def cheating_scale(X, W, b, penalty):
    on = (X @ W.T + b > 0).to(X.dtype)
    return torch.sqrt(penalty / (on.sum(dim=0) @ (W**2).sum(dim=1)))


def tied_gains(variances, penalty):
    return (1 - penalty / (2 * variances)).clamp(min=0)
