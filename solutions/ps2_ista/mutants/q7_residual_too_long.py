"""Scales the residual to length penalty: the condition is on its products with the atoms, not on its length."""
# caught-by: q7_point_visible, q7_gap_visible, q7_random_hidden

# %% q7_gap
def dual_point(X, D, H, penalty):
    R = X - H @ D.T
    return R * (penalty / R.norm(dim=1, keepdim=True)).clamp(max=1)


def duality_gap(X, D, H, penalty):
    theta = dual_point(X, D, H, penalty)
    bound = (theta * X).sum(dim=1) - (theta**2).sum(dim=1) / 2
    return objective(X, D, H, penalty) - bound
