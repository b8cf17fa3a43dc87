"""Takes 0 for the only slope of |h| at zero, because sign(0) = 0: at the corner every slope from -penalty to penalty is a subgradient."""
# caught-by: q1_interval_visible, q1_interval_hidden

# %% q1_optimality
def subdifferential(h, penalty):
    slope = penalty * h.sign()
    return slope, slope.clone()


def violation(X, D, H, penalty):
    gradient = (H @ D.T - X) @ D
    active = (gradient + penalty * H.sign()).abs()
    inactive = (gradient.abs() - penalty).clamp(min=0)
    return torch.where(H == 0, inactive, active).max(dim=1).values
