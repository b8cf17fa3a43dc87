"""Returns the lecture's tau / 4 for every penalty: that is a safe amount for tau / 2, not the largest, and not safe for other penalties."""
# caught-by: q8_noise_visible, q8_noise_hidden

# %% q8_recovery
def one_step(X, D, tau):
    B = X @ D
    return B.sign() * (B.abs() - tau / 2).clamp(min=0)


def recovery_rate(H, H_true):
    return float(((H != 0) == (H_true != 0)).all(dim=1).double().mean())


def guaranteed_noise(tau, penalty):
    return tau / 4
