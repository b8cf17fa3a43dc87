"""Forgets the 2 of the derivative of the square."""
# caught-by: q10_tied_visible, q10_tied_hidden

# %% q10_cheat
def cheat(W, b, D, eps):
    return eps * W, eps * b, D / eps


def cheating_scale(X, W, b, penalty):
    on = (X @ W.T + b > 0).to(X.dtype)
    return torch.sqrt(penalty / (on.mean(dim=0) @ (W**2).sum(dim=1)))


def tied_gains(variances, penalty):
    return (1 - penalty / variances).clamp(min=0)
