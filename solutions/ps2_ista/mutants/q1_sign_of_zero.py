"""Treats a zero like any other number: where h = 0 the gradient may lie anywhere from -penalty to penalty, and sign(0) = 0 allows it the value 0 only."""
# caught-by: q1_violation_visible, q1_violation_hidden

# %% q1_optimality
def subdifferential(h, penalty):
    slope = penalty * h.sign()
    at_zero = penalty * (h == 0).to(h.dtype)
    return slope - at_zero, slope + at_zero


def violation(X, D, H, penalty):
    gradient = (H @ D.T - X) @ D
    return (gradient + penalty * H.sign()).abs().max(dim=1).values
