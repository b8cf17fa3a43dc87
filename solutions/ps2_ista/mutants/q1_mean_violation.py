"""Averages over the coordinates: one atom that violates its condition among a thousand that don't would go unnoticed."""
# caught-by: q1_violation_visible, q1_violation_hidden

# %% q1_optimality
def subdifferential(h, penalty):
    slope = penalty * h.sign()
    at_zero = penalty * (h == 0).to(h.dtype)
    return slope - at_zero, slope + at_zero


def violation(X, D, H, penalty):
    gradient = (H @ D.T - X) @ D
    active = (gradient + penalty * H.sign()).abs()
    inactive = (gradient.abs() - penalty).clamp(min=0)
    return torch.where(H == 0, inactive, active).mean(dim=1)
