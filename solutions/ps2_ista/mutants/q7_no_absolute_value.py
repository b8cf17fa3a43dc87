"""Forgets the absolute value of the correlations: the condition holds from both sides, -penalty <= d_j^T theta <= penalty."""
# caught-by: q7_point_visible, q7_gap_visible, q7_random_hidden

# %% q7_gap
def dual_point(X, D, H, penalty):
    R = X - H @ D.T
    largest = (R @ D).max(dim=1, keepdim=True).values.clamp(min=1e-300)
    return R * (penalty / largest).clamp(max=1)


def duality_gap(X, D, H, penalty):
    theta = dual_point(X, D, H, penalty)
    bound = (theta * X).sum(dim=1) - (theta**2).sum(dim=1) / 2
    return objective(X, D, H, penalty) - bound
