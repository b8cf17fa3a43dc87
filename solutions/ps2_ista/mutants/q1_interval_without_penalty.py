"""Leaves out the penalty: the slopes of penalty * |h| are penalty times those of |h|."""
# caught-by: q1_interval_visible, q1_interval_hidden

# %% q1_optimality
def subdifferential(h, penalty):
    slope = h.sign()
    at_zero = (h == 0).to(h.dtype)
    return slope - at_zero, slope + at_zero


def violation(X, D, H, penalty):
    gradient = (H @ D.T - X) @ D
    active = (gradient + penalty * H.sign()).abs()
    inactive = (gradient.abs() - penalty).clamp(min=0)
    return torch.where(H == 0, inactive, active).max(dim=1).values
