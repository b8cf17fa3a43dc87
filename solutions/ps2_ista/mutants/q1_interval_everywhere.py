"""Gives the whole interval to every entry: away from zero the absolute value has one slope."""
# caught-by: q1_interval_visible, q1_interval_hidden

# %% q1_optimality
def subdifferential(h, penalty):
    return torch.full_like(h, -penalty), torch.full_like(h, penalty)


def violation(X, D, H, penalty):
    gradient = (H @ D.T - X) @ D
    active = (gradient + penalty * H.sign()).abs()
    inactive = (gradient.abs() - penalty).clamp(min=0)
    return torch.where(H == 0, inactive, active).max(dim=1).values
