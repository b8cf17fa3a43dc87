"""Leaves the large entries as they are: a step of ISTA moves them by tau / 2 as well, which does not change the support but does change the code."""
# caught-by: q8_step_visible, q8_step_hidden

# %% q8_recovery
def one_step(X, D, tau):
    B = X @ D
    return B * (B.abs() > tau / 2)


def recovery_rate(H, H_true):
    return float(((H != 0) == (H_true != 0)).all(dim=1).double().mean())


def guaranteed_noise(tau, penalty):
    return max(min(penalty, tau - penalty), 0.0)
