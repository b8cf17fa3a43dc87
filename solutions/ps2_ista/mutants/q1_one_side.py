"""Forgets the absolute value where h = 0: a gradient below -penalty is a violation as well as one above penalty."""
# caught-by: q1_violation_visible, q1_violation_hidden

# %% q1_optimality
def subdifferential(h, penalty):
    slope = penalty * h.sign()
    at_zero = penalty * (h == 0).to(h.dtype)
    return slope - at_zero, slope + at_zero


def violation(X, D, H, penalty):
    gradient = (H @ D.T - X) @ D
    active = (gradient + penalty * H.sign()).abs()
    inactive = (gradient - penalty).clamp(min=0)
    return torch.where(H == 0, inactive, active).max(dim=1).values
