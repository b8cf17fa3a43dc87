"""Checks the coordinates that are not zero and no others: the code 0 would then always be optimal."""
# caught-by: q1_violation_visible, q1_violation_hidden

# %% q1_optimality
def subdifferential(h, penalty):
    slope = penalty * h.sign()
    at_zero = penalty * (h == 0).to(h.dtype)
    return slope - at_zero, slope + at_zero


def violation(X, D, H, penalty):
    gradient = (H @ D.T - X) @ D
    active = (gradient + penalty * H.sign()).abs()
    return (active * (H != 0)).max(dim=1).values
