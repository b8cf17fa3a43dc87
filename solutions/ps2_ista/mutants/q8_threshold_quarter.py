"""Thresholds at tau / 4, the size of the noise: the penalty of the lecture is tau / 2."""
# caught-by: q8_step_visible, q8_step_hidden

# %% q8_recovery
def one_step(X, D, tau):
    B = X @ D
    return B.sign() * (B.abs() - tau / 4).clamp(min=0)


def recovery_rate(H, H_true):
    return float(((H != 0) == (H_true != 0)).all(dim=1).double().mean())


def guaranteed_noise(tau, penalty):
    return max(min(penalty, tau - penalty), 0.0)
