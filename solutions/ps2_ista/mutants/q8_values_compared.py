"""Compares the values: the threshold moves them and the noise disturbs them, and it is only the places of the nonzeros that are recovered."""
# caught-by: q8_rate_visible, q8_rate_hidden

# %% q8_recovery
def one_step(X, D, tau):
    B = X @ D
    return B.sign() * (B.abs() - tau / 2).clamp(min=0)


def recovery_rate(H, H_true):
    return float(torch.isclose(H, H_true).all(dim=1).double().mean())


def guaranteed_noise(tau, penalty):
    return max(min(penalty, tau - penalty), 0.0)
