"""Forgets the 1/2 before ||theta||^2 in the dual objective."""
# caught-by: q7_gap_visible, q7_random_hidden

# %% q7_gap
def dual_point(X, D, H, penalty):
    R = X - H @ D.T
    largest = (R @ D).abs().max(dim=1, keepdim=True).values
    # Division by the larger of the two: no division by zero where all products are zero.
    return R * penalty / largest.clamp(min=penalty)


def duality_gap(X, D, H, penalty):
    theta = dual_point(X, D, H, penalty)
    return objective(X, D, H, penalty) - (theta * X).sum(dim=1) + (theta**2).sum(dim=1)
