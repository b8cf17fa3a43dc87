"""Compares how many nonzeros there are: the right number of them in the wrong places is no recovery."""
# caught-by: q8_rate_visible, q8_rate_hidden

# %% q8_recovery
def one_step(X, D, tau):
    B = X @ D
    return B.sign() * (B.abs() - tau / 2).clamp(min=0)


def recovery_rate(H, H_true):
    return float(((H != 0).sum(dim=1) == (H_true != 0).sum(dim=1)).double().mean())


def guaranteed_noise(tau, penalty):
    return max(min(penalty, tau - penalty), 0.0)
