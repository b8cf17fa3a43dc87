"""Counts the coordinates that are right: one wrong atom among fifty then costs 2 percent, although the support of that sample is wrong."""
# caught-by: q8_rate_visible, q8_rate_hidden

# %% q8_recovery
def one_step(X, D, tau):
    B = X @ D
    return B.sign() * (B.abs() - tau / 2).clamp(min=0)


def recovery_rate(H, H_true):
    return float(((H != 0) == (H_true != 0)).double().mean())


def guaranteed_noise(tau, penalty):
    return max(min(penalty, tau - penalty), 0.0)
