"""Scales all residuals by the largest correlation of the whole set: each sample has its own problem and its own scale."""
# caught-by: q7_point_visible, q7_gap_visible, q7_random_hidden

# %% q7_gap
def dual_point(X, D, H, penalty):
    R = X - H @ D.T
    return R * (penalty / (R @ D).abs().max()).clamp(max=1)


def duality_gap(X, D, H, penalty):
    theta = dual_point(X, D, H, penalty)
    bound = (theta * X).sum(dim=1) - (theta**2).sum(dim=1) / 2
    return objective(X, D, H, penalty) - bound
