"""Takes the residual as the dual point: unless |D^T theta| <= penalty holds, it bounds nothing and the gap can come out negative."""
# caught-by: q7_point_visible, q7_gap_visible, q7_random_hidden

# %% q7_gap
def dual_point(X, D, H, penalty):
    return X - H @ D.T


def duality_gap(X, D, H, penalty):
    theta = dual_point(X, D, H, penalty)
    bound = (theta * X).sum(dim=1) - (theta**2).sum(dim=1) / 2
    return objective(X, D, H, penalty) - bound
