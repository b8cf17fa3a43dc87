"""Thinks of the zeros that must vanish and not of the entries that must survive: noise of tau - penalty can push a true entry under the threshold."""
# caught-by: q8_noise_visible, q8_noise_hidden

# %% q8_recovery
def one_step(X, D, tau):
    B = X @ D
    return B.sign() * (B.abs() - tau / 2).clamp(min=0)


def recovery_rate(H, H_true):
    return float(((H != 0) == (H_true != 0)).all(dim=1).double().mean())


def guaranteed_noise(tau, penalty):
    return penalty
