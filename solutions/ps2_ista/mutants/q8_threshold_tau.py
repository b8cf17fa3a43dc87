"""Thresholds at tau itself: with noise an entry of size tau may come out smaller and would be lost; tau / 2 lies between what is kept and what is not."""
# caught-by: q8_step_visible, q8_step_hidden

# %% q8_recovery
def one_step(X, D, tau):
    B = X @ D
    return B.sign() * (B.abs() - tau).clamp(min=0)


def recovery_rate(H, H_true):
    return float(((H != 0) == (H_true != 0)).all(dim=1).double().mean())


def guaranteed_noise(tau, penalty):
    return max(min(penalty, tau - penalty), 0.0)
