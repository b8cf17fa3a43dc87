"""Has the sign of the gradient wrong: that of 1/2 ||x - D h||^2 is D^T (D h - x), and it has to cancel penalty * sign(h)."""
# caught-by: q1_violation_visible, q1_violation_hidden

# %% q1_optimality
def subdifferential(h, penalty):
    slope = penalty * h.sign()
    at_zero = penalty * (h == 0).to(h.dtype)
    return slope - at_zero, slope + at_zero


def violation(X, D, H, penalty):
    gradient = (X - H @ D.T) @ D
    active = (gradient + penalty * H.sign()).abs()
    inactive = (gradient.abs() - penalty).clamp(min=0)
    return torch.where(H == 0, inactive, active).max(dim=1).values
